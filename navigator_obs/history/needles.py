r"""What a raw line must hold to be wanted, looked for in whole blocks: what has none of it never becomes a line.

A writer may escape any character of a string (`\u0061`, `\/`): where a block has such escapes, their lines count as
holding everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

Needle = tuple[bytes, ...] | re.Pattern[bytes]
"""Texts of which a line holds at least one, or a pattern that it matches somewhere, within itself."""
_Finder = Callable[[int], int]
# Any character, and the one sign that may stand behind a backslash as it is.
_ESCAPES: Final = (b"\\u", b"\\/")


def holds(line: bytes, needles: Sequence[Needle]) -> bool:
    """Return whether *line* may be wanted: it has each of *needles*, or hides what it has behind escapes.

    >>> holds(b'{"level":"ERROR"}', [(b"ERROR", b"CRITICAL")])
    True
    """
    return all(_has(line, needle) for needle in needles) or any(escape in line for escape in _escapes_in(line))


def how_often(block: bytes, needle: Needle) -> int:
    """Return how often *block* has it."""
    if isinstance(needle, tuple):
        return sum(map(block.count, needle))
    return len(needle.findall(block))


def lines_that_hold(block: bytes, end: int, needle: Needle) -> Iterator[bytes]:
    """Yield the lines of *block* up to *end*, where one ends, that have the needle or escapes."""
    finders = [*_finders(block, end, needle), *_finders(block, end, _escapes_in(block))]
    found = [find(0) for find in finders]
    while hits := [at for at in found if at >= 0]:
        first = min(hits)
        start, stop = block.rfind(b"\n", 0, first) + 1, block.find(b"\n", first)
        yield block[start:stop]
        found = [at if at < 0 or at > stop else find(stop + 1) for at, find in zip(found, finders, strict=True)]


def _has(line: bytes, needle: Needle) -> bool:
    if isinstance(needle, tuple):
        return any(text in line for text in needle)
    return needle.search(line) is not None


def _escapes_in(block: bytes) -> tuple[bytes, ...]:
    # One byte is found ten times as fast as two, and most blocks have none.
    return tuple(escape for escape in _ESCAPES if escape in block) if b"\\" in block else ()


def _finders(block: bytes, end: int, needle: Needle) -> list[_Finder]:
    if isinstance(needle, tuple):
        return [_finder_of_text(block, end, text) for text in needle]
    return [_finder_of_pattern(block, end, needle)]


def _finder_of_text(block: bytes, end: int, text: bytes) -> _Finder:
    return lambda start: block.find(text, start, end)


def _finder_of_pattern(block: bytes, end: int, pattern: re.Pattern[bytes]) -> _Finder:
    def find(start: int) -> int:
        found = pattern.search(block, start, end)
        return found.start() if found else -1

    return find
