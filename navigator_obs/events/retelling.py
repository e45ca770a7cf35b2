"""An exception remembers in which runs it was told, so that it counts once, whatever it passes through.

The memory is an attribute of the exception itself. It goes along into another process, where an error of a worker is
heard of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .stack import ROOM, is_nearly_full

_TOLD: Final = "__navigator_obs_told__"
MAX_RUNS: Final = 16
_Memory = tuple[str, frozenset[tuple[str | None, bool]]]
_identify: Callable[[BaseException], str] | None = None
_NOTHING: Final[_Memory] = "", frozenset()


def in_worker(identify: Callable[[BaseException], str]) -> None:
    """From now on let errors remember what they are: the results of this process are heard of in another one."""
    global _identify
    _identify = identify


def mark_told(error: BaseException, run_id: str | None, *, as_error: bool) -> bool:
    """Remember that *error* is told in this run, as an error or as something less; return whether it was before.

    What was told as a warning and is told as an error now was not told before. Never raises: an exception that can't
    remember is told more than once. So is one at the end of the stack, where the telling itself may fail.
    """
    try:
        if is_nearly_full():
            return False
        known, runs = _memory(error)
        if (run_id, True) in runs or (not as_error and (run_id, False) in runs):
            return True
        was_told = _all_told(error, run_id)
        if len(runs) < MAX_RUNS:
            what = known or ("" if _identify is None else _identify(error))
            setattr(error, _TOLD, (what, runs | {(run_id, as_error)}))
        return was_told
    except Exception:
        return False


def was_told(error: BaseException, run_id: str | None = None) -> bool:
    """Return whether *error* was told as an error in this run (None: anywhere), or all that a group is made of. One
    raised from it is another: it adds its own words. Where the stack is full it is left to those further out.
    """
    # What is told from here on must have room as well, for it to be remembered.
    return is_nearly_full(2 * ROOM) or _is_among(_memory(error)[1], run_id) or _all_told(error, run_id)


def identity_of(error: BaseException) -> str:
    """Return what was remembered of what *error* is; empty where nothing was."""
    return _memory(error)[0]


def _all_told(error: BaseException, run_id: str | None) -> bool:
    return isinstance(error, BaseExceptionGroup) and all(was_told(member, run_id) for member in error.exceptions)


def _is_among(runs: frozenset[tuple[str | None, bool]], run_id: str | None) -> bool:
    return (run_id, True) in runs if run_id is not None else any(as_error for _, as_error in runs)


def _memory(error: BaseException) -> _Memory:
    memory: _Memory = getattr(error, _TOLD, _NOTHING)
    return memory
