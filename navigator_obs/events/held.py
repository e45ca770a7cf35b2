"""Locks that outlive their holder: daemon threads stop wherever they are when the interpreter ends, and never go on."""

from __future__ import annotations

import sys
import threading
from contextlib import AbstractContextManager
from typing import Any


def held(lock: threading.RLock) -> AbstractContextManager[Any]:
    """Return what holds *lock* for a block. At the very end of the interpreter, where a `__del__` may still log, it is
    not waited for: whoever else has it is gone, and nobody else runs.

    >>> with held(threading.RLock()) as lock:
    ...     lock
    True
    """
    # The lock itself, for between its being taken and the block no signal handler can raise.
    return _Unwaited(lock) if sys.is_finalizing() else lock


class _Unwaited:
    __slots__ = ("_has_it", "_lock")

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._has_it = lock.acquire(blocking=False)

    def __enter__(self) -> bool:
        return self._has_it

    def __exit__(self, *raised: object) -> None:
        if self._has_it:
            self._lock.release()
