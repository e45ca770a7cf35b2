"""Where verbs print: JSON as it is into a pipe, and with nothing that a terminal obeys onto a terminal."""

from __future__ import annotations

import re
import sys
from typing import Final

from ..encoding import to_json_pretty

# Legal inside JSON text, and yet some terminals obey them: DEL, the C1 controls, and what turns the reading direction.
_OBEYED: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def print_json(value: object) -> None:
    """Print one JSON document."""
    write_json(to_json_pretty(value))


def write_json(data: bytes) -> None:
    r"""Write rendered JSON to stdout; on a terminal, dangerous characters as ``\u`` escapes, which mean the same."""
    if sys.stdout.isatty():
        shown = data.decode("utf-8", "backslashreplace")
        sys.stdout.write(_OBEYED.sub(lambda found: f"\\u{ord(found.group()):04x}", shown))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
