"""The outcomes of data-quality checks, grouped by name, year and dataset.

`Gate` keeps the journal bounded while the run lives, `CheckBook` is the part of the fold that groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OUTCOMES: Final = ("pass", "warn", "fail", "error", "skipped")
MAX_GROUPS: Final = 2000
FULL_OCCURRENCES: Final = 5


class Gate:
    """Decides which outcomes the journal gets one by one, and counts the others until the next tick takes them.

    The caller keeps threads apart.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[Any, ...], int] = {}
        self._waiting: dict[tuple[Any, ...], dict[str, Any]] = {}

    def admit(self, found: dict[str, Any]) -> bool:
        """Return whether *found* is to be written by itself; otherwise it is counted here."""
        key = (*_group_key(found), found["outcome"])
        seen = self._seen.get(key, 0)
        if seen < FULL_OCCURRENCES and (seen or len(self._seen) < len(OUTCOMES) * MAX_GROUPS):
            self._seen[key] = seen + 1
            return True
        if key not in self._waiting and len(self._waiting) >= MAX_GROUPS:
            key = (None, None, None, found["outcome"])
            found = {**found, "name": None, "year": None, "dataset": None}
        count = self._waiting[key]["count"] if key in self._waiting else 0
        self._waiting[key] = {**found, "count": count + 1}
        return False

    def take(self) -> list[dict[str, Any]]:
        """Return the counts since the last call: the last outcome of each kind with how many it stands for."""
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


class CheckBook:
    """The part of the fold that groups checks by name, year and dataset. Counts by outcome are exact."""

    def __init__(self) -> None:
        self.outcomes = dict.fromkeys(OUTCOMES, 0)
        self.overflow = 0
        self._groups: dict[tuple[Any, ...], dict[str, Any]] = {}

    def add(self, found: Mapping[str, Any]) -> None:
        """Take an outcome, or with `count` several alike."""
        count = found.get("count", 1)
        self.outcomes[found["outcome"]] = self.outcomes.get(found["outcome"], 0) + count
        key = _group_key(found)
        group = self._groups.get(key)
        if group is None:
            if found["name"] is None or len(self._groups) >= MAX_GROUPS:
                self.overflow += count
                return
            group = self._groups[key] = {**_shape(found), "count": 0, "failures": 0, "time": found["time"]}
        elif _rank(found) >= _rank(group):
            # What is shown of a group is its worst outcome, and of several as bad the last.
            group.update(_shape(found), time=found["time"])
        group["count"] += count
        group["failures"] += count if found["outcome"] not in {"pass", "skipped"} else 0

    def summary(self) -> list[dict[str, Any]]:
        """Return the summary's `checks`, in the order in which each was first made."""
        return [dict(group) for group in self._groups.values()]


_KEYS: Final = tuple("name outcome severity value min max equals unit dataset year violations checked reason".split())
_BADNESS: Final = {outcome: rank for rank, outcome in enumerate(("skipped", "pass", "warn", "fail", "error"))}


def _shape(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: found.get(key) for key in _KEYS} | {"examples": found.get("examples") or []}


def _rank(found: Mapping[str, Any]) -> tuple[int, str]:
    return _BADNESS.get(found["outcome"], 0), str(found["time"])


def _group_key(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return found.get("name"), str(found.get("year")), found.get("dataset")
