"""Runs as flat tables for queries: `runs`, `operations`, `issues` and `checks`, a row each, with plain values."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ..runs.reading import table, tables
from .entry import RunEntry

Row = dict[str, Any]

TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "runs": {
        "run_id": "VARCHAR",
        "name": "VARCHAR",
        "status": "VARCHAR",
        "status_reason": "VARCHAR",
        "start_time": "TIMESTAMP",
        "end_time": "TIMESTAMP",
        "duration_seconds": "DOUBLE",
        "exit_code": "BIGINT",
        "signal": "VARCHAR",
        "errors": "BIGINT",
        "warnings": "BIGINT",
        "checks_failed": "BIGINT",
        "operations": "BIGINT",
        "rows": "BIGINT",
        "years_planned": "BIGINT",
        "years_completed": "BIGINT",
        "peak_memory_mb": "DOUBLE",
        "cpu_seconds": "DOUBLE",
        "host": "VARCHAR",
        "user": "VARCHAR",
        "python": "VARCHAR",
        "git_commit": "VARCHAR",
        "git_dirty": "BOOLEAN",
        "config_fingerprint": "VARCHAR",
        "params": "JSON",
        "tags": "VARCHAR[]",
        "pinned": "BOOLEAN",
        "acknowledged": "BOOLEAN",
        "directory": "VARCHAR",
    },
    "operations": {
        "run_id": "VARCHAR",
        "operation_path": "VARCHAR",
        "operation": "VARCHAR",
        "count": "BIGINT",
        "failed": "BIGINT",
        "cancelled": "BIGINT",
        "total_seconds": "DOUBLE",
        "self_seconds": "DOUBLE",
        "cpu_seconds": "DOUBLE",
        "min_seconds": "DOUBLE",
        "p50_seconds": "DOUBLE",
        "p90_seconds": "DOUBLE",
        "p95_seconds": "DOUBLE",
        "p99_seconds": "DOUBLE",
        "max_seconds": "DOUBLE",
        "peak_memory_mb": "DOUBLE",
        "rows": "BIGINT",
        "rows_per_second": "DOUBLE",
        "by": "JSON",
    },
    "issues": {
        "run_id": "VARCHAR",
        "severity": "VARCHAR",
        "fingerprint": "VARCHAR",
        "category": "VARCHAR",
        "type": "VARCHAR",
        "message": "VARCHAR",
        "count": "BIGINT",
        "first_time": "TIMESTAMP",
        "last_time": "TIMESTAMP",
        "operation_path": "VARCHAR",
        "context": "JSON",
        "first": "JSON",
        "last": "JSON",
    },
    "checks": {
        "run_id": "VARCHAR",
        "name": "VARCHAR",
        "outcome": "VARCHAR",
        "severity": "VARCHAR",
        "value": "DOUBLE",
        "min": "DOUBLE",
        "max": "DOUBLE",
        "equals": "VARCHAR",
        "unit": "VARCHAR",
        "year": "BIGINT",
        "dataset": "VARCHAR",
        "count": "BIGINT",
        "failures": "BIGINT",
        "time": "TIMESTAMP",
    },
}
"""By table: its columns and their SQL types. Times are UTC; what is nested is JSON."""


def rows_of(name: str, run: RunEntry, summary: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows that *run* has in the table *name*, a key of `TABLES`, out of its whole summary.

    >>> list(TABLES["checks"])[:3]
    ['run_id', 'name', 'outcome']
    """
    for row in _MAKERS[name](run, summary):
        yield {"run_id": run.run_id, **{key: _plain(row.get(key)) for key in TABLES[name] if key != "run_id"}}


def _plain(value: Any) -> Any:
    # What no column of 64 bits holds is told as a float.
    return float(value) if isinstance(value, int) and abs(value) >= 2**63 else value


def _runs(run: RunEntry, summary: Mapping[str, Any]) -> Iterator[Row]:
    metadata, execution = table(summary, "run_metadata"), table(summary, "execution_summary")
    environment, resources = table(summary, "environment"), table(summary, "resources")
    configuration, git = table(summary, "configuration"), table(environment, "git")
    outcomes = table(execution, "checks")
    yield {
        **{key: metadata.get(key) for key in ("end_time", "exit_code", "signal", "host", "user")},
        **{key: execution.get(key) for key in ("operations", "rows")},
        **{key: _length(execution.get(key)) for key in ("years_planned", "years_completed")},
        **{key: resources.get(key) for key in ("peak_memory_mb", "cpu_seconds")},
        **run.to_dict(),
        "checks_failed": sum(outcomes.get(key) or 0 for key in ("fail", "error")) if outcomes else None,
        "python": environment.get("python"),
        "git_commit": git.get("commit"),
        "git_dirty": git.get("dirty"),
        "config_fingerprint": configuration.get("fingerprint"),
        "params": configuration.get("params"),
    }


def _operations(_: RunEntry, summary: Mapping[str, Any]) -> Iterator[Row]:
    for path, stats in table(summary, "performance_metrics").items():
        if isinstance(stats, Mapping):
            yield {**stats, "operation_path": path, "operation": path.rpartition("/")[2]}


def _issues(_: RunEntry, summary: Mapping[str, Any]) -> Iterator[Row]:
    issues = table(summary, "issues")
    for severity in issues:
        for group in tables(issues, severity):
            yield {**group, "severity": severity.removesuffix("s")}


def _checks(_: RunEntry, summary: Mapping[str, Any]) -> Iterator[Row]:
    for group in tables(summary, "checks"):
        equals = group.get("equals")
        yield {**group, "equals": equals if equals is None or isinstance(equals, str) else json.dumps(equals)}


_MAKERS: Final[Mapping[str, Callable[[RunEntry, Mapping[str, Any]], Iterator[Row]]]] = {
    "runs": _runs,
    "operations": _operations,
    "issues": _issues,
    "checks": _checks,
}


def _length(value: Any) -> int | None:
    return len(value) if isinstance(value, list) else None
