"""The run's own record, `journal.jsonl`: appended to, never rewritten, one JSON object per line.

The journal is the truth; the summary is a fold of it. Each record is one write, so that a kill leaves at most a torn
last line, and each write is linked to the one before (see `links`). Records of operations, which may come by the
thousand, are written many at a time (see `staged`).
"""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter, deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..encoding import to_json
from .records import Record
from .staged import STAGE_BYTES, Staged

if TYPE_CHECKING:
    from .links import Buffer, Link

MAX_OWED: Final = 1000


class Journal:
    """An append-only file of records. Never raises: what can't be written is counted by cause in `dropped`.

    A record is in the kernel's hands when `append` returns, so that it survives `kill -9`; with *sync* it is on the
    disk. With *path* None it has no file yet, and owes all. A file that is there already is continued. With *staged*
    there is an area where `stage` puts records. With *key* the links can be made, and checked, by nobody who lacks it.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        file_mode: int = 0o600,
        sync: bool = False,
        staged: bool = False,
        key: bytes | None = None,
    ) -> None:
        self.path = path
        self.bytes = 0
        self.dropped: Counter[str] = Counter()
        self._sync = sync
        # Operations are recorded under another lock than the rest; a signal handler may record in the middle of it.
        self._lock = threading.RLock()
        self._owed: deque[bytes] = deque()
        self._failure = ""
        self._descriptor = -1
        self._staged: Staged | None = None
        self._link: Link | None = None
        # Whether the file may hold more than `_link` knows, and how many records were written.
        self._unsure = True
        self._turn = 0
        if path is None:
            return
        if staged:
            self._staged = Staged(path)
        # Whoever only reads does without the hash functions.
        from . import links

        self._links = links
        self._digest = links.digest_with(key)
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            self._descriptor = os.open(path, flags, file_mode)
        except OSError as error:
            self._failure = _cause(error)

    @property
    def digest(self) -> str | None:
        """The digest of the last link; None before the first."""
        return self._link.digest.decode() or None if self._link is not None else None

    def append(self, record: Record) -> bytes:
        """Write one record; return its line, written or owed."""
        line = to_json(record)
        self.append_line(line)
        return line

    @property
    def staged_capacity(self) -> int:
        """How many bytes of memory its staging area has."""
        return STAGE_BYTES if self._staged is not None else 0

    def stage(self, line: bytes) -> None:
        """Keep one rendered record, with its newline, so that it survives `kill -9`.

        It goes before the next one that is appended.
        """
        if self._staged is not None:
            try:
                # Without the lock: an area that is being written takes nothing.
                self._staged.put(line)
                return
            except ValueError:
                self._make_room(line)
        else:
            self.append_line(line[:-1])

    def _make_room(self, line: bytes) -> None:
        """Stage a record where there was no room, or write it."""
        with self._lock:
            staged = self._staged
            if staged is not None and staged.is_draining:
                # A signal handler's, in the middle of it: it goes behind what is being written.
                self._owed.append(line[:-1])
                return
            try:
                if staged is not None and self._pay():
                    staged.put(line)
                    return
            except ValueError:
                # Longer than the area.
                pass
            self.append_line(line[:-1])

    def append_line(self, line: bytes) -> bool:
        """Write one rendered record; return whether it is in the file.

        What can't be written now (a full disk) is owed: it goes before the next one that can.
        """
        with self._lock:
            self._owed.append(line)
            if len(self._owed) > MAX_OWED:
                self._owed.popleft()
                self.dropped[self._failure or "write_error"] += 1
            return self._pay()

    def append_first(self, line: bytes) -> bool:
        """Write one rendered record, ahead of what is owed: the word on how the run ended goes before all else."""
        with self._lock:
            return not self._write(line) or self.append_line(line)

    def pay(self) -> None:
        """Write what is owed, as far as it can be written now."""
        with self._lock:
            self._pay()

    def _pay(self) -> bool:
        if self._staged is not None:
            self._staged.drain(self._write)
        while self._owed:
            # Taken out before it is written: a signal handler that records in between must not write it again.
            line = self._owed.popleft()
            failure = self._write(line)
            if failure:
                self._failure = failure
                self._owed.appendleft(line)
                return False
        return True

    def _write(self, line: Buffer) -> str:
        """Write one line; return the cause of a failure, or an empty text.

        A signal handler may write in the middle of this, or end it by an exception. So it is known to be unsure while
        it lasts, and looks at the file then; and where another one has written meanwhile, it links its line anew.
        """
        if self._descriptor < 0:
            return self._failure or "closed"
        try:
            while not self._try_to_write(line):
                pass
        except OSError as error:
            return _cause(error)
        if self._sync:
            self.sync()
        return ""

    def _try_to_write(self, line: Buffer) -> bool:
        """Write one line, linked to what stands in the file; return whether it is there as a whole."""
        turn = self._turn
        link = self._looked() if self._unsure or self._link is None else self._link
        self._unsure = True
        data, after = link.extended(line, self._digest)
        length = len(data)
        if self._turn != turn:
            return False
        written = os.write(self._descriptor, data)
        # But for its newline, which the next line brings along: written again it would be there twice.
        whole = written >= length - 1
        # No call from the second look on, after which a signal handler could write.
        if self._turn != turn:
            # The one that came in between has seen what was written of this.
            return whole
        if written == length:
            self._link, self._turn, self._unsure = after, turn + 1, False
            self.bytes = after.size
        if written == 0:
            raise OSError(errno.EIO, "nothing was written")
        return whole

    def _looked(self) -> Link:
        """Learn from the file what stands there."""
        if self._link is None:
            return self._links.last_link(self._descriptor)
        return self._link.with_read(self._links.read_from(self._descriptor, self._link.size))

    def sync(self) -> None:
        """Have the disk hold what was written."""
        if self._descriptor >= 0:
            try:
                getattr(os, "fdatasync", os.fsync)(self._descriptor)
            except OSError as error:
                self._failure = _cause(error)

    def close(self) -> None:
        """Let go of the file, and count what is still owed as dropped; harmless when done twice."""
        if self._staged is not None:
            self._staged.drain(self._write)
            self._staged.close()
        if self._owed:
            self.dropped[self._failure or "write_error"] += len(self._owed)
            self._owed.clear()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError:
                return

    def abandon(self) -> None:
        """In a forked child: let go of what is the parent's without touching it."""
        if self._staged is not None:
            self._staged.discard()
        self._owed.clear()
        self.close()


_CAUSES: Final = {
    errno.ENOSPC: "disk_full",
    errno.EFBIG: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "no_permission",
}


def _cause(error: OSError) -> str:
    if error.errno == getattr(errno, "EDQUOT", None):
        return "disk_full"
    return _CAUSES.get(error.errno or 0, "write_error")
