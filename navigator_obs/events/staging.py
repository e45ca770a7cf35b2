"""Where an acknowledged event waits, some milliseconds, to be written to the log together with others.

A staging area is a small file mapped into memory. Copying a line into it costs a tenth of a system call, and what is in
it belongs to the kernel: it survives `kill -9` of the process at any instant. `mmap.write` copies and advances in one C
call under the GIL, so that threads and signal handlers append whole lines without a lock; on a build without one, what
moves the position or unmaps the area is `alone`. No line holds a NUL, so the first one marks the end of what was
appended.

The next process that sees a dead one's area puts its lines into the log, exactly once (`salvage`): before each write
the area holds where in which file the bytes are going (the *intent*), so that a finder can look how many of them
arrived. Header words are stored whole (8 aligned bytes each), in an order in which every prefix is consistent.
"""

from __future__ import annotations

import errno
import io
import mmap
import os
import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .alone import alone
from .boot import boot_id
from .locking import try_lock
from .rotation import make_private_folder

if TYPE_CHECKING:
    from .rotation import LogFile

CAPACITY_BYTES: Final = 512 * 1024
SUFFIX: Final = ".stage"
_HEADER_BYTES: Final = 64
_FEW_BYTES: Final = 4096
_MAGIC: Final = 0x314741545342_4F  # "OBSTAG1" in memory
_MAGIC_WORD, _FLUSHED, _INODE, _OFFSET, _INTENT_END, _BOOT = range(6)

own: Final[set[str]] = set()
"""The files of this process's areas: that their owner lives need not be asked, as of others it is every few seconds."""


class Staging:
    """Lines on their way to the log: `store` them here, `drain` them into the file.

    `store(line)` takes a line whole, from any thread; ValueError when there is no room. All else needs the owner's
    lock. `path` is None for an area in plain memory, which a kill loses.
    """

    def __init__(self, memory: mmap.mmap, path: Path | None, descriptor: int) -> None:
        self.path = path
        self.capacity = len(memory) - _HEADER_BYTES
        self.store: Callable[[bytes], object] = alone(memory.write)
        self._memory = memory
        self._words = memoryview(memory)[:_HEADER_BYTES].cast("Q")
        self._descriptor = descriptor
        self._whole_until: int | None = None
        self.drained_lines = self.drained_bytes = 0
        memory.seek(_HEADER_BYTES)

    @classmethod
    def in_memory(cls, capacity: int = CAPACITY_BYTES) -> Staging:
        """An area that does not survive the process."""
        return cls(mmap.mmap(-1, capacity + _HEADER_BYTES), None, -1)

    @classmethod
    def create(
        cls, folder: Path, capacity: int = CAPACITY_BYTES, *, dir_mode: int = 0o700, name: str | None = None
    ) -> Staging:
        """Make a new area in *folder*, its disk space reserved; raises OSError where that can't be had.

        Its file is *name* with `SUFFIX`; one of its own when None.
        """
        make_private_folder(folder, dir_mode)
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "a symbolic link stands where events are staged", str(folder))
        size = capacity + _HEADER_BYTES
        name = name or f"{socket.gethostname()}-{os.getpid()}-{os.urandom(4).hex()}"
        draft, path = folder / f".{name}", folder / f"{name}{SUFFIX}"
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            # Storing into a hole of a full disk is SIGBUS, not an error: the space must be there first.
            os.posix_fallocate(descriptor, 0, size)
            area = cls(mmap.mmap(descriptor, size), path, descriptor)
            area._words[_MAGIC_WORD], area._words[_BOOT] = _MAGIC, _boot()
            try_lock(descriptor)
            # Locked before it gets the name that finders look for: else one could take a newborn for dead.
            os.rename(draft, path)
            own.add(str(path))
        except BaseException:
            os.close(descriptor)
            draft.unlink(missing_ok=True)
            raise
        return area

    @property
    def waiting_bytes(self) -> int:
        """How much has been stored and not yet drained."""
        return self._end() - self._words[_FLUSHED]

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits, asked in a hurry: an area that is sealed is never taken for drained."""
        return self._memory.tell() == self._words[_FLUSHED] + _HEADER_BYTES

    @alone
    def _end(self) -> int:
        if self._whole_until is not None:
            return self._whole_until
        position = self._memory.tell()
        if position == len(self._memory):
            # Sealed, or full to the last byte: the lines end where the zeros begin.
            end = self._memory.find(b"\0", _HEADER_BYTES + self._words[_FLUSHED])
            position = end if end >= 0 else position
        return position - _HEADER_BYTES

    @property
    def is_sealed(self) -> bool:
        """Whether nobody can store any more, until `rewind`."""
        return self._memory.tell() == len(self._memory)

    @property
    def survives_kill(self) -> bool:
        """Whether a finder would see it: it has a file, and nobody has deleted that."""
        return self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink > 0

    @property
    def outlived_a_boot(self) -> bool:
        """Whether the computer has been started anew since it was made: it may be mangled, as a power cut does it."""
        return self._words[_BOOT] != 0 and self._words[_BOOT] != _boot()

    def drain(self, log: LogFile, patience_seconds: float | None = None) -> None:
        """Write what waits into *log*, and count it in `drained_lines` and `drained_bytes`. Raises OSError, and nothing
        is lost by it.

        Others may store meanwhile: what they add waits for the next time. *patience_seconds* are `LogFile.append`'s.
        """
        if self._words[_INTENT_END] > self._words[_FLUSHED]:
            # The last write was cut short: by an error, or by an exception that a signal handler raised (Ctrl-C).
            with log.exclusive(patience_seconds):
                self.settle(log)
        start, data = self._words[_FLUSHED], self.waiting()
        if not data:
            return
        try:
            log.append(data, self, patience_seconds)
        finally:
            self._count(data[: self._words[_FLUSHED] - start])

    @alone
    def waiting(self) -> bytes:
        """Return what was stored and not yet drained."""
        return self._memory[_HEADER_BYTES + self._words[_FLUSHED] : _HEADER_BYTES + self._end()]

    def _count(self, data: bytes) -> None:
        # Iterating looks for newlines many bytes at a time, but takes long to begin with.
        few = len(data) < _FEW_BYTES
        self.drained_lines += data.count(b"\n") if few else sum(1 for _ in io.BytesIO(data))
        self.drained_bytes += len(data)

    @alone
    def seal(self) -> None:
        """Let nobody store any more, until `rewind`."""
        self._memory.seek(0, os.SEEK_END)

    @alone
    def rewind(self) -> None:
        """Start a sealed area from the front again; only when nothing waits in it."""
        end = self._words[_FLUSHED]
        # Zeroed before the flushed mark goes back: at each moment a finder sees that nothing waits.
        self._memory[_HEADER_BYTES : _HEADER_BYTES + end] = bytes(end)
        self._words[_INTENT_END] = 0
        self._words[_FLUSHED] = 0
        self._memory.seek(_HEADER_BYTES)

    def placed(self, inode: int, offset: int, length: int) -> None:
        """Lay down the intent; its end comes last, as it makes the rest count."""
        self._words[_INODE] = inode
        self._words[_OFFSET] = offset
        self._words[_INTENT_END] = self._words[_FLUSHED] + length

    def written(self, length: int) -> None:
        """Advance past what the log now holds; the intent no longer counts."""
        self._words[_FLUSHED] += length

    def close_whole(self) -> None:
        """End the area of a dead process after its last whole line; one that it died in was never acknowledged."""
        start = _HEADER_BYTES + self._words[_FLUSHED]
        end = self._memory.find(b"\0", start)
        newline = self._memory.rfind(b"\n", start, end if end >= 0 else len(self._memory))
        self._whole_until = (newline + 1 if newline >= 0 else start) - _HEADER_BYTES

    def replace_waiting(self, data: bytes) -> None:
        """Have *data*, which is not more, wait in place of what waits in the area of a dead process."""
        start = _HEADER_BYTES + self._words[_FLUSHED]
        self._words[_INTENT_END] = 0
        self._memory[start : start + len(data)] = data
        self._whole_until = start + len(data) - _HEADER_BYTES

    @alone
    def discard(self) -> None:
        """Unmap and close without removing the file: for a forked child, whose parent goes on using it."""
        own.discard(str(self.path))
        self._words.release()
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Close it and delete its file."""
        self.retire()
        self.discard()

    def retire(self) -> None:
        """Delete its file; threads that still look at it find it sealed."""
        if self.path is not None:
            own.discard(str(self.path))
            self.path.unlink(missing_ok=True)

    def settle(self, log: LogFile) -> None:
        """Find out how much of an interrupted write arrived, and count it as written."""
        flushed, end = self._words[_FLUSHED], self._words[_INTENT_END]
        if end <= flushed:
            return
        intended = bytes(self._memory[_HEADER_BYTES + flushed : _HEADER_BYTES + end])
        arrived = _common_lines(intended, self._at_intent(log, len(intended)))
        self._words[_FLUSHED] = flushed + arrived
        self._count(intended[:arrived])

    def _at_intent(self, log: LogFile, length: int) -> bytes:
        path = log.find(self._words[_INODE])
        if path is None:
            return b""
        with path.open("rb") as file:
            file.seek(self._words[_OFFSET])
            return file.read(length)


