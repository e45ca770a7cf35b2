"""Where an acknowledged event waits, some milliseconds, to be written to the log together with others.

A staging area is a small file mapped into memory. Copying a line into it costs a tenth of a system call, and what is
in it belongs to the kernel: it survives `kill -9` of the process at any instant. The next process that sees a dead
one's area puts its lines into the log, exactly once: before each write the area holds where in which file the bytes
are going (the *intent*), so that a finder can look how many of them arrived. Header words are stored whole (8 aligned
bytes each), in an order in which every prefix is consistent.

Only the standard library is used: the CLI recovers without importing structlog.
"""

from __future__ import annotations

import mmap
import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .rotation import make_private_folder

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: every area counts as alive, and is let alone
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from .rotation import LogFile

CAPACITY_BYTES: Final = 512 * 1024
SUFFIX: Final = ".stage"
FOLDER: Final = ".staging"
_HEADER_BYTES: Final = 64
_MAGIC: Final = 0x314741545342_4F  # "OBSTAG1" in memory
_MAGIC_WORD, _COMMITTED, _FLUSHED, _INODE, _OFFSET, _INTENT_END = range(6)


class Staging:
    """Lines on their way to the log: `append` here, `drain` into the file. The caller holds the locks.

    `path` is None for an area in plain memory, which a kill loses.
    """

    def __init__(self, memory: mmap.mmap, path: Path | None, descriptor: int) -> None:
        self.path = path
        self.capacity = len(memory) - _HEADER_BYTES
        self._memory = memory
        self._words = memoryview(memory).cast("Q")
        self._descriptor = descriptor
        self._end = self._words[_COMMITTED]

    @classmethod
    def in_memory(cls, capacity: int = CAPACITY_BYTES) -> Staging:
        """An area that does not survive the process."""
        return cls(mmap.mmap(-1, capacity + _HEADER_BYTES), None, -1)

    @classmethod
    def create(cls, folder: Path, capacity: int = CAPACITY_BYTES, *, dir_mode: int = 0o700) -> Staging:
        """Make a new area in *folder*, its disk space reserved; raises OSError where that can't be had."""
        make_private_folder(folder, dir_mode)
        size = capacity + _HEADER_BYTES
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        draft, path = folder / f".{name}", folder / f"{name}{SUFFIX}"
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # Storing into a hole of a full disk is SIGBUS, not an error: the space must be there first.
            os.posix_fallocate(descriptor, 0, size)
            area = cls(mmap.mmap(descriptor, size), path, descriptor)
            area._words[_MAGIC_WORD] = _MAGIC
            _try_lock(descriptor)
            # Locked before it gets the name that finders look for: else one could take a newborn for dead.
            os.rename(draft, path)
        except BaseException:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        return area

    @property
    def waiting_bytes(self) -> int:
        """How much has been appended and not yet drained."""
        return self._end - self._words[_FLUSHED]

    def append(self, line: bytes) -> bool:
        """Take *line*; False when there is no room. Once this returned True the line survives the process."""
        start = self._end
        end = start + len(line)
        if end > self.capacity:
            return False
        self._memory[_HEADER_BYTES + start : _HEADER_BYTES + end] = line
        self._words[_COMMITTED] = self._end = end
        return True

    def drain(self, log: LogFile) -> int:
        """Write what waits into *log*; return how many bytes. Raises OSError, and nothing is lost by it.

        Others may append meanwhile: only what had been appended at the start is drained.
        """
        start, end = self._words[_FLUSHED], self._end
        if start < end:
            log.append(self._memory[_HEADER_BYTES + start : _HEADER_BYTES + end], self)
        return end - start

    def placed(self, inode: int, offset: int, length: int) -> None:
        """Lay down the intent; its end comes last, as it makes the rest count."""
        self._words[_INODE] = inode
        self._words[_OFFSET] = offset
        self._words[_INTENT_END] = self._words[_FLUSHED] + length

    def written(self, length: int) -> None:
        """Advance past what the log now holds; the intent no longer counts."""
        self._words[_FLUSHED] += length

    def rewind(self) -> None:
        """Start from the front again; only when nothing waits and nobody appends."""
        # Committed first: a finder that sees it below the flushed mark knows that nothing waits.
        self._words[_COMMITTED] = self._end = 0
        self._words[_INTENT_END] = 0
        self._words[_FLUSHED] = 0

    def discard(self) -> None:
        """Unmap and close without removing the file: for a forked child, whose parent goes on using it."""
        self._words.release()
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Close it and delete its file."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)
        self.discard()

    def settle(self, log: LogFile) -> None:
        """Find out how much of an interrupted write arrived, and count it as written."""
        flushed, end = self._words[_FLUSHED], self._words[_INTENT_END]
        if self._end <= flushed or end <= flushed:
            return
        intended = bytes(self._memory[_HEADER_BYTES + flushed : _HEADER_BYTES + end])
        arrived = _common_lines(intended, self._at_intent(log, len(intended)))
        self._words[_FLUSHED] = flushed + arrived

    def _at_intent(self, log: LogFile, length: int) -> bytes:
        path = log.find(self._words[_INODE])
        if path is None:
            return b""
        with path.open("rb") as file:
            file.seek(self._words[_OFFSET])
            return file.read(length)


def recover(log: LogFile) -> int:
    """Put into *log* what dead processes left staged beside it; return how many bytes. Areas of living ones are let
    alone.
    """
    recovered = 0
    for path in _areas(log.path.parent / FOLDER):
        area = _adopt(path)
        if area is None:
            continue
        try:
            with log.exclusive():
                area.settle(log)
            recovered += area.drain(log)
            area.remove()
        except OSError:
            # Still no room, or no right to write: the area stays for the next finder.
            area.discard()
    return recovered


def _areas(folder: Path) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return
    yield from (folder / name for name in names if name.endswith(SUFFIX))


def _adopt(path: Path) -> Staging | None:
    """Open a dead process's area; None where its owner lives or the file is none of ours."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        if size > _HEADER_BYTES and _try_lock(descriptor):
            area = Staging(mmap.mmap(descriptor, size), path, descriptor)
            if area._words[_MAGIC_WORD] == _MAGIC and area._end <= area.capacity and path.exists():
                return area
            area.discard()
            return None
    except (OSError, ValueError):
        pass
    os.close(descriptor)
    return None


def _try_lock(descriptor: int) -> bool:
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _common_lines(intended: bytes, found: bytes) -> int:
    """How many bytes of whole lines both begin with."""
    if found == intended:
        return len(intended)
    length = min(len(intended), len(found))
    low, high = 0, length
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if intended[:middle] == found[:middle] else (low, middle - 1)
    return intended.rfind(b"\n", 0, low) + 1
