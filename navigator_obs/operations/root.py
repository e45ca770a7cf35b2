"""The run itself, as that in which its operations are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clock import clock
from .node import PLAIN, Node
from .series import Link

if TYPE_CHECKING:
    from .accumulator import Accumulator


class Root:
    """Stands where an operation without a parent looks for one: its *node* has the time in no operation as self time.

    It also divides each instant among the operations that are active leaves: open, and without a child that is open.
    *crowd* is how many there are beyond the first, and *lost* the time by which an operation that was a leaf all along
    falls short of the wall clock because it shared instants with others. Where operations only nest, as in a program
    with one thread, both stay 0.

    *quiet* is *lost* while there is no crowd, and None while there is one. It tells an operation by one look that
    nothing has been lost since it became a leaf, and that nothing need be divided.
    """

    __slots__ = ("changed", "crowd", "link", "lost", "node", "quiet", "taken")

    lost: int
    quiet: int | None

    def __init__(self, accumulator: Accumulator) -> None:
        self.link = Link(accumulator, "", "", {}, {})
        self.node = Node()
        self.node.parent = self.node
        self.node.link = self.link
        self.node.run = None
        self.node.ends = PLAIN
        self.begin()

    def begin(self) -> None:
        """Count time from now on."""
        node = self.node
        node.child = None
        node.busy = node.lost_before = node.lost = 0
        node.start = node.since = self.changed = clock.monotonic_ns()
        self.taken = self.crowd = self.lost = self.quiet = 0

    def turn(self, now: int, change: int) -> int:
        """So many more or fewer (*change*) operations are active leaves from *now* on; return *lost* as of now.

        A thread may be suspended between its look at the clock and this, and others' turns come first. Then this one
        takes effect with the last of theirs, and the difference is taken off what is returned, so that each instant is
        given away exactly once.
        """
        # In straight lines without a call: see `opened`.
        crowd = self.crowd
        if not crowd and not change:
            return self.lost
        if now > self.changed:
            if crowd > 0:
                self.lost += (now - self.changed) * crowd // (crowd + 1)
            self.changed = now
        # With nothing open there is no leaf, whatever generators that wait and parents that ended early have left.
        self.crowd = crowd = crowd + change if self.node.child is not None else 0
        self.quiet = None if crowd else self.lost
        return self.lost - (self.changed - now)

    def covered(self, now: int) -> int:
        """Return the time in which any operation was open, in nanoseconds."""
        node = self.node
        covered: int = node.busy + (now - node.since if node.child is not None else 0)
        return covered

    def take(self, now: int) -> int:
        """Return the self time since it was last taken, in nanoseconds."""
        own: int = max(now - self.node.start - self.covered(now) - self.taken, 0)
        self.taken += own
        return own
