"""What CPython's global lock does for operations, on a build that has none."""

from __future__ import annotations

import contextlib
import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

IS_NEEDED: Final = not getattr(sys, "_is_gil_enabled", lambda: True)()


def _serialized(method: Callable[P, R], lock: contextlib.AbstractContextManager[Any]) -> Callable[P, R]:
    """Return *method* so that of all that are given the same lock only one runs at a time."""

    @functools.wraps(method)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with lock:
            return method(*args, **kwargs)

    return alone


def serialize(operations: type[Any]) -> None:
    """Let only one thread at a time enter, pause, resume or end operations: what CPython's global lock does."""
    # Re-entrant, because a signal handler or a finalizer may open an operation in the middle of it.
    lock = threading.RLock()
    for name in ("__enter__", "__exit__", "pause", "resume"):
        setattr(operations, name, _serialized(getattr(operations, name), lock))
