"""Keep the folder of runs within limits: first what explains a run in detail goes, and whole runs at last.

Beyond an age or a number, runs are deleted. Beyond a size, the oldest are thinned first: of all of them the traces and
the shares of workers go, then the journals, and only then whole folders, until what is left fits. What people still
need is never touched: a run that is pinned, a baseline, open, failed and not acknowledged, or resumed by another one.
Runs within another one stay as long as that does, and are not counted.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from ..clock import parse_timestamp
from ..runs.files import JOURNAL_NAME, STACKS_NAME, WORKERS_FOLDER
from ..runs.folder import Lock
from ..runs.statuses import OPEN
from .entry import RunEntry
from .store import History, whole_of

_DAY_SECONDS: Final = 86_400
_CLAIM_NAME: Final = ".pruning"
_DOOMED: Final = ".deleting-"
# By pattern; files that the program keeps in the run's folder are not ours to thin.
_DETAILS: Final = ("trace*", STACKS_NAME, "report.html", WORKERS_FOLDER)

DETAILS, JOURNAL, RUN = "details", "journal", "run"
"""What of a run is removed: its traces and the shares of its workers, its journal, or all of it."""


@dataclass(frozen=True)
class Limits:
    """What is kept, each None for no limit: runs that began in the last *keep_days* days, the newest *keep_runs*, and
    *max_bytes* in all.
    """

    keep_days: float | None = None
    keep_runs: int | None = None
    max_bytes: int | None = None

    def __bool__(self) -> bool:
        """Whether there is any."""
        return (self.keep_days, self.keep_runs, self.max_bytes) != (None, None, None)


@dataclass(frozen=True)
class Removal:
    """One thing that goes: `what` of which run, how large it is, and `why`."""

    run_id: str
    name: str
    path: str
    what: str
    bytes: int
    why: str


@dataclass(frozen=True)
class Plan:
    """What goes, in this order; the runs that stay against a limit, with why; the size before and after."""

    removals: tuple[Removal, ...]
    spared: tuple[tuple[str, str], ...]
    bytes_before: int
    bytes_after: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "removals": [asdict(removal) for removal in self.removals],
            "spared": [{"run_id": run_id, "why": why} for run_id, why in self.spared],
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
        }


class _Run:
    """A run with what it takes on the disk, as the plan goes on, and the run that it is a part of, else itself."""

    def __init__(self, entry: RunEntry, whole: RunEntry, why_kept: str | None) -> None:
        self.entry = entry
        self.whole = whole
        self.why_kept = why_kept
        self.sizes = _sizes(entry.directory)

    @property
    def bytes(self) -> int:
        return sum(self.sizes.values())

    def remove(self, what: str, why: str) -> Removal | None:
        parts = {DETAILS: (DETAILS,), JOURNAL: (JOURNAL,), RUN: (DETAILS, JOURNAL, RUN)}[what]
        freed = sum(self.sizes.pop(part, 0) for part in parts)
        if what != RUN and not freed:
            return None
        return Removal(self.entry.run_id, self.entry.name, self.entry.path, what, freed, why)


def plan(runs_dir: Path, limits: Limits) -> Plan:
    """Return what `prune` would do now. Nothing is written."""
    entries = History(runs_dir).list()
    resumed = {(entry.head.get("run_metadata") or {}).get("resumed_from") for entry in entries}
    by_id = {entry.run_id: entry for entry in entries}
    wholes = {entry.run_id: whole_of(entry, by_id) for entry in entries}
    runs = [
        _Run(entry, wholes[entry.run_id], _why_kept(entry, wholes[entry.run_id], resumed))
        for entry in entries
        if _is_folder(entry.directory)
    ]
    before = sum(run.bytes for run in runs)
    spared: dict[str, str] = {}
    removals = [*_beyond_age_and_number(runs, limits, spared), *_beyond_size(runs, limits, spared)]
    return Plan(tuple(_merged(removals)), tuple(spared.items()), before, sum(run.bytes for run in runs))


def _merged(removals: list[Removal]) -> Iterator[Removal]:
    """Leave out the thinning of what goes as a whole."""
    whole = {removal.path for removal in removals if removal.what == RUN}
    freed: dict[str, int] = {}
    for removal in removals:
        freed[removal.path] = freed.get(removal.path, 0) + removal.bytes
        if removal.what == RUN:
            yield replace(removal, bytes=freed[removal.path])
        elif removal.path not in whole:
            yield removal


def _why_kept(entry: RunEntry, whole: RunEntry, resumed: set[Any]) -> str | None:
    """Why this run is never touched; None where nothing speaks for it. *whole* is the run that it is a part of."""
    if entry is not whole and (found := _why_kept(whole, whole, resumed)):
        return f"{whole.run_id}, of which it is a part, stays: {found}"
    if entry.status in OPEN or not entry.final:
        return f"it is {entry.status}"
    if entry.pinned:
        return "it is pinned"
    if entry.baseline:
        return "it is a baseline"
    if entry.status != "success" and not (entry.acknowledged or whole.acknowledged):
        return f"it is {entry.status} and nobody has acknowledged that"
    if entry.run_id in resumed:
        return "another run was resumed from it"
    return None


def _is_folder(directory: Path) -> bool:
    """Whether it is a folder of its own here, and this user's: nothing is removed through a link."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (not hasattr(os, "geteuid") or found.st_uid == os.geteuid())


