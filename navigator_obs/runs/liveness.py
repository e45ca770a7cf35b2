"""How a run stands: a function of its folder and of what this host can be asked. It reads and never writes.

A final summary says it. Else a held lock means that the run lives, whatever the clocks say; a free one, that its
process is gone. The verdict is then in the journal's last record, where only the summary could not be written; without
one the run crashed.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

from .folder import LOCK_NAME, is_locked, read_summary
from .journal import JOURNAL_NAME, end_record

_NEWBORN_SECONDS: Final = 10.0


class Status(TypedDict):
    """`status`: a word of the glossary, from `running` to `crashed`; `final`: the summary itself says so."""

    status: str
    status_reason: str | None
    final: bool


def status_of(directory: Path, summary: Mapping[str, Any] | None = None) -> Status:
    """Return how the run in *directory* stands; *summary* is its `summary.json` where the caller has just read it.

    `final` is true where the summary itself says so.
    """
    summary = summary or read_summary(directory)
    if summary and _metadata(summary).get("final"):
        return _stated(summary)
    locked = is_locked(directory)
    if locked:
        return {"status": "running", "status_reason": None, "final": False}
    ended = end_record(directory)
    if ended is not None:
        return _verdict_of(ended)
    host = _metadata(summary or {}).get("host")
    if host not in {None, socket.gethostname()}:
        return _last_known(f"last known state; only its host, {host}, can tell whether it still runs")
    if locked is None:
        return _last_known("last known state; the lock of the run can't be asked from here")
    # It may have ended between the two looks.
    later = read_summary(directory)
    if later and _metadata(later).get("final"):
        return _stated(later)
    return _unfinished(directory)


def _metadata(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = summary.get("run_metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _stated(summary: Mapping[str, Any]) -> Status:
    metadata = _metadata(summary)
    return {"status": str(metadata.get("status")), "status_reason": metadata.get("status_reason"), "final": True}


def _verdict_of(ended: Mapping[str, Any]) -> Status:
    """By the journal, whose fold is the whole summary: `final` is false, for the one that stands there is not."""
    return {"status": str(ended.get("status")), "status_reason": ended.get("status_reason"), "final": False}


def _last_known(reason: str) -> Status:
    return {"status": "running", "status_reason": reason, "final": False}


def _unfinished(directory: Path) -> Status:
    if not (directory / LOCK_NAME).exists() and not (directory / JOURNAL_NAME).exists() and _is_newborn(directory):
        return {"status": "running", "status_reason": "starting", "final": False}
    reason = "vanished: its process is gone and said no word at its end, as after SIGKILL or os._exit"
    return {"status": "crashed", "status_reason": reason, "final": False}


def _is_newborn(directory: Path) -> bool:
    """Between the folder and its lock there are microseconds, in which a reader may look."""
    try:
        return time.time() - directory.stat().st_mtime < _NEWBORN_SECONDS
    except OSError:
        return False
