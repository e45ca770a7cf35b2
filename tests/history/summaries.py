"""Summaries for the tests of analyses: as runs write them, with the figures that a test is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def operation(seconds: float, *, count: int = 5, rows: int | None = None, peak: float = 100.0) -> dict[str, Any]:
    return {
        "count": count,
        "failed": 0,
        "total_seconds": seconds,
        "self_seconds": seconds,
        "p50_seconds": seconds / count,
        "p95_seconds": None,
        "max_seconds": seconds / count,
        "peak_memory_mb": peak,
        "rows": rows,
    }


def summary(
    number: int = 1,
    *,
    seconds: float = 10.0,
    rows: int = 1000,
    years: int = 5,
    name: str = "baseline",
    status: str = "success",
    memory_mb: float = 200.0,
    operations: Mapping[str, dict[str, Any]] | None = None,
    **parts: Any,
) -> dict[str, Any]:
    planned = list(range(2025, 2025 + years))
    found: dict[str, Any] = {
        "schema_version": 1,
        "run_metadata": {
            "run_id": f"20250818_{number:06d}-1a2b3c4d",
            "name": name,
            "start_time": f"2025-08-{1 + number // 24:02d}T{number % 24:02d}:00:00.000000Z",
            "duration_seconds": seconds,
            "status": status,
            "status_reason": None,
            "final": True,
            "host": "server",
            "tags": [],
        },
        "configuration": {"params": {"seed": 42}, "sources": {}, "fingerprint": "sha256:1", "redacted": []},
        "environment": {"python": "3.11.7", "cpus": 2, "git": None, "packages": {"duckdb": "1.0.0"}},
        "execution_summary": {
            "errors": 0,
            "warnings": 0,
            "checks": {"pass": 1, "warn": 0, "fail": 0, "error": 0, "skipped": 0},
            "rows": rows,
            "years_planned": planned,
            "years_completed": planned,
        },
        "performance_metrics": dict(operations or {"load": operation(seconds * 0.2), "year": operation(seconds * 0.8)}),
        "resources": {"peak_memory_mb": memory_mb},
        "checks": [],
        "issues": {"errors": [], "warnings": []},
        "artifacts": [],
        "observability": {"bytes": 1000},
    }
    for key, value in parts.items():
        found[key] = {**found[key], **value} if isinstance(value, Mapping) else value
    return found


def write(runs_dir: Path, summaries: list[dict[str, Any]]) -> None:
    """Leave the summaries as runs do, each in its folder, key by key on its line."""
    for found in summaries:
        folder = runs_dir / found["run_metadata"]["run_id"]
        folder.mkdir(parents=True)
        (folder / "summary.json").write_text(json.dumps(found, indent=2), encoding="utf-8")
