"""One daemon thread per process for what must happen by age: flushing, syncing, the journal's tick.

It starts with the first task and ends with the last one. Nothing that was acknowledged depends on it: when it starves
behind C code that holds the GIL, things happen later, not never. A forked child starts without tasks and without the
thread.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from .held import held

_MINIMUM_SECONDS: Final = 0.01
# To wake up costs more than most tasks: what would be due so soon after another is done along with it.
_EARLY_SECONDS: Final = 0.06
_EARLY_SHARE: Final = 0.4
# So long it sleeps, for two thirds of what waiting for a lock costs; a new task that would be due before is late, once.
_NAP_SECONDS: Final = 0.16
_LONGEST_SECONDS: Final = 3_600.0


class Handle:
    """A task of the ticker; `cancel` ends it. `seconds` may be changed: it holds from the next call on."""

    __slots__ = ("due", "early", "run", "seconds")

    def __init__(self, seconds: float, run: Callable[[], None]) -> None:
        self.seconds = max(seconds, _MINIMUM_SECONDS)
        self.run = run
        self.plan(time.monotonic())

    def plan(self, now: float) -> None:
        """Have it due when its time from *now* on has gone by; from `early` on it is done along with others."""
        self.due = now + self.seconds
        self.early = self.due - min(_EARLY_SECONDS, self.seconds * _EARLY_SHARE)

    def cancel(self) -> None:
        """Call the task no more; harmless when done twice. A call that is under way goes on to its end."""
        _ticker.remove(self)


class _Ticker:
    def __init__(self) -> None:
        self._tasks: list[Handle] = []
        # Re-entrant, because a signal handler may end a run while this thread holds it.
        self._lock = threading.RLock()
        # Held while nobody wants to wake the thread.
        self._alarm = threading.Lock()
        self._alarm.acquire()
        self._thread: threading.Thread | None = None
        # CPU time of the threads that have ended, and of the one that runs, as of its last round.
        self._ended_ns = self._cpu_ns = 0

    def add(self, handle: Handle) -> None:
        with held(self._lock):
            self._tasks.append(handle)
            if self._thread is None or not self._thread.is_alive():
                self._start()
        self._wake()

    def _start(self) -> None:
        if sys.is_finalizing():
            # A thread that is started now never runs, and starting it waits for that: a `__del__` may log this late.
            return
        self._thread = threading.Thread(target=self._loop, name="navigator-obs-ticker", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            # No thread can start while the interpreter shuts down; what is due then is done by the shutdown itself.
            self._thread = None

    def remove(self, handle: Handle) -> None:
        with held(self._lock):
            if handle in self._tasks:
                self._tasks.remove(handle)
        self._wake()

    def _wake(self) -> None:
        try:
            self._alarm.release()
        except RuntimeError:
            # Somebody has woken it already.
            return

    def _loop(self) -> None:
        # What runs several times a second beside a program that fills the caches is paid by the line of code.
        while True:
            now = time.monotonic()
            due = now + _LONGEST_SECONDS
            for task in tuple(self._tasks):
                if task.early <= now:
                    _run(task)
                due = min(due, task.due)
            self._cpu_ns = _thread_cpu_ns()
            if not self._tasks and self._has_ended():
                return
            wait = due - time.monotonic()
            if wait > _NAP_SECONDS:
                self._alarm.acquire(timeout=wait)
            elif wait > 0:
                time.sleep(wait)

    def _has_ended(self) -> bool:
        with held(self._lock):
            if self._tasks:
                return False
            self._ended_ns, self._cpu_ns = self._ended_ns + self._cpu_ns, 0
            self._thread = None
            return True

    def count(self, nanoseconds: int) -> None:
        with held(self._lock):
            self._ended_ns += nanoseconds

    def cpu_ns(self) -> int:
        return self._ended_ns + (_thread_cpu_ns() if self.is_here() else self._cpu_ns)

    def is_here(self) -> bool:
        return self._thread is not None and self._thread.ident == threading.get_ident()


_thread_cpu_ns: Final = getattr(time, "thread_time_ns", time.process_time_ns)


def _run(task: Handle) -> None:
    try:
        task.run()
    except Exception:
        # A task counts its own failures; one that breaks must not end the others.
        pass
    task.plan(time.monotonic())


_ticker = _Ticker()


def every(seconds: float, run: Callable[[], None]) -> Handle:
    """Call *run* about each so many *seconds* from a daemon thread that all tasks share, until the handle is cancelled.

    *run* must be quick; what it raises is swallowed.
    """
    handle = Handle(seconds, run)
    _ticker.add(handle)
    return handle


def beside(run: Callable[[], object]) -> threading.Thread | None:
    """Call *run*, which takes long and must not raise, in a thread of its own; None where none can start any more."""
    mine = _ticker

    def work() -> None:
        run()
        mine.count(_thread_cpu_ns())

    thread = threading.Thread(target=work, name="navigator-obs-upkeep", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return None
    return thread


def cpu_ns() -> int:
    """Return the CPU time that the ticker's threads, and those `beside` it, have taken in this process: now where this
    is the ticker's, else as of its last round.
    """
    return _ticker.cpu_ns()


def is_here() -> bool:
    """Return whether this is the ticker's thread."""
    return _ticker.is_here()


def after_fork() -> None:
    """Forget the parent's tasks and thread: neither lives in a forked child."""
    global _ticker
    _ticker = _Ticker()
