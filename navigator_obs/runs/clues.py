"""What there is to know of a dead run: the head and the tail of its journal, `fault.log`, `.signals`, and how the
computer stands now.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..clock import format_timestamp, parse_timestamp
from ..events.boot import boot_id
from . import evidence
from .files import FAULT_NAME, JOURNAL_NAME, SIGNALS_NAME
from .reading import table
from .records import Record, head, tail

STATUS_OF_SIGNAL: Final = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminated"}
_VALID: Final = frozenset(int(number) for number in signal.Signals)
# Times of files are those of the kernel's last tick. What the program had done just before would seem to come after.
_FILE_CLOCK_NS: Final = 10_000_000
_PROGRESS: Final = frozenset({"check", "checkpoint", "artifact"})


@dataclass(frozen=True)
class Exit:
    """How a process ended, as its parent saw it: by itself with a code, or by a signal; neither where it was the parent
    of a parent.
    """

    exit_code: int | None = None
    signal: str | None = None


@dataclass(frozen=True)
class Clues:
    """What is known of a dead run. `host` is how its computer stands now; None where this is another one."""

    start: Record = field(default_factory=dict)
    tick: Record = field(default_factory=dict)
    last_time: str = ""
    signal: tuple[str, str] | None = None
    went_on: bool = False
    fault: str | None = None
    host: Mapping[str, Any] | None = None
    exit: Exit | None = None


def examine(directory: Path, exit: Exit | None = None) -> Clues:  # noqa: A002
    """Gather what the run's folder and this computer tell. Never raises."""
    path = directory / JOURNAL_NAME
    first = head(path)
    start = first if first.get("kind") == "start" else {}
    records = tail(path)
    ticks = [record for record in records if record["kind"] == "tick" and "worker" not in record]
    told = _signal(directory, records)
    return Clues(
        start=start,
        tick=ticks[-1] if ticks else {},
        last_time=max((str(record.get("time") or "") for record in [start, *records]), default=""),
        signal=told,
        went_on=told is not None and any(_is_progress(record, told[1]) for record in records),
        fault=_fault(directory / FAULT_NAME) or _fault(Path(str(laid(start).get("fault_log")))),
        host=_host(start, directory),
        exit=exit,
    )


def _host(start: Record, directory: Path) -> Mapping[str, Any] | None:
    import socket

    if start.get("host") not in {None, socket.gethostname()}:
        return None
    now = evidence.at_present(directory, laid(start).get("oom_file"))
    return {"boot_id": boot_id(), **now}


def laid(record: Record) -> Mapping[str, Any]:
    """Return the evidence that a record holds."""
    return table(record, "evidence")


def _signal(directory: Path, records: Iterable[Record]) -> tuple[str, str] | None:
    """The last signal that asked the process to end, and when: as the run heard it, or as only the interpreter did."""
    heard = [(str(record["signal"]), str(record["time"])) for record in records if record["kind"] == "signal"]
    arrived = _arrived(directory / SIGNALS_NAME)
    return max([*heard, *arrived], key=lambda told: told[1], default=None)


def _arrived(path: Path) -> list[tuple[str, str]]:
    try:
        numbers = path.read_bytes().rstrip(b"\0")
        when = format_timestamp(path.stat().st_mtime_ns + _FILE_CLOCK_NS)
    except OSError:
        return []
    names = [signal.Signals(number).name for number in numbers if number in _VALID]
    return [(name, when) for name in names if name in STATUS_OF_SIGNAL][-1:]


def _is_progress(record: Record, since: str) -> bool:
    """Whether the program did a piece of its work after the signal: it meant to go on."""
    done = record["kind"] in _PROGRESS or (
        record["kind"] == "operation" and record.get("record", {}).get("status") == "success"
    )
    return done and str(record.get("time") or "") > since


def _fault(path: Path) -> str | None:
    """Return what the interpreter wrote when a fault ended the process."""
    try:
        with path.open("rb") as file:
            text = file.read(4096).decode("utf-8", "replace")
    except OSError:
        return None
    lines = [line for line in text.splitlines() if line.startswith("Fatal Python error: ")]
    return lines[-1].removeprefix("Fatal Python error: ").strip() if lines else None


def seconds_of(timestamp: str) -> float | None:
    """Return the seconds from 1970 to a *timestamp*; None where it is none."""
    try:
        return parse_timestamp(timestamp) / 1e9
    except ValueError:
        return None


def is_alive(pid: int | None) -> bool:
    """Return whether a process of this id runs here; of another user's, too."""
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def age_seconds(timestamp: str) -> float | None:
    """Return how long ago a *timestamp* was by this computer's clock; None where it is none."""
    then = seconds_of(timestamp)
    return None if then is None else time.time() - then
