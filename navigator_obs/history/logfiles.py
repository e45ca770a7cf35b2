"""The log's files as lines: forwards, backwards from the end, and on as they grow, through rotation and torn lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from ..events.compression import SUFFIXES, kind_of, number_of, open_plain
from .needles import Needle, holds, how_often, lines_that_hold

_BLOCK_BYTES: Final = 1 << 18
# So many numbers without a file end the log: one more than two rotations leave free.
_GAPS: Final = 3


class LogPiece:
    """One opened file of a log. What is appended after it was opened belongs to a later look: `end` stays."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        found = os.fstat(file.fileno())
        self.identity = (found.st_dev, found.st_ino)
        self.is_compressed = bool(kind_of(path))
        self.end = -1 if self.is_compressed else self._end_of_lines()

    @property
    def written_ns(self) -> int:
        """When it was last written to, nanoseconds since the epoch."""
        return os.fstat(self.file.fileno()).st_mtime_ns

    def lines(self) -> Iterator[bytes]:
        """Yield the whole lines, first to last, without their newlines."""
        self.file.seek(0)
        left = self.end
        for line in self.file:
            if not line.endswith(b"\n") or left == 0:
                return
            left -= len(line)
            yield line[:-1]

    def lines_with(self, needles: Sequence[Needle], *, torn: bool = False) -> Iterator[bytes]:
        """Yield the whole lines, first to last, that hold all of *needles*; with *torn* also what follows the last.

        It looks for the rarest in whole blocks: what it leaves out is never made into a line.
        """
        self.file.seek(0)
        rest, left, rarest = b"", self.end, 0
        while left:
            block = self.file.read(_BLOCK_BYTES if self.is_compressed else min(_BLOCK_BYTES, left))
            if not block:
                break
            left -= 0 if self.is_compressed else len(block)
            if not rest:
                counts = [how_often(block, needle) for needle in needles]
                rarest = counts.index(min(counts))
            block = rest + block
            end = block.rfind(b"\n") + 1
            rest = block[end:]
            others = [needle for at, needle in enumerate(needles) if at != rarest]
            for line in lines_that_hold(block, end, needles[rarest]):
                if holds(line, others):
                    yield line
        if torn:
            yield from self._after(rest)

    def _after(self, rest: bytes) -> Iterator[bytes]:
        """Yield what stands behind the last newline, and came there since."""
        yield from (line for line in (rest + self.file.read()).split(b"\n") if line)

    def backwards(self) -> Iterator[bytes]:
        """Yield the whole lines, last to first, without their newlines."""
        if self.is_compressed:
            yield from reversed(list(self.lines()))
            return
        start, rest = max(self.end - 1, 0), b""
        while start:
            size = min(_BLOCK_BYTES, start)
            start -= size
            self.file.seek(start)
            rest, *lines = (self.file.read(size) + rest).split(b"\n")
            yield from reversed(lines)
        if self.end:
            yield rest

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _end_of_lines(self) -> int:
        end = self.file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - _BLOCK_BYTES)
            self.file.seek(start)
            newline = self.file.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
        return 0


def log_files(log_path: Path) -> list[Path]:
    """Return the log's files that exist: the live one first, then `.1`, `.2` …, whether or not compressed."""
    rotated = {}
    for path in log_path.parent.glob(f"{log_path.name}.*"):
        number = number_of(path.name, log_path.name)
        if number is not None:
            rotated[number] = path
    return [*([log_path] if log_path.exists() else []), *(rotated[number] for number in sorted(rotated))]


