"""To and from JSON bytes, never failing on a value; the only importer of orjson.

Ordinary values go straight through orjson. Only what it refuses (circular structures, integers beyond 64 bits, lone
surrogates, non-string keys, …) is rebuilt piece by piece into plain values (`plain`), with as much information kept as
JSON can hold.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from .plain import finite, nonfinite_paths, note, shown, simplify, step, text

__all__ = [
    "NEWLINE",
    "finite",
    "from_json",
    "nonfinite_paths",
    "shown",
    "simplify",
    "strict_json",
    "text",
    "to_json",
    "to_json_pretty",
]

_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY


def to_json(value: object) -> bytes:
    """Render any value as compact JSON, UTF-8; never raises.

    NaN and infinities become null (see `nonfinite_paths`). Objects that JSON does not know become their text.

    >>> to_json({"year": 2025, "level": {"L1"}})
    b'{"year":2025,"level":["L1"]}'
    """
    try:
        return orjson.dumps(value, _default, _OPTIONS)
    except Exception:
        return _careful(value, 0)


# For the event's fast path, which looks at the values itself: orjson's own function, which raises TypeError where it
# refuses, and its option for a newline at the end.
strict_json: Final = orjson.dumps
NEWLINE: Final = orjson.OPT_APPEND_NEWLINE


def to_json_pretty(value: object) -> bytes:
    """Render any value as JSON with two spaces of indentation and a final newline; never raises."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        return orjson.dumps(value, _default, options | _OPTIONS)
    except Exception:
        return orjson.dumps(simplify(value), option=options)


def from_json(data: bytes | bytearray | memoryview | str) -> Any:
    """Parse JSON; raises ValueError when *data* is none."""
    return orjson.loads(data)


def _careful(value: object, attempt: int) -> bytes:
    try:
        return orjson.dumps(simplify(value))
    except Exception:
        # Only a structure that another thread changes meanwhile comes here; what is left is its type.
        return _careful(value, 1) if attempt == 0 else orjson.dumps(note(value, "cannot be rendered"))


def _default(value: object) -> Any:
    """Orjson's hook for a type that it does not know."""
    plain = step(value)
    return simplify(value) if plain is value else plain
