"""A curve over the time of a run in bounded size: when it grows too long, neighbours become one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

MOST_POINTS: Final = 240
"""The most points that are kept; beyond, each two neighbours become one, so that there are 120 to 240."""


class Point(NamedTuple):
    """The process at one moment, or in a stretch of time that ends then.

    seconds: since the run started. memory_mb: the most resident memory of the process in that time.
    children_memory_mb: that of the processes below it. cpu_seconds: used by all of them until then.
    """

    seconds: float
    memory_mb: float
    children_memory_mb: float
    cpu_seconds: float


class Timeline:
    """Points in order of time, at most *most* of them, an even number.

    >>> line = Timeline(most=2)
    >>> line.extend([(1, 10, 0, 0.5), (2, 30, 0, 1.0), (3, 20, 5, 1.5)])
    >>> line.columns()["memory_mb"]
    [30, 20]
    """

    def __init__(self, most: int = MOST_POINTS) -> None:
        self._most = most
        self._points: list[Point] = []
        # How many points that came make one that is kept, and those of the one that is not complete.
        self._stride = 1
        self._waiting: list[Point] = []

    def __iter__(self) -> Iterator[Point]:
        return iter([*self._points, _joined(self._waiting)] if self._waiting else self._points)

    def extend(self, points: Iterable[Sequence[float]]) -> None:
        """Add points that come after all that are there."""
        for point in points:
            self._waiting.append(Point(*point))
            if len(self._waiting) == self._stride:
                self._points.append(_joined(self._waiting))
                self._waiting = []
                if len(self._points) == self._most:
                    self._points = thinned(self._points, self._most // 2)
                    self._stride *= 2

    def columns(self) -> dict[str, list[Any]]:
        """Return the points as one list for each of their figures."""
        points = list(self)
        return {name: [getattr(point, name) for point in points] for name in Point._fields}


def thinned(points: Sequence[tuple[float, float, float, float]], most: int) -> list[Point]:
    """Return *points*, in whatever units, as at most so many: each stands for about as many that were, with their
    highest memory.
    """
    size = -(-len(points) // most)
    return [_joined(points[at : at + size]) for at in range(0, len(points), size)] if size else []


def _joined(points: Sequence[tuple[float, float, float, float]]) -> Point:
    # The two memories at the moment when they were highest together: what adds up has been there.
    _, memory, children, _ = max(points, key=lambda point: point[1] + point[2])
    last = points[-1]
    return Point(last[0], memory, children, last[3])
