"""How much is asked of each peer: the numbers of the events of each case, so that whoever reads back knows them."""

from __future__ import annotations

from dataclasses import dataclass

START = {"info": 0, "operation": 0, "error": 10**9, "below": 2 * 10**9}
"""The cases' first numbers lie far apart: a number alone tells which case an event belongs to."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One process's share of work.

    events: measured events of each case but ERROR, which takes a twentieth (its cost is that of twenty).
    batch: events per reading of the clock. One more batch beforehand warms up; its events are verified as well.
    foreign: ContextVars set by the program beside, which some loggers scan at each event.
    """

    events: int = 20_000
    batch: int = 1_000
    foreign: int = 0

    def batches(self, case: str) -> list[range]:
        """The numbers of the events of a case, the warm-up first."""
        size = max(1, min(self.batch, self.events) // self._weight(case))
        count = max(1, self.events // self._weight(case) // size)
        start = START[case]
        return [range(start + size * i, start + size * (i + 1)) for i in range(count + 1)]

    def numbers(self, case: str) -> range:
        """All numbers of a case."""
        batches = self.batches(case)
        return range(batches[0].start, batches[-1].stop)

    @staticmethod
    def _weight(case: str) -> int:
        return 20 if case == "error" else 1
