"""Notices that the machine slept, or that its clock was set, while a run was open.

Durations are those of a clock that never goes back and stands still while the machine sleeps; timestamps are the system
clock's. Where the two part, whoever compares them must know.
"""

from __future__ import annotations

import time
from typing import Final

from ..clock import SystemClock, clock
from ..fields import format_seconds

LEAST_SECONDS: Final = 1.0
SUSPENDED: Final = "suspended"
CLOCK_SET: Final = "clock set"


class ClockWatch:
    """Compares the system's clocks with each other, as often as it is asked."""

    def __init__(self) -> None:
        self._wall = _wall_seconds()
        self._asleep = _asleep_seconds()

    def look(self) -> list[tuple[str, float]]:
        """Return what has happened since it last looked: a word for it, and by how many seconds."""
        wall, asleep = _wall_seconds(), _asleep_seconds()
        slept, moved = asleep - self._asleep, wall - self._wall
        if type(clock.source) is not SystemClock or (abs(moved) < LEAST_SECONDS and slept < LEAST_SECONDS):
            return []
        self._wall, self._asleep = wall, asleep
        # While it sleeps, the system clock goes on.
        found = ((SUSPENDED, slept), (CLOCK_SET, moved - slept))
        return [(what, seconds) for what, seconds in found if abs(seconds) >= LEAST_SECONDS]


def in_words(what: str, seconds: float) -> str:
    """Return what happened as a sentence.

    >>> in_words("clock set", -3600.0)
    'the system clock was set back by 1h 00m: timestamps from before and after do not compare'
    """
    if what == SUSPENDED:
        return f"the machine slept for {format_seconds(seconds)}: durations leave that out"
    way = "forward" if seconds > 0 else "back"
    by = format_seconds(abs(seconds))
    return f"the system clock was set {way} by {by}: timestamps from before and after do not compare"


def _wall_seconds() -> float:
    return (clock.time_ns() - clock.monotonic_ns()) / 1e9


def _asleep_seconds() -> float:
    """How long the machine has slept since it started; 0 where the system does not tell."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
