"""Quantiles of many values in bounded memory: a sketch in the manner of DDSketch, and a sum that never rounds.

Values are counted in logarithmic buckets, so that each quantile is within `RELATIVE_ERROR` of the true one whatever
the distribution. Merging adds the counts: associative, commutative and exact, so that the shares of threads, ticks and
worker processes add up to what one process would have seen. See Masson, Rim and Lee, "DDSketch: a fast and
fully-mergeable quantile sketch with relative-error guarantees" (2019).
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from math import ceil, log2
from operator import mul
from sys import float_info
from typing import Any, Final

RELATIVE_ERROR: Final = 0.01
MAX_BUCKETS: Final = 2_048
"""Buckets of one sketch: 58 octaves of values, or a microsecond to nine thousand years. Beyond, the lowest merge."""

# A little finer than promised, so that the rounding of `log2` at a bucket's edge keeps within the promise.
_GAMMA: Final = (1 + 0.0099) / (1 - 0.0099)
_SCALE: Final = 1 / log2(_GAMMA)
_MIDDLE: Final = 2 * _GAMMA / (1 + _GAMMA)
ALIKE: Final = 8
"""Values are much alike where there are so many of them for each bucket that they may lie in."""

# Keys of positive values are above zero and those of negative ones below it, down to the smallest float there is.
_OFFSET: Final = ceil(-log2(5e-324) * _SCALE) + 1


class Sketch:
    """Counts of values by bucket.

    >>> sketch = Sketch()
    >>> sketch.add_all(range(1, 1001))
    >>> abs(sketch.quantile(0.95) - 950) <= 0.01 * 950
    True
    """

    __slots__ = ("buckets",)

    def __init__(self, buckets: Iterable[tuple[int, int]] = ()) -> None:
        self.buckets: Counter[int] = Counter(dict(buckets))

    def add(self, value: float) -> None:
        """Count one finite value."""
        self.buckets[_key(value)] += 1
        self._bound()

    def add_all(self, values: Sequence[float]) -> None:
        """Count many finite values; several times as fast as one by one where all are positive."""
        if values and min(values) > 0:
            # All in C: log, scale, round up, count.
            found = Counter(map(ceil, map(mul, map(log2, values), repeat(_SCALE))))
            for bucket, count in found.items():
                self.buckets[bucket + _OFFSET] += count
        else:
            self.buckets.update(map(_key, values))
        self._bound()

    def add_ascending(self, values: Sequence[int]) -> None:
        """Count whole numbers from 0 up that stand in order: where they are much alike, at a look for each bucket
        instead of one for each value, which shows beside a microsecond.
        """
        count, end = len(values), 0
        few = count // 16
        # A few that lie far off are in few buckets.
        if few and (_key(values[-few]) - _key(values[few])) * ALIKE > count:
            self.add_all(values)
            return
        while end < count:
            key, start = _key(values[end]), end
            end = bisect_right(values, _last_of(key), start)
            self.buckets[key] += end - start
        self._bound()

    def merge(self, other: Sketch) -> None:
        """Add the counts of *other*."""
        self.buckets.update(other.buckets)
        self._bound()

    def quantile(self, share: float) -> float | None:
        """Return the value below or at which *share* (0 to 1) of the values lie, within `RELATIVE_ERROR` of a value
        that was added; None for an empty sketch.
        """
        total = self.buckets.total()
        rank, seen = max(ceil(share * total), 1), 0
        for key, count in self:
            seen += count
            if seen >= rank:
                return _value(key)
        return None

    def _bound(self) -> None:
        """Let the lowest buckets merge into one. What is kept depends on the keys alone, not on the order of merges."""
        excess = len(self.buckets) - MAX_BUCKETS
        if excess > 0:
            keys = sorted(self.buckets)
            self.buckets[keys[excess]] += sum(self.buckets.pop(key) for key in keys[:excess])

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(sorted(self.buckets.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sketch) and self.buckets == other.buckets

    __hash__ = None  # type: ignore[assignment]

    def to_list(self) -> list[list[int]]:
        """Return ``[[bucket, count], …]``, lowest first."""
        return [[key, count] for key, count in self]

    @classmethod
    def from_list(cls, buckets: Iterable[Any]) -> Sketch:
        """Undo `to_list`."""
        return cls((key, count) for key, count in buckets)


def _key(value: float) -> int:
    if value > 0:
        return ceil(log2(value) * _SCALE) + _OFFSET
    return -_key(-value) if value < 0 else 0


@functools.cache
def _last_of(key: int) -> int:
    """The largest whole number up to the bucket *key*, which is not negative."""
    edge = 2.0 ** ((key - _OFFSET) / _SCALE)
    low = int(edge * (1 - 1e-9))
    return low + bisect_right(range(low, int(edge * (1 + 1e-9)) + 2), key, key=_key) - 1


def _value(key: int) -> float:
    """The value from which both edges of the bucket are equally far, relative to themselves."""
    if key > 0:
        # From the lower edge, which is below a value that was there, so that it can't overflow.
        return min(_GAMMA ** (key - 1 - _OFFSET) * _MIDDLE, float_info.max)
    return -_value(-key) if key < 0 else 0.0


class ExactSum:
    """A sum of integers and floats without rounding, so that it is the same in whatever order its parts are merged.

    >>> total = ExactSum()
    >>> for value in (1e16, 1.0, -1e16):
    ...     total.add(value)
    >>> total.value
    1
    """

    __slots__ = ("numerator", "shift")

    def __init__(self, numerator: int = 0, shift: int = 0) -> None:
        # The value is numerator / 2**shift: each float is such a fraction.
        self.numerator = numerator
        self.shift = shift

    def add(self, value: float) -> None:
        """Add a finite number."""
        numerator, denominator = value.as_integer_ratio()
        self._add(numerator, denominator.bit_length() - 1)

    def merge(self, other: ExactSum) -> None:
        """Add another sum."""
        self._add(other.numerator, other.shift)

    def _add(self, numerator: int, shift: int) -> None:
        if shift > self.shift:
            self.numerator <<= shift - self.shift
            self.shift = shift
        self.numerator += numerator << (self.shift - shift)

    def _reduced(self) -> tuple[int, int]:
        spare = (self.numerator & -self.numerator).bit_length() - 1 if self.numerator else self.shift
        drop = min(spare, self.shift)
        return self.numerator >> drop, self.shift - drop

    @property
    def value(self) -> float:
        """The sum as a number: an int where it is whole and not huge, else the nearest float there is."""
        numerator, shift = self._reduced()
        if not shift and abs(numerator) <= 2**53:
            return numerator
        try:
            return numerator / (1 << shift)
        except OverflowError:
            return float_info.max if numerator > 0 else -float_info.max

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactSum) and self._reduced() == other._reduced()

    __hash__ = None  # type: ignore[assignment]

    def to_text(self) -> str:
        """Return the exact value: ``3`` or ``3/2**1``."""
        numerator, shift = self._reduced()
        return f"{numerator:#x}>>{shift}"

    @classmethod
    def from_text(cls, text: str) -> ExactSum:
        """Undo `to_text`."""
        numerator, _, shift = text.partition(">>")
        return cls(int(numerator, 16), int(shift))
