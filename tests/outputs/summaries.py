"""Summaries to be shown: a full one, and parts of others."""

from __future__ import annotations

YEARS = [str(year) for year in range(2025, 2030)]


def stats(seconds: float, **more: object) -> dict:
    return {
        "count": 5,
        "failed": 0,
        "total_seconds": seconds,
        "self_seconds": seconds,
        "rows_per_second": 1200.0,
    } | more


SUMMARY = {
    "schema_version": 1,
    "run_metadata": {
        "run_id": "20250818_143022-1a2b3c4d",
        "name": "baseline",
        "status": "failed",
        "status_reason": "duckdb.ConstraintException: Duplicate key",
        "start_time": "2025-08-18T14:30:22.123456Z",
        "end_time": "2025-08-18T14:30:34.523456Z",
        "duration_seconds": 12.4,
        "exit_code": 1,
        "host": "srv-12",
        "user": "ann",
        "pid": 4711,
        "tags": ["nightly"],
    },
    "configuration": {"params": {"seed": 42}},
    "environment": {"python": "3.11.7", "git": {"commit": "1a2b3c4d5e6f7a8b", "dirty": True, "branch": "main"}},
    "execution_summary": {
        "errors": 1,
        "warnings": 0,
        "checks": {"pass": 24, "warn": 0, "fail": 1, "error": 0, "skipped": 0},
        "operations": 1240,
        "rows": 45210,
        "years_planned": [2025, 2026, 2027, 2028, 2029],
        "years_completed": [2025, 2026],
    },
    "performance_metrics": {
        "year_simulation": stats(11.9),
        "year_simulation/hiring": stats(8.1, by={"year": {"2027": {"count": 1, "failed": 1}}}),
    },
    "breakdown": {
        "coverage_percent": 97.2,
        "unattributed_seconds": 0.35,
        "by": {
            "year": {
                year: {
                    "duration_seconds": 2.4,
                    "rows": 9000,
                    "operations": {"year_simulation": 2.4, "year_simulation/hiring": 1.6},
                }
                for year in YEARS
            }
        },
    },
    "bottlenecks": [
        {"operation_path": "year_simulation/hiring", "self_seconds": 8.1, "percent": 65.3, "count": 5,
         "p95_seconds": 1.9, "worst": {"year": "2027"}}
    ],
    "resources": {"peak_memory_mb": 425.0, "start_memory_mb": 83.0, "cpu_seconds": 31.2, "open_operations": []},
    "metrics": {"counters": [{"name": "hires", "labels": {"plan": "A"}, "value": 1204}], "gauges": []},
    "checks": [
        {"name": "total_payroll", "outcome": "fail", "severity": "error", "value": 2.1e9, "max": 2e9, "min": None,
         "equals": None, "unit": "USD", "dataset": None, "year": 2027, "count": 1, "failures": 1},
        {"name": "headcount", "outcome": "pass", "value": 5000},
    ],
    "issues": {
        "errors": [
            {"type": "duckdb.ConstraintException", "message": "Duplicate key", "category": "data", "count": 1,
             "first_time": "2025-08-18T14:30:30.000000Z", "last_time": "2025-08-18T14:30:30.000000Z",
             "operation_path": "year_simulation/hiring", "context": {"year": 2027},
             "first": {"exception": {
                 "frames": [
                     {"file": "sim.py", "line": 12, "function": "hire", "source": "insert(batch)", "module": "sim"},
                     {"file": "/x/site-packages/duckdb/__init__.py", "line": 3, "function": "execute", "source": "…"},
                 ],
                 "causes": [{"type": "KeyError", "message": "'id'", "link": "cause"}],
             }}}
        ],
        "warnings": [],
    },
    "artifacts": [{"path": "out/results.parquet", "kind": "output", "bytes": 12_300_000}],
    "observability": {"seconds": 0.05, "percent": 0.4, "bytes": 2_100_000, "dropped": {"disk_full": 3}},
}  # fmt: skip


def issue(message: str, **more: object) -> dict:
    event = {"message": message, "logger": "planwise", "module": "sim", "function": "hire", "line": 12}
    found = {"message": message, "category": "unknown", "count": 1, "first_time": "2025-08-18T14:30:30Z"}
    return {**found, "first": {**event, **more.pop("event", {})}, **more}


def with_issues(*, errors: list[dict] = (), warnings: list[dict] = (), **more: object) -> dict:
    counts = {
        severity: sum(found["count"] for found in groups)
        for severity, groups in (("errors", errors), ("warnings", warnings))
    }
    return {"issues": {"errors": list(errors), "warnings": list(warnings)}, "execution_summary": counts, **more}


def violation(year: int, value: float | None, outcome: str = "warn", **more: object) -> dict:
    return {"name": "rate", "outcome": outcome, "value": value, "max": 0.8, "year": year, "count": 1, **more}
