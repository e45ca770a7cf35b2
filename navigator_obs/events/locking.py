"""The lock under which many writers share one log: `flock` on a file beside it for processes, and one for threads."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: threads are kept apart, processes are not
    fcntl = None  # type: ignore[assignment]

LOCK_TIMEOUT_SECONDS: Final = 2.0


class WriterLock:
    """Keeps every other writer out. *open_file* opens a path with flags, made where it is missing."""

    def __init__(self, path: Path, open_file: Callable[[Path, int], int]) -> None:
        self._path = path
        self._open = open_file
        self._file = -1
        self._identity = (0, 0)
        # `flock` belongs to the open file, so it does not keep the threads of one process apart.
        self.threads = threading.RLock()

    def is_owned(self) -> bool:
        """Whether this thread has it."""
        return bool(self.threads._is_owned())  # type: ignore[attr-defined]

    def acquire(self, patience_seconds: float | None = None) -> None:
        """Take the lock; raises OSError when somebody keeps us out for too long: `LOCK_TIMEOUT_SECONDS` when None.

        What calls this calls `release` in the `finally` of a block around it, whatever came of it: a signal handler may
        raise between any two steps.
        """
        patience = LOCK_TIMEOUT_SECONDS if patience_seconds is None else patience_seconds
        deadline = time.monotonic() + patience
        if not self.threads.acquire(timeout=patience):
            raise OSError(errno.EAGAIN, f"another thread holds {self._path}")
        self._open_again()
        if fcntl:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._wait(deadline)

    def take_at_once(self) -> bool:
        """Take the processes' part of it, where nobody has it; whether the file that is locked is the one there is.

        Raises OSError where somebody has it.
        """
        if not fcntl or not self._is_there():
            return False
        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True

    def release(self, nested: bool = False) -> None:
        """Give it back; harmless when it is not held. *nested*: only what this call took, within another one's."""
        if not self.is_owned():
            return
        if nested:
            self.threads.release()
            return
        try:
            if fcntl and self._file >= 0:
                fcntl.flock(self._file, fcntl.LOCK_UN)
        finally:
            # Also what an earlier call was kept from releasing by an exception.
            while self.is_owned():
                self.threads.release()

    def close(self) -> None:
        """Close the file; the next `acquire` opens it anew."""
        if self._file >= 0:
            close_quietly(self._file)
        self._file = -1

    def after_fork(self) -> None:
        """In a forked child: leave the parent's lock to the parent."""
        self.threads = threading.RLock()

    def _open_again(self) -> None:
        if not self._is_there():
            self._file = self._open(self._path, os.O_RDWR | os.O_CREAT)
            found = os.fstat(self._file)
            self._identity = (found.st_ino, found.st_dev)

    def _is_there(self) -> bool:
        """Whether our descriptor is open on the lock file, and that was not deleted with its folder: such a one locks
        nobody out, as others hold the new one.
        """
        try:
            found = os.fstat(self._file)
        except OSError:
            found = None
        if found is None or (found.st_ino, found.st_dev) != self._identity:
            # A program may close, and open anew, whatever number it likes: it is somebody else's now.
            self._file = -1
            return False
        if not found.st_nlink:
            self.close()
            return False
        return True

    def _wait(self, deadline: float) -> None:
        """A stopped process may hold the lock: waiting for ever would stop us as well."""
        while time.monotonic() < deadline:
            time.sleep(0.001)
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                continue
        raise OSError(errno.EAGAIN, f"another process holds the lock {self._path}")


def try_lock(descriptor: int) -> bool:
    """Lock an open file for this process alone; whether that worked, which it never does where there are no locks."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def close_quietly(descriptor: int) -> None:
    """Close a descriptor, which somebody else may have closed already."""
    try:
        os.close(descriptor)
    except OSError:
        return
