"""Which runs of a list are slower than the ones before them: a word beside each, from what a list knows of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from . import detector
from .likeness import Likeness

if TYPE_CHECKING:
    from .entry import RunEntry

MOST_RUNS: Final = 50
RECENT: Final = 10
"""So many runs after it was confirmed, a rise is what one is used to."""


@dataclass(frozen=True)
class Mark:
    """A run that is *ratio* times as slow as the ones like it before: *state* is `step` or `drift` for the first runs
    of a confirmed rise, `unconfirmed` for a newest one that may be the first of one.

    >>> str(Mark("step", 1.32))
    '▲ +32%'
    """

    state: str
    ratio: float

    def __str__(self) -> str:
        """As a list shows it."""
        return f"{'△' if self.state == 'unconfirmed' else '▲'} {100 * (self.ratio - 1):+.0f}%"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"state": self.state, "change_percent": round(100 * (self.ratio - 1), 1)}


def marks(runs: Sequence[RunEntry], shown: Sequence[RunEntry]) -> dict[str, Mark]:
    """Return a mark for those of the *shown* runs, by id, that are slower than the ones like them before, out of all
    *runs*, the newest first.
    """
    wanted = {run.run_id for run in shown}
    found: dict[str, Mark] = {}
    for taken in _successes(runs, {run.name for run in shown}).values():
        alike: dict[Likeness, list[RunEntry]] = {}
        for run in reversed(taken):
            _sort_in(alike, run)
        for group in alike.values():
            found |= {run_id: mark for run_id, mark in _of_group(group).items() if run_id in wanted}
    return found


def _successes(runs: Sequence[RunEntry], names: set[str]) -> dict[str, list[RunEntry]]:
    """The newest `MOST_RUNS` of each of the *names*."""
    taken: dict[str, list[RunEntry]] = {name: [] for name in names}
    short = set(names)
    for run in runs:
        if run.name in short and run.status == "success":
            taken[run.name].append(run)
            if len(taken[run.name]) == MOST_RUNS:
                short.remove(run.name)
                if not short:
                    break
    return taken


def _sort_in(alike: dict[Likeness, list[RunEntry]], run: RunEntry) -> None:
    mine = Likeness.of_entry(run)
    for first, group in alike.items():
        if mine.is_like(first):
            group.append(run)
            return
    alike[mine] = [run]


def _of_group(group: Sequence[RunEntry]) -> dict[str, Mark]:
    rows = [run.figures.rows or 1.0 for run in group]
    seconds = [run.duration_seconds or 0.0 for run in group]
    reading = detector.read([value / size for value, size in zip(seconds, rows, strict=True)])
    if reading is None:
        return {}
    found: dict[str, Mark] = {}
    firsts = [change.first for change in reading.changes]
    for change, end in zip(reading.changes, [*firsts, len(group)][1:], strict=True):
        if change.is_rise:
            for at in range(change.first, min(end, change.seen + RECENT)):
                found[group[at].run_id] = Mark(change.kind, change.ratio)
    if reading.suspected:
        found[group[-1].run_id] = Mark("unconfirmed", seconds[-1] / rows[-1] / reading.level)
    return found
