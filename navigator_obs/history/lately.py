"""At the end of a run: has it become slower than the runs like it before? Told from few files, in a bounded time."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from .entry import RunEntry, entry_of
from .figures import Summary, duration_seconds, metadata
from .finding import Finding
from .likeness import Likeness

LEAST_SECONDS, MOST_SECONDS = 0.05, 2.0
"""Reading ends after 1 % of the run's time, within these bounds: a run does not wait long for its own history."""
MOST_FOLDERS: Final = 300
FEWEST_EARLIER: Final = 4
MOST_EARLIER: Final = 49
MOST_TOLD: Final = 3


def degradations(summary: Summary, directory: Path, *, budget_seconds: float | None = None) -> list[Finding]:
    """Return what is worse in the run of *summary*, in *directory*, than in the runs like it that started before it
    and stand beside it, what matters most first, at most `MOST_TOLD`. Empty for a run that did not succeed, or that has
    too few like it.

    >>> degradations({"run_metadata": {"status": "failed"}}, Path("artifacts/runs/20250818_143022-1a2b3c4d"))
    []
    """
    if metadata(summary, "status") != "success":
        return []
    given = _budget(summary) if budget_seconds is None else budget_seconds
    until = time.monotonic() + given
    folders = _folders_before(directory)
    # Too few to find enough in: none of them need be read.
    earlier = [run.summary for run in _alike(summary, folders, until)] if len(folders) >= FEWEST_EARLIER else []
    if len(earlier) < FEWEST_EARLIER:
        return []
    # Imported for those alone that have a history: each program pays for what the end of its run imports.
    from .trends import trends

    found = trends([*reversed(earlier), summary])
    return [finding for finding in found.findings if finding.is_worse][:MOST_TOLD]


def _budget(summary: Summary) -> float:
    return min(max(0.01 * (duration_seconds(summary) or 0.0), LEAST_SECONDS), MOST_SECONDS)


def _alike(summary: Summary, folders: Iterable[Path], until: float) -> Iterator[RunEntry]:
    """Yield the newest runs like this one, newest first, as far as the time goes."""
    mine, left = Likeness.of(summary), MOST_EARLIER
    started = str(metadata(summary, "start_time") or "")
    for folder in folders:
        if time.monotonic() > until or not left:
            return
        run = entry_of(folder, json.loads)
        is_done = run is not None and run.final and run.status == "success" and run.name == mine.name
        if run is not None and is_done and (run.start_time or "") < started and Likeness.of(run.head).is_like(mine):
            left -= 1
            yield run


def _folders_before(directory: Path) -> list[Path]:
    """The newest folders of other runs that can have started before: their names begin with the time of their start,
    unless somebody named them.
    """
    try:
        names = sorted(os.listdir(directory.parent), reverse=True)
    except OSError:
        return []
    mine = directory.name if _is_stamped(directory.name) else "~"
    others = [name for name in names if name[:1].isdecimal() and name != directory.name]
    earlier = [name for name in others if name < mine or not _is_stamped(name)]
    return [directory.parent / name for name in earlier[:MOST_FOLDERS]]


def _is_stamped(name: str) -> bool:
    return name[:8].isdecimal() and name[8:9] == "_"
