"""What of an event stays where it is longer than it may be: its longest values are cut, and it says so."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from ..encoding import to_json
from ..fields import EVENT_FIELDS

LEAST_BYTES: Final = 64
"""A value of so many is never cut."""
ORDER: Final = tuple(field.name for field in EVENT_FIELDS)
"""The keys of every event, as they stand in its line."""
EventDict = MutableMapping[str, Any]


def shortened(event: EventDict, room: int) -> EventDict:
    """Return the event with its own keys and values in *room* bytes: the longest values are cut, and where that does
    not do, the last keys are left out.
    """
    own = {key: _slim(key, value) for key, value in event.items() if key not in ORDER or key == "message"}
    noted = own.get("cut_bytes")
    cut: dict[str, int] = dict(own.pop("cut_bytes")) if isinstance(noted, dict) else {}
    sizes = {key: len(to_json(key)) + len(to_json(value)) + 2 for key, value in own.items()}
    share = max(_fair_share(list(sizes.values()), room), LEAST_BYTES)
    short: EventDict = {key: value for key, value in event.items() if key in ORDER}
    left_out = 0
    for key, value in own.items():
        room -= min(sizes[key], share)
        if (room < 0 or len(key) > share) and key not in {"message", "exception"}:
            left_out += 1
        elif sizes[key] > share:
            short[key] = _cut(value, share)
            cut.setdefault(key, len(to_json(event[key])))
        else:
            short[key] = value
    if cut:
        short[free_name("cut_bytes", short)] = cut
    if left_out:
        short[free_name("cut_keys", short)] = left_out
    return short


def free_name(name: str, event: Mapping[str, Any]) -> str:
    """Return the name for a note of the toolkit's, with a stroke behind it where the program has such a field."""
    while name in event:
        name = f"{name}_"
    return name


def _slim(key: str, value: Any) -> Any:
    """An exception does without its variables and its frames first: the traceback tells the same as these."""
    if key != "exception" or not isinstance(value, dict):
        return value
    return {**{name: item for name, item in value.items() if name != "locals"}, "frames": []}


def _fair_share(sizes: list[int], room: int) -> int:
    """The size up to which each may stay whole, so that all together fit."""
    sizes.sort()
    for position, size in enumerate(sizes):
        share = room // (len(sizes) - position)
        if size > share:
            return share
        room -= size
    return sizes[-1] if sizes else 0


def _cut(value: Any, size: int) -> Any:
    if isinstance(value, dict) and "traceback" in value:
        return {key: _cut(item, size // 2) if isinstance(item, str) else item for key, item in value.items()}
    data = value.encode("utf-8", "replace") if isinstance(value, str) else to_json(value)
    return value if len(data) <= size else f"{data[:size].decode(errors='ignore')}…"
