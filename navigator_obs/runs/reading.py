"""What stands in a summary or a record, whatever that may lack: files of other versions, and damaged ones, are read as
far as they go.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def table(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object under *key*, an empty one where there is none."""
    value = holder.get(key)
    return value if isinstance(value, Mapping) else {}


def tables(holder: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the objects of the array under *key*."""
    return [item for item in items(holder, key) if isinstance(item, Mapping)]


def items(holder: Mapping[str, Any], key: str) -> list[Any]:
    """Return the array under *key*; an empty one where there is none."""
    value = holder.get(key)
    return value if isinstance(value, list) else []


def number(value: object) -> float | None:
    """Return *value* where it is a finite number.

    >>> number(1.5), number("1.5"), number(True), number(10**400)
    (1.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        # A whole number that no float can hold.
        return None
