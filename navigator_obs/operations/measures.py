"""Counters, gauges and distributions: what a program counts, sets and observes, by name and labels."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from .parts import either
from .sketch import ExactSum, Sketch
from .stats import FEWEST_FOR_TAIL

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A series: its name, and its labels sorted."""

OVERFLOW: Final = "…overflow"
"""Where what comes after the last series that there is room for is counted."""


@dataclass(slots=True)
class Counter:
    """A sum that only grows. *invalid* counts what was no finite number from 0 up, here and in the others."""

    total: ExactSum = field(default_factory=ExactSum)
    invalid: int = 0
    unit: str | None = None
    kind: ClassVar[str] = "counters"

    def add(self, value: float, time_ns: int) -> None:  # noqa: ARG002
        """Add *value*; one below zero is refused."""
        if value >= 0:
            self.total.add(value)
        else:
            self.invalid += 1

    def merge(self, other: Counter) -> None:
        """Add *other*."""
        self.total.merge(other.total)
        self.invalid += other.invalid
        self.unit = either(max, self.unit, other.unit)

    def summary(self) -> dict[str, Any]:
        """Return it as `summary.json` shows it."""
        return {"value": self.total.value, **_invalid(self.invalid)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"total": self.total.to_text(), "invalid": self.invalid, "unit": self.unit}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Counter:
        """Undo `to_dict`."""
        return cls(ExactSum.from_text(values["total"]), values["invalid"], values.get("unit"))


@dataclass(slots=True)
class Gauge:
    """The newest of the values that were set; of two set in the same nanosecond the greater."""

    value: float | None = None
    time_ns: int = -1
    invalid: int = 0
    unit: str | None = None
    kind: ClassVar[str] = "gauges"

    def add(self, value: float, time_ns: int) -> None:
        """Set it."""
        self._follow(value, time_ns)

    def merge(self, other: Gauge) -> None:
        """Take the newer value."""
        if other.value is not None:
            self._follow(other.value, other.time_ns)
        self.invalid += other.invalid
        self.unit = either(max, self.unit, other.unit)

    def _follow(self, value: float, time_ns: int) -> None:
        if self.value is None or (time_ns, value) > (self.time_ns, self.value):
            self.value, self.time_ns = value, time_ns

    def summary(self) -> dict[str, Any]:
        """Return it as `summary.json` shows it."""
        return {"value": self.value, **_invalid(self.invalid)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"value": self.value, "time_ns": self.time_ns, "invalid": self.invalid, "unit": self.unit}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Gauge:
        """Undo `to_dict`."""
        return cls(values["value"], values["time_ns"], values["invalid"], values.get("unit"))


@dataclass(slots=True)
class Distribution:
    """How values spread: count, sum, least, greatest, quantiles within 1 %."""

    count: int = 0
    total: ExactSum = field(default_factory=ExactSum)
    min: float | None = None
    max: float | None = None
    sketch: Sketch = field(default_factory=Sketch)
    invalid: int = 0
    unit: str | None = None
    kind: ClassVar[str] = "distributions"

    def add(self, value: float, time_ns: int = 0) -> None:  # noqa: ARG002
        """Add one value."""
        self.count += 1
        self.total.add(value)
        self.min = either(min, self.min, value)
        self.max = either(max, self.max, value)
        self.sketch.add(value)

    def merge(self, other: Distribution) -> None:
        """Add *other*."""
        self.count += other.count
        self.total.merge(other.total)
        self.min = either(min, self.min, other.min)
        self.max = either(max, self.max, other.max)
        self.sketch.merge(other.sketch)
        self.invalid += other.invalid
        self.unit = either(max, self.unit, other.unit)

    def quantile(self, share: float) -> float | None:
        """Return the value below which *share* of them lie, within 1 %; None where there are too few to say."""
        found = self.sketch.quantile(share)
        if found is None or self.min is None or self.max is None or (share > 0.9 and self.count < FEWEST_FOR_TAIL):
            return None
        return min(max(found, self.min), self.max)

    def summary(self) -> dict[str, Any]:
        """Return it as `summary.json` shows it."""
        return {
            "count": self.count,
            "sum": self.total.value,
            "min": self.min,
            "max": self.max,
            "p50": self.quantile(0.50),
            "p90": self.quantile(0.90),
            "p95": self.quantile(0.95),
            "p99": self.quantile(0.99),
            **_invalid(self.invalid),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "count": self.count,
            "total": self.total.to_text(),
            "min": self.min,
            "max": self.max,
            "sketch": self.sketch.to_list(),
            "invalid": self.invalid,
            "unit": self.unit,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Distribution:
        """Undo `to_dict`."""
        return cls(
            values["count"],
            ExactSum.from_text(values["total"]),
            values["min"],
            values["max"],
            Sketch.from_list(values["sketch"]),
            values["invalid"],
            values.get("unit"),
        )


Measure = Counter | Gauge | Distribution


UNITS: Final = frozenset(
    {
        "bytes",
        "days",
        "dollars",
        "gb",
        "hours",
        "kb",
        "mb",
        "minutes",
        "ms",
        "percent",
        "ratio",
        "rows",
        "seconds",
        "us",
    }
)


def unit_of(name: str) -> str | None:
    """Return the unit that a name ends in, as the toolkit's own do; None where it ends in none.

    >>> unit_of("payroll_dollars"), unit_of("hires")
    ('dollars', None)
    """
    last = name.rpartition("_")[2]
    return last if last in UNITS and last != name else None


def finite_number(value: Any) -> float | None:
    """Return *value* as a plain int or float; None where it is neither or not finite.

    >>> finite_number(True), finite_number("12"), finite_number(float("nan"))
    (1, None, None)
    """
    if type(value) is float:
        return value if math.isfinite(value) else None
    if issubclass(type(value), str | bytes | bytearray):
        return None
    try:
        whole = operator.index(value)
    except Exception:
        return _finite_float(value)
    # Beyond what JSON readers keep exactly it is a float, so that it comes back from a file as it went.
    return whole if -(2**53) <= whole <= 2**53 else _finite_float(whole)


def _finite_float(value: Any) -> float | None:
    try:
        number = float(value)
    except Exception:
        return None
    return number if math.isfinite(number) else None


def _invalid(count: int) -> dict[str, int]:
    return {"invalid": count} if count else {}
