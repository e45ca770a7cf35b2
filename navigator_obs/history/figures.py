"""The figures of a summary that analyses hold against each other, whatever it may lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..runs.reading import items, number, table, tables

Summary = Mapping[str, Any]
Stats = Mapping[str, Any]


def metadata(summary: Summary, key: str) -> Any:
    """Return one value of `run_metadata`."""
    return table(summary, "run_metadata").get(key)


def duration_seconds(summary: Summary) -> float | None:
    """How long the run took."""
    return number(metadata(summary, "duration_seconds"))


def rows(summary: Summary) -> float | None:
    """The rows of the run; None where nothing counted any."""
    return number(table(summary, "execution_summary").get("rows")) or None


def years(summary: Summary) -> int | None:
    """How many years it completed, or planned where it completed none; None where it knows no years."""
    execution = table(summary, "execution_summary")
    return len(items(execution, "years_completed") or items(execution, "years_planned")) or None


def peak_memory_mb(summary: Summary) -> float | None:
    """The highest resident memory, that of child processes included where it was sampled."""
    resources = table(summary, "resources")
    known = [number(resources.get("peak_memory_mb")), number(table(resources, "tree").get("peak_memory_mb"))]
    return max((value for value in known if value is not None), default=None)


def disk_mb(summary: Summary) -> float | None:
    """What it left on disk: artifacts and its record, MB."""
    sizes = [number(artifact.get("bytes")) for artifact in tables(summary, "artifacts")]
    sizes.append(number(table(summary, "observability").get("bytes")))
    known = [size for size in sizes if size is not None]
    return sum(known) / 1e6 if known else None


def operations(summary: Summary) -> dict[str, Stats]:
    """Return the figures of each operation, by path."""
    found = table(summary, "performance_metrics")
    return {path: stats for path, stats in found.items() if isinstance(stats, Mapping)}


def seconds(stats: Stats) -> float | None:
    """Wall time of all of one operation."""
    return number(stats.get("total_seconds"))
