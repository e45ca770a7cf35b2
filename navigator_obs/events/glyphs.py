"""What stands for the marks and bars of our screens where the stream's encoding has no such characters."""

from __future__ import annotations

import codecs
from typing import Final

HANDLER: Final = "navigator_obs.glyphs"
"""An error handler for encoding: plain characters for our own marks, escapes for what else the encoding lacks."""
# As wide as what they stand for, where that can be.
_PLAIN: Final = {
    **dict.fromkeys("─━═╌╍░▁▃", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╒╕╘╛", "+"),
    **dict.fromkeys("█▉▊▋▌", "#"),
    **dict.fromkeys("▍▎▏", " "),
    "▂": ".",
    "▄": "=",
    "▅": "+",
    "▆": "*",
    "▇": "%",
    "✓": "+",
    "✗": "x",
    "●": "*",
    "■": "!",
    "▲": "^",
    "▼": "v",
    "·": "-",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "\u00d7": "x",
    "µ": "u",
    "²": "^2",
    "\u2013": "-",
    "—": "-",
}


def _substitute(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text, at = error.object, error.start
    character, after = text[at], text[at + 1 : at + 2]
    if character == "…":
        # Within a table a word that was cut must stay as wide as it is.
        is_cut = text[at - 1 : at].strip() and after != "/"
        return ("~" if is_cut else "..."), at + 1
    if character in _PLAIN:
        # The blank behind it gives its place to the second character.
        return _PLAIN[character], at + 1 + (character in "≤≥" and after == " ")
    return character.encode("ascii", "backslashreplace").decode(), at + 1


codecs.register_error(HANDLER, _substitute)


def written(text: str, encoding: str | None) -> str:
    r"""Return *text* as a stream of that encoding can show it; None is UTF-8.

    >>> written("✓ 3 of 5 · é", "ascii"), written("✓ 3 of 5 · é", "latin-1")
    ('+ 3 of 5 - \\xe9', '+ 3 of 5 · é')
    """
    encoding = encoding or "utf-8"
    return text if text.isascii() else text.encode(encoding, HANDLER).decode(encoding)
