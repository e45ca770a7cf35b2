"""What the program itself measured: its counters, gauges and distributions, with their units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..fields import format_count
from ..runs.reading import number, table, tables
from .cells import Cell, Column, Section, cell, figure, formatted, joined, text

MAX_FIGURES: Final = 8
MAX_DISTRIBUTIONS: Final = 4


def section(summary: Mapping[str, Any]) -> Section:
    """Return a row for each, the first ones; the others are counted."""
    metrics = table(summary, "metrics")
    single = [each for kind in ("counters", "gauges") for each in tables(metrics, kind)]
    spread = tables(metrics, "distributions")
    rows: list[tuple[Cell, ...]] = [
        (cell(_series(each)), cell(_value(each)), cell(_unit(each)), cell("")) for each in single[:MAX_FIGURES]
    ]
    rows += map(_distribution, spread[:MAX_DISTRIBUTIONS])
    more = len(single) + len(spread) - len(rows)
    note = f"{more} more in summary.json" if more > 0 else ""
    columns = (Column("", flexible=True), Column("", right=True), Column(""), Column("", wraps=True))
    return Section("Figures", columns, rows, note=note)


def _unit(found: Mapping[str, Any]) -> str:
    """The unit, unless the name ends in it."""
    unit, name = text(found.get("unit")), text(found.get("name"))
    return "" if found.get("value", found.get("p50")) is None or name.endswith(f"_{unit}") else unit


def _distribution(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    if not number(found.get("count")):
        return cell(_series(found)), cell("not a number"), cell(""), cell("")
    rest = joined(f"{key} {figure(found[key])}" for key in ("p95", "max") if found.get(key) is not None)
    told = joined([f"the median of {formatted(found.get('count'), format_count)}", rest])
    return cell(_series(found)), cell(_value({"value": found.get("p50")})), cell(_unit(found)), cell(told, "dim")


def _series(found: Mapping[str, Any]) -> str:
    labels = "  ".join(f"{text(name)}={text(value)}" for name, value in table(found, "labels").items())
    return f"{text(found.get('name'))}  {labels}".strip()


def _value(found: Mapping[str, Any]) -> str:
    # What JSON has no number for was set to NaN or an infinity.
    return "not a number" if found.get("value") is None else figure(found["value"])
