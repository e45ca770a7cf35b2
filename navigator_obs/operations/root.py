"""The run itself, as that in which its operations are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clock import clock
from ..events.alone import FREE_THREADED, alone
from .node import PLAIN, Node
from .series import Link, Repeats

if TYPE_CHECKING:
    from .accumulator import Accumulator


class Root:
    """Stands where an operation without a parent looks for one: its *node* has the time in no operation as self time.

    It also divides each instant among the operations that are active leaves: open, and without a child that is open.
    *crowd* is how many there are beyond the first, and *lost* the time by which an operation that was a leaf all along
    falls short of the wall clock because it shared instants with others. Where operations only nest, as in a program
    with one thread, both stay 0.

    *quiet* is *lost* while there is no crowd, and None while there is one. It tells an operation by one look that
    nothing has been lost since it became a leaf, and that nothing need be divided. On a build without a global lock it
    is always None, so that all goes through `nesting`.

    While there is a crowd, it is also counted how many leaves each path has. A crowd begins a new *round* of that,
    unless the *leaf* that it finds there was counted in the last one: then nothing else was.
    """

    __slots__ = ("changed", "crowd", "leaf", "link", "lost", "node", "quiet", "round", "taken")

    lost: int
    quiet: int | None

    def __init__(self, accumulator: Accumulator) -> None:
        self.link = Link(accumulator, "", "", {}, {})
        self.link.repeats = Repeats()
        self.node = Node()
        self.node.parent = self.node
        self.node.link = self.link
        self.node.run = None
        self.node.ends = PLAIN
        self.round = 0
        self.leaf = self.node
        self.begin()

    def begin(self) -> None:
        """Count time from now on."""
        node = self.node
        node.child = None
        node.busy = node.lost_before = node.lost = 0
        node.start = node.since = self.changed = clock.monotonic_ns()
        self.taken = self.crowd = self.lost = 0
        self.quiet = None if FREE_THREADED else 0
        self.round += 1

    def turn(self, now: int, change: int, off: Node | None, on: Node | None) -> int:  # noqa: PLR0912 - no calls here
        """So many more or fewer (*change*) operations are active leaves from *now* on; return *lost* as of now.

        *off* is an operation that is one no longer, *on* one that is it from now on.

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
        left = crowd + change if self.node.child is not None else 0
        self.crowd = left
        self.quiet = None if left or FREE_THREADED else self.lost
        if not crowd:
            leaf = self.leaf
            if leaf.counted != self.round or leaf.child is not None or leaf.lost is None:
                self.round += 1
        if off is not None and off.counted == self.round:
            off.counted = 0
            path = off.link.repeats
            passed = now - path.since
            if passed >= 0:
                path.together += (path.active - 1) * passed
                path.since = now
            else:
                path.together += (path.active > 1) * passed
            path.active -= 1
        # It may have ended or opened another meanwhile, in a thread of its own.
        if on is not None and on.lost is not None and on.child is None and on.counted != self.round:
            on.counted = self.round
            path = on.link.repeats
            if path.round != self.round:
                path.round = self.round
                path.active = 0
            passed = now - path.since
            if path.active <= 0:
                path.since = now
            elif passed >= 0:
                path.together += (path.active - 1) * passed
                path.since = now
            else:
                path.together -= passed
            path.active += 1
        return self.lost - (self.changed - now)

    def covered(self, now: int) -> int:
        """Return the time in which any operation was open, in nanoseconds."""
        node = self.node
        covered: int = node.busy + (now - node.since if node.child is not None else 0)
        return covered

    @alone
    def take(self, now: int) -> int:
        """Return the self time since it was last taken, in nanoseconds."""
        own: int = max(now - self.node.start - self.covered(now) - self.taken, 0)
        self.taken += own
        return own
