"""How a run stands: a function of its folder and of what this host can be asked. It reads and never writes.

A final summary says it. Else a held lock means that the run lives, whatever the clocks say: it is stalled where it has
missed the progress that it promised. A free one means that its process is gone. The verdict is then in the journal's
last record, where only the summary could not be written; without one it is judged from the evidence (`postmortem`).
Where locks say nothing, because the file system keeps none that reach this computer, the ticks in the journal are the
run's heartbeat, and one that is silent for long is `lost_contact`, which nobody finalises.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from . import postmortem
from .clues import Clues, age_seconds, examine, is_alive, laid
from .files import JOURNAL_NAME, LOCK_NAME
from .folder import is_locked, read_summary
from .reading import items, table
from .records import end_record
from .statuses import CERTAIN

SILENT_SECONDS: Final = 300.0
"""How long a run whose lock says nothing may leave out its ticks: clocks of two computers differ."""
_NEWBORN_SECONDS: Final = 10.0
# How much later than promised the word of a stall may come: the next tick writes it.
_SLACK_SECONDS: Final = 5.0


class Status(TypedDict):
    """`status`: a word of the glossary, from `running` to `crashed`; `final`: the summary itself says so."""

    status: str
    status_reason: str | None
    final: bool
    confidence: str | None
    evidence: tuple[str, ...]


def status_of(directory: Path, summary: Mapping[str, Any] | None = None) -> Status:
    """Return how the run in *directory* stands; *summary* is its `summary.json` where the caller has just read it.

    `final` is true where the summary itself says so. `confidence` is `certain`, `likely` or `possible`, None as long as
    the run is open; `evidence` are the facts under a verdict that the run did not pronounce itself.
    """
    summary = summary or read_summary(directory)
    if summary and table(summary, "run_metadata").get("final"):
        return _stated(summary)
    locked = is_locked(directory)
    if locked:
        return _living(directory)
    ended = end_record(directory)
    if ended is not None:
        return _status(str(ended.get("status")), ended.get("status_reason"), *_basis(ended))
    clues = examine(directory)
    host = clues.start.get("host") or table(summary or {}, "run_metadata").get("host")
    if locked is None or host not in {None, socket.gethostname()} or not _lock_was_held(clues):
        return _from_afar(clues, host)
    # It may have ended between the two looks.
    later = read_summary(directory)
    if later and table(later, "run_metadata").get("final"):
        return _stated(later)
    return _unfinished(directory, clues)


def _status(
    status: str,
    reason: str | None = None,
    confidence: str | None = None,
    evidence: tuple[str, ...] = (),
    *,
    final: bool = False,
) -> Status:
    return {
        "status": status,
        "status_reason": reason,
        "final": final,
        "confidence": confidence,
        "evidence": evidence,
    }


def _stated(summary: Mapping[str, Any]) -> Status:
    metadata = table(summary, "run_metadata")
    return _status(str(metadata.get("status")), metadata.get("status_reason"), *_basis(metadata), final=True)


def _basis(told: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A verdict that says nothing of its confidence is the run's own."""
    return str(told.get("status_confidence") or CERTAIN), tuple(map(str, items(told, "evidence")))


def _living(directory: Path) -> Status:
    clues = examine(directory)
    stalled = clues.tick.get("stalled")
    if stalled:
        return _status("stalled", stall_reason(stalled))
    promise = clues.tick.get("promise_seconds") or clues.start.get("promise_seconds")
    silent = age_seconds(clues.last_time)
    if promise and silent is not None and silent > promise + _SLACK_SECONDS:
        return _status("stalled", f"no word for {silent:.0f} s, not even a tick: C code keeps Python from running")
    return _status("running")


def stall_reason(stalled: Mapping[str, Any]) -> str:
    """Return in words what a tick says of a stall."""
    return f"no progress since {stalled.get('since')}, promised every {float(stalled.get('promise_seconds', 0)):g} s"


def _lock_was_held(clues: Clues) -> bool:
    return laid(clues.start).get("lock_held") is not False


def _from_afar(clues: Clues, host: object) -> Status:
    """Where the lock says nothing: by the heartbeat on a shared file system, else the last known state."""
    here = host == socket.gethostname()
    if here and clues.host and not is_alive(clues.start.get("pid")):
        return _found(postmortem.judge(clues))
    shared = laid(clues.start).get("lock_trusted") is False
    silent = age_seconds(clues.last_time)
    if not (here or shared) or silent is None:
        where = "the lock of the run can't be asked from here" if here else f"only its host, {host}, can tell more"
        return _status("running", f"last known state; {where}")
    if silent <= SILENT_SECONDS:
        return _status("running", f"last heard of {silent:.0f} s ago, by the journal: its lock says nothing here")
    return _status("lost_contact", f"not heard of since {clues.last_time}; only its host, {host}, can tell more")


def _unfinished(directory: Path, clues: Clues) -> Status:
    if not (directory / LOCK_NAME).exists() and not (directory / JOURNAL_NAME).exists() and _is_newborn(directory):
        return _status("running", "starting")
    return _found(postmortem.judge(clues))


def _found(found: postmortem.Finding) -> Status:
    return _status(found.status, found.reason, found.confidence, found.evidence)


def _is_newborn(directory: Path) -> bool:
    """Between the folder and its lock there are microseconds, in which a reader may look."""
    try:
        return time.time() - directory.stat().st_mtime < _NEWBORN_SECONDS
    except OSError:
        return False
