"""What the next steps will cost, judged by those that are done: constant, growing steadily, or ever faster.

Of the three polynomials the one is chosen that best foretells what it was not fitted to: each value in turn is left out
and predicted from the others (leave-one-out cross-validation, the PRESS statistic of Allen 1974). A more complex one
must be clearly better, for it goes astray further when it is continued.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

MODELS: Final = ("constant", "linear", "quadratic")
MOST_VALUES: Final = 40
"""Of more values the newest count: what comes resembles them most."""
# How many values a model needs, and to what part of the simpler one's error it must come.
_FEWEST: Final = (1, 3, 6)
_CLEARLY_BETTER: Final = 0.5


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
    newest = tuple(values[-MOST_VALUES:])
    return Fit(_fitted(newest), len(values) - len(newest)) if newest else None


@lru_cache(maxsize=16)
def _fitted(newest: tuple[float, ...]) -> tuple[float, ...]:
    """Asked each second for what changes with each step."""
    best, error = 0, _left_out_error(newest, 0)
    for degree in (1, 2):
        if len(newest) >= _FEWEST[degree]:
            tried = _left_out_error(newest, degree)
            if tried < error * _CLEARLY_BETTER:
                best, error = degree, tried
    # The median where nothing grows: a first step that had to warm up foretells nothing.
    found = (_median(newest),) if best == 0 else _solved(list(enumerate(newest)), best)
    return tuple(round(coefficient, 9) for coefficient in found)


def _median(values: Sequence[float]) -> float:
    """As `statistics` has it, whose import would cost each program 10 ms."""
    ordered, middle = sorted(values), len(values) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _left_out_error(values: Sequence[float], degree: int) -> float:
    """The sum of squares by which each value differs from what the others foretell."""
    if len(values) < 2:
        return 0.0
    points = list(enumerate(values))
    return sum(
        (value - _value(_solved(points[:step] + points[step + 1 :], degree), step)) ** 2 for step, value in points
    )


def _solved(points: list[tuple[int, float]], degree: int) -> tuple[float, ...]:
    """Least squares by the normal equations, solved by Gaussian elimination."""
    size = degree + 1
    rows = [[float(sum(x ** (i + j) for x, _ in points)) for j in range(size)] for i in range(size)]
    for i, row in enumerate(rows):
        row.append(sum(y * x**i for x, y in points))
    for i in range(size):
        pivot = max(range(i, size), key=lambda at: abs(rows[at][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            rows[j] = [below - factor * above for below, above in zip(rows[j], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][size] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return tuple(found)


def _value(coefficients: Sequence[float], step: int) -> float:
    return sum(coefficient * float(step) ** power for power, coefficient in enumerate(coefficients))
