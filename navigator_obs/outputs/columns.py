"""Aligned columns of plain text, safe to print: what a terminal would obey is shown instead of sent."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

_LONGEST_WHOLE: Final = 160


def one_line(text: object) -> str:
    r"""Return text that stays on its line and drives no terminal: what is not printable is shown as its escape.

    >>> one_line("all well" + chr(27) + "[2J\n")
    'all well\\x1b[2J\\n'
    """
    shown = text if isinstance(text, str) else str(text)
    return shown if shown.isprintable() else "".join(map(_shown, shown))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    if character.isspace() and ord(character) > 0x9F and character not in "\u2028\u2029":
        return " "
    return character.encode("unicode_escape").decode()


def width_of(text: str) -> int:
    """Return how many terminal columns *text* takes; East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(_width(character, unicodedata.east_asian_width(character)) for character in text)


def _width(character: str, east_asian: str) -> int:
    if east_asian in "WF":
        return 2
    # Combining marks sit on the character before them.
    return 0 if "\u0300" <= character <= "\u036f" or character == "\ufe0f" else 1


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Fill *text* up with spaces; *right* aligns it to the right."""
    space = " " * (width - width_of(text))
    return space + text if right else text + space


def shorten(text: str, width: int) -> str:
    """Cut *text* to *width* columns, with an ellipsis where something was cut.

    >>> shorten("year_simulation", 8)
    'year_si…'
    """
    if width_of(text) <= width:
        return text
    cut = ""
    for character in text:
        if width_of(cut) + width_of(character) > width - 1:
            break
        cut += character
    return f"{cut}…"


def shorten_middle(text: str, width: int) -> str:
    """Cut a path at its beginning, name by name, for its end tells most; other text, or one long name, in the middle.

    >>> shorten_middle("scenarios/simulate/year_simulation/hiring", 26), shorten_middle("summary-of-2027.json", 12)
    ('…/year_simulation/hiring', 'summa…7.json')
    """
    if width_of(text) <= width or width < 5:
        return shorten(text, width)
    while " " not in text and (tail := text.partition("/")[2]):
        if width_of(tail) <= width - 2:
            return f"…/{tail}"
        text = tail
    left = (width - 1) // 2
    right = width - 1 - left
    while width_of(text[:left]) + width_of(text[-right:]) > width - 1:
        left, right = left - 1, right - 1
    return f"{text[:left]}…{text[-right:]}"


class _Wrapper(textwrap.TextWrapper):
    """Breaks at blanks, and what is no path also within a word that is too long."""

    def _handle_long_word(self, reversed_chunks: list[str], cur_line: list[str], cur_len: int, width: int) -> None:
        is_whole = "/" in reversed_chunks[-1] and len(reversed_chunks[-1]) <= _LONGEST_WHOLE
        if not is_whole:
            super()._handle_long_word(reversed_chunks, cur_line, cur_len, width)
        elif not cur_line:
            cur_line.append(reversed_chunks.pop())


def wrapped(text: str, width: int, indent: str = "", hanging: str = "  ", max_lines: int | None = None) -> list[str]:
    """Break running text into lines of *width* columns, the first behind *indent*, the others further in. A path stays
    in one piece, so that it can be copied, even where it is longer. Of more than *max_lines* the rest is left out.

    >>> wrapped("see /srv/planning/2026/ledger.parquet for it", 20)
    ['see', '  /srv/planning/2026/ledger.parquet', '  for it']
    """
    return _Wrapper(
        width,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_on_hyphens=False,
        max_lines=max_lines,
        placeholder=" …",
    ).wrap(text)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Lay out rows of harmless cells in columns; *right* says which columns are aligned to the right."""
    columns = [_filled(column, side) for column, side in zip(zip(*rows, strict=True), right, strict=True)]
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]


def _filled(column: Sequence[str], right: bool) -> list[str]:
    if all(map(str.isascii, column)):
        width = max(map(len, column))
        return [cell.rjust(width) for cell in column] if right else [cell.ljust(width) for cell in column]
    width = max(map(width_of, column))
    return [pad(cell, width, right=right) for cell in column]
