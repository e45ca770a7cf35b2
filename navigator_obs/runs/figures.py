"""The summary's tables, made from a run's metrics: pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..operations.outcomes import is_undone
from ..operations.parts import Share, seconds
from ..operations.stats import OperationStats
from ..operations.totals import Metrics
from .bottlenecks import above


def read(kept: dict[str, Any]) -> Metrics:
    """Return the metrics that a journal has *kept*. Rows that are no number there, for they have too many digits for
    one, are not known.
    """
    metrics = Metrics.from_dict(kept)
    for stats in metrics.operations.values():
        counted: list[OperationStats | Share] = [stats]
        counted.extend(share for shares in stats.by.values() for share in shares.values())
        for figures in counted:
            if not isinstance(figures.rows, int):
                figures.rows = None
    return metrics


def operation_count(metrics: Metrics) -> int:
    """Return how many operations have ended."""
    return sum(stats.count for stats in metrics.operations.values())


def rows(metrics: Metrics) -> int:
    """Return the rows that were worked on: those of the outermost operations that have ended and counted any.

    As the tables by year have it, each year by itself: where a year's own operation has not ended, or counted none, its
    parts count.
    """
    keys = _keys(metrics)
    key = "year" if "year" in keys else min(keys, default="")
    counted = {path: _rows_by_value(stats, key) for path, stats in metrics.operations.items() if stats.rows is not None}
    return sum(
        number
        for path, by_value in counted.items()
        for value, number in by_value.items()
        if not any(value in counted.get(above, ()) or counted.get(above, {}).get(None) for above in above(path))
    )


def _rows_by_value(stats: OperationStats, key: str) -> dict[str | None, int]:
    """The rows by value of *key*; under None those of operations outside of any."""
    found: dict[str | None, int] = {
        value: share.rows for value, share in stats.by.get(key, {}).items() if share.rows is not None
    }
    rest = (stats.rows or 0) - sum(found.values())
    return {**found, None: rest} if rest > 0 else found


def years_completed(metrics: Metrics, checkpoints: Iterable[int], open_operations: Iterable[Any]) -> list[Any]:
    """Return the years that are done: by a checkpoint, or because each outermost operation of the year has succeeded.

    An operation that failed and succeeded when it was tried again has succeeded; one that succeeded in one context
    (scenario) and failed in another has not, whatever the checkpoints say. A year with an operation open is not done.
    """
    saved, failed = {str(year) for year in checkpoints}, set()
    done, undone = set(saved), set()
    by_path = {path: stats.by.get("year", {}) for path, stats in metrics.operations.items()}
    for path, shares in by_path.items():
        for year, share in shares.items():
            if any(year in by_path.get(above, ()) for above in above(path)):
                # A worker's part of the year.
                continue
            if is_undone(share.outcomes):
                failed.add(year)
            elif share.completed:
                done.add(year)
            elif share.outermost_ns:
                undone.add(year)
    undone |= {str((operation.get("breakdown") or {}).get("year")) for operation in open_operations}
    return sorted((_year(year) for year in done - failed if year in saved or year not in undone), key=str)


def _year(text: str) -> Any:
    return int(text) if text.removeprefix("-").isdigit() else text


def breakdown(metrics: Metrics, covered_seconds: float, duration_seconds: float) -> dict[str, Any]:
    """Return `breakdown`: how much of the time operations cover, and each year's share of it."""
    known = duration_seconds > 0
    percent = min(100 * covered_seconds / duration_seconds, 100.0) if known else None
    return {
        "coverage_percent": None if percent is None else round(percent, 2),
        "unattributed_seconds": round(max(duration_seconds - covered_seconds, 0.0), 9),
        "by": {key: _by_value(metrics, key) for key in sorted(_keys(metrics))},
    }


def _keys(metrics: Metrics) -> set[str]:
    return {key for stats in metrics.operations.values() for key in stats.by}


def _by_value(metrics: Metrics, key: str) -> dict[str, Any]:
    found: dict[str, dict[str, Share]] = {}
    for path, stats in sorted(metrics.operations.items()):
        for value, share in stats.by.get(key, {}).items():
            found.setdefault(value, {})[path] = share
    return {value: _value_row(shares) for value, shares in sorted(found.items())}


def _value_row(shares: Mapping[str, Share]) -> dict[str, Any]:
    counted = {path: share.rows for path, share in shares.items() if share.rows is not None}
    outermost = [number for path, number in counted.items() if not any(above in counted for above in above(path))]
    # A worker does not know what the operation that it works for is broken down by.
    longest = [
        share.outermost_ns for path, share in shares.items() if not any(above in shares for above in above(path))
    ]
    return {
        "duration_seconds": seconds(sum(longest)),
        "rows": sum(outermost) if counted else None,
        "operations": {path: seconds(share.total_ns) for path, share in shares.items()},
    }
