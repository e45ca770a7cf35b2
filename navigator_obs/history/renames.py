"""Which operation has only got another name: what vanished and what appeared, paired where they are alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..runs.reading import number
from .figures import Stats, seconds

LEAST: Final = 0.6
"""Below this likeness two operations are two."""
_MOST: Final = 50


def renamed(before: Mapping[str, Stats], after: Mapping[str, Stats]) -> dict[str, str]:
    """Return the operations that were renamed, old path by new path.

    Alike are operations that ran as often, at the same place, for about as long, and that have a similar name; at
    least three of these. Where a parent was renamed, its children moved with it.

    >>> stats = {"count": 5, "total_seconds": 2.0}
    >>> renamed({"hire": stats, "pay": stats}, {"hiring": stats, "pay": stats})
    {'hiring': 'hire'}
    """
    vanished = sorted(before.keys() - after.keys(), key=_depth)[:_MOST]
    appeared = sorted(after.keys() - before.keys(), key=_depth)[:_MOST]
    found: dict[str, str] = {}
    for depth in sorted({_depth(path)[0] for path in vanished}):
        old = [path for path in vanished if _depth(path)[0] == depth]
        new = [path for path in appeared if _depth(path)[0] == depth]
        pairs = sorted(
            ((_likeness(one, before[one], other, after[other], found), one, other) for one in old for other in new),
            key=lambda pair: (-pair[0], sorted(pair[1:])),
        )
        for likeness, one, other in pairs:
            if likeness >= LEAST and other not in found and one not in found.values():
                found[other] = one
    return found


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _likeness(old: str, was: Stats, new: str, is_now: Stats, found: Mapping[str, str]) -> float:
    (old_parent, _, old_name), (new_parent, _, new_name) = old.rpartition("/"), new.rpartition("/")
    # The same both ways round: a parent that has another name now is no longer that of its old one.
    moved_to = {was: name for name, was in found.items()}
    if found.get(new_parent, new_parent) != old_parent or moved_to.get(old_parent, old_parent) != new_parent:
        return 0.0
    from difflib import SequenceMatcher

    # Sorted, for the matcher does not find the same both ways round.
    first, second = sorted((old_name, new_name))
    names = SequenceMatcher(None, first, second).ratio()
    return 0.4 * names + 0.25 * _near(was.get("count"), is_now.get("count"), 1.0) + 0.35 * _times(was, is_now)


def _times(was: Stats, is_now: Stats) -> float:
    return _near(seconds(was), seconds(is_now), 2.0)


def _near(one: object, other: object, reach: float) -> float:
    """1 for the same, falling to 0 at a ratio of 1 + *reach*."""
    first, second = number(one) or 0.0, number(other) or 0.0
    if first == second:
        return 1.0
    low, high = sorted((abs(first), abs(second)))
    return max(0.0, 1 - (high / low - 1) / reach) if low else 0.0
