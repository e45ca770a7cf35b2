"""The last events before an error, read back from the log: they cost nothing until something goes wrong."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from ..encoding import from_json, text, to_json
from ..fields import RESERVED, cut

MAX_BREADCRUMBS: Final = 10
MAX_FIELDS: Final = 8
MAX_VALUE: Final = 120
_TAIL_BYTES: Final = 65_536
_KEPT: Final = ("timestamp", "level", "message", "logger")


def before(event: Mapping[str, Any], log_path: Path) -> list[dict[str, Any]]:
    """Return the newest events of *event*'s run and process before it, oldest first, shortened.

    An *event* without a number is no event of the log: all that is there came before it. Where the log can't be read
    there are none.
    """
    try:
        found = list(islice(_older(event, log_path), MAX_BREADCRUMBS))
    except OSError:
        return []
    return found[::-1]


def _older(event: Mapping[str, Any], log_path: Path) -> Iterator[dict[str, Any]]:
    """Newest first; on into the last rotated file where the live one has just begun."""
    run, process, seq = event.get("run_id"), event.get("process", os.getpid()), event.get("seq", math.inf)
    mark = b'"run_id":' + to_json(run)
    for path in (log_path, log_path.with_name(f"{log_path.name}.1")):
        for line in reversed(_tail(path)):
            other = _parsed(line) if mark in line else {}
            if other.get("run_id") == run and other.get("process") == process and _precedes(other.get("seq"), seq):
                yield _shortened(other)


def _precedes(one: Any, other: Any) -> bool:
    return isinstance(one, int) and isinstance(other, int | float) and one < other


def _tail(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            return file.read(_TAIL_BYTES).splitlines()
    except FileNotFoundError:
        return []


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = from_json(line)
    except ValueError:
        # The first line of the part that was read begins in its middle.
        return {}
    return found if isinstance(found, dict) else {}


def _shortened(event: Mapping[str, Any]) -> dict[str, Any]:
    """What tells the story: when, how severe, what, where, and the first of its own fields."""
    own = {key: _short(value) for key, value in event.items() if key not in RESERVED}
    exception = event.get("exception")
    told = {key: event[key] for key in _KEPT if key in event} | dict(islice(own.items(), MAX_FIELDS))
    if isinstance(exception, Mapping):
        told["exception"] = _short(f"{text(exception.get('type'))}: {text(exception.get('message'))}")
    return told


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    shown = value if isinstance(value, str) else to_json(value).decode()
    return cut(shown, MAX_VALUE)
