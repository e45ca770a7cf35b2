"""All operations of a run in a table: where the time went, and how it is spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..fields import format_count, format_mb, format_per_second, format_percent, format_seconds
from ..runs.reading import number, table
from .cells import Cell, Column, Section, cell, formatted

ORDERS: Final[Mapping[str, str]] = {
    "share": "weighted_self_seconds",
    "self": "self_seconds",
    "total": "total_seconds",
    "max": "max_seconds",
    "cpu": "cpu_seconds",
    "count": "count",
    "memory": "peak_memory_mb",
    "failed": "failed",
}
"""By what operations can be ranked, and the key of each in `performance_metrics`."""
_COLUMNS: Final = (
    Column("operation", flexible=True),
    Column("self time", right=True),
    Column("share", right=True),
    Column("total", right=True),
    Column("count", right=True),
    Column("failed", right=True),
    Column("p50", right=True, optional=True),
    Column("p95", right=True, optional=True),
    Column("max", right=True),
    Column("CPU", right=True, optional=True),
    Column("rows/s", right=True, optional=True),
    Column("peak", right=True, optional=True),
    Column("longest in", optional=True),
)

Stats = Mapping[str, Any]


def ranked(summary: Mapping[str, Any], by: str = "share") -> list[tuple[str, Stats]]:
    """Return the operation paths with their figures, the largest first; *by* is a key of `ORDERS`."""
    key = ORDERS[by]
    found = [
        (path, stats) for path, stats in table(summary, "performance_metrics").items() if isinstance(stats, Mapping)
    ]
    if by == "share":
        return sorted(found, key=lambda named: _weighted(named[1]) or 0.0, reverse=True)
    return sorted(found, key=lambda named: number(named[1].get(key)) or 0.0, reverse=True)


def _weighted(stats: Stats) -> float | None:
    """Its part of the run's time, of which operations that run at once share each instant."""
    weighted = number(stats.get(ORDERS["share"]))
    return number(stats.get("self_seconds")) if weighted is None else weighted


def section(summary: Mapping[str, Any], by: str = "share", most: int | None = None) -> Section:
    """Return the table, with at most so many operations, and the time that no operation names below it."""
    found = ranked(summary, by)
    seconds = number(table(summary, "run_metadata").get("duration_seconds"))
    rows = [_row(path, stats, seconds) for path, stats in found[:most]]
    rest = number(table(summary, "breakdown").get("unattributed_seconds"))
    if rest and seconds and rows:
        blanks = [cell("")] * (len(_COLUMNS) - 3)
        outside = (cell("outside of any operation", "dim"), cell(format_seconds(rest)), cell(_share(rest, seconds)))
        rows.append((*outside, *blanks))
    more = len(found) - len(found[:most])
    return Section(f"Operations by {_NAMES[by]}", _COLUMNS, rows, note=f"{more} more: --limit" if more else "")


_NAMES: Final = {
    "share": "their share of the run",
    "self": "self time",
    "total": "total time",
    "max": "their longest call",
    "cpu": "CPU time",
    "count": "count",
    "memory": "peak memory",
    "failed": "failures",
}


def _row(path: str, stats: Stats, seconds: float | None) -> tuple[Cell, ...]:
    failed = number(stats.get("failed")) or 0
    return (
        cell(path),
        cell(formatted(stats.get("self_seconds"), format_seconds), "strong"),
        cell(_share(_weighted(stats), seconds)),
        cell(formatted(stats.get("total_seconds"), format_seconds)),
        cell(formatted(stats.get("count"), format_count)),
        cell(format_count(failed) if failed else "", "bad"),
        cell(formatted(stats.get("p50_seconds"), format_seconds)),
        cell(formatted(stats.get("p95_seconds"), format_seconds)),
        cell(formatted(stats.get("max_seconds"), format_seconds)),
        cell(formatted(stats.get("cpu_seconds"), format_seconds)),
        cell(formatted(stats.get("rows_per_second"), format_per_second)),
        cell(formatted(stats.get("peak_memory_mb"), format_mb)),
        cell(_longest(stats)),
    )


def _share(part: float | None, whole: float | None) -> str:
    return format_percent(100 * part / whole) if part is not None and whole else ""


def _longest(stats: Stats) -> str:
    """The value of each breakdown key, such as the year, in which it took longest, where there are several."""
    found = []
    for parts in table(stats, "by").values():
        timed = {value: number(table(parts, value).get("total_seconds")) or 0.0 for value in parts}
        if len(timed) > 1:
            found.append(max(timed, key=lambda value: timed[value]))
    return ", ".join(found)
