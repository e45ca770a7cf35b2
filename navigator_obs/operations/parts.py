"""What the sums of an operation path are made of: the last and the longest one, and the share of a year.

Times are whole nanoseconds, so that merging is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from operator import add
from typing import Any, Final, NamedTuple

from .outcomes import Outcomes, note

SECOND: Final = 1_000_000_000


class Last(NamedTuple):
    """The operation that ended last; merging takes the greater of two."""

    end_ns: int = 0
    duration_ns: int = 0
    status: str = ""
    memory_delta_mb: float | None = None

    def order(self) -> tuple[int, int, str, float]:
        """What makes one later than another, also where both ended in the same nanosecond."""
        delta = self.memory_delta_mb
        return self.end_ns, self.duration_ns, self.status, float("-inf") if delta is None else delta


NEVER: Final = Last()


class Longest(NamedTuple):
    """The operation that took longest, and what it was broken down by; merging takes the greater of two.

    Of operations that are only counted, its end is known to some hundred of them.
    """

    duration_ns: int = 0
    end_ns: int = 0
    breakdown: tuple[tuple[str, str], ...] = ()


NONE: Final = Longest()


@dataclass(slots=True)
class Share:
    """The part of an operation that fell to one year (or whatever runs are broken down by).

    *outermost_ns*, *completed* and *outcomes* tell only of operations with no other of any year around them: those add
    up to the year's duration, and say whether the year was completed.
    """

    count: int = 0
    failed: int = 0
    total_ns: int = 0
    self_ns: int = 0
    rows: int | None = None
    outermost_ns: int = 0
    completed: int = 0
    weighted_ns: int = 0
    outcomes: Outcomes = field(default_factory=dict)

    def merge(self, other: Share) -> None:
        """Add *other*."""
        self.count += other.count
        self.failed += other.failed
        self.total_ns += other.total_ns
        self.self_ns += other.self_ns
        self.rows = either(add, self.rows, other.rows)
        self.outermost_ns += other.outermost_ns
        self.completed += other.completed
        self.weighted_ns += other.weighted_ns
        for scene, end in other.outcomes.items():
            note(self.outcomes, scene, end)

    def to_list(self) -> list[Any]:
        """Return the fields in their order."""
        return [getattr(self, name) for name in Share.__slots__]

    def summary(self) -> dict[str, Any]:
        """Return it as `summary.json` shows it."""
        return {
            "count": self.count,
            "failed": self.failed,
            "total_seconds": seconds(self.total_ns),
            "self_seconds": seconds(self.self_ns),
            "rows": self.rows,
        }


def seconds(ns: int) -> float:
    """Nanoseconds as seconds."""
    return ns / SECOND


def nanoseconds(value: float) -> int:
    """Seconds as whole nanoseconds."""
    return round(value * SECOND)


def either(join: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    """Join two values of which either may be None for "not known"."""
    if left is None or right is None:
        return right if left is None else left
    return join(left, right)
