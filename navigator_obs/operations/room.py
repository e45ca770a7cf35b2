"""Room for so many series of a run."""

from __future__ import annotations

from collections.abc import Hashable


class Room:
    """Room for *most* series, of which nobody takes more than are left free: whoever comes later finds some.

    >>> room = Room(4)
    >>> [room.take("raises") for _ in range(4)]
    [True, True, False, False]
    >>> room.take("hires")
    True
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._taken: dict[Hashable, int] = {}

    def take(self, whose: Hashable) -> bool:
        """Take room for one more of *whose* series; return whether there is any."""
        taken = self._taken.get(whose, 0)
        if taken >= self._free:
            return False
        self._free -= 1
        self._taken[whose] = taken + 1
        return True
