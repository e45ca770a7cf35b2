"""Least squares of the relative error for a handful of parameters, without a library."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..operations.median import median

_STUDENT_95: Final = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
_STUDENT_95_MANY: Final = ((15, 1.753), (20, 1.725), (30, 1.697))
_NORMAL_95: Final = 1.645
_SHARE_WITHIN: Final = 0.9
_OUTLIER: Final = 4.0
_LEAST_NOISE: Final = 0.002
_WORST: Final = 5.0

Row = Sequence[float]


@dataclass(frozen=True)
class Fit:
    """*weights* of the basis; *error*: how far, as a logarithm, each point was from what the others predict of it, in
    the middle; *within*: so far were nine of ten.
    """

    weights: tuple[float, ...]
    error: float
    within: float
    inverse: tuple[tuple[float, ...], ...]

    def predict(self, basis: Row) -> float:
        """Return the value at *basis*."""
        return _product(self.weights, basis)

    def interval(self, basis: Row) -> tuple[float, float]:
        """Return between which values nine of ten points at *basis* should be."""
        value = self.predict(basis)
        if value <= 0:
            return 0.0, math.inf
        scaled = [part / value for part in basis]
        reach = min(self.within * math.sqrt(1 + max(_quadratic(self.inverse, scaled), 0.0)), _WORST)
        return value * math.exp(-reach), value * math.exp(reach)


def fit(rows: Sequence[Row], values: Sequence[float], groups: Sequence[Hashable] = ()) -> Fit | None:
    """Fit *values*, all above zero, once more without what stands out; None where the basis can't be told apart, has a
    part that shrinks, or leaves nothing over to tell the error from.

    Points of one of the *groups* are alike: how well they are predicted is told by the other groups alone, for among
    many runs of one size each is predicted by the others however wrong the model is.

    >>> found = fit([[1, 1], [1, 2], [1, 4], [1, 8]], [3.0, 5.0, 9.0, 17.0])
    >>> [round(weight, 6) for weight in found.weights], round(found.predict([1, 16]), 6)
    ([1.0, 2.0], 33.0)
    """
    first = _solved(rows, values, values)
    if first is None:
        return None
    expected = [_product(first[0], row) for row in rows]
    if min(expected) <= 0:
        return None
    off = [abs(math.log(value / one)) for value, one in zip(values, expected, strict=True)]
    limit = _OUTLIER * max(1.4826 * median(off), 0.01)
    kept = [at for at, one in enumerate(off) if one <= limit]
    if len(kept) < max(len(rows[0]) + 2, 0.7 * len(rows)):
        kept = list(range(len(rows)))
    # By what was expected, not by what was measured: else a value counts the more the smaller it happens to be.
    solution = _solved([rows[at] for at in kept], [values[at] for at in kept], [expected[at] for at in kept])
    if solution is None:
        return None
    weights, inverse = solution
    if any(weight < 0 for weight in weights) or min(_product(weights, row) for row in rows) <= 0:
        return None
    # The middle, not the mean, which the long tail of slow runs pulls up.
    middle = math.exp(median([math.log(values[at] / _product(weights, rows[at])) for at in kept]))
    weights = tuple(weight * middle for weight in weights)
    misses = _misses(rows, values, expected, groups or range(len(rows)), kept)
    if misses is None:
        return None
    usual = [misses[at] for at in kept]
    error = math.sqrt(sum(one * one for one in usual) / len(usual))
    within = max(error, _LEAST_NOISE) * student_95(len(kept) - len(weights))
    return Fit(weights, error, max(within, _within(misses)), inverse)


def _misses(
    rows: Sequence[Row], values: Sequence[float], scales: Sequence[float], groups: Sequence[Hashable], kept: list[int]
) -> list[float] | None:
    """Return how far each point is, as a logarithm, from what is predicted of it by the *kept* ones of other groups, or
    by the other kept ones where no other group tells.
    """
    found = []
    by_group = {group: [at for at in kept if groups[at] != group] for group in dict.fromkeys(groups)}
    solved = {group: _weights_of(rows, values, scales, others) for group, others in by_group.items()}
    for at, group in enumerate(groups):
        weights = solved[group] or _weights_of(rows, values, scales, [other for other in kept if other != at])
        if weights is None:
            return None
        predicted = _product(weights, rows[at])
        miss = math.log(values[at] / predicted) if predicted > 0 else _WORST
        found.append(max(-_WORST, min(miss, _WORST)))
    return found


def _weights_of(
    rows: Sequence[Row], values: Sequence[float], scales: Sequence[float], chosen: Sequence[int]
) -> tuple[float, ...] | None:
    solution = _solved([rows[at] for at in chosen], [values[at] for at in chosen], [scales[at] for at in chosen])
    return solution[0] if solution else None


def _within(misses: Iterable[float]) -> float:
    """So far are nine of ten, and the next (conformal prediction: Vovk, Gammerman and Shafer, *Algorithmic Learning in
    a Random World*, 2005); 0 where ten are not there.
    """
    ranked = sorted(map(abs, misses))
    place = math.ceil(_SHARE_WITHIN * (len(ranked) + 1))
    return ranked[place - 1] if place <= len(ranked) else 0.0


Solution = tuple[tuple[float, ...], tuple[tuple[float, ...], ...]]


def _solved(rows: Sequence[Row], values: Sequence[float], scales: Sequence[float]) -> Solution | None:
    """Return weights and the inverse of the normal matrix, each point divided by its scale."""
    if not rows:
        return None
    parts = range(len(rows[0]))
    scaled = [[part / scale for part in row] for row, scale in zip(rows, scales, strict=True)]
    wanted = [value / scale for value, scale in zip(values, scales, strict=True)]
    inverse = _inverse([[sum([row[i] * row[j] for row in scaled]) for j in parts] for i in parts])
    if inverse is None:
        return None
    sums = [sum([row[i] * one for row, one in zip(scaled, wanted, strict=True)]) for i in parts]
    return tuple(_product(inverse[i], sums) for i in parts), tuple(map(tuple, inverse))


def _product(one: Row, other: Row) -> float:
    return sum([a * b for a, b in zip(one, other, strict=True)])


def _quadratic(matrix: Sequence[Row], vector: Row) -> float:
    return _product(vector, [_product(row, vector) for row in matrix])


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
