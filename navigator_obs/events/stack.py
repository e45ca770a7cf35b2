"""What stands on this thread's own stack: whether a function of ours is running further up, and how much room is left.

A signal handler or a `__del__` may log in the middle of our writing, and may raise there, between any two steps. A flag
would then stay set for ever; what stands on the stack is never out of date.
"""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType
from typing import Final

MAX_FRAMES: Final = 100
ROOM: Final = 100
"""The frames that telling of an event, and of its exception, may take."""


def is_running(lock: threading.RLock, *codes: CodeType) -> bool:
    """Return whether a caller of our caller runs one of *codes*, looked for among the nearest frames.

    *lock* is one that they hold meanwhile: this thread seldom has it, and then there is no need to look.
    """
    if not lock._is_owned():  # type: ignore[attr-defined]
        return False
    frame: FrameType | None = sys._getframe(2)
    for _ in range(MAX_FRAMES):
        if frame is None:
            return False
        if frame.f_code in codes:
            return True
        frame = frame.f_back
    return False


def is_nearly_full(room: int = ROOM) -> bool:
    """Return whether there are fewer than *room* frames left, as where a function calls itself for ever."""
    limit = sys.getrecursionlimit()
    try:
        sys._getframe(max(limit - room, limit // 2))
    except ValueError:
        return False
    return True
