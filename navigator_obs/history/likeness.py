"""Which runs can be compared: like with like, or by what divides the difference in size out.

Runs are alike that have the same name, simulated as many years on as many CPUs, and worked on about as many rows. In
that band seconds per row keep the noise of seconds; beyond it, a fixed cost would make them lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..runs.reading import number, table
from . import figures
from .figures import Stats, Summary

if TYPE_CHECKING:
    from .entry import RunEntry

ROWS_BAND: Final = 1.25
_MOST_LOOKED_AT: Final = 500


@dataclass(frozen=True)
class Likeness:
    """What makes a run comparable with another. `rows` and `years` are None where a run tells none."""

    name: str
    status: str
    years: int | None
    rows: float | None
    cpus: float | None
    fingerprint: str | None

    @classmethod
    def of(cls, summary: Summary) -> Likeness:
        """Take it from a summary, or from the head of one."""
        return cls(
            name=str(figures.metadata(summary, "name")),
            status=str(figures.metadata(summary, "status")),
            years=figures.years(summary),
            rows=figures.rows(summary),
            cpus=number(table(summary, "environment").get("cpus")),
            fingerprint=_text(table(summary, "configuration").get("fingerprint")),
        )

    @classmethod
    def of_entry(cls, run: RunEntry) -> Likeness:
        """Take it from what a list knows of a run, without its fingerprint, which takes a look into its folder."""
        known = run.figures
        return cls(run.name, run.status, known.years, known.rows, known.cpus, None)

    def differences(self, other: Likeness) -> Iterator[str]:
        """Yield why the two are not alike, in words; nothing where they are."""
        if self.name != other.name:
            yield f"another name: {self.name} and {other.name}"
        if self.years != other.years:
            yield f"{_count(self.years)} and {_count(other.years)} years"
        if not self.has_rows_like(other):
            yield f"{_count(self.rows)} and {_count(other.rows)} rows"
        if self.cpus != other.cpus:
            yield f"{_count(self.cpus)} and {_count(other.cpus)} CPUs"

    def is_like(self, other: Likeness) -> bool:
        """Whether nothing but noise and what changed should make them differ."""
        return not any(self.differences(other))

    def has_rows_like(self, other: Likeness) -> bool:
        """Whether the rows of the two are within 25 % of each other, or neither knows any."""
        if not self.rows or not other.rows:
            return not self.rows and not other.rows
        return max(self.rows, other.rows) <= ROWS_BAND * min(self.rows, other.rows)


def divisor(before: Likeness, after: Likeness) -> tuple[str, float, float]:
    """Return what seconds are divided by, so that a bigger run is no regression: its unit and the size of each.

    >>> small, large = Likeness("a", "success", 5, 1e3, 2, None), Likeness("a", "success", 10, 4e3, 2, None)
    >>> divisor(small, large), divisor(small, small)
    (('row', 1000.0, 4000.0), ('run', 1.0, 1.0))
    """
    if before.rows and after.rows and before.rows != after.rows:
        return "row", before.rows, after.rows
    if before.years and after.years and before.years != after.years:
        return "year", float(before.years), float(after.years)
    return "run", 1.0, 1.0


def scale_of(was: Stats, is_now: Stats, unit: str, scale: float | None) -> tuple[str, float]:
    """Return by what, and how much, one operation's seconds grow with its size: by its own rows where seconds go by
    rows and it counts them, else by *scale*, that of the run. A stage that left the run makes no other slower by row.

    A run that ended early has no *scale*: what it loaded before its first year was not less. There it is by calls.

    >>> scale_of({"rows": 100}, {"rows": 100}, "row", 0.5), scale_of({}, {"rows": 100}, "row", 0.5)
    (('row', 1.0), ('row', 0.5))
    >>> scale_of({"count": 5}, {"count": 2}, "year", None)
    ('call', 0.4)
    """
    by_rows = _ratio_of("rows", was, is_now) if unit == "row" else None
    if by_rows is not None or scale is not None:
        return unit, by_rows or scale or 1.0
    return "call", _ratio_of("count", was, is_now) or 1.0


def _ratio_of(key: str, was: Stats, is_now: Stats) -> float | None:
    old, new = number(was.get(key)), number(is_now.get(key))
    return new / old if old and new else None


def scale_between(before: Likeness, after: Likeness) -> tuple[str, float | None]:
    """Return what the seconds of operations are divided by, and by what they grow with the size of the run; None for
    a run that ended early, or is held against one that did.
    """
    unit, size, new_size = divisor(before, after)
    return unit, new_size / size if unit == "run" or before.status == after.status == "success" else None


def counterpart(run: RunEntry, earlier: Iterable[RunEntry]) -> RunEntry | None:
    """Return which of the *earlier* runs, newest first, *run* is to be compared with: the one that is marked as the
    baseline, else one with the same configuration, else any that is like it; None where there is none.
    """
    candidates = [other for other in earlier if other.name == run.name]
    marked = next((other for other in candidates if other.baseline), None)
    if marked is not None:
        return marked
    mine, alike = Likeness.of(run.head), None
    for other in candidates[:_MOST_LOOKED_AT]:
        theirs = Likeness.of(other.head)
        if theirs.is_like(mine):
            if theirs.fingerprint == mine.fingerprint:
                return other
            alike = alike or other
    return alike


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: float | None) -> str:
    return "no" if value is None else f"{value:,.0f}"
