"""Look into summaries that anybody may have written: what is not there, or of another shape, is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_EMPTY: Final[Mapping[str, Any]] = {}


def table(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object under *name*; an empty one where there is none."""
    value = found.get(name)
    return value if isinstance(value, Mapping) else _EMPTY


def tables(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of the array under *name*."""
    value = found.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """Return *value* if it is a number, None otherwise.

    >>> number(3), number(True), number("3")
    (3, None, None)
    """
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
