"""How much of what a program leaves is read for digests: not more than its own time allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

LEAST_BYTES: Final = 32_000_000
BYTES_PER_SECOND: Final = 2_000_000


class Allowance:
    """Room for reading files: *most* bytes; with *seconds*, which tells what time a run has taken, what befits that.

    SHA-256 takes about a nanosecond a byte, so that `BYTES_PER_SECOND` are a five-hundredth of the run's time. Any run
    may read `LEAST_BYTES`.
    """

    def __init__(self, seconds: Callable[[], float] | None = None, *, most: float = math.inf) -> None:
        self._most = most
        self._seconds = seconds
        self._taken = 0

    def take(self, size: int) -> bool:
        """Whether a file of *size* bytes may be read, which it then counts as."""
        if self._taken + size > self._room():
            return False
        self._taken += size
        return True

    def _room(self) -> float:
        if self._seconds is None:
            return self._most
        return min(self._most, max(LEAST_BYTES, BYTES_PER_SECOND * self._seconds()))
