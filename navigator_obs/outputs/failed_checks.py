"""The checks that did not pass, the worst first; one that failed in many years is told once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from ..runs.reading import number, tables
from .cells import Cell, Column, Section, cell, figure, joined, text

MAX_CHECKS: Final = 10
MAX_ALIKE: Final = 5
_TONES: Final[Mapping[str, str]] = {"error": "bad", "fail": "bad", "warn": "warn"}
_COLUMNS: Final = (
    Column("check", flexible=True),
    Column("outcome"),
    Column("value", right=True),
    Column("valid", optional=True),
    Column("", wraps=True),
)

Group = Mapping[str, Any]


def names(summary: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the checks that did not pass."""
    return frozenset(text(group.get("name")) for group in _failed(summary))


def section(summary: Mapping[str, Any]) -> Section:
    """Return the table."""
    found = sorted(_failed(summary), key=_rank)
    rows = [row for _, alike in groupby(found, key=_kind) for row in _rows(list(alike))]
    more = len(rows) - MAX_CHECKS
    note = f"{more} more in summary.json" if more > 0 else ""
    return Section("Checks that did not pass", _COLUMNS, rows[:MAX_CHECKS], note=note)


def all_checks(summary: Mapping[str, Any]) -> Section:
    """Return every check, those that passed too, the worst first and then in the order in which they were made."""
    found = [group for group in tables(summary, "checks") if group.get("name") is not None]
    rank = {outcome: at for at, outcome in enumerate(("error", "fail", "warn", "skipped", "pass"))}
    ordered = sorted(found, key=lambda group: rank.get(str(group.get("outcome")), len(rank)))
    rows = [_row(group, figure(group.get("value")), _often(group), _example(group)) for group in ordered]
    return Section("Checks", _COLUMNS, rows)


def _example(group: Group) -> str:
    """The first of what violates it: a row with its columns, or a value."""
    given = group.get("examples")
    if not isinstance(given, list) or not given or str(group.get("outcome")) not in _TONES:
        return ""
    first = given[0]
    shown = " ".join(f"{key}={figure(value)}" for key, value in first.items()) if isinstance(first, Mapping) else first
    return f"such as {text(shown)}"


def failures(summary: Mapping[str, Any]) -> int:
    """Return how many checks failed or broke."""
    return sum(str(group.get("outcome")) in {"fail", "error"} for group in _failed(summary))


def _failed(summary: Mapping[str, Any]) -> list[Group]:
    return [group for group in tables(summary, "checks") if str(group.get("outcome")) in _TONES]


def _rank(group: Group) -> tuple[bool, str]:
    # Checks of one kind stand together, in the order of their years, in which they were made.
    return group.get("outcome") == "warn", repr(_kind(group))


def _kind(group: Group) -> tuple[str, ...]:
    return tuple(str(group.get(key)) for key in ("name", "outcome", "dataset", "unit", "min", "max", "equals"))


def _rows(alike: Sequence[Group]) -> Iterator[tuple[Cell, ...]]:
    values = [number(group.get("value")) for group in alike]
    known = [value for value in values if value is not None]
    if len(alike) <= MAX_ALIKE or len(known) < len(alike):
        yield from (_row(group, figure(group.get("value")), _often(group)) for group in alike)
        return
    years = [group["year"] for group in alike if group.get("year") is not None]
    often = f"{len(alike)} times" + (f" from year {text(years[0])} to {text(years[-1])}" if years else "")
    yield _row({**alike[0], "year": None, "violations": None}, f"{figure(min(known))} to {figure(max(known))}", often)


def _row(group: Group, value: str, often: str, example: str = "") -> tuple[Cell, ...]:
    outcome = str(group.get("outcome"))
    where = [f"{key} {text(group[key])}" for key in ("year", "dataset") if group.get(key) is not None]
    unit = f" {text(group['unit'])}" if group.get("unit") and group.get("value") is not None else ""
    return (
        cell(group.get("name")),
        cell(outcome, _TONES.get(outcome, "good" if outcome == "pass" else "")),
        cell(f"{value}{unit}"),
        cell(_bounds(group)),
        cell(joined([*where, often, _violations(group), example]), "dim"),
    )


def _violations(group: Group) -> str:
    """How many of the things that were checked violate it, where that is known and is not its value."""
    found, checked = number(group.get("violations")), number(group.get("checked"))
    if not found or (checked is None and found == group.get("value")):
        return ""
    return f"{found:,.0f} of {checked:,.0f} violate it" if checked is not None else f"{found:,.0f} violate it"


def _often(group: Group) -> str:
    failures, count = number(group.get("failures")) or 0, number(group.get("count")) or 0
    return f"{failures:,.0f} of {count:,.0f} times" if count > 1 else ""


def _bounds(group: Group) -> str:
    low, high, equals = (group.get(key) for key in ("min", "max", "equals"))
    if equals is not None:
        return f"= {figure(equals)}"
    if low is None and high is None and group.get("reason"):
        return text(group["reason"])
    if low is not None and high is not None:
        return f"{figure(low)} to {figure(high)}"
    return f"≥ {figure(low)}" if low is not None else f"≤ {figure(high)}" if high is not None else ""
