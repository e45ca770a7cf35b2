"""Which runs of a list are slower than the ones before them: a word beside each, from the heads of summaries alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from . import detector, figures
from .figures import Summary
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


def marks(runs: Sequence[RunEntry], shown: Iterable[RunEntry]) -> dict[str, Mark]:
    """Return a mark for those of the *shown* runs, by id, that are slower than the ones like them before, out of all
    *runs*, the newest first.
    """
    found: dict[str, Mark] = {}
    wanted = {run.run_id for run in shown}
    for name in dict.fromkeys(run.name for run in runs if run.run_id in wanted):
        alike: dict[Likeness, list[tuple[RunEntry, Summary]]] = {}
        taken = [run for run in runs if run.name == name and run.status == "success"][:MOST_RUNS]
        for run in reversed(taken):
            _sort_in(alike, run)
        for group in alike.values():
            found |= {run_id: mark for run_id, mark in _of_group(group).items() if run_id in wanted}
    return found


def _sort_in(alike: dict[Likeness, list[tuple[RunEntry, Summary]]], run: RunEntry) -> None:
    head = run.head
    mine = Likeness.of(head)
    for first, group in alike.items():
        if mine.is_like(first):
            group.append((run, head))
            return
    alike[mine] = [(run, head)]


def _of_group(group: Sequence[tuple[RunEntry, Summary]]) -> dict[str, Mark]:
    rows = [figures.rows(head) or 1.0 for _, head in group]
    seconds = [run.duration_seconds or 0.0 for run, _ in group]
    reading = detector.read([value / size for value, size in zip(seconds, rows, strict=True)])
    if reading is None:
        return {}
    found: dict[str, Mark] = {}
    firsts = [change.first for change in reading.changes]
    for change, end in zip(reading.changes, [*firsts, len(group)][1:], strict=True):
        if change.is_rise:
            for at in range(change.first, min(end, change.seen + RECENT)):
                found[group[at][0].run_id] = Mark(change.kind, change.ratio)
    if reading.suspected:
        found[group[-1][0].run_id] = Mark("unconfirmed", seconds[-1] / rows[-1] / reading.level)
    return found
