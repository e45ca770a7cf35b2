"""Least squares of the relative error for a handful of parameters, without a library."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .baseline import median

_STUDENT_95: Final = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
_STUDENT_95_MANY: Final = ((15, 1.753), (20, 1.725), (30, 1.697))
_NORMAL_95: Final = 1.645
_OUTLIER: Final = 4.0
_LEAST_NOISE: Final = 0.002

Row = Sequence[float]


@dataclass(frozen=True)
class Fit:
    """*weights* of the basis; *error*: how far, relatively, each point was from what the others predict of it."""

    weights: tuple[float, ...]
    error: float
    noise: float
    freedom: int
    inverse: tuple[tuple[float, ...], ...]

    def predict(self, basis: Row) -> float:
        """Return the value at *basis*."""
        return sum(weight * part for weight, part in zip(self.weights, basis, strict=True))

    def reach(self, basis: Row) -> float:
        """Return half the 90 % prediction interval at *basis*, relative to the value there."""
        value = self.predict(basis)
        if value <= 0:
            return 1.0
        scaled = [part / value for part in basis]
        spread = sum(one * self.inverse[i][j] * other for i, one in enumerate(scaled) for j, other in enumerate(scaled))
        return student_95(self.freedom) * self.noise * math.sqrt(1 + max(spread, 0.0))


def fit(rows: Sequence[Row], values: Sequence[float]) -> Fit | None:
    """Fit *values*, all above zero, once more without what stands out; None where the basis can't be told apart, has a
    part that shrinks, or leaves nothing over to tell the error from.

    >>> found = fit([[1, 1], [1, 2], [1, 4], [1, 8]], [3.0, 5.0, 9.0, 17.0])
    >>> [round(weight, 6) for weight in found.weights], round(found.predict([1, 16]), 6)
    ([1.0, 2.0], 33.0)
    """
    first = _fit(rows, values)
    if first is None:
        return None
    residuals = [abs(value - first.predict(row)) / value for row, value in zip(rows, values, strict=True)]
    limit = _OUTLIER * max(1.4826 * median(residuals), 0.01)
    kept = [at for at, residual in enumerate(residuals) if residual <= limit]
    if len(kept) == len(rows) or len(kept) < max(len(rows[0]) + 2, 0.7 * len(rows)):
        return first
    return _fit([rows[at] for at in kept], [values[at] for at in kept]) or first


def _fit(rows: Sequence[Row], values: Sequence[float]) -> Fit | None:
    parts, freedom = len(rows[0]), len(rows) - len(rows[0])
    if freedom < 1:
        return None
    scaled = [[part / value for part in row] for row, value in zip(rows, values, strict=True)]
    square = [[sum(row[i] * row[j] for row in scaled) for j in range(parts)] for i in range(parts)]
    inverse = _inverse(square)
    if inverse is None:
        return None
    sums = [sum(row[i] for row in scaled) for i in range(parts)]
    weights = [sum(inverse[i][j] * sums[j] for j in range(parts)) for i in range(parts)]
    if any(weight < 0 for weight in weights):
        return None
    residuals = [1 - sum(weight * part for weight, part in zip(weights, row, strict=True)) for row in scaled]
    leverages = [sum(row[i] * inverse[i][j] * row[j] for i in range(parts) for j in range(parts)) for row in scaled]
    if max(leverages) > 1 - 1e-9:
        return None
    left_out = [residual / (1 - leverage) for residual, leverage in zip(residuals, leverages, strict=True)]
    error = math.sqrt(sum(one * one for one in left_out) / len(left_out))
    noise = max(math.sqrt(sum(one * one for one in residuals) / freedom), _LEAST_NOISE)
    return Fit(tuple(weights), error, noise, freedom, tuple(map(tuple, inverse)))


def _inverse(square: Sequence[Row]) -> list[list[float]] | None:
    """Gauss and Jordan's, with pivots, of the matrix scaled to ones on its diagonal; None where it is singular."""
    size = len(square)
    if any(square[i][i] <= 0 for i in range(size)):
        return None
    scale = [1 / math.sqrt(square[i][i]) for i in range(size)]
    work = [
        [square[i][j] * scale[i] * scale[j] for j in range(size)] + [float(i == j) for j in range(size)]
        for i in range(size)
    ]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(work[row][column]))
        if abs(work[pivot][column]) < 1e-10:
            return None
        work[column], work[pivot] = work[pivot], work[column]
        lead = work[column][column]
        work[column] = [value / lead for value in work[column]]
        for row in range(size):
            if row != column:
                factor = work[row][column]
                work[row] = [value - factor * other for value, other in zip(work[row], work[column], strict=True)]
    return [[work[i][size + j] * scale[i] * scale[j] for j in range(size)] for i in range(size)]


def student_95(freedom: int) -> float:
    """Return the 95 % quantile of Student's t.

    >>> student_95(2), student_95(1000)
    (2.92, 1.645)
    """
    if freedom <= len(_STUDENT_95):
        return _STUDENT_95[max(freedom, 1) - 1]
    return next((quantile for most, quantile in _STUDENT_95_MANY if freedom <= most), _NORMAL_95)
