"""How much better a new level explains some runs than the old one, when any of them may be an outlier.

A mixture of a normal distribution with a flat one is the textbook's model of data with outliers (Box and Tiao, *A
Bayesian Approach to Some Outlier Problems*, 1968): an outlier is as likely anywhere, so runs speak for a new level only
as far as they agree on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

# So many runs are outliers, which lie anywhere within a factor of e.
_OUTLIERS: Final = 0.05
# Runs at a new level that fall back towards the old one are so much rarer than those that stand out of it.
_BACK: Final = 0.05
_PEAK: Final = (1 - _OUTLIERS) / math.sqrt(2 * math.pi)
_ROUNDS: Final = 4
_CLOSE: Final = 0.01


def shift_of(scores: Sequence[float], noise: float, least: float) -> tuple[float, float]:
    """Return the shift above zero that explains *scores* best, and the logarithm of how much better than none it does.

    *scores*, in order of size, are in units of *noise*. Both are 0 where no shift of at least *least* explains them.
    """
    flat = _OUTLIERS * noise
    size = len(scores)
    best, found = 0.0, 0.0
    for start in {scores[(size - 1) // 2]: 0, scores[size // 2]: 0, sum(scores) / size: 0}:
        shift = _centre(scores, start, flat)
        if shift >= least:
            gain = sum([_gain(score, shift, flat) for score in scores])
            if gain > best:
                best, found = gain, shift
    return found, best


def most_gain(scores: Sequence[float], noise: float) -> float:
    """Return what `shift_of` tells at most: as if each run above zero had a level of its own."""
    flat = _OUTLIERS * noise
    return sum(
        [math.log((_PEAK + flat) / (_PEAK * math.exp(-0.5 * score * score) + flat)) for score in scores if score > 0]
    )


def _centre(scores: Sequence[float], start: float, flat: float) -> float:
    """Return the mean of those near *start*, each weighed by how likely it is no outlier."""
    centre = start
    for _ in range(_ROUNDS):
        near = [_PEAK * math.exp(-0.5 * (score - centre) ** 2) for score in scores]
        weights = [density / (density + flat) for density in near]
        total = sum(weights)
        if total < 0.5:
            break
        before, centre = centre, sum([weight * score for weight, score in zip(weights, scores, strict=True)]) / total
        if abs(centre - before) < _CLOSE:
            break
    return centre


def _gain(score: float, shift: float, flat: float) -> float:
    with_shift = _PEAK * math.exp(-0.5 * (score - shift) ** 2) + (flat if score > shift else _BACK * flat)
    return math.log(with_shift / (_PEAK * math.exp(-0.5 * score * score) + flat))
