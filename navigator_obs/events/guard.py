"""Calls that may hang, made by a thread of their own: whoever asks for one waits for so long at most.

No program can interrupt a call to a file system whose server is gone. The thread that makes it hangs until the server
is back, and the program goes on meanwhile.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TypeVar

from .held import held

T = TypeVar("T")
_NAME: Final = "navigator-obs-writer"


class Guard:
    """One thread that makes one call after the other. It is a daemon: an interpreter that ends does not wait for it."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Without a thread and without calls: as at the start and in a forked child."""
        # Re-entrant, as a signal handler may log in the middle of a log call.
        self._lock = threading.RLock()
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._late: _Call | None = None

    def run(self, call: Callable[[], T], patience_seconds: float, otherwise: T) -> T:
        """Return what *call*, which must not raise, returns; *otherwise* where that takes too long.

        A call that was late is made all the same, as soon as can be. While one is, others are not waited for.
        """
        if threading.current_thread() is self._thread or not self._has_thread():
            return call()
        if self._late is not None and not self._late.is_done:
            return otherwise
        answer: list[T] = []
        asked = _Call(lambda: answer.append(call()))
        self._calls.put(asked)
        if asked.wait(patience_seconds) and answer:
            return answer[0]
        self._late = asked
        return otherwise

    def close(self) -> None:
        """End the thread once its calls are made; the next `run` starts another one."""
        if self._thread is not None:
            self._calls.put(None)
        self._thread = None

    def _has_thread(self) -> bool:
        with held(self._lock):
            if self._thread is not None and self._thread.is_alive():
                return True
            if sys.is_finalizing():
                return False
            thread = threading.Thread(target=_make, args=(self._calls,), name=_NAME, daemon=True)
            try:
                thread.start()
            except RuntimeError:
                # None can start while the interpreter shuts down.
                return False
            self._thread = thread
            return True


class _Call:
    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self.is_done = False
        self._latch = threading.Lock()
        self._latch.acquire()

    def make(self) -> None:
        try:
            self._call()
        except Exception:
            # Whoever asked goes without an answer; the thread has other calls to make.
            pass
        finally:
            self.is_done = True
            self._latch.release()

    def wait(self, seconds: float) -> bool:
        return self._latch.acquire(timeout=seconds)


def _make(calls: SimpleQueue[_Call | None]) -> None:
    while True:
        call = calls.get()
        if call is None:
            return
        call.make()
