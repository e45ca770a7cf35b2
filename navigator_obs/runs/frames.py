"""Which of a traceback's frames speaks to the user: the innermost line of the application's own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..events.ownership import is_of_toolkit, was_of_library


def own_frame(exception: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the innermost frame of an event's `exception` that is neither a library's nor the toolkit's; the innermost
    of all where each is, None where there is none.
    """
    found = exception.get("frames")
    frames = [frame for frame in found if isinstance(frame, Mapping)] if isinstance(found, list) else []
    own = [frame for frame in frames if _is_own(frame)]
    return own[-1] if own else frames[-1] if frames else None


def _is_own(frame: Mapping[str, Any]) -> bool:
    return not is_of_toolkit(frame.get("module")) and not was_of_library(str(frame.get("file")))
