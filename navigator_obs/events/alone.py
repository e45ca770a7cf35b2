"""What CPython's global lock does for lines that stand without a call between them, on a build that has none.

There, functions that are `alone` run one at a time, in whatever thread; elsewhere they are left as they are.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

FREE_THREADED: Final = not getattr(sys, "_is_gil_enabled", lambda: True)()


def alone(function: Callable[P, R]) -> Callable[P, R]:
    """Let none of the functions that this decorates run while another one does, where threads run at the same time."""
    return serialized(function) if FREE_THREADED else function


def serialized(function: Callable[P, R]) -> Callable[P, R]:
    """Do what `alone` does, on any build. None of them may wait for another lock."""

    @functools.wraps(function)
    def one_at_a_time(*args: P.args, **kwargs: P.kwargs) -> R:
        with _lock:
            return function(*args, **kwargs)

    return one_at_a_time


# Re-entrant, because a signal handler or a finalizer may open an operation in the middle of it.
_lock = threading.RLock()


def _before_fork() -> None:
    _lock.acquire()


def _go_on() -> None:
    _lock.release()


def _begin() -> None:
    global _lock
    _lock = threading.RLock()


if FREE_THREADED and hasattr(os, "register_at_fork"):
    # Nobody is in the middle of anything when the process is forked.
    os.register_at_fork(before=_before_fork, after_in_parent=_go_on, after_in_child=_begin)
