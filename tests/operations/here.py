"""Where the code stands."""

from __future__ import annotations

from navigator_obs.events import scope


def here() -> str | None:
    """Return the path of the innermost operation that is open here."""
    operation = scope.current().operation
    return None if operation is None else operation.path
