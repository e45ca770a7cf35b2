"""A row of bars as high as numbers are large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """Return one bar for each value, the lowest for the smallest and the highest for the largest.

    What is no finite number is a blank. Where all are within a tenth of each other, all bars have the same height:
    noise should not look like news.

    >>> sparkline([60, 62, 61, None, 95]), sparkline([60, 61, 62])
    ('▁▁▁ █', '▄▄▄')
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    flat = high - low <= abs(high) / 10
    return "".join(_bar(value, low, high, flat) for value in values)


def _bar(value: float | None, low: float, high: float, flat: bool) -> str:
    if value is None or not math.isfinite(value):
        return " "
    if flat:
        return _BARS[3]
    return _BARS[min(int((value - low) / (high - low) * len(_BARS)), len(_BARS) - 1)]
