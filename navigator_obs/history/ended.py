"""What ended a run that no error did: a signal, a crash, or that it hangs; and where it stood."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..clock import seconds_between
from ..fields import format_seconds
from ..runs.files import FAULT_NAME, STACKS_NAME
from ..runs.reading import items, number, table, tables
from ..runs.statuses import LIKELY, POSSIBLE
from .cause import Cause
from .places import Standing, standing

# Of a run that said no word: the reasons that recovery gives, which begin with such a word.
_BY_REASON: Final = {
    "oom": "interrupted/oom",
    "segfault": "interrupted/crash",
    "abort": "interrupted/crash",
    "bus_error": "interrupted/crash",
    "arithmetic_fault": "interrupted/crash",
    "illegal_instruction": "interrupted/crash",
    "fatal": "interrupted/crash",
    "reboot": "interrupted/reboot",
    "disk_full": "resource/disk",
    "vanished": "interrupted/killed",
    "exit": "interrupted/exit",
    "time_limit": "interrupted/scheduler",
    "stalled": "stalled",
}
_BY_SIGNAL: Final = {
    "SIGINT": "interrupted/user",
    "SIGQUIT": "interrupted/user",
    "SIGTERM": "interrupted/scheduler",
    "SIGHUP": "interrupted/scheduler",
    "SIGKILL": "interrupted/killed",
    "SIGXCPU": "resource/time",
    "SIGXFSZ": "resource/disk",
    **dict.fromkeys(
        ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS"),
        "interrupted/crash",
    ),
}
_BY_STATUS: Final = {
    "interrupted": "interrupted/user",
    "terminated": "interrupted/scheduler",
    "stalled": "stalled",
    "crashed": "interrupted/killed",
}
_SIGNAL: Final = re.compile(r"\bSIG[A-Z]+\d*\b")
_CUT_SHORT: Final = frozenset({"interrupted/user", "interrupted/scheduler", "interrupted/killed"})
"""The endings that somebody may have brought about because nothing moved any more."""
_SLACK_SECONDS: Final = 2.0
_LEAST_HANG_SECONDS: Final = 2.0
_TIMES_THE_RUN: Final = 3.0
_TIMES_THE_OPERATION: Final = 5.0
_MOST_THREADS: Final = 3


def endings(
    summary: Mapping[str, Any], directory: Path | None = None, past: Sequence[Mapping[str, Any]] = ()
) -> list[Cause]:
    """Return how a run ended that no error ended, what led to it first; empty where an error or the program itself did.

    *directory* is the run's, where its stacks lie; *past* are the summaries of earlier successes, by which a run that
    was ended from outside may be seen to have hung.
    """
    metadata = table(summary, "run_metadata")
    status, reason = str(metadata.get("status")), str(metadata.get("status_reason") or "")
    if status not in _BY_STATUS:
        return []
    category = _category(status, reason)
    confidence, rule = str(metadata.get("status_confidence") or LIKELY), f"the run's end: {status}"
    if reason.startswith("vanished:"):
        # That it is gone is certain; what ended it is not.
        confidence, rule = POSSIBLE, "SIGKILL and os._exit leave the same traces; navigator-obs exec tells them apart"
    ending = Cause(category, confidence, rule, reason or status)
    if category == "stalled":
        return [_stood(ending, directory, STACKS_NAME)]
    if category == "interrupted/crash":
        return [_stood(ending, directory, FAULT_NAME)]
    hang = (_stalled(summary, ending) or _outlasting(summary, ending, past)) if category in _CUT_SHORT else None
    return [_stood(hang, directory, STACKS_NAME), ending] if hang else [ending]


def _category(status: str, reason: str) -> str:
    word = reason.partition(":")[0]
    signal = _SIGNAL.search(reason)
    return _BY_REASON.get(word) or (_BY_SIGNAL.get(signal[0]) if signal else None) or _BY_STATUS[status]


def _stood(cause: Cause, directory: Path | None, name: str) -> Cause:
    """With the line at which its main or failing thread stood, and those of others that wait."""
    threads = [one for one in standing(directory / name) if one.place] if directory else []
    if not threads:
        return cause
    first, *others = threads
    return replace(cause, place=str(first.place), also=tuple(_waiting(others)) if name == STACKS_NAME else ())


def _waiting(threads: Sequence[Standing]) -> Iterator[str]:
    for one in threads[:_MOST_THREADS]:
        # The interpreter's own timer knows no names.
        name = "another thread" if one.thread.startswith("0x") else one.thread
        yield f"{name} at {one.place}"
    if len(threads) > _MOST_THREADS:
        yield f"{len(threads) - _MOST_THREADS} more threads"


def _stalled(summary: Mapping[str, Any], ending: Cause) -> Cause | None:
    """That it had stalled, if it had not moved since when it was ended."""
    metadata = table(summary, "run_metadata")
    told = [table(one, "last") for one in tables(table(summary, "issues"), "warnings")]
    since = max((str(one.get("since") or "") for one in told if one.get("message") == "Run stalled"), default="")
    # Of one that died, the evidence tells what the summary does not.
    words = [str(line) for line in items(metadata, "evidence") if "no progress since" in str(line)]
    stalled = number(table(summary, "execution_summary").get("stalled_seconds")) or 0.0
    idle = seconds_between(since, metadata.get("end_time"))
    if not words and (idle is None or idle > stalled + _SLACK_SECONDS):
        return None
    message = f"{ending.message}: it {words[0] if words else f'had made no progress since {since}'}"
    return replace(ending, category="stalled", confidence=LIKELY, rule="it missed its promise", message=message)


def _outlasting(summary: Mapping[str, Any], ending: Cause, past: Sequence[Mapping[str, Any]]) -> Cause | None:
    """That it hung, if what was open when it was ended had lasted many times longer than ever."""
    usual = [number(table(other, "run_metadata").get("duration_seconds")) or 0.0 for other in past]
    path, seconds = _open(summary)
    if not path or not usual or seconds < max(_LEAST_HANG_SECONDS, _TIMES_THE_RUN * max(usual)):
        return None
    before = [number(table(table(other, "performance_metrics"), path).get("max_seconds")) or 0.0 for other in past]
    if seconds < _TIMES_THE_OPERATION * max(before):
        return None
    longest = f"{format_seconds(seconds)}, and the longest before was {format_seconds(max(before))}"
    message = f"{ending.message}: {path} had run for {longest}"
    return Cause("stalled", POSSIBLE, "it outlasts history", message, operation_path=path)


def _open(summary: Mapping[str, Any]) -> tuple[str, float]:
    """The innermost operation that was open at the end, and how long it had been."""
    opened = tables(table(summary, "resources"), "open_operations")
    if opened:
        return str(opened[-1].get("path") or ""), number(opened[-1].get("seconds")) or 0.0
    path = cut_short(summary)
    return path, number(table(table(summary, "performance_metrics"), path).get("duration")) or 0.0


def cut_short(summary: Mapping[str, Any]) -> str:
    """Return the path of the innermost operation that was stopped from outside; empty where none was."""
    stats = table(summary, "performance_metrics")
    paths = [path for path, one in stats.items() if isinstance(one, Mapping) and one.get("status") == "cancelled"]
    return max(paths, key=lambda path: path.count("/"), default="")
