"""What a larger run will need, as sections for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..fields import format_count, format_mb, format_seconds
from ..history.capacity import CONFIDENCE_PERCENT, Capacity, Estimate
from .cells import Cell, Column, Section, cell, count_of, joined

_COLUMNS: Final = (
    Column("", flexible=True),
    Column("needs", right=True),
    Column(f"{CONFIDENCE_PERCENT}% interval", right=True),
    Column("grows", optional=True),
)


def sections(found: Capacity, most: int | None = 20) -> Iterator[Section]:
    """Yield the size, where it lies in what is known, the run's needs, and those of *most* operations."""
    yield Section("", (Column(""), Column("", flexible=True)), list(_facts(found)))
    of_run = [one for one in found.estimates if not one.path]
    of_operations = [one for one in found.estimates if one.path]
    yield Section("The run", _COLUMNS, [_row(one) for one in of_run])
    shown = of_operations[:most]
    more = len(of_operations) - len(shown)
    yield Section("Operations", _COLUMNS, [_row(one) for one in shown], note=f"{more} more: --all" if more else "")


def _facts(found: Capacity) -> Iterator[tuple[Cell, Cell]]:
    size = found.size
    rows = "" if size.rows is None else f"{format_count(size.rows)} rows a year"
    yield cell("plan", "dim"), cell(joined([found.name, count_of(round(size.years), "year"), rows]))
    if found.runs:
        yield cell("known", "dim"), cell(_known(found))
    for note in found.notes:
        yield cell("note", "dim"), cell(note, "warn")


def _known(found: Capacity) -> str:
    parts = [count_of(found.runs, "run")]
    if found.years:
        parts.append(f"{_span(found.years)} years")
    if found.rows:
        parts.append(f"{_span(found.rows)} rows a year")
    return joined(parts)


def _span(ends: tuple[float, float]) -> str:
    low, high = map(format_count, ends)
    return low if low == high else f"{low} to {high}"


def _row(one: Estimate) -> tuple[Cell, ...]:
    shown = format_seconds if one.figure == "seconds" else format_mb
    name = one.path or {"seconds": "time", "memory": "peak memory", "disk": "disk"}[one.figure]
    interval = "unknown" if one.low is None or one.high is None else f"{shown(one.low)} to {shown(one.high)}"
    return cell(name), cell(shown(one.value)), cell(interval, "warn" if one.assumed else ""), cell(one.model, "dim")