def open_all(log_path: Path) -> list[LogPiece]:
    """Open the log's files, newest first: a rotation meanwhile shows one of them twice, and never hides one.

    Files move from each number to the next, the highest first, so that a list of their names may have none for one that
    moves. Whoever tries all numbers upwards meets each, and last where it belongs and with all that it will have. A
    rotation that is under way leaves one number free, and the next one another.
    """
    pieces: dict[tuple[int, int], LogPiece] = {}
    highest = max((number_of(path.name, log_path.name) or 0 for path in log_files(log_path)), default=0)
    number = missed = 0
    while missed < _GAPS or number <= highest:
        piece = _opened(log_path, number)
        missed = missed + 1 if piece is None else 0
        if piece is not None:
            before = pieces.pop(piece.identity, None)
            if before is not None:
                before.close()
            pieces[piece.identity] = piece
        number += 1
    return _without_copies(list(pieces.values()))


def _opened(log_path: Path, number: int) -> LogPiece | None:
    """Open the file of this number, 0 for the live one, as it is or compressed."""
    suffixes = ("", *SUFFIXES.values())
    for path in [Path(f"{log_path}.{number}{suffix}") for suffix in suffixes] if number else [log_path]:
        try:
            return LogPiece(path, open_plain(path))
        except FileNotFoundError:
            continue
    return None


def _without_copies(pieces: list[LogPiece]) -> list[LogPiece]:
    """Leave out a file that was compressed, which keeps its time, while we looked at it as it was."""
    plain = {piece.written_ns for piece in pieces if not piece.is_compressed}
    kept = [piece for piece in pieces if not (piece.is_compressed and piece.written_ns in plain)]
    for piece in pieces:
        if piece not in kept:
            piece.close()
    return kept


class Tail:
    """The live file from where *piece* ended, then whatever is appended, or takes its place by rotation."""

    def __init__(self, log_path: Path, piece: LogPiece | None) -> None:
        self._path = log_path
        # The newest of all, whatever its name: it may just have been rotated.
        self._piece = piece if piece and not piece.is_compressed else None
        self._offset = self._piece.end if self._piece else 0

    def lines(self) -> Iterator[bytes]:
        """Yield the lines that have become whole since the last call."""
        yield from self._appended()
        if self._has_moved():
            # Its writer may have added to it up to the moment of the rotation.
            yield from self._appended()
            yield from self._move_on()

    def _appended(self) -> Iterator[bytes]:
        if self._piece is None:
            return
        file = self._piece.file
        if os.fstat(file.fileno()).st_size < self._offset:
            self._offset = 0
        while True:
            # Always from behind the last whole line: a torn one may be cut off and written anew.
            file.seek(self._offset)
            block = _block_with_newline(file)
            if not block:
                return
            end = block.rfind(b"\n")
            self._offset += end + 1
            yield from block[:end].split(b"\n")

    def _has_moved(self) -> bool:
        try:
            there = os.stat(self._path)
        except OSError:
            return False
        return self._piece is None or (there.st_dev, there.st_ino) != self._piece.identity

    def _move_on(self) -> Iterator[bytes]:
        """Read what came after our file, oldest first; the newest becomes ours."""
        opened = open_all(self._path)
        newer = opened[: _how_many_newer(opened, self._piece)]
        try:
            for piece in reversed(newer):
                self.close()
                self._piece, self._offset = (None if piece.is_compressed else piece), 0
                yield from piece.lines() if piece.is_compressed else self._appended()
        finally:
            for piece in opened:
                if piece is not self._piece:
                    piece.close()

    def close(self) -> None:
        """Close the file."""
        if self._piece:
            self._piece.close()


def _how_many_newer(opened: list[LogPiece], ours: LogPiece | None) -> int:
    if ours is None:
        return min(len(opened), 1)
    for count, piece in enumerate(opened):
        # Where ours has been removed, only time can tell what came before it; compressed, it keeps its time.
        if piece.identity == ours.identity or piece.written_ns < ours.written_ns + piece.is_compressed:
            return count
    return len(opened)


def _block_with_newline(file: BinaryIO) -> bytes:
    """Read on until there is a newline; nothing where the file ends before one."""
    block = file.read(_BLOCK_BYTES)
    while block and b"\n" not in block:
        more = file.read(_BLOCK_BYTES)
        if not more:
            return b""
        block += more
    return block
