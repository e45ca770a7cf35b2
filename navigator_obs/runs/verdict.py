"""How a run ended, judged from what left its block: pure functions."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from ..encoding import text
from ..events.exceptions import type_name
from ..events.leaving import command_exit, framework_code, is_abort, is_interrupted_query
from ..events.programs import brief
from .endings import Terminated


@dataclass(frozen=True)
class Verdict:
    """The status that a run ends with, why, and what the process says to its parent, as far as the run can know it."""

    status: str
    reason: str | None = None
    exit_code: int | None = None
    signal: str | None = None


def orderly(
    years_left: Iterable[object] = (), failure: str | None = None, signal: str | None = None, checks_failed: int = 0
) -> Verdict:
    """Judge a run whose block was left without an exception.

    *failure* is what the program said with `run.fail`, *years_left* are planned years that were not completed, *signal*
    one that had asked the process to end. *checks_failed* leave a success a success, which says so.
    """
    left = list(years_left)
    if failure is not None:
        return Verdict("failed", failure, exit_code=None, signal=signal)
    if left and signal:
        return Verdict("terminated", f"{signal}, with {_years(left)} left", exit_code=None, signal=signal)
    if left:
        return Verdict("partial", f"{_years(left)} left", exit_code=0)
    said = [f"{signal} arrived and the program went on to its end"] if signal else []
    if checks_failed:
        said.append(f"{checks_failed:,} {'check' if checks_failed == 1 else 'checks'} failed")
    return Verdict("success", "; ".join(said) or None, exit_code=0, signal=signal)


def by_exception(error: BaseException, *, signal: str | None = None) -> Verdict | None:
    """Judge a run whose block was left by *error*; None where that is an orderly end, as ``sys.exit(0)`` is.

    *signal* is the one that had asked the process to end before, if any did.
    """
    if isinstance(error, Terminated):
        return Verdict("terminated", error.signal, _exit_code(error.code), error.signal)
    if isinstance(error, SystemExit):
        return by_exit(error.code, signal=signal)
    code = framework_code(error)
    if command_exit(error) is not None:
        return by_exit(code, signal=signal)
    if is_abort(error):
        return Verdict("interrupted", _words(error), 1, signal)
    if isinstance(error, KeyboardInterrupt) or is_interrupted_query(error):
        if signal and signal != "SIGINT":
            return Verdict("terminated", signal, None, signal)
        return Verdict("interrupted", _words(error), 130, "SIGINT")
    if _is_cancellation(error):
        return _cancelled(error, signal)
    return Verdict("failed", _words(error), 1 if code is None else _exit_code(code), signal)


def by_exit(code: object, *, signal: str | None = None) -> Verdict | None:
    """Judge ``sys.exit(code)``; None where that is an orderly end."""
    if signal:
        return Verdict("terminated", signal, _exit_code(code), signal)
    if code is None or (isinstance(code, int) and int(code) == 0):
        return None
    if isinstance(code, int):
        return Verdict("failed", f"sys.exit({text(int(code))[:100]})", _exit_code(code))
    return Verdict("failed", f"sys.exit: {text(code)[:500]}", 1)


def _exit_code(code: object) -> int | None:
    """What the parent is told: Python takes a number that C has no room for as -1, POSIX hands on eight bits of it."""
    if not isinstance(code, int):
        return None
    number = int(code) if -(2**63) <= int(code) < 2**63 else -1
    return number & (0xFF if os.name == "posix" else 0xFFFFFFFF)


def _cancelled(error: BaseException, signal: str | None) -> Verdict:
    if signal:
        return Verdict("terminated", signal, None, signal)
    return Verdict("interrupted", "the task was cancelled" if not text(error) else f"cancelled: {text(error)[:500]}")


def _is_cancellation(error: BaseException) -> bool:
    """The way of asyncio and others to stop a task, and of Python to close a generator; by name, to import nothing."""
    if isinstance(error, Exception):
        return False
    return any(kind.__name__ in {"CancelledError", "Cancelled", "GeneratorExit"} for kind in type(error).__mro__)


def _words(error: BaseException) -> str:
    message = brief(error, text(error))
    return f"{type_name(error)}: {message}"[:1000] if message else type_name(error)


def _years(left: list[object]) -> str:
    shown = ", ".join(map(str, left[:10]))
    more = f" and {len(left) - 10} more" if len(left) > 10 else ""
    return f"{'year' if len(left) == 1 else 'years'} {shown}{more}"
