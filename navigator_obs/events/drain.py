"""How lines get from the staging areas into the log file: by one caller at a time, counted, and with every failure told
as its cause in one word.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from .exceptions import from_signal_handler
from .rotation import LogFile
from .stack import is_running
from .staging import Staging

STALLED: Final = "sink_stalled"


class Drain:
    """The way into one log file for one process. None of its methods raises because of the file."""

    def __init__(self, log: LogFile) -> None:
        self._log = log
        self.begin()

    def begin(self) -> None:
        """Count from nothing, with a lock of one's own: as at the start and in a forked child."""
        # Re-entrant, because a signal handler or a `__del__` may log in the middle of a log call of the same thread.
        self._lock = threading.RLock()
        self._stalled = False
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
        return is_running(self._lock, Drain.empty.__code__, Drain.write_at_once.__code__)

    def empty(self, area: Staging, timeout: float) -> str | None:
        """Write what waits in *area*; return the cause when that failed.

        Another thread that is at it is waited for, *timeout* seconds at most, and not at all once one was for so long.
        """
        if is_running(self._lock, Drain.empty.__code__, Drain.write_at_once.__code__):
            # A signal handler logs while this very thread drains: what it stored is drained by that, or the next time.
            return None
        try:
            if not self._lock.acquire(timeout=0 if self._stalled else timeout):
                self._stalled = True
                return STALLED
            self._stalled = False
            return attempt(lambda: self._empty(area))
        finally:
            # Also what an earlier call was kept from releasing by a handler's exception.
            while self._lock._is_owned():  # type: ignore[attr-defined]
                self._lock.release()

    def _empty(self, area: Staging) -> None:
        lines, size = area.drained_lines, area.drained_bytes
        try:
            area.drain(self._log)
        finally:
            self._staged_lines += area.drained_lines - lines
            self._staged_bytes += area.drained_bytes - size
            self._is_dirty = True

    def write_at_once(self, line: bytes) -> bool:
        """Write a line that need not be staged, unless somebody else is writing; return whether that was done."""
        lock = self._lock
        if lock._is_owned() or not lock.acquire(blocking=False):  # type: ignore[attr-defined]
            return False
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
        return True

    def write(self, line: bytes) -> str | None:
        """Write a line that no area could hold; return the cause when that failed."""
        return attempt(lambda: self._log.append(line, self._direct))

    def sync(self) -> None:
        """Have the disk hold what was written since this was last called."""
        if self._is_dirty or self._direct.is_dirty:
            self._is_dirty = self._direct.is_dirty = False
            attempt(self._log.sync)


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
    28: "disk_full",
    122: "disk_full",
    27: "disk_full",
    30: "read_only",
    13: "no_permission",
    2: "no_folder",
    20: "no_folder",
    21: "is_a_folder",
    40: "symbolic_link",
    11: STALLED,
}
