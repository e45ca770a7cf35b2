"""The median, without `statistics`, whose import would cost each program 6 ms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def median(values: Iterable[float]) -> float:
    """Return the median of *values*, which are one at least, in any order.

    >>> median([3.0, 1.0, 2.0])
    2.0
    """
    return middle(sorted(values))


def middle(ordered: Sequence[float]) -> float:
    """Return the median of what is in order already."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
