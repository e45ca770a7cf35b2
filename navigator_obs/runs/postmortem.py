"""How a run died that said no word at its end: judged from the evidence that it laid down (`clues`), by pure functions.

What leaves the same traces is not told apart: SIGKILL and `os._exit` both are `vanished`, unless the parent
(`navigator-obs exec`) has seen the process end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .clues import STATUS_OF_SIGNAL, Clues, Exit, laid, seconds_of
from .statuses import CERTAIN, LIKELY, POSSIBLE

_NEAR_LIMIT: Final = 0.85
_FULL_MB: Final = 1.0
# A scheduler kills at the end of the job's time, or up to so much later.
_TIME_LIMIT_SECONDS: Final = 120.0
_FAULTS: Final = {
    "Segmentation fault": ("segfault", "SIGSEGV"),
    "Aborted": ("abort", "SIGABRT"),
    "Bus error": ("bus_error", "SIGBUS"),
    "Floating point exception": ("arithmetic_fault", "SIGFPE"),
    "Illegal instruction": ("illegal_instruction", "SIGILL"),
}


@dataclass(frozen=True)
class Finding:
    """The verdict on a dead run: `reason` in one line, how sure it is, and the facts under it."""

    status: str
    reason: str
    confidence: str
    evidence: tuple[str, ...] = ()
    exit_code: int | None = None
    signal: str | None = None


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
    if seen.signal in STATUS_OF_SIGNAL:
        return Finding(STATUS_OF_SIGNAL[seen.signal], f"{seen.signal} ended it", CERTAIN, signal=seen.signal)
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
    before = laid(clues.tick).get("oom_kills") or laid(clues.start).get("oom_kills") or {}
    now = (clues.host or {}).get("oom_kills") or {}
    return (before, now) if _same_boot(clues) else ({}, {})


def _grew(before: Mapping[str, Any], now: Mapping[str, Any], name: str) -> bool:
    earlier, later = before.get(name), now.get(name)
    return earlier is not None and later is not None and later > earlier


def _same_boot(clues: Clues) -> bool:
    boot = laid(clues.start).get("boot_id")
    return bool(clues.host) and boot is not None and boot == (clues.host or {}).get("boot_id")


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
    boot = laid(clues.start).get("boot_id")
    now = (clues.host or {}).get("boot_id")
    if boot is None or now is None or boot == now:
        return None
    return Finding("crashed", "reboot: the computer has started anew since the run was last heard of", LIKELY)


def _by_disk(clues: Clues) -> Finding | None:
    """A run that can't write its ticks any more can't write that either: the disk may still be full."""
    if "disk_full" in (clues.tick.get("dropped") or {}) or _is_full(laid(clues.tick)):
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
    return Finding(STATUS_OF_SIGNAL.get(name, "terminated"), reason, LIKELY, signal=name)


def _by_time_limit(clues: Clues) -> Finding | None:
    end = (laid(clues.start).get("scheduler") or {}).get("SLURM_JOB_END_TIME", "")
    last = seconds_of(clues.last_time)
    if not str(end).isdigit() or last is None or not abs(last - int(end)) <= _TIME_LIMIT_SECONDS:
        return None
    return Finding("terminated", "time_limit: the scheduler's time for the job was over", LIKELY)


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
    free = laid(clues.tick).get("disk_free_mb")
    if free is not None:
        yield f"last free disk space {free:,.0f} MB"
    for name, value in (laid(clues.start).get("scheduler") or {}).items():
        yield f"{name}={value}"


def _facts_of_host(clues: Clues) -> Iterator[str]:
    if clues.host is None:
        yield "its host can't be asked from here"
        return
    if not _same_boot(clues):
        yield "another boot of the computer" if laid(clues.start).get("boot_id") else "the boot is not known"
        return
    yield "same boot of the computer"
    before, now = _counters(clues)
    for name, words in (("group", "its control group"), ("system", "the computer")):
        if before.get(name) is not None and now.get(name) is not None:
            yield f"out-of-memory kills in {words} since then: {now[name] - before[name]}"
