"""The runs before a window of newer ones: their level, their noise, and what evidence against them it takes."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ..operations.median import middle
from .shift import most_gain, shift_of

LEAST_RATIO: Final = 1.05
"""A smaller change is not worth a word."""
LEAST: Final = math.log(LEAST_RATIO)
SHORTEST: Final = 3
"""So many runs of a new level it takes to confirm it: two outliers side by side are no rarity."""
OUTLIER: Final = 3.3
"""So many times the noise a run stands out."""
_LEAST_SHIFT: Final = math.log(1.055)
"""Of what seems less than that, too much is noise."""
# A window is worth a look where its runs are off by so many times the noise, those that stand out clipped.
_CLIP: Final = 3.3
_WORTH: Final = 1.2
_LEAST_NOISE: Final = 0.01
# What the noise is taken to be while too few runs tell it, and how many runs' word that counts for.
_PRIOR_NOISE: Final = 0.1
# Below this many runs nobody has seen how often outliers come.
_KNOWN: Final = 15
# Nearer to the level than that, runs have been there before in any noise.
_LEAST_FAR: Final = 2.0
_LEAST_CHANCE: Final = 0.0003
# By the length of the window, from 3 on: what noise of 3 % alone seldom reaches, and how much more it takes at 10 %.
# Four runs have to be enough, so they have the lowest; there are more long windows, so those have a higher one.
_LIMITS: Final = ((2.9, 0.25), (2.4, 0.85), (2.9, 0.4))


class Baseline:
    """The runs before a window, from *start* up to *end*: their level, noise and temper."""

    def __init__(self, logs: Sequence[float], start: int, end: int, pool: list[float]) -> None:
        self.start = start
        self.end = end
        self._ordered = sorted(logs[start:end])
        self._pool = pool
        self.level = 0.0
        self.noise = 0.0
        self.memory = 1.0
        self.known = 0
        self.is_rough = True
        self._learn(logs)

    def copy(self) -> Baseline:
        """Return one that can grow while this one stays."""
        base = Baseline.__new__(Baseline)
        base.__dict__.update(self.__dict__, _ordered=self._ordered.copy())
        return base

    def grow(self, logs: Sequence[float], end: int) -> None:
        """Take in the runs up to *end*."""
        if end == self.end:
            return
        for log in logs[self.end : end]:
            insort(self._ordered, log)
        self.end = end
        self._learn(logs)
        if len(self._ordered) >= _KNOWN:
            # Huber's one step from the median: nearly as good as the mean, and out of an outlier's reach.
            low, high = self.level - 1.5 * self.noise, self.level + 1.5 * self.noise
            self.level = sum([min(max(log, low), high) for log in self._ordered]) / len(self._ordered)

    def _learn(self, logs: Sequence[float]) -> None:
        self.level = middle(self._ordered)
        deviations = [log - self.level for log in logs[self.start : self.end]]
        self.known = len(deviations) + len(self._pool)
        self.noise = noise_of([*deviations, *self._pool])
        self.memory = _memory(deviations, self.noise) if len(deviations) >= 10 else 1.0
        reach = OUTLIER * self.noise
        self.is_rough = self.known < _KNOWN or any(abs(deviation) > reach for deviation in deviations)

    def may_differ(self, window: Sequence[float]) -> bool:
        """Whether a look at the windows that end with *window* is worth its time: most of the time it is not."""
        reach, least = _CLIP * self.noise, _WORTH * self.noise
        high = low = 0.0
        for length, log in enumerate(reversed(window), start=1):
            deviation = log - self.level
            high += deviation if deviation > -reach else -reach
            low += deviation if deviation < reach else reach
            if length >= SHORTEST and (high >= least * length or -low >= least * length):
                return True
        return False

    def strength(self, window: Sequence[float], more: float) -> float:
        """Return how far beyond the threshold *window* speaks for another level: above 1 it is confirmed."""
        size = len(window)
        scores = sorted((log - self.level) / self.noise for log in window)
        side = 1.0 if middle(scores) > 0 else -1.0
        if side < 0:
            scores = [-score for score in reversed(scores)]
        # Twice the gain is what the square of a normal deviate would be; the level before is no better known than that.
        needed = self._threshold(size, more) ** 2 * 0.5 * (1 + 1.15 * size / len(self._ordered))
        if most_gain(scores, self.noise) <= needed:
            return 0.0
        shift, gain = shift_of(scores, self.noise, _LEAST_SHIFT / self.noise)
        return 0.0 if gain > needed and self._is_used_to(side, shift, scores) else math.sqrt(gain / needed)

    def _is_used_to(self, side: float, shift: float, scores: Sequence[float]) -> bool:
        """Whether runs have been about so far off before, and so often that these may be chance: a cache that is cold
        in three of ten runs makes two speeds, not two levels.
        """
        if shift < _LEAST_FAR:
            return False
        near, beyond = sorted((side * (shift - 1.0), side * (shift + 2.0)))
        low, high = self.level + near * self.noise, self.level + beyond * self.noise
        runs = len(self._ordered)
        before = bisect_right(self._ordered, high) - bisect_left(self._ordered, low)
        # Some are there in any noise.
        share = (before - runs * 0.5 * math.erfc((shift - 1.0) / math.sqrt(2))) / runs
        if before < 2 or share <= 0:
            return False
        there = sum(score > shift - 1.5 for score in scores)
        return _chance_of(there, len(scores), share) > _LEAST_CHANCE

    def _threshold(self, size: int, more: float) -> float:
        """What noise alone seldom reaches: higher where it is strong, hardly known, or remembers itself."""
        base, by_noise = _LIMITS[min(size - SHORTEST, len(_LIMITS) - 1)]
        share = max(0.0, min(1.0, (self.noise - 0.03) / 0.07))
        limit = (base + by_noise * share) * self.memory * (1 + 3 / self.known) + (0.2 if self.is_rough else 0.0)
        return math.sqrt(limit * limit + more)


def _chance_of(least: int, count: int, share: float) -> float:
    """Return how probable it is that of *count* at least *least* are there, when so large a *share* is."""
    return sum(math.comb(count, some) * share**some * (1 - share) ** (count - some) for some in range(least, count + 1))


def noise_of(deviations: list[float]) -> float:
    """Return the standard deviation that the bulk of *deviations* shows, outliers clipped."""
    count = len(deviations)
    sizes = sorted(map(abs, deviations))
    cap = 2.2 * 1.4826 * middle(sizes)
    clipped = sum([size * size if size < cap else cap * cap for size in sizes])
    found = 1.05 * math.sqrt(clipped / max(count - 1, 1))
    return max(math.hypot(found, _PRIOR_NOISE / count), _LEAST_NOISE)


def _memory(deviations: list[float], noise: float) -> float:
    """Return by how much runs that resemble the run before them widen the spread of a mean (1: not at all)."""
    reach = 2.5 * noise
    clipped = [max(-reach, min(reach, deviation)) for deviation in deviations]
    square = sum([value * value for value in clipped])
    if not square:
        return 1.0
    lagged = sum([one * other for one, other in pairwise(clipped)])
    known = max(0.0, min(0.8, lagged / square - 1.1 / math.sqrt(len(deviations))))
    return math.sqrt((1 + known) / (1 - known))
