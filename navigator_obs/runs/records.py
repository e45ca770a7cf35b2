"""Reads the records of journals: of a run's own, and of the shares of its worker processes, also while they grow."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from ..encoding import from_json
from .files import JOURNAL_NAME, WORKERS_FOLDER
from .shapes import is_record
from .staged import left_beside

# An end record is small; behind it stands at most what was owed and fitted into the run's reserve.
_TAIL_BYTES: Final = 512 * 1024

Record = dict[str, Any]


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
    return [_parse(line, 0) for line in _last_lines(path)]


def end_record(directory: Path) -> Record | None:
    """Return the record that ended the run in *directory*; None where its journal has none or can't be read."""
    # What was owed on a full disk may stand behind it.
    told = (_parse(line, 0) for line in reversed(_last_lines(directory / JOURNAL_NAME)) if b'"end"' in line)
    return next((record for record in told if record["kind"] == "end"), None)


def _last_lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES)
            file.seek(start)
            lines = file.readlines()
    except OSError:
        return []
    # The first one is cut, unless it is the file's.
    return lines[1 if start else 0 :]


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
    folder = os.path.join(directory, WORKERS_FOLDER)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    return [Path(folder, name) for name in names if name.endswith(".jsonl")]


def _parse(line: bytes, number: int) -> Record:
    try:
        record = from_json(line)
        # Without its newline a record may be the beginning of a longer one that happens to parse: a number, say.
        if line.endswith(b"\n") and is_record(record):
            return cast("Record", record)
    except ValueError:
        pass
    return {"kind": "torn", "line": number, "bytes": len(line)}
