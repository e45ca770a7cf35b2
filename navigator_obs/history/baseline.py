"""The runs before a window of newer ones: their level, their noise, and what evidence against them it takes."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ..operations.median import middle

LEAST_RATIO: Final = 1.05
"""A smaller change is not worth a word."""
LEAST: Final = math.log(LEAST_RATIO)
SHORTEST: Final = 3
"""So many runs of a new level it takes to confirm it: two outliers side by side are no rarity."""
OUTLIER: Final = 3.3
"""So many times the noise a run stands out."""
_CLIP: Final = 3.3
_LEAST_SIGMAS: Final = 1.6
_LEAST_NOISE: Final = 0.01
# What the noise is taken to be while too few runs tell it, and how many runs' word that counts for.
_PRIOR_NOISE: Final = 0.1
# Below this many runs nobody has seen how often outliers come.
_KNOWN: Final = 15
_ALONE: Final = 2.5
# Nearer to the level than that, runs have been there before in any noise.
_LEAST_FAR: Final = 2.0
_LEAST_CHANCE: Final = 0.0007


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
        """Take in the runs up to *end*. What is known of many does not change by a few more, except for their level."""
        if end == self.end:
            return
        for log in logs[self.end : end]:
            insort(self._ordered, log)
        self.end = end
        if len(self._ordered) < _KNOWN:
            self._learn(logs)
            return
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
        reach, least = _CLIP * self.noise, 0.75 * _LEAST_SIGMAS * self.noise
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
        scores = [(log - self.level) / self.noise for log in window]
        side = 1.0 if sum(scores) > 0 else -1.0
        scores = sorted(score * side for score in scores)
        middle = scores[(size - 1) // 2]
        if middle * self.noise < LEAST:
            return 0.0
        slack = 1.6 if size == SHORTEST else 3.0
        if self.is_rough:
            slack *= 0.6 if size == SHORTEST else 0.3
        cap = min(_CLIP, max(0.0, scores[0]) + slack)
        # One that stands out of its own window says nothing for it: it counts as little as the lowest.
        total = sum([scores[0] if score > middle + _ALONE else max(-_CLIP, min(cap, score)) for score in scores])
        if total < _LEAST_SIGMAS * size:
            return 0.0
        evidence = total / math.sqrt(size * (1 + 1.15 * size / len(self._ordered)))
        strength = evidence / self._threshold(more)
        return 0.0 if strength > 1 and self._is_used_to(side * middle, size) else strength

    def _is_used_to(self, score: float, size: int) -> bool:
        """Whether runs have been about so far off before, and so often that *size* of them in a row may be chance: a
        cache that is cold in three of ten runs makes two speeds, not two levels.
        """
        if abs(score) < _LEAST_FAR:
            return False
        near, beyond = sorted((score - math.copysign(1.0, score), score + math.copysign(2.0, score)))
        low, high = self.level + near * self.noise, self.level + beyond * self.noise
        before = bisect_right(self._ordered, high) - bisect_left(self._ordered, low)
        return before > 1 and (before / len(self._ordered)) ** size > _LEAST_CHANCE

    def _threshold(self, more: float) -> float:
        """What noise alone seldom reaches: higher where it is strong, hardly known, or remembers itself."""
        share = max(0.0, min(1.0, (self.noise - 0.03) / 0.07))
        limit = (2.4 + 0.87 * share) * self.memory * (1 + 3 / self.known) + (0.4 if self.is_rough else 0.0)
        return math.sqrt(limit * limit + more)


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
