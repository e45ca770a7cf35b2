"""Whether something that is counted, such as errors, has become more frequent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

FEWEST: Final = 5
_WINDOWS: Final = range(3, 9)
_MOST_CHANCE: Final = 0.001
_BASE: Final = 40


class Rise(NamedTuple):
    """The newest *runs* runs have a higher rate: *before* and *after* are per unit of exposure."""

    runs: int
    before: float
    after: float
    chance: float


def rise(counts: Sequence[float], exposures: Sequence[float] | None = None) -> Rise | None:
    """Return by how much the newest 3 to 8 runs count more than up to 40 before them; None where that may be chance.

    Given their sum, the counts of two groups fall binomially, by exposure (Przyborowski and Wilenski, *Homogeneity of
    Results in Testing Samples from Poisson Series*, 1940). As errors come in bursts, three runs at least must have more
    than the runs before had in the middle.

    >>> rise([0, 0, 1, 0, 0, 0, 0, 0, 4, 5, 3]).runs
    3
    """
    known = [1.0] * len(counts) if exposures is None else list(exposures)
    best: Rise | None = None
    for size in _WINDOWS:
        if len(counts) - size < FEWEST:
            break
        old, new = list(counts[:-size][-_BASE:]), counts[-size:]
        spent, spending = sum(known[:-size][-_BASE:]), sum(known[-size:])
        usual = sorted(count / max(share, 1e-9) for count, share in zip(old, known[:-size][-_BASE:], strict=True))
        middle = usual[len(usual) // 2]
        more = sum(count > middle * share for count, share in zip(new, known[-size:], strict=True))
        if more < min(_WINDOWS) or not spent or not spending:
            continue
        chance = _tail(round(sum(new)), round(sum(old)), spending / (spent + spending))
        if chance < (best.chance if best else _MOST_CHANCE):
            best = Rise(size, sum(old) / spent, sum(new) / spending, chance)
    return best if best and best.after > best.before else None


def _tail(new: int, old: int, share: float) -> float:
    """Return the chance of *new* or more of the sum, each with the chance *share*."""
    total = new + old
    if not new:
        return 1.0
    logs = math.log(share), math.log1p(-share)
    hits = range(new, min(total, new + 1000) + 1)
    terms = [_log_ways(total, hit) + hit * logs[0] + (total - hit) * logs[1] for hit in hits]
    return min(1.0, sum(math.exp(term) for term in terms))


def _log_ways(total: int, hit: int) -> float:
    return math.lgamma(total + 1) - math.lgamma(hit + 1) - math.lgamma(total - hit + 1)
