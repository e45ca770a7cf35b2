"""Where verbs print: JSON as it is into a pipe, and with nothing that a terminal obeys onto a terminal."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from typing import Final

from ..encoding import to_json_pretty
from ..events.console import wants_colour
from ..outputs.cells import Section, fitted

MAX_WIDTH: Final = 120


def print_sections(parts: Iterable[Section]) -> None:
    """Print those of *parts* that have something to say, as wide as the terminal and at most `MAX_WIDTH` columns."""
    from ..outputs.text import render_sections

    width = min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH)
    shown = [part if part.prose else fitted(part, width - 2) for part in parts if part.rows]
    print(render_sections(shown, color=wants_colour(sys.stdout), width=width))


def print_json(value: object) -> None:
    """Print one JSON document."""
    write_json(to_json_pretty(value))


def write_json(data: bytes) -> None:
    r"""Write rendered JSON to stdout; on a terminal, dangerous characters as ``\u`` escapes, which mean the same."""
    if sys.stdout.isatty():
        from ..events.console import OBEYED

        shown = data.decode("utf-8", "backslashreplace")
        sys.stdout.write(OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", shown))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
