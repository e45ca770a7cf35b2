"""How a year last ended, in each scene: what tells a year that failed in one scenario from one that was tried again.

A scene is the context around an operation without the year itself: another scenario is another scene, another attempt
is not. Of each the last end is kept, as nanoseconds since the epoch, below zero where it was no success.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from zlib import crc32

from ..encoding import to_json
from ..redaction import Redactor

Outcomes = dict[str, int]
MAX_SCENES: Final = 64
ANY_SCENE: Final = "?"
"""Of operations that are only counted it is not known which scene they were in."""
_MAX_KINDS: Final = 1_000
_SAME_SCENE: Final = frozenset({"attempt", "retry", "try", "worker"})


class Scenes:
    """Tells what stands for the scene of an operation.

    >>> scenes = Scenes(Redactor())
    >>> scenes.of({"year": 2025, "attempt": 2}, ["year"]) == scenes.of({"year": 2026}, ["year"])
    True
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        # Which names of a context tell scenes apart, in order; None where that depends on their values.
        self._names: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str] | None] = {}

    def of(self, context: Mapping[str, Any], breakdown: Collection[str]) -> str:
        """Return it for an operation in *context* that is broken down by the keys of *breakdown*; empty for none."""
        key = tuple(context), tuple(breakdown)
        names = self._names[key] if key in self._names else self._new(key)
        if names is None:
            names = [name for name in self._telling(*key) if not self._redactor.hides(name, context[name])]
        return f"{crc32(to_json({name: context[name] for name in names})):x}" if names else ""

    def _new(self, key: tuple[tuple[str, ...], tuple[str, ...]]) -> list[str] | None:
        names = self._telling(*key)
        found = None if any(map(self._redactor.is_secret_key, names)) else names
        if len(self._names) >= _MAX_KINDS:
            self._names.clear()
        self._names[key] = found
        return found

    @staticmethod
    def _telling(names: Iterable[str], breakdown: Collection[str]) -> list[str]:
        return sorted(name for name in names if name not in breakdown and name not in _SAME_SCENE)


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
