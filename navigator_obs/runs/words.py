"""How a wrong argument is shown to whoever gave it."""

from __future__ import annotations

from typing import Final

from ..encoding import text

_MOST: Final = 200


def shown(value: object) -> str:
    """Return the beginning of ``repr(value)``, or of its text where that raises. Never raises.

    >>> shown("baseline")
    "'baseline'"
    """
    try:
        return repr(value)[:_MOST]
    except Exception:
        return text(value)[:_MOST]
