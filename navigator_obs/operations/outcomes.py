"""How a year last ended, in each scene: what tells a year that failed in one scenario from one that was tried again.

A scene is the context around an operation without the year itself: another scenario is another scene, another attempt
is not. Of each the last end is kept, as nanoseconds since the epoch, below zero where it was no success.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final
from zlib import crc32

from ..encoding import to_json
from ..redaction import Redactor

Outcomes = dict[str, int]
MAX_SCENES: Final = 64
ANY_SCENE: Final = "?"
"""Of operations that are only counted it is not known which scene they were in."""
_SAME_SCENE: Final = frozenset({"attempt", "retry", "try", "worker"})


def scene_of(context: Mapping[str, Any] | None, breakdown: Collection[str], redactor: Redactor) -> str:
    """Return what stands for the scene of an operation in *context*.

    >>> scene_of({"year": 2025, "attempt": 2}, ["year"], Redactor()) == scene_of({"year": 2026}, ["year"], Redactor())
    True
    """
    told = {
        key: value
        for key, value in (context or {}).items()
        if key not in breakdown and key not in _SAME_SCENE and not redactor.hides(key, value)
    }
    if len(told) > 1:
        told = dict(sorted(told.items()))
    return f"{crc32(to_json(told)):x}" if told else ""


def note(outcomes: Outcomes, scene: str, end: int) -> None:
    """Take the end of an operation in *scene*; the later of two counts."""
    if abs(end) <= abs(outcomes.get(scene, 0)):
        return
    if scene not in outcomes and len(outcomes) >= MAX_SCENES:
        # What failed is to be known; a success more tells nothing.
        spare = None if end > 0 else next((known for known, ended in outcomes.items() if ended > 0), None)
        if spare is None:
            return
        del outcomes[spare]
    outcomes[scene] = end


def is_undone(outcomes: Outcomes) -> bool:
    """Whether the last end was no success in one scene, and in another it was.

    >>> is_undone({"low": 1_000, "high": -2_000}), is_undone({"low": 1_000, "high": 3_000}), is_undone({"": -1_000})
    (True, False, False)
    """
    anywhere = outcomes.get(ANY_SCENE, 0)
    return max(outcomes.values(), default=0) > 0 and any(-end > anywhere for end in outcomes.values())
