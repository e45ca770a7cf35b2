"""Finds where the links of a file do not hold: what was edited, removed, added or moved, by line.

The file is read twice: the links first, then each one's records held against the digest that the link before it
states, wherever in the file that stands now.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Final, NamedTuple

from .links import LINK, MARK, digest_with

EDITED: Final = "edited"
REMOVED: Final = "removed"
MOVED: Final = "moved"
UNLINKED: Final = "unlinked"
UNKEYED: Final = "unkeyed"


@dataclass(frozen=True, slots=True)
class Break:
    """One thing that is wrong with a file: what *kind*, in its lines *first* to *last*, in words."""

    kind: str
    first: int
    last: int
    what: str

    def __str__(self) -> str:
        place = f"line {self.first}" if self.first == self.last else f"lines {self.first} to {self.last}"
        return f"{place}: {self.kind}, {self.what}"


class _Unit(NamedTuple):
    """The lines that one link covers; *unkeyed* where its digest was made without the key."""

    number: int
    first: int
    last: int
    holds: bool
    unkeyed: bool


def breaks_in(path: Path, key: bytes | None = None) -> Iterator[Break]:
    """Yield what is wrong with the links of the file *path*, in the order of its lines; *key* as it was written with.

    The file may grow meanwhile. Lines behind the last link are told as one break of the kind `UNLINKED`: a process that
    was killed leaves them, and so does whoever adds some. Raises OSError.

    >>> from navigator_obs.runs.journal import Journal
    >>> path = Path("journal.jsonl")
    >>> _ = Journal(path).append({"kind": "check", "value": 4})
    >>> _ = path.write_bytes(path.read_bytes().replace(b"4", b"5", 1))
    >>> [str(found) for found in breaks_in(path)]
    ['line 1: edited, it is not what link 1 was made of']
    """
    units, lines = _units(path, key)
    numbers = sorted({unit.number for unit in units})
    expected = 1
    for unit, following in zip_longest(units, units[1:]):
        number = unit.number
        if not unit.holds and (following is None or following.number == expected + 1):
            # Its number is as little to be trusted as the rest.
            number = expected
        yield from _judge(unit, number, expected, _missing(numbers, expected, number))
        expected = max(expected, number + 1)
    covered = units[-1].last if units else 0
    if lines > covered:
        yield Break(UNLINKED, covered + 1, lines, "it stands behind the last link")


def _judge(unit: _Unit, number: int, expected: int, missing: int) -> Iterator[Break]:
    if missing:
        links = f"link {expected} is" if missing == 1 else f"{missing} links from {expected} on are"
        yield Break(REMOVED, unit.first, unit.last, f"{links} missing or damaged before link {number}")
    elif not unit.holds:
        yield Break(EDITED, unit.first, unit.last, f"it is not what link {number} was made of")
    elif unit.unkeyed:
        yield Break(UNKEYED, unit.first, unit.last, f"link {number} was made without the key")
    elif number != expected:
        yield Break(MOVED, unit.first, unit.last, f"link {number} stands where link {expected} should")


def _missing(numbers: list[int], start: int, end: int) -> int:
    """How many of the numbers from *start* to before *end* are none of the *numbers*."""
    return max(0, end - start - (bisect_left(numbers, end) - bisect_left(numbers, start)))


def _units(path: Path, key: bytes | None) -> tuple[list[_Unit], int]:
    """Return what each link covers, and how many lines there are."""
    stated, lines = _stated(path)
    units: list[_Unit] = []
    digest, unkeyed, first, pieces = digest_with(key), digest_with(None), 1, [b""]
    with path.open("rb") as file:
        for place, line in enumerate(islice(file, lines), start=1):
            found = _link_of(line)
            if found is None:
                pieces.append(line)
                continue
            number = int(found[1])
            before = stated.get(number - 1)
            covered = b"".join([before or b"", *pieces, line[: found.start(2)]])
            holds = before is not None and digest(covered).encode() == found[2]
            without = key is not None and before is not None and not holds and unkeyed(covered).encode() == found[2]
            units.append(_Unit(number, first, place, holds or without, without))
            first, pieces = place + 1, [line[found.end() :]]
    return units, lines


def _stated(path: Path) -> tuple[dict[int, bytes], int]:
    """Return the digest that each link of the file states, by its number, and how many lines there are."""
    stated = {0: b""}
    lines = 0
    with path.open("rb") as file:
        for line in file:
            lines += 1
            found = _link_of(line)
            if found is not None:
                stated.setdefault(int(found[1]), found[2])
    return stated, lines


def _link_of(line: bytes) -> re.Match[bytes] | None:
    start = line.rfind(MARK)
    found = LINK.match(line, start) if start >= 0 else None
    return found if found is not None and line[found.end() :] in {b"", b"\n"} else None
