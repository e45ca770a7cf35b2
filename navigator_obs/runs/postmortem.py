"""How a run died that said no word at its end: judged from the evidence that it laid down, by pure functions.

`examine` gathers what there is to know: the head and the tail of the journal, `fault.log`, `.signals`, and how the
computer stands now. `judge` weighs it. What leaves the same traces is not told apart: SIGKILL and `os._exit` both are
`vanished`, unless the parent (`navigator-obs exec`) has seen the process end.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..clock import format_timestamp, parse_timestamp
from . import evidence
from .journal import JOURNAL_NAME, Record, head, tail

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
CONFIDENCES: Final = (CERTAIN, LIKELY, POSSIBLE)
_NEAR_LIMIT: Final = 0.85
_FULL_MB: Final = 1.0
# A scheduler kills at the end of the job's time, or up to so much later.
_TIME_LIMIT_SECONDS: Final = 120.0
_PROGRESS: Final = frozenset({"check", "checkpoint", "artifact"})
_FAULTS: Final = {
    "Segmentation fault": ("segfault", "SIGSEGV"),
    "Aborted": ("abort", "SIGABRT"),
    "Bus error": ("bus_error", "SIGBUS"),
    "Floating point exception": ("arithmetic_fault", "SIGFPE"),
    "Illegal instruction": ("illegal_instruction", "SIGILL"),
}
_STATUS_OF_SIGNAL: Final = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "terminated"}


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


@dataclass(frozen=True)
class Finding:
    """The verdict on a dead run: `reason` in one line, how sure it is, and the facts under it."""

    status: str
    reason: str
    confidence: str
    evidence: tuple[str, ...] = ()
    exit_code: int | None = None
    signal: str | None = None


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
        fault=_fault(directory / evidence.FAULT_NAME) or _fault(Path(str(_laid(start).get("fault_log")))),
        host=_host(start, directory),
        exit=exit,
    )


def _host(start: Record, directory: Path) -> Mapping[str, Any] | None:
    import socket

    if start.get("host") not in {None, socket.gethostname()}:
        return None
    laid = _laid(start)
    now = evidence.at_tick(directory, laid.get("oom_file"))
    return {"boot_id": evidence.boot_id(), **now}


def _laid(record: Record) -> Mapping[str, Any]:
    found = record.get("evidence")
    return found if isinstance(found, Mapping) else {}


def _signal(directory: Path, records: Iterable[Record]) -> tuple[str, str] | None:
    """The last signal that asked the process to end, and when: as the run heard it, or as only the interpreter did."""
    heard = [(str(record["signal"]), str(record["time"])) for record in records if record["kind"] == "signal"]
    arrived = _arrived(directory / evidence.SIGNALS_NAME)
    return max([*heard, *arrived], key=lambda told: told[1], default=None)


def _arrived(path: Path) -> list[tuple[str, str]]:
    try:
        numbers = path.read_bytes().rstrip(b"\0")
        when = format_timestamp(path.stat().st_mtime_ns)
    except OSError:
        return []
    names = [signal.Signals(number).name for number in numbers if number in _VALID]
    return [(name, when) for name in names if name in _STATUS_OF_SIGNAL][-1:]


_VALID: Final = frozenset(int(number) for number in signal.Signals)


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


def judge(clues: Clues) -> Finding:
    """Weigh the evidence: the first of these that it supports.

    >>> judge(Clues(fault="Segmentation fault")).reason
    'segfault: Segmentation fault, see fault.log'
    >>> judge(Clues()).reason.partition(":")[0]
    'vanished'
    """
    facts = tuple(_facts(clues))
    for verdict in (_by_fault, _by_exit, _by_oom_of_group, _by_reboot, _by_signal, _by_disk, _by_oom, _by_time_limit):
        found = verdict(clues)
        if found is not None:
            return Finding(found.status, found.reason, found.confidence, facts, found.exit_code, found.signal)
    reason = "vanished: its process is gone and said no word at its end, as after SIGKILL or os._exit"
    return Finding("crashed", reason, CERTAIN if clues.host else LIKELY, facts)


def _by_fault(clues: Clues) -> Finding | None:
    if clues.fault is None:
        return None
    word, name = _FAULTS.get(clues.fault, ("fatal", None))
    return Finding("crashed", f"{word}: {clues.fault}, see fault.log", CERTAIN, signal=name)


def _by_exit(clues: Clues) -> Finding | None:
    seen = clues.exit
    if seen is None or seen == Exit():
        return None
    if seen.signal is None:
        reason = f"exit: the process ended with exit code {seen.exit_code} and no word, as by os._exit"
        return Finding("crashed", reason, CERTAIN, exit_code=seen.exit_code)
    if seen.signal in _STATUS_OF_SIGNAL:
        return Finding(_STATUS_OF_SIGNAL[seen.signal], f"{seen.signal} ended it", CERTAIN, signal=seen.signal)
    if seen.signal == "SIGKILL":
        return _killed(clues)
    word = {name: word for word, name in _FAULTS.values()}.get(seen.signal, "killed")
    return Finding("crashed", f"{word}: {seen.signal} ended the process", CERTAIN, signal=seen.signal)


def _killed(clues: Clues) -> Finding:
    """Of a SIGKILL that the parent saw: the kernel's for want of memory, a scheduler's that had asked before, or
    anybody's.
    """
    cause = _by_oom_of_group(clues) or _by_signal(clues) or _by_oom(clues) or _by_time_limit(clues)
    if cause is None:
        return Finding("crashed", "killed: SIGKILL ended the process", CERTAIN, signal="SIGKILL")
    sure = CERTAIN if cause.reason.startswith("oom") and cause.confidence == LIKELY else cause.confidence
    return Finding(cause.status, cause.reason, sure, signal=cause.signal or "SIGKILL")


def _by_oom_of_group(clues: Clues) -> Finding | None:
    before, now = _counters(clues)
    if _grew(before, now, "group") and before.get("inode") == now.get("inode"):
        reason = "oom: the kernel killed a process of its control group for want of memory"
        return Finding("crashed", f"{reason}{_memory(clues)}", LIKELY, signal="SIGKILL")
    return None


def _by_oom(clues: Clues) -> Finding | None:
    before, now = _counters(clues)
    if not _grew(before, now, "system"):
        return None
    used = _share_of_memory(clues)
    near = used is not None and used >= _NEAR_LIMIT
    reason = f"oom: the kernel killed a process for want of memory{_memory(clues)}"
    return Finding("crashed", reason, LIKELY if near else POSSIBLE, signal="SIGKILL")


def _counters(clues: Clues) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    laid = _laid(clues.tick).get("oom_kills") or _laid(clues.start).get("oom_kills") or {}
    now = (clues.host or {}).get("oom_kills") or {}
    return (laid, now) if _same_boot(clues) else ({}, {})


def _grew(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> bool:
    earlier, later = before.get(name), now.get(name)
    return earlier is not None and later is not None and later > earlier


def _same_boot(clues: Clues) -> bool:
    laid = _laid(clues.start).get("boot_id")
    return bool(clues.host) and laid is not None and laid == (clues.host or {}).get("boot_id")


def _share_of_memory(clues: Clues) -> float | None:
    last, limit = _last_memory_mb(clues), _memory_limit_mb(clues)
    return last / limit if last and limit else None


def _last_memory_mb(clues: Clues) -> float | None:
    found: float | None = (clues.tick.get("resources") or {}).get("memory_mb") or clues.start.get("memory_mb")
    return found


def _memory_limit_mb(clues: Clues) -> float | None:
    around = clues.start.get("environment") or {}
    limits = [limit for limit in (around.get("memory_limit_mb"), around.get("memory_mb")) if limit]
    return min(limits) if limits else None


def _memory(clues: Clues) -> str:
    last = _last_memory_mb(clues)
    return f"; last seen with {last:,.0f} MB" if last else ""


def _by_reboot(clues: Clues) -> Finding | None:
    laid = _laid(clues.start).get("boot_id")
    now = (clues.host or {}).get("boot_id")
    if laid is None or now is None or laid == now:
        return None
    return Finding("crashed", "reboot: the computer has started anew since the run was last heard of", LIKELY)


def _by_disk(clues: Clues) -> Finding | None:
    """A run that can't write its ticks any more can't write that either: the disk may still be full."""
    if "disk_full" in (clues.tick.get("dropped") or {}) or _is_full(_laid(clues.tick)):
        return Finding("crashed", "disk_full: the disk was full when the run was last heard of", POSSIBLE)
    if _is_full(clues.host or {}):
        return Finding("crashed", "disk_full: the disk is full", POSSIBLE)
    return None


def _is_full(told: Mapping[str, Any]) -> bool:
    free = told.get("disk_free_mb")
    return free is not None and free < _FULL_MB


def _by_signal(clues: Clues) -> Finding | None:
    """A request to end that the program did not answer before it was gone: by a second, final one, as a rule."""
    if clues.signal is None or clues.went_on:
        return None
    name = clues.signal[0]
    reason = f"{name} arrived, and the process was gone before it could end in order"
    return Finding(_STATUS_OF_SIGNAL.get(name, "terminated"), reason, LIKELY, signal=name)


def _by_time_limit(clues: Clues) -> Finding | None:
    end = (_laid(clues.start).get("scheduler") or {}).get("SLURM_JOB_END_TIME", "")
    last = _seconds(clues.last_time)
    if not str(end).isdigit() or last is None or not abs(last - int(end)) <= _TIME_LIMIT_SECONDS:
        return None
    return Finding("terminated", "time_limit: the scheduler's time for the job was over", LIKELY)


def _seconds(timestamp: str) -> float | None:
    try:
        return parse_timestamp(timestamp) / 1e9
    except ValueError:
        return None


def _facts(clues: Clues) -> Iterator[str]:
    """What is known, a line each, for people."""
    if clues.last_time:
        yield f"last heard of at {clues.last_time}"
    if clues.exit is not None and clues.exit != Exit():
        how = f"by {clues.exit.signal}" if clues.exit.signal else f"with exit code {clues.exit.exit_code}"
        yield f"its parent saw the process end {how}"
    if clues.fault:
        yield f"fault.log: {clues.fault}"
    if clues.signal:
        went = "and the program went on" if clues.went_on else "and no work was done after it"
        yield f"{clues.signal[0]} arrived at {clues.signal[1]}, {went}"
    if clues.tick.get("stalled"):
        yield f"had made no progress since {clues.tick['stalled'].get('since')}"
    yield from _facts_of_host(clues)
    memory, limit = _last_memory_mb(clues), _memory_limit_mb(clues)
    if memory:
        yield f"last memory {memory:,.0f} MB" + (f" of {limit:,.0f} MB" if limit else "")
    free = _laid(clues.tick).get("disk_free_mb")
    if free is not None:
        yield f"last free disk space {free:,.0f} MB"
    for name, value in (_laid(clues.start).get("scheduler") or {}).items():
        yield f"{name}={value}"


def _facts_of_host(clues: Clues) -> Iterator[str]:
    if clues.host is None:
        yield "its host can't be asked from here"
        return
    if not _same_boot(clues):
        yield "another boot of the computer" if _laid(clues.start).get("boot_id") else "the boot is not known"
        return
    yield "same boot of the computer"
    before, now = _counters(clues)
    for name, words in (("group", "its control group"), ("system", "the computer")):
        if before.get(name) is not None and now.get(name) is not None:
            yield f"out-of-memory kills in {words} since then: {now[name] - before[name]}"


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
    then = _seconds(timestamp)
    return None if then is None else time.time() - then
