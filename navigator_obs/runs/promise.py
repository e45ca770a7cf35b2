"""Whether a run makes the progress that it promises: an operation that opens or ends, rows, a figure, an event, a
check, a checkpoint, at least once in so many seconds.

A run that promises nothing is held to its own pace, once it has shown one: after `LEAST_YEARS` completed years, to
`TIMES_LONGEST` times the longest of them, and never to less than `LEAST_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, NamedTuple

from ..clock import clock, format_timestamp

LEAST_YEARS: Final = 3
TIMES_LONGEST: Final = 5
LEAST_SECONDS: Final = 60.0
LATER_SECONDS: Final = 2.0
"""How much later a stall is told by other ways than a tick: where the ticker runs, it comes first."""


class Change(NamedTuple):
    """`stalled`, `resumed`, or `unseen`: both, while nobody could look; and what was *missed*."""

    kind: str
    missed: dict[str, Any]


class Promise:
    """Told at each tick how far the run has come. `stalled` is what the tick says of it, None while all is well.

    *seconds* is what the program has promised, None where nothing.
    """

    def __init__(self, seconds: float | None) -> None:
        self.promised = seconds
        self.learnt: float | None = None
        self.stalled: dict[str, Any] | None = None
        self._mark: Hashable = None
        self._since_ns = self._year_ns = self._looked_ns = clock.monotonic_ns()
        self._since = format_timestamp(clock.time_ns())
        self._years = 0
        self._longest_seconds = 0.0

    @property
    def seconds(self) -> float | None:
        """What the run is held to."""
        return self.promised if self.promised is not None else self.learnt

    def learn(self, years: int) -> None:
        """Hear how many years are completed by now."""
        if years <= self._years:
            return
        now = clock.monotonic_ns()
        each = (now - self._year_ns) / 1e9 / (years - self._years)
        self._years, self._year_ns = years, now
        self._longest_seconds = max(self._longest_seconds, each)
        if years >= LEAST_YEARS:
            self.learnt = max(TIMES_LONGEST * self._longest_seconds, LEAST_SECONDS)

    def look(self, mark: Hashable, *, moved: bool = False) -> Change | None:
        """Compare *mark*, which is another one after each progress; return what has changed by it, if anything.

        *moved* says that there was progress which no mark tells.
        """
        now = clock.monotonic_ns()
        unseen, self._looked_ns = (now - self._looked_ns) / 1e9, now
        if moved or mark != self._mark:
            changed = self._resumed(unseen)
            self._mark, self._since_ns, self._since = mark, now, format_timestamp(clock.time_ns())
            return changed
        if self.seconds is None or (now - self._since_ns) / 1e9 < self.seconds or self.stalled:
            return None
        self.stalled = self._missed(self.seconds)
        return Change("stalled", self.stalled)

    def _resumed(self, unseen: float) -> Change | None:
        if self.stalled:
            missed, self.stalled = self.stalled, None
            return Change("resumed", missed)
        if self.seconds is not None and unseen > self.seconds + LATER_SECONDS:
            # Where C code kept everybody from looking, the stall is known by that alone.
            return Change("unseen", self._missed(self.seconds))
        return None

    def _missed(self, seconds: float) -> dict[str, Any]:
        return {"since": self._since, "promise_seconds": seconds, "learnt": self.promised is None}

    def allow(self, mark: Hashable) -> None:
        """Take *mark* as no progress: it is another one for what was done about the stall."""
        self._mark = mark