def _beyond_age_and_number(runs: list[_Run], limits: Limits, spared: dict[str, str]) -> Iterator[Removal]:
    order = {run.entry.run_id: number for number, run in enumerate(run for run in runs if run.entry is run.whole)}
    for run in list(runs):
        why = _why_beyond(order.get(run.whole.run_id, 0), run.whole, limits)
        if why and run.why_kept:
            spared[run.entry.run_id] = run.why_kept
        elif why:
            runs.remove(run)
            removal = run.remove(RUN, why)
            assert removal is not None
            yield removal


def _why_beyond(number: int, entry: RunEntry, limits: Limits) -> str | None:
    age = _age_days(entry)
    if limits.keep_days is not None and age > limits.keep_days:
        return f"{age:.0f} days old"
    if limits.keep_runs is not None and number >= limits.keep_runs:
        return f"beyond the newest {limits.keep_runs}"
    return None


def _age_days(entry: RunEntry) -> float:
    try:
        began = parse_timestamp(entry.start_time or "") / 1e9
    except ValueError:
        began = entry.directory.stat().st_mtime
    return (time.time() - began) / _DAY_SECONDS


def _beyond_size(runs: list[_Run], limits: Limits, spared: dict[str, str]) -> Iterator[Removal]:
    if limits.max_bytes is None:
        return
    total = sum(run.bytes for run in runs)
    for what in (DETAILS, JOURNAL, RUN):
        for run in reversed(list(runs)):
            if total <= limits.max_bytes:
                return
            if run.why_kept:
                spared[run.entry.run_id] = run.why_kept
                continue
            removal = run.remove(what, "beyond the size")
            if removal is not None:
                total -= removal.bytes
                yield removal
            if what == RUN:
                runs.remove(run)


def _sizes(directory: Path) -> dict[str, int]:
    """What each part takes, in bytes."""
    sizes = {DETAILS: 0, JOURNAL: 0, RUN: 0}
    for name, size in _files(directory):
        part = DETAILS if _is_detail(name) else JOURNAL if name == JOURNAL_NAME else RUN
        sizes[part] += size
    return sizes


def _is_detail(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _DETAILS)


def _files(directory: Path) -> Iterator[tuple[str, int]]:
    """Each file below *directory*: the first part of its path, and its size."""
    try:
        found = list(os.scandir(directory))
    except OSError:
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from ((entry.name, size) for _, size in _files(Path(entry.path)))
        else:
            yield entry.name, entry.stat(follow_symlinks=False).st_size


def prune(
    runs_dir: Path,
    limits: Limits,
    file_mode: int = 0o600,
    key: bytes | None = None,
    *,
    not_within_seconds: float = 0.0,
) -> Plan:
    """Bring the folder of runs within the limits; return what was done.

    With *key*, that of the setting `seal_key_file`, the runs' seals are told of it as they were made.
    Where another process is at it, or was *not_within_seconds* ago, nothing is. Raises OSError where the file system
    refuses.
    """
    if not runs_dir.is_dir() or _age_seconds(runs_dir / _CLAIM_NAME) < not_within_seconds:
        return Plan((), (), 0, 0)
    claim = Lock(runs_dir, file_mode, _CLAIM_NAME)
    try:
        if not claim.held:
            return Plan((), (), 0, 0)
        os.utime(runs_dir / _CLAIM_NAME)
        _finish_deletions(runs_dir)
        found = plan(runs_dir, limits)
        for removal in found.removals:
            _remove(removal, file_mode, key)
        return found
    finally:
        claim.close()


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return float("inf")


def _finish_deletions(runs_dir: Path) -> None:
    """Take away what a process that died in the middle of this has left."""
    for path in runs_dir.glob(f"{_DOOMED}*"):
        shutil.rmtree(path, ignore_errors=True)


def _remove(removal: Removal, file_mode: int, key: bytes | None) -> None:
    directory = Path(removal.path)
    if removal.what == RUN:
        # Under a name that no reader looks at: none sees half a run.
        doomed = directory.with_name(f"{_DOOMED}{directory.name}")
        directory.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)
        return
    details = [name for name in os.listdir(directory) if _is_detail(name)]
    _thin(directory, sorted(details) if removal.what == DETAILS else [JOURNAL_NAME], file_mode, key)


def _thin(directory: Path, names: Iterable[str], file_mode: int, key: bytes | None) -> None:
    """Remove parts of a run; what they were stays known by size and SHA-256."""
    from ..runs import seal
    from ..runs.annotations import annotate

    paths = [directory / name for name in names if (directory / name).exists()]
    files = sorted(file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())
    for file in files:
        removed = f"{file.relative_to(directory)} {file.stat().st_size} sha256:{seal.digest_of(file)}"
        annotate(directory, "thinned", by="prune", file_mode=file_mode, text=removed)
    seal.note_removal(directory, [file.relative_to(directory).as_posix() for file in files], key, file_mode)
    for path in paths:
        path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)
