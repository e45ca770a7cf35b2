"""How open operations hang together where they do more than nest: several children at once, in threads and tasks;
children that outlive their parents; generators that wait.

Of the operations that are open each is either the `child` of its parent or set aside in the accumulator, and so found.
What is read and changed of a parent stands in straight lines without a call: see `opened`. Where the global lock does
not make one of these, the functions are `alone`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..events.alone import FREE_THREADED, alone
from .node import COUNTED, MANY, Node

if TYPE_CHECKING:
    from .root import Root
    from .series import OpenNode


@alone
def join(op: Node, now: int) -> None:
    """Be a child of the parent from *now* on, beside others or after other operations were active leaves."""
    parent = op.parent
    if FREE_THREADED and parent.child is None and _is_quiet(op.link.series.root, parent):
        parent.child = op
        parent.since = now
        op.lost = parent.lost
        return
    aside = op.link.accumulator.aside
    aside.add(op)
    while parent.lost is None and parent.parent is not parent:
        # A task may go on in the scope of an operation that has ended: it is part of what is open around that.
        parent = parent.parent
    first = parent.child
    if first is None:
        parent.child = op
        parent.since = now
    elif first is MANY:
        parent.others += 1
    else:
        parent.child = MANY
        parent.others = 2
    op.parent = parent
    root = op.link.series.root
    counted = root.round
    change = (op.child is None) - (first is None)
    op.lost = lost = root.turn(now, change, parent if first is None else None, op if op.child is None else None)
    if first is None:
        if parent.lost is not None:
            parent.lost_before += lost - parent.lost
            parent.lost = lost
            parent.ends = parent.ends or COUNTED
        aside.discard(op)
    elif first is not MANY:
        _set_aside(first, aside)
    if root.round != counted:
        _count_others(root, aside, now)


@alone
def leave(op: Node, now: int, lost_then: int | None) -> None:
    """Be a child of the parent no longer, and a leaf no longer if this is one: since *lost_then*, the root's `lost`."""
    parent = op.parent
    if parent.child is op:
        parent.child = None
    elif parent.child is MANY:
        others = parent.others - 1
        parent.others = others
        if not others:
            parent.child = None
    else:
        # The process was forked meanwhile, and the child began anew.
        return
    last = parent.child is None
    outlived = last and parent.lost is None
    if last:
        parent.busy += now - parent.since
    root = op.link.series.root
    counted = root.round
    change = last - (op.child is None)
    lost = root.turn(now, change, op if op.child is None else None, parent if last else None)
    if root.round != counted:
        _count_others(root, op.link.accumulator.aside, now)
    if op.child is None and lost_then is not None:
        op.lost_before += lost - lost_then
    if outlived:
        leave(parent, now, None)
    elif last and parent.lost is not None:
        parent.lost = lost


@alone
def end(op: Node, now: int) -> None:
    """End towards the parent at *now*, or with the last child where one is still open."""
    parent = op.parent
    if FREE_THREADED and parent.child is op and op.child is None and _is_quiet(op.link.series.root, op):
        parent.child = None
        parent.lost, op.lost = op.lost, None
        parent.busy += now - parent.since
        return
    lost_then = op.lost
    op.lost = None
    child = op.child
    if child is None:
        leave(op, now, lost_then)
    elif child is not MANY:
        op.child = MANY
        op.others = 1
        _set_aside(child, op.link.accumulator.aside)


def _is_quiet(root: Root, leaf: Node) -> bool:
    """Whether nothing was lost since *leaf* became one, and nothing need be divided: see `Root`."""
    return not root.crowd and leaf.lost == root.lost


@alone
def own_time(op: Node, end: int, duration: int) -> int:
    """Return the part of its *duration* in which no operation inside was open, until its *end*."""
    return max(duration - (op.busy + (end - op.since if op.child is not None else 0)), 0)


@alone
def stand_aside(op: Node) -> None:
    """Let an operation that is its parent's one child be one of a number, so that its end is no plain one."""
    # It has no parent yet where another thread is about to enter it.
    parent = getattr(op, "parent", None)
    if parent is not None and parent.child is op:
        parent.child = MANY
        parent.others = 1
        _set_aside(op, op.link.accumulator.aside)


def _set_aside(node: Node, aside: set[OpenNode]) -> None:
    aside.add(node)
    # It may have ended since it was looked at; one that ends from here on takes itself out.
    if node.lost is None:
        aside.discard(node)


def _count_others(root: Root, aside: set[OpenNode], now: int) -> None:
    """Count the active leaves that were there before there was a crowd, of which nothing was to be counted."""
    for node in found_open(root.node, aside):
        if not node.paused_at:
            if node.child is None and node.counted != root.round:
                root.leaf = node
            root.turn(now, 0, None, node)


def found_open(top: Node, aside: set[OpenNode]) -> set[Any]:
    """Return the operations that are open under *top* at this moment."""
    found: set[Any] = set(aside)
    for node in (top, *found):
        child = node.child
        while child is not None and child is not MANY and child not in found:
            if child.lost is not None:
                found.add(child)
            child = child.child
    return found
