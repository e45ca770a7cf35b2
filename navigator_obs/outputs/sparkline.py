"""A row of bars as high as numbers are large."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None]) -> str:
    """Return one bar for each value, as high as it is, measured from zero: noise does not look like news.

    The largest has the highest bar; what is no finite number, or is below zero, is a blank.

    >>> sparkline([60, 62, 61, None, 95, 120]), sparkline([60, 61, 62])
    ('▄▅▅ ▇█', '███')
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    highest = max(known, default=0.0)
    return "".join(_bar(value, highest) for value in values)


def _bar(value: float | None, highest: float) -> str:
    if value is None or not math.isfinite(value) or value < 0 or highest <= 0:
        return " "
    return _BARS[max(0, math.ceil(value / highest * len(_BARS)) - 1)]
