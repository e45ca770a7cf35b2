"""Bounds for checks, proposed from what earlier runs found.

The bounds are Tukey's outer fences (J. W. Tukey, "Exploratory Data Analysis", 1977): three interquartile ranges below
the first quartile and above the third. A single outlier among the earlier values does not move them. Where nothing
below zero was ever seen, none is proposed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from statistics import quantiles
from typing import Any, Final

from ..runs.reading import number, tables

LEAST_VALUES: Final = 8
_FENCE: Final = 3.0
_DIGITS: Final = 4


@dataclass(frozen=True)
class Proposal:
    """What is proposed for the check *name* on *dataset*: *min* and *max*, None where too few values are known.

    *values* is how many were found in how many *runs*, from *lowest* to *highest*; *year* is None where all years
    were taken together.
    """

    name: str
    dataset: str | None
    year: Any
    unit: str | None
    runs: int
    values: int
    lowest: float
    highest: float
    min: float | None
    max: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def propose(
    summaries: Iterable[Mapping[str, Any]], name: str | None = None, *, by_year: bool = False
) -> list[Proposal]:
    """Return proposals for the checks that *summaries* have, or for that of one *name*; with *by_year* for each year.

    >>> def summary(value):
    ...     return {"checks": [{"name": "headcount", "outcome": "pass", "value": value}]}
    >>> [found] = propose(summary(5_000 + 10 * number) for number in range(9))
    >>> found.min, found.max
    (4900.0, 5180.0)
    """
    values: dict[tuple[Any, ...], list[float]] = {}
    runs: dict[tuple[Any, ...], int] = {}
    units: dict[tuple[Any, ...], str | None] = {}
    for summary in summaries:
        seen = set()
        for check in _usable(summary, name):
            key = (check["name"], check.get("dataset"), check.get("year") if by_year else None)
            values.setdefault(key, []).append(float(check["value"]))
            units[key] = check.get("unit")
            seen.add(key)
        for key in seen:
            runs[key] = runs.get(key, 0) + 1
    return [_proposal(key, found, runs[key], units[key]) for key, found in values.items()]


def _usable(summary: Mapping[str, Any], name: str | None) -> Iterable[Mapping[str, Any]]:
    for check in tables(summary, "checks"):
        judged = str(check.get("outcome")) in {"pass", "warn", "fail"} and number(check.get("value")) is not None
        if judged and check.get("name") and name in {None, check["name"]}:
            yield check


def _proposal(key: tuple[Any, ...], values: list[float], runs: int, unit: str | None) -> Proposal:
    name, dataset, year = key
    lowest, highest = min(values), max(values)
    low, high = _fences(values) if len(values) >= LEAST_VALUES else (None, None)
    return Proposal(name, dataset, year, unit, runs, len(values), lowest, highest, low, high)


def _fences(values: list[float]) -> tuple[float, float]:
    first, _, third = quantiles(values, n=4, method="inclusive")
    reach = _FENCE * (third - first)
    low, high = first - reach, third + reach
    if min(values) >= 0:
        low = max(low, 0.0)
    return _rounded(low, math.floor), _rounded(high, math.ceil)


def _rounded(value: float, outwards: Any) -> float:
    """A bound that people would write: four digits, rounded outwards."""
    if value == 0 or not math.isfinite(value):
        return value
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - _DIGITS + 1)
    return float(f"{outwards(value / unit - 1e-9 * (1 if outwards is math.ceil else -1)) * unit:.{_DIGITS}g}")
