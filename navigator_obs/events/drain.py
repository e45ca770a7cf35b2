"""How lines get from the staging areas into the log file: by one caller at a time, counted, with every failure told as
its cause in one word, and with nobody waiting for longer than is promised.

What keeps a writer waiting is another one that was stopped with the log's lock, or a file system that hangs. The lock
is waited for once, for `BLOCK_SECONDS`; as long as it stays with the other one, attempts are short. A call to a file
system that hangs can't be interrupted: where that may happen, or has been seen to, a thread of its own makes the calls
(`guard`).
"""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar, cast

from .exceptions import from_signal_handler
from .guard import Guard
from .rotation import LogFile
from .stack import is_running
from .staging import Staging

T = TypeVar("T")
STALLED: Final = "sink_stalled"
BLOCK_SECONDS: Final = 2.0
"""How long a program may be held up by a log file that takes nothing, once."""
_PROBE_SECONDS: Final = 0.02


class Drain:
    """The way into one log file for one process. None of its methods raises because of the file.

    With *guarded* the file is on a file system whose calls may hang.
    """

    def __init__(self, log: LogFile, *, guarded: bool = False) -> None:
        self._log = log
        self._guard = Guard() if guarded else None
        self.begin()

    def begin(self) -> None:
        """Count from nothing, with a lock of one's own: as at the start and in a forked child."""
        # Re-entrant, because a signal handler or a `__del__` may log in the middle of a log call of the same thread.
        self._lock = threading.RLock()
        if self._guard is not None:
            self._guard.begin()
        self.is_stalled = False
        """Whether the file took nothing when that was last tried."""
        self._is_dirty = False
        self._staged_lines = self._staged_bytes = 0
        self._direct = _Direct()

    @property
    def written_lines(self) -> int:
        """How many lines were written."""
        return self._staged_lines + self._direct.lines

    @property
    def written_bytes(self) -> int:
        """How many bytes were written."""
        return self._staged_bytes + self._direct.bytes

    def continue_from(self, other: Drain) -> None:
        """Count on from where another one ended."""
        self._staged_lines += other.written_lines
        self._staged_bytes += other.written_bytes

    def is_writing(self) -> bool:
        """Whether this is asked by a signal handler or a `__del__` that struck while this very thread writes."""
        return is_running(self._lock, Drain._empty.__code__, Drain.write_at_once.__code__)

    def run(self, call: Callable[[float], object]) -> str | None:
        """Make a call to the log file, which is given how long it may wait for other writers; return the cause when it
        failed. Returns after `BLOCK_SECONDS` at most where the file system may hang.
        """
        patience = _PROBE_SECONDS if self.is_stalled else BLOCK_SECONDS
        began, stalled = time.monotonic(), cast("str | None", STALLED)
        cause = self.ask(lambda: attempt(lambda: call(patience)), stalled)
        if self._guard is None:
            self._beware(began, cause)
        self.is_stalled = self.is_stalled or cause == STALLED
        return cause

    def ask(self, call: Callable[[], T], otherwise: T) -> T:
        """Return what *call*, which reads the log's files and does not raise, returns; *otherwise* where they hang."""
        if self._guard is None:
            return call()
        patience = _PROBE_SECONDS if self.is_stalled else BLOCK_SECONDS
        return self._guard.run(call, patience, otherwise)

    def empty(self, area: Staging) -> str | None:
        """Write what waits in *area*; return the cause when that failed."""
        if self.is_writing():
            # A signal handler logs while this very thread drains: what it stored is drained by that, or the next time.
            return None
        return self.run(lambda patience: self._empty(area, patience))

    def _empty(self, area: Staging, patience: float) -> None:
        began = time.monotonic()
        try:
            if not self._lock.acquire(timeout=patience):
                raise BlockingIOError(errno.EAGAIN, "another thread is writing")
            self._drain(area, max(began + patience - time.monotonic(), 0.0))
            self.is_stalled = False
        finally:
            # Also what an earlier call was kept from releasing by a handler's exception.
            while self._lock._is_owned():  # type: ignore[attr-defined]
                self._lock.release()

    def _drain(self, area: Staging, patience: float) -> None:
        lines, size = area.drained_lines, area.drained_bytes
        try:
            area.drain(self._log, patience)
        finally:
            self._staged_lines += area.drained_lines - lines
            self._staged_bytes += area.drained_bytes - size
            self._is_dirty = True

    def write_at_once(self, line: bytes) -> bool:
        """Write a line that need not be staged, unless somebody else is writing or the file system may hang; return
        whether that was done.
        """
        lock = self._lock
        if self._guard is not None or lock._is_owned() or not lock.acquire(blocking=False):  # type: ignore[attr-defined]
            return False
        began = time.monotonic()
        try:
            self._log.append_line(line, self._direct)
        except OSError as error:
            if from_signal_handler(error):
                raise
            return False
        finally:
            # A handler that logged meanwhile may have given it back.
            if lock._is_owned():  # type: ignore[attr-defined]
                lock.release()
        self._beware(began)
        return True

    def _beware(self, began: float, cause: str | None = None) -> None:
        """Have a thread of its own write from now on, where a call has just taken long by itself: it may again."""
        if cause != STALLED and time.monotonic() - began > BLOCK_SECONDS:
            self._guard = Guard()

    def write(self, line: bytes) -> str | None:
        """Write a line that no area could hold; return the cause when that failed."""
        return self.run(lambda patience: self._log.append(line, self._direct, patience))

    def sync(self) -> None:
        """Have the disk hold what was written since this was last called."""
        if self._is_dirty or self._direct.is_dirty:
            self._is_dirty = self._direct.is_dirty = False
            self.run(lambda _: self._log.sync())

    def close(self) -> None:
        """Let go of the file; the next call opens it anew."""
        self.run(lambda _: self._log.close())
        if self._guard is not None:
            self._guard.close()


class _Direct:
    """Counts the lines that were written without being staged: each is written by one call, if at all."""

    def __init__(self) -> None:
        self.lines = self.bytes = 0
        self.is_dirty = False

    def placed(self, inode: int, offset: int, length: int) -> None:
        """No finder has to know where."""

    def written(self, length: int) -> None:
        """The line is in the file."""
        self.lines += 1
        self.bytes += length
        self.is_dirty = True


def attempt(call: Callable[[], object]) -> str | None:
    """Run *call*; return the cause of its failure in one word. What a signal handler raised in it goes on."""
    try:
        call()
    except Exception as error:
        if from_signal_handler(error):
            raise
        return _CAUSES.get(getattr(error, "errno", None) or 0, "write_error")
    return None


_CAUSES: Final = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "no_permission",
    errno.ENOENT: "no_folder",
    errno.ENOTDIR: "no_folder",
    errno.EISDIR: "is_a_folder",
    errno.ELOOP: "symbolic_link",
    errno.EAGAIN: STALLED,
    errno.ESPIPE: "no_regular_file",
}
