"""The log file that many processes share: appended to under one lock, rotated by size, healed when a writer died in
mid-line.

Every batch is written while holding `flock` on a lock file beside the log, so that no rotation can happen between the
question where the file ends and the write. A file that was deleted, or moved away by another program, is noticed at
the next batch.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from ..clock import parse_timestamp
from ..encoding import from_json
from .compression import kind_of, number_of
from .locking import WriterLock, close_quietly
from .stack import is_running

_HEAL_BLOCK: Final = 65_536


class Progress(Protocol):
    """Told how a batch gets on, so that whoever finds its writer dead knows what had reached the file."""

    def placed(self, inode: int, offset: int, length: int) -> None:
        """The next *length* bytes are about to be written at *offset* of the file *inode*."""

    def written(self, length: int) -> None:
        """They have been."""


class LogFile:
    """An append-only file of lines under `path`, with `path.1` (newest) … `path.<backups>` behind it.

    With *durable* no file is left behind, and none begun, without the disk knowing of it (see `sync`). Raises OSError
    where the file system refuses; what was given is then either wholly in the file or not at all.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int,
        backups: int,
        max_seconds: float | None = None,
        durable: bool = False,
        file_mode: int = 0o600,
        dir_mode: int = 0o700,
    ) -> None:
        self.path = path
        self._max_seconds = max_seconds
        self._durable = durable
        self._started: tuple[int, float] = (0, 0.0)
        self._max_bytes = max_bytes
        self._backups = backups
        self._file_mode = file_mode
        self._dir_mode = dir_mode
        # As text: a path object costs a system call's time at each use.
        self._name = os.fspath(path)
        self._lock = WriterLock(path.with_name(f".{path.name}.lock"), self._open)
        self._file = -1
        self._identity = (0, 0)
        self._whole_at = 0
        self.rotations = 0
        """How often this object has rotated the file."""

    def append(self, data: bytes, progress: Progress | None = None, patience_seconds: float | None = None) -> None:
        """Write whole lines; *data* ends with a newline. Rotates before and, for a long batch, in between.

        Another writer is waited for *patience_seconds* at most, `LOCK_TIMEOUT_SECONDS` when None.
        """
        nested = is_running(self._lock.threads, LogFile.append.__code__, LogFile.append_line.__code__)
        try:
            self._lock.acquire(patience_seconds)
            while data:
                data = data[self._append_some(data, progress) :]
        finally:
            # A call of a signal handler in the middle of another one gives back only what it took.
            self._lock.release(nested)

    def append_line(self, line: bytes, progress: Progress) -> None:
        """Write one line, as `append` does, but with as few steps as can be where nothing is out of the ordinary.

        Raises OSError also where `append` would recover, and where another writer is at work; nothing was written then.
        """
        length = len(line)
        if self._lock.is_owned() or not self._lock.threads.acquire(blocking=False):
            raise BlockingIOError(errno.EAGAIN, "somebody else is writing", self._name)
        try:
            if self._lock.take_at_once() and self._has_room(length):
                self._write(line, self._whole_at)
                self._whole_at += length
                progress.written(length)
                return
        finally:
            self._lock.release()
        self.append(line, progress, 0.0)

    def _has_room(self, length: int) -> bool:
        """Whether the file is the one that stands there, ends as we left it, and takes so many bytes more."""
        there, ours = os.stat(self._name), os.fstat(self._file)
        return (
            (there.st_ino, there.st_dev) == (ours.st_ino, ours.st_dev) == self._identity
            and ours.st_size == self._whole_at
            and self._whole_at + length <= self._max_bytes
            and self._max_seconds is None
        )

    def _append_some(self, data: bytes, progress: Progress | None) -> int:
        """Write the lines that fit, or rotate; return how many bytes were written."""
        inode, offset = self._ready()
        chunk = b"" if self._is_due(inode, offset) else self._fitting(data, offset)
        if not chunk:
            self._rotate()
            return 0
        if progress:
            progress.placed(inode, offset, len(chunk))
        self._write(chunk, offset)
        self._whole_at = offset + len(chunk)
        if progress:
            progress.written(len(chunk))
        return len(chunk)

    def touch(self, patience_seconds: float | None = None) -> None:
        """Open the file, made where it is missing, without writing. Raises OSError where an `append` would."""
        with self.exclusive(patience_seconds):
            self._ready()

    def sync(self) -> None:
        """Have the disk hold what was written (fdatasync)."""
        if self._file >= 0:
            getattr(os, "fdatasync", os.fsync)(self._file)

    def close(self) -> None:
        """Close the descriptors; the next `append` opens them anew."""
        self._lock.close()
        if self._file >= 0:
            close_quietly(self._file)
        self._file = -1

    def after_fork(self) -> None:
        """In a forked child: leave the parent's descriptors and lock to the parent."""
        self._lock.after_fork()
        self.close()

    @contextmanager
    def exclusive(self, patience_seconds: float | None = None) -> Iterator[None]:
        """Keep every other writer out, threads and processes. Raises OSError when one keeps us out for too long."""
        try:
            self._lock.acquire(patience_seconds)
            yield
        finally:
            self._lock.release()

    def _open(self, path: Path, flags: int) -> int:
        flags |= getattr(os, "O_NOFOLLOW", 0)
        try:
            return self._open_regular(path, flags)
        except FileNotFoundError:
            make_private_folder(path.parent, self._dir_mode)
            return self._open_regular(path, flags)

    def _open_regular(self, path: Path, flags: int) -> int:
        # Opening a pipe may wait for ever, and so may writing to it.
        descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), self._file_mode)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.ESPIPE, "no regular file", os.fspath(path))
        return descriptor

    def _ready(self) -> tuple[int, int]:
        """Open and heal the file as needed; return its inode and its size."""
        try:
            there = os.stat(self._name)
        except FileNotFoundError:
            there = None
        if there is None or not self._is_ours(there):
            there = self._reopen()
        # Where it ends as we left it, its last line is whole.
        size = there.st_size if there.st_size == self._whole_at else self._heal(there.st_size)
        return there.st_ino, size

    def _is_ours(self, there: os.stat_result) -> bool:
        """Whether our descriptor is open on that file: a program may close, and open anew, whatever number it likes."""
        try:
            ours = os.fstat(self._file)
        except OSError:
            ours = None
        if ours is None or (ours.st_ino, ours.st_dev) != self._identity:
            # The number is somebody else's now, and theirs to close.
            self._file = -1
            return False
        return (there.st_ino, there.st_dev) == self._identity

    def _is_due(self, inode: int, size: int) -> bool:
        """Whether the file was begun so long ago that it is to be rotated, however small."""
        if self._max_seconds is None or not size:
            return False
        if self._started[0] != inode:
            self._started = inode, self._begun()
        return time.time() - self._started[1] >= self._max_seconds

    def _begun(self) -> float:
        """When the file's first event was written, seconds since the epoch: file systems don't tell, its line does."""
        first = self._read(_HEAL_BLOCK, 0).partition(b"\n")[0]
        try:
            return parse_timestamp(from_json(first)["timestamp"]) / 1e9
        except (ValueError, KeyError, TypeError):
            return time.time()

    def _reopen(self) -> os.stat_result:
        if self._file >= 0:
            close_quietly(self._file)
            self._file = -1
        self._file = self._open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        found = os.fstat(self._file)
        self._identity, self._whole_at = (found.st_ino, found.st_dev), 0
        if self._durable and not found.st_size:
            sync_folder(self.path.parent)
        return found

    def _heal(self, size: int) -> int:
        """Cut off a last line without an end: its writer died in it, and whoever recovers that writer has it whole."""
        if not size or self._read(1, size - 1) == b"\n":
            return size
        end = size
        while end:
            start = max(0, end - _HEAL_BLOCK)
            newline = self._read(end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        os.ftruncate(self._file, end)
        return end

    def _read(self, length: int, offset: int) -> bytes:
        os.lseek(self._file, offset, os.SEEK_SET)
        return os.read(self._file, length)

    def _fitting(self, data: bytes, size: int) -> bytes:
        """The first lines of *data* that fit into the file: none when it is full, at least one when it is empty."""
        room = self._max_bytes - size
        if len(data) <= room:
            return data
        cut = data.rfind(b"\n", 0, max(room, 0)) + 1
        if not cut and not size:
            cut = data.index(b"\n") + 1
        return data[:cut]

    def _write(self, chunk: bytes, offset: int) -> None:
        done = 0
        try:
            while done < len(chunk):
                done += os.write(self._file, chunk[done:])
        except OSError:
            if done:
                os.ftruncate(self._file, offset)
            raise

    def _rotate(self) -> None:
        self.rotations += 1
        if self._durable:
            # Once it is moved, nobody would come back to it.
            self.sync()
        if not self._backups:
            os.unlink(self.path)
            return
        for number, older in reversed(self._numbered()):
            self._shift(older, number)
        os.replace(self.path, self.rotated(1))

    def _shift(self, path: Path, number: int) -> None:
        if number >= self._backups:
            os.unlink(path)
        else:
            os.replace(path, self.rotated(number + 1, path.suffix if kind_of(path) else ""))

    def rotated(self, number: int, suffix: str = "") -> Path:
        """The path of the rotated file *number*; 1 is the newest."""
        return self.path.with_name(f"{self.path.name}.{number}{suffix}")

    def rotated_files(self) -> list[Path]:
        """Return the rotated files that exist, newest first."""
        return [path for _, path in self._numbered()]

    def _numbered(self) -> list[tuple[int, Path]]:
        """The rotated files by number. The folder is asked once: asking for each possible one takes its time when many
        backups are kept.
        """
        found = []
        for name in os.listdir(self.path.parent):
            number = number_of(name, self.path.name) or 0
            if 0 < number <= self._backups:
                found.append((number, self.path.with_name(name)))
        return sorted(found)

    def private_opener(self, path: str, flags: int) -> int:
        """Open a file with the log's permissions: for `open(…, opener=…)`."""
        return os.open(path, flags, self._file_mode)

    def find(self, inode: int) -> Path | None:
        """Return which of the files, live or rotated, has this inode."""
        for path in (self.path, *self.rotated_files()):
            try:
                if path.stat().st_ino == inode:
                    return path
            except OSError:
                continue
        return None


def make_private_folder(path: Path, mode: int = 0o700) -> None:
    """Make *path* and its missing parents; only what is made here gets *mode*."""
    if not path.is_dir():
        make_private_folder(path.parent, mode)
        try:
            path.mkdir(mode=mode)
        except FileExistsError:
            if not path.is_dir():
                raise


def sync_folder(path: Path) -> None:
    """Have the disk know a name that is new in the folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
