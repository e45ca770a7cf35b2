"""Where two runs of one simulation part: the first digest that differs, with its year and operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..runs.reading import tables

_Place = tuple[Any, Any, int]


@dataclass(frozen=True)
class Divergence:
    """The first place at which two runs part: *name*, *year* and *operation_path* of the digest that differs.

    *rows* are how many each had there; *after* is the last place at which they agreed, as name and year, None where
    they never did; *compared* how many places both runs have.
    """

    name: str
    year: Any
    operation_path: str | None
    rows: tuple[int | None, int | None]
    after: tuple[str, Any] | None
    compared: int

    def __str__(self) -> str:
        """Tell it in one line."""
        year = "" if self.year is None else f" in year {self.year}"
        operation = f", in {self.operation_path}" if self.operation_path else ""
        one, other = self.rows
        rows = f" ({one:,} rows, {other:,} rows)" if one is not None and other is not None and one != other else ""
        return f"{self.name} differs first{year}{operation}{rows}"


def first_divergence(one: Mapping[str, Any], other: Mapping[str, Any]) -> Divergence | None:
    """Return where two runs, given by their summaries, part first; None where no digest that both have differs.

    Digests are taken with `run.digest`. They are held against each other by name and year, and where one was taken
    several times, by how often; their order is that of the first run.

    >>> def summary(*digests):
    ...     keys = ("name", "year", "operation_path", "digest", "rows")
    ...     return {"digests": [dict(zip(keys, found)) for found in digests]}
    >>> one = summary(("workforce", 2025, "year", "aa", 10), ("workforce", 2026, "year", "bb", 11))
    >>> other = summary(("workforce", 2025, "year", "aa", 10), ("workforce", 2026, "year", "bc", 12))
    >>> str(first_divergence(one, other))
    'workforce differs first in year 2026, in year (11 rows, 12 rows)'
    """
    theirs = dict(_placed(other))
    compared = [(place, found, theirs[place]) for place, found in _placed(one) if place in theirs]
    after: tuple[str, Any] | None = None
    for (name, year, _), found, their in compared:
        if found.get("digest") != their.get("digest"):
            rows = (found.get("rows"), their.get("rows"))
            return Divergence(name, year, found.get("operation_path"), rows, after, len(compared))
        after = (name, year)
    return None


def _placed(summary: Mapping[str, Any]) -> Iterator[tuple[_Place, Mapping[str, Any]]]:
    often: dict[tuple[Any, Any], int] = {}
    for found in tables(summary, "digests"):
        if found.get("name") is not None:
            key = (found["name"], found.get("year"))
            often[key] = often.get(key, 0) + 1
            yield (*key, often[key]), found
