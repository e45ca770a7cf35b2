"""Where verbs print: JSON as it is into a pipe, and with nothing that a terminal obeys onto a terminal."""

from __future__ import annotations

import sys

from ..encoding import to_json_pretty


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
