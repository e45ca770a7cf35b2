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
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..encoding import from_json, to_json
from .staged import STAGE_BYTES, Staged, left_beside

if TYPE_CHECKING:
    from .links import Link

JOURNAL_NAME: Final = "journal.jsonl"
WORKERS_FOLDER: Final = "workers"
MAX_OWED: Final = 1000
# An end record is small; behind it stands at most what was owed and fitted into the run's reserve.
_TAIL_BYTES: Final = 512 * 1024

Record = dict[str, Any]


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
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
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
        """Keep one rendered record so that it survives `kill -9`; it goes before the next one that is appended."""
        with self._lock:
            staged = self._staged
            if staged is not None and staged.store(line):
                return
            if staged is not None and staged.is_draining:
                # A signal handler's, in the middle of it: it goes behind what is being written.
                self._owed.append(line)
            else:
                self.append_line(line)

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

    def _write(self, line: bytes) -> str:
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

    def _try_to_write(self, line: bytes) -> bool:
        """Write one line, linked to what stands in the file; return whether it is there as a whole."""
        turn = self._turn
        link = self._looked() if self._unsure or self._link is None else self._link
        self._unsure = True
        data, after = link.extended(line, self._digest)
        if self._turn != turn:
            return False
        written = os.write(self._descriptor, data)
        # But for its newline, which the next line brings along: written again it would be there twice.
        whole = written >= len(data) - 1
        if self._turn != turn:
            # The one that came in between has seen what was written of this.
            return whole
        if written == len(data):
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


def read(path: Path) -> Iterator[Record]:
    """Yield the records of one journal file, in order; a file that is missing has none.

    A line that is no record (torn by a kill or a full disk, or damaged since) is yielded as
    ``{"kind": "torn", "line": n, "bytes": n}``.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    number = logged = 0
    with file:
        for number, line in enumerate(file, start=1):
            if line != b"\n":
                record = _parse(line, number)
                logged = _logged(record, logged)
                yield record
    yield from _staged(path, number, logged)


def _staged(path: Path, lines: int, logged: int) -> Iterator[Record]:
    """Yield the records of operations that a killed process has left staged beside its journal.

    Those up to the *logged*-th stand in the journal already: it was killed between writing and forgetting them.
    """
    for number, line in enumerate(left_beside(path), start=lines + 1):
        record = _parse(line, number)
        if _logged(record, 0) > logged or record["kind"] == "torn":
            yield record


def _logged(record: Record, most: int) -> int:
    """How many operations were logged as of *record*, or *most* if that is more."""
    told = record.get("logged")
    return max(most, told) if isinstance(told, int) else most


def head(path: Path) -> Record:
    """Return the first record of a journal file; an empty one where it has none or can't be read."""
    try:
        with path.open("rb") as file:
            return _parse(file.readline(_TAIL_BYTES), 1)
    except OSError:
        return {}


def tail(path: Path) -> list[Record]:
    """Return the last records of a journal file, those in its last 512 KiB; none where it can't be read."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(start)
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return []
    # The first one is cut, unless it is the file's.
    return [_parse(line, 0) for line in lines[1 if start else 0 :]]


def end_record(directory: Path) -> Record | None:
    """Return the record that ended the run in *directory*; None where its journal has none or can't be read."""
    try:
        with (directory / JOURNAL_NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            lines = file.read().splitlines(keepends=True)
    except OSError:
        return None
    # What was owed on a full disk may stand behind it.
    told = (_parse(line, 0) for line in reversed(lines) if b'"end"' in line)
    return next((record for record in told if record["kind"] == "end"), None)


def read_run(directory: Path) -> Iterator[Record]:
    """Yield all records of a run's folder: its journal, then the share of each worker process."""
    yield from read(directory / JOURNAL_NAME)
    yield from Shares(directory).read(last=True)


class Shares:
    """Reads the shares of a run's worker processes while they grow: each call yields what has come since the last.

    With *journal* the run's own journal as well, before them.
    """

    def __init__(self, directory: Path, *, journal: bool = False) -> None:
        self._directory = directory
        self._journal = [directory / JOURNAL_NAME] if journal else []
        # By file: how many bytes and lines of it were read, and how many operations it had told of.
        self._read: dict[Path, tuple[int, int, int]] = {}

    def read(self, *, last: bool = False) -> Iterator[Record]:
        """Yield the records that are whole by now; with *last* also, as torn, what will never be."""
        for path in (*(own for own in self._journal if own.exists()), *worker_shares(self._directory)):
            yield from self._read_file(path, last=last)

    def _read_file(self, path: Path, *, last: bool) -> Iterator[Record]:
        offset, number, logged = self._read.get(path, (0, 0, 0))
        with path.open("rb") as file:
            file.seek(offset)
            for line in file:
                if not line.endswith(b"\n") and not last:
                    break
                offset, number = offset + len(line), number + 1
                record = _parse(line, number)
                logged = _logged(record, logged)
                self._read[path] = (offset, number, logged)
                if line != b"\n":
                    yield record
        if last:
            yield from _staged(path, number, logged)


def worker_shares(directory: Path) -> list[Path]:
    """Return the journals of the run's worker processes, sorted by name."""
    return sorted((directory / WORKERS_FOLDER).glob("*.jsonl"))


def _parse(line: bytes, number: int) -> Record:
    try:
        record = from_json(line)
        # Without its newline a record may be the beginning of a longer one that happens to parse: a number, say.
        if line.endswith(b"\n") and isinstance(record, dict) and isinstance(record.get("kind"), str):
            return record
    except ValueError:
        pass
    return {"kind": "torn", "line": number, "bytes": len(line)}


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
