"""Whether a function of ours is running further up on this thread's own stack.

A signal handler or a `__del__` may log in the middle of our writing, and may raise there, between any two steps. A flag
would then stay set for ever; what stands on the stack is never out of date.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Final

MAX_FRAMES: Final = 100


def is_running(code: CodeType) -> bool:
    """Return whether a caller of our caller runs *code*, looked for among the nearest frames."""
    frame: FrameType | None = sys._getframe(2)
    for _ in range(MAX_FRAMES):
        if frame is None:
            return False
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False
