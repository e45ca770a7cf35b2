"""Find in a series of noisy figures, one a run, where its level changed: a step, a drift, an outlier.

Every run is judged as it came, from the runs before it alone. The newest 3 to 8 runs are held against up to 40 before
them, on a logarithmic scale, so that a verdict does not depend on units: a windowed likelihood-ratio scan for a change
of level (Basseville and Nikiforov, *Detection of Abrupt Changes*, 1993, ch. 2.4) where any run may be an outlier
(`history.shift`). `python -m benchmarks trends` measures how often it is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from ..operations.median import median
from .baseline import LEAST, OUTLIER, SHORTEST, Baseline, noise_of

FEWEST: Final = 5
"""Fewer figures are no series."""
LONGEST: Final = 8
"""Of so many newest runs a window holds at most."""
_BASE: Final = 40
_LEAST_BASE: Final = 3
_SUSPECTED: Final = (2.5, 1.7)
_LEAST_SUSPECTED: Final = math.log(1.08)
_SPELL: Final = range(5, 16)
_SHORT_LIVED: Final = 12


@dataclass(frozen=True)
class Change:
    """A confirmed change of level. *first* is the index of the first run at the new level, *seen* that of the run with
    which the evidence held. *withdrawn*: the level was soon back to what it had been.
    """

    kind: str
    first: int
    seen: int
    before: float
    after: float
    withdrawn: bool = False

    @property
    def ratio(self) -> float:
        """The new level by the old one."""
        return self.after / self.before

    @property
    def is_rise(self) -> bool:
        """Whether the new level is higher, and not the one that was left a few runs before."""
        return self.after > self.before and not self.withdrawn


@dataclass(frozen=True)
class Reading:
    """What a series tells: its changes, its outliers (indexes), and how its newest figure stands.

    *level* is that of the newest runs, *best* the lowest that was ever sustained; *noise* is relative (0.1: 10 %).
    *suspected*: the newest figure is too high for noise, and too new to be confirmed.
    """

    changes: tuple[Change, ...]
    outliers: tuple[int, ...]
    level: float
    best: float
    noise: float
    suspected: bool

    @property
    def rise(self) -> Change | None:
        """The newest confirmed rise, where the level has not come down since."""
        return self.changes[-1] if self.changes and self.changes[-1].is_rise else None


def read(values: Sequence[float], *, series: int = 1) -> Reading | None:
    """Return what *values*, oldest first, tell; None for fewer than `FEWEST`. Zero and below count as next to nothing.

    *series* is how many are looked at together: the more there are, the more evidence each needs, so that all of them
    together raise no more false alarms than one.

    >>> found = read([10.1, 9.9, 10.0, 10.2, 9.8, 10.1, 9.9, 10.0, 13.1, 12.9, 13.0])
    >>> [(change.kind, change.first, round(change.ratio, 2)) for change in found.changes]
    [('step', 8, 1.3)]
    """
    if len(values) < FEWEST:
        return None
    scan = _Scan([math.log(max(value, 1e-9)) for value in values], 2 * math.log(max(series, 1)))
    for newest in range(len(values)):
        scan.look(newest)
    return scan.reading()


@dataclass
class _Segment:
    """Runs of one level: from *start* on; *level* is known when it has ended."""

    start: int
    level: float = 0.0


@dataclass
class _Scan:
    """Goes through the logarithms once. *more* raises the threshold where many series are looked at."""

    logs: list[float]
    more: float
    start: int = 0
    ended: list[_Segment] = field(default_factory=list)
    found: list[Change] = field(default_factory=list)
    pool: list[float] = field(default_factory=list)
    base: Baseline | None = None

    def look(self, newest: int) -> None:
        """Take the run at *newest*: has the level changed with the last few?"""
        self._rejoin(newest)
        length = newest + 1 - self.start
        longest = min(LONGEST, length - _LEAST_BASE)
        if longest < SHORTEST:
            return
        window = self._strongest(newest, longest)
        if window:
            self._change(newest, newest + 1 - window)

    def _rejoin(self, newest: int) -> None:
        """Where the level is what it was before the last change, that was a spell: what came before counts again."""
        if self.ended and newest + 1 - self.start in _SPELL:
            before = self.ended[-1]
            if abs(median(self.logs[self.start : newest + 1]) - before.level) < 0.6 * LEAST:
                self.start = self.ended.pop().start
                self.base = None

    def _strongest(self, newest: int, longest: int) -> int:
        """Return the length of the window with the strongest evidence for another level; 0 where there is none."""
        end = newest + 1
        known = self._base_before(end - longest)
        if not known.may_differ(self.logs[end - longest : end]):
            return 0
        base = known.copy()
        best, found = 1.0, 0
        for length in range(longest, SHORTEST - 1, -1):
            base.grow(self.logs, end - length)
            strength = base.strength(self.logs[end - length : end], self.more)
            if strength > best:
                best, found = strength, length
        return found

    def _base_before(self, end: int) -> Baseline:
        """Return what is known of the runs before *end*, or of a few less: it need not be learnt anew with each run."""
        base = self.base
        if base is None or base.start < self.start or end - base.end > (base.end - base.start) // 6:
            base = self.base = Baseline(self.logs, max(self.start, end - _BASE), end, self.pool)
        return base

    def _change(self, newest: int, first: int) -> None:
        old, new = median(self.logs[self.start : first]), median(self.logs[first : newest + 1])
        withdrawn = False
        if self.ended and len(self.logs[self.start : first]) <= _SHORT_LIVED:
            left = self.ended[-1].level
            withdrawn = (left > old) == (new > old) and (new - left if new > old else left - new) < LEAST
        self.found.append(Change("step", first, newest, math.exp(old), math.exp(new), withdrawn))
        self.pool = [*self.pool, *(log - old for log in self.logs[self.start : first])][-25:]
        self.ended.append(_Segment(self.start, old))
        self.start = first
        self.base = None

    def reading(self) -> Reading:
        """Return what was seen."""
        rest = self.logs[self.start :]
        level = median(rest)
        noise = noise_of([*(log - level for log in rest), *self.pool])
        levels = [segment.level for segment in self.ended] + [level]
        return Reading(
            changes=tuple(_joined(self.logs, self.found)),
            outliers=tuple(self._outliers(noise)),
            level=math.exp(level),
            best=math.exp(min(levels)),
            noise=noise,
            suspected=self._is_suspected(),
        )

    def _outliers(self, noise: float) -> list[int]:
        segments = [*self.ended, _Segment(self.start, median(self.logs[self.start :]))]
        ends = [*(segment.start for segment in segments[1:]), len(self.logs)]
        return [
            at
            for segment, end in zip(segments, ends, strict=True)
            for at in range(segment.start, end)
            if abs(self.logs[at] - segment.level) > max(OUTLIER * noise, 2 * LEAST)
        ]

    def _is_suspected(self) -> bool:
        """Whether the newest run, or the two newest, are higher than noise makes them."""
        rest = self.logs[self.start :]
        if len(rest) < _LEAST_BASE + 1:
            return False
        for count, sigmas in enumerate(_SUSPECTED, start=1):
            before = rest[:-count]
            if len(before) < _LEAST_BASE:
                continue
            level = median(before)
            noise = noise_of([*(log - level for log in before), *self.pool])
            if min(rest[-count:]) - level > max(sigmas * noise, _LEAST_SUSPECTED):
                return True
        return False


def _joined(logs: Sequence[float], found: Sequence[Change]) -> list[Change]:
    """Tell a drift, which a slope fits better than a step, from steps; changes in one direction close by may be one."""
    groups: list[list[Change]] = []
    for change in found:
        if groups and _goes_on(groups[-1][-1], change):
            groups[-1].append(change)
        else:
            groups.append([change])
    changes: list[Change] = []
    for at, group in enumerate(groups):
        start = max(groups[at - 1][-1].first if at else 0, group[0].first - 20)
        end = groups[at + 1][0].first if at + 1 < len(groups) else len(logs)
        changes += [_as_drift(group)] if _is_slope(logs[start:end], group[0].first - start) else group
    return changes


def _goes_on(last: Change, change: Change) -> bool:
    is_alike = (last.after > last.before) == (change.after > change.before) and not change.withdrawn
    return is_alike and change.first - last.seen <= 2 * LONGEST


def _as_drift(group: Sequence[Change]) -> Change:
    return replace(group[0], kind="drift", after=group[-1].after)


def _is_slope(logs: Sequence[float], at: int) -> bool:
    """Whether level, then slope fits *logs* better than level, then another level."""
    if len(logs) - at < SHORTEST + 1:
        return False
    # A drift is noticed some runs after it has begun.
    splits = range(max(2, at - 10), len(logs) - 2)
    step = min(_misfit(logs, split, sloping=False) for split in splits)
    slope = min(_misfit(logs, split, sloping=True) for split in splits)
    return slope < 0.85 * step


def _misfit(logs: Sequence[float], split: int, *, sloping: bool) -> float:
    """Return the sum of squares that remains of a level up to *split* and a step or a slope from there on."""
    shape = [0.0] * split + [at + 1.0 if sloping else 1.0 for at in range(len(logs) - split)]
    mean_x, mean_y = sum(shape) / len(logs), sum(logs) / len(logs)
    spread = sum([(x - mean_x) ** 2 for x in shape])
    common = sum([(x - mean_x) * (y - mean_y) for x, y in zip(shape, logs, strict=True)])
    total = sum([(y - mean_y) ** 2 for y in logs])
    return total - common * common / spread if spread else total