def intends(path: Path, inode: int) -> bool:
    """Return whether the area at *path* holds a write into the file *inode* of which is not known how much arrived."""
    try:
        with path.open("rb", buffering=0) as file:
            words = memoryview(file.read(_HEADER_BYTES).ljust(_HEADER_BYTES, b"\0")).cast("Q")
    except OSError:
        return False
    return words[_INTENT_END] > words[_FLUSHED] and words[_INODE] == inode


def left_in(path: Path) -> bytes:
    """Return what an area whose owner is dead, or still uses it, holds at this moment; nothing where there is none."""
    try:
        content = path.read_bytes()
    except OSError:
        return b""
    words = memoryview(content[:_HEADER_BYTES].ljust(_HEADER_BYTES, b"\0")).cast("Q")
    if words[_MAGIC_WORD] != _MAGIC:
        return b""
    end = content.find(b"\0", _HEADER_BYTES + words[_FLUSHED])
    return content[_HEADER_BYTES + words[_FLUSHED] : end if end >= 0 else None]


def adopt(path: Path) -> Staging | None:
    """Open a dead process's area up to its last whole line; None where its owner lives or the file is none of ours."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        size = os.fstat(descriptor).st_size
        # Where no lock can be had, on Windows, every area counts as alive and is let alone.
        if size > _HEADER_BYTES and try_lock(descriptor):
            area = Staging(mmap.mmap(descriptor, size), path, descriptor)
            if area._words[_MAGIC_WORD] == _MAGIC and area._words[_FLUSHED] <= area.capacity and path.exists():
                area.close_whole()
                return area
            area.discard()
            return None
    except (OSError, ValueError):
        pass
    os.close(descriptor)
    return None


@cache
def _boot() -> int:
    """A number that tells this start of the computer from all others; 0 where nothing does."""
    try:
        return int((boot_id() or "").replace("-", "")[:16], 16)
    except ValueError:
        return 0


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


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=own.clear)
