"""The first command that meets a dead run finalises it (see `runs.recovery`)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..history.store import History, RunEntry
from ..runs.statuses import OPEN

if TYPE_CHECKING:
    from ..config import Config


def finalise(config: Config, runs: Iterable[RunEntry]) -> bool:
    """Finalise those of *runs* that are dead; return whether there is something new to be read."""
    dead = [run for run in runs if not run.final and run.status not in OPEN]
    if not dead:
        return False
    # Imported for a dead run alone: lists are asked for often.
    from ..runs.recovery import recover

    recovered = [recover(run.directory, config) for run in dead]
    return any(recovered)


def settled(config: Config, ref: str) -> RunEntry:
    """Return the run that *ref* names, finalised first if it is dead. Raises RunNotFound."""
    history = History(config.runs_dir)
    entry = history.get(ref)
    return history.get(str(entry.directory.absolute())) if finalise(config, [entry]) else entry
