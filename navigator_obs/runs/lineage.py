"""What a run continues: the attempt before it, and the checkpoint at which that one's work is taken up again.

Attempts that were resumed from each other are one logical simulation, named by the run id of the first: its
`root_run_id`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..config import Config
from ..encoding import shown
from ..errors import UsageError
from . import folder, liveness, recovery
from .reading import items, number, table, tables
from .statuses import LIVING


class ResumePoint(NamedTuple):
    """Where a run takes up another one's work: its id, its last checkpoint's `year` and where that year's state was
    saved; both None where it had completed no year, and the path where nothing was saved.
    """

    run_id: str
    year: int | None = None
    path: str | None = None


class Ancestor(NamedTuple):
    """The attempt before, as far as the one that continues it needs to know it."""

    run_id: str
    root_run_id: str
    attempt: int
    checkpoint: Mapping[str, Any]
    years: tuple[Any, ...] = ()

    @property
    def point(self) -> ResumePoint:
        """Where it is taken up."""
        return ResumePoint(self.run_id, self.checkpoint.get("year"), self.checkpoint.get("path"))

    def to_dict(self) -> dict[str, Any]:
        """Return what the start record says of it."""
        return {
            "resumed_from": self.run_id,
            "root_run_id": self.root_run_id,
            "attempt": self.attempt + 1,
            "years_resumed": list(self.years),
            "resumed_at": {key: self.checkpoint.get(key) for key in ("year", "path", "time")},
        }


def ancestor(wanted: object, config: Config) -> Ancestor:
    """Return the run that *wanted* names: by its id, the path of its folder, or a run object. It is finalised first if
    it is dead.

    Raises UsageError where there is no such run, or it still lives.
    """
    directory = _folder(wanted, config.runs_dir)
    recovery.recover(directory, config)
    summary = folder.read_summary(directory)
    if summary is None:
        raise UsageError(f"resume_from={shown(wanted)}: {directory} holds no run")
    status = liveness.status_of(directory, summary)["status"]
    if status in LIVING:
        raise UsageError(
            f"resume_from={shown(wanted)}: this run is {status}, and only one that has ended can be resumed"
        )
    metadata = table(summary, "run_metadata")
    run_id = str(metadata.get("run_id") or directory.name)
    checkpoints = tables(summary, "checkpoints")
    last = checkpoints[-1] if checkpoints else _inherited(metadata)
    root, attempt = str(metadata.get("root_run_id") or run_id), int(number(metadata.get("attempt")) or 1)
    return Ancestor(run_id, root, attempt, last, _done(table(summary, "execution_summary"), last.get("year")))


def _done(execution: Mapping[str, Any], until: Any) -> tuple[Any, ...]:
    """The years that are complete in the checkpoint: by this attempt and those before it."""
    years = [*items(execution, "years_resumed"), *items(execution, "years_completed")]
    done = {year for year in years if isinstance(year, int) and isinstance(until, int) and year <= until}
    return tuple(sorted(done))


def _inherited(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """A run that was resumed and came to no checkpoint of its own leaves its successor the one that it began at."""
    return table(metadata, "resumed_at")


def _folder(wanted: object, runs_dir: Path) -> Path:
    own = getattr(wanted, "directory", None)
    if isinstance(own, (str, os.PathLike)):
        return Path(own)
    if not isinstance(wanted, (str, os.PathLike)) or not os.fspath(wanted):
        raise UsageError(f"resume_from={shown(wanted)} must be a run id, the path of a run's folder, or a run")
    name = os.fspath(wanted)
    directory = Path(name) if os.sep in name else runs_dir / name
    if not directory.is_dir() or name in {".", ".."}:
        # What the command line calls a run by is known where all runs are.
        hint = f"; whatever else names a run, History().get({shown(name)}) finds it" if name not in {".", ".."} else ""
        raise UsageError(f"resume_from={shown(wanted)}: there is no such run in {runs_dir}{hint}")
    return directory
