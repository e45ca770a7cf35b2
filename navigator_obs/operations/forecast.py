"""What the next steps will cost, judged by those that are done: constant, growing steadily, or ever faster.

Of the three polynomials the one is chosen that best foretells what it was not fitted to: each value in turn is left out
and predicted from the others (leave-one-out cross-validation, the PRESS statistic of Allen 1974). A more complex one
must be clearly better, for it goes astray further when it is continued; and a parabola must have grown all along, for
one that has fallen would turn and explode. First steps that had to warm up count for nothing, and single ones that were
held up for as much as those around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from .median import median

MODELS: Final = ("constant", "linear", "quadratic")
MOST_VALUES: Final = 40
"""Of more values the newest count: what comes resembles them most."""
# How many values a model needs, and to what part of the simpler one's error it must come.
_FEWEST: Final = (1, 3, 6)
_CLEARLY_BETTER: Final = 0.5
_MOST_WARMING: Final = 2


class Fit(NamedTuple):
    """A polynomial through values at the steps 0, 1, 2 …

    >>> found = fit([10, 12, 14, 16])
    >>> found.model, found.at(4), found.at(9)
    ('linear', 18.0, 28.0)
    """

    coefficients: tuple[float, ...]
    first: int = 0

    @property
    def model(self) -> str:
        """`constant`, `linear` or `quadratic`."""
        return MODELS[len(self.coefficients) - 1]

    def at(self, step: int) -> float:
        """Return the value that is expected at *step*, never below 0."""
        return max(_value(self.coefficients, step - self.first), 0.0)


def fit(values: Sequence[float]) -> Fit | None:
    """Return the fit of *values*, one for each step from 0 on; None where there are none."""
    newest = _usual(values[-MOST_VALUES:])
    return Fit(_fitted(newest), len(values) - len(newest)) if newest else None


def _usual(values: Sequence[float]) -> tuple[float, ...]:
    """The values without warming up at the beginning, and without what held up one of them and not the next."""
    warm = 0
    while warm < _MOST_WARMING and len(values) - warm > _FEWEST[1] and values[warm] > 2 * median(values[warm + 1 :]):
        warm += 1
    return tuple(_calm(values[warm:], at) for at in range(len(values) - warm))


def _calm(values: Sequence[float], at: int) -> float:
    around = [*values[max(at - 2, 0) : at], *values[at + 1 : at + 3]]
    if at + 1 < len(values) and values[at] > max(2.5 * median(around), 2 * values[at + 1]):
        return median(around)
    return values[at]


@lru_cache(maxsize=16)
def _fitted(newest: tuple[float, ...]) -> tuple[float, ...]:
    """Asked each second for what changes with each step."""
    parts = _parts(len(newest))
    weights = [_product(part, newest) / _product(part, part) if any(part) else 0.0 for part in parts]
    best, error = 0, _left_out_error(newest, parts[:1], weights)
    for degree in (1, 2):
        if len(newest) >= _FEWEST[degree]:
            tried = _left_out_error(newest, parts[: degree + 1], weights)
            if tried < error * _CLEARLY_BETTER and (degree == 1 or _grows(weights, len(newest))):
                best, error = degree, tried
    # The median where nothing grows: a first step that had to warm up foretells nothing.
    found = (median(newest),) if best == 0 else _in_powers(weights[: best + 1], len(newest))
    return tuple(round(coefficient, 9) for coefficient in found)


def _grows(weights: Sequence[float], count: int) -> bool:
    """Whether the parabola bends upwards, and has its lowest point within the first quarter of the steps."""
    _, slope, bend = weights
    return bend > 0 and slope >= 2 * bend * (count - 1) / 4


def _parts(count: int) -> list[list[float]]:
    """1, x and x² less its mean at each step, where x counts from the middle: orthogonal to each other."""
    steps = [step - (count - 1) / 2 for step in range(count)]
    mean = _mean_square(count)
    return [[1.0] * count, steps, [step * step - mean for step in steps]]


def _mean_square(count: int) -> float:
    return (count * count - 1) / 12


def _left_out_error(values: Sequence[float], parts: Sequence[Sequence[float]], weights: Sequence[float]) -> float:
    """The sum of squares by which each value differs from what the others foretell.

    Of a linear model that is the residual over one less the leverage of the value, without a fit for each.
    """
    if len(values) < 2:
        return 0.0
    sizes = [_product(part, part) for part in parts]
    total = 0.0
    for value, row in zip(values, zip(*parts, strict=True), strict=True):
        leverage = sum([x * x / size for x, size in zip(row, sizes, strict=True)])
        total += ((value - _product(weights, row)) / (1 - leverage)) ** 2
    return total


def _in_powers(weights: Sequence[float], count: int) -> tuple[float, ...]:
    """The weights of `_parts` as coefficients of the powers of the step."""
    constant, slope, bend = (*weights, 0.0)[:3]
    middle = (count - 1) / 2
    powers = constant - slope * middle + bend * (middle**2 - _mean_square(count)), slope - 2 * bend * middle, bend
    return powers[: len(weights)]


def _product(one: Sequence[float], other: Sequence[float]) -> float:
    return sum([x * y for x, y in zip(one, other, strict=False)])


def _value(coefficients: Sequence[float], step: int) -> float:
    return sum(coefficient * float(step) ** power for power, coefficient in enumerate(coefficients))
