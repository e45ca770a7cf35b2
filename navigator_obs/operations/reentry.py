"""One `operation(...)` object that is entered again while it is open, in the same thread or in others.

Each time another operation is opened in its stead, and each end finds the innermost that was opened here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ..clock import clock
from ..events import scope
from ..events.alone import alone
from . import nesting
from .metrics import open_nodes
from .node import ODD, Node

if TYPE_CHECKING:
    from types import TracebackType

    from .opened import OpenOperation


def allow_many(operations: type[OpenOperation], another: Callable[[OpenOperation], OpenOperation]) -> None:
    """Have one of the threads that enter an object in the same instant open it, and each of the others *another*."""
    enter, leave = operations.__enter__, operations.__exit__

    @functools.wraps(enter)
    def by_the_first(op: OpenOperation) -> OpenOperation:
        return enter(op) if _claim(op) else enter_again(op, another(op))

    @functools.wraps(leave)
    def by_its_own(
        op: OpenOperation, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        if op.shared:
            exit_shared(op, clock.monotonic_ns(), error)
        else:
            leave(op, kind, error, at)

    for name, method in (("__enter__", by_the_first), ("__exit__", by_its_own)):
        setattr(operations, name, method)


@alone
def _claim(op: OpenOperation) -> bool:
    claimed, op.claimed = op.claimed, True
    return not claimed


def enter_again(op: OpenOperation, fresh: OpenOperation) -> OpenOperation:
    """Open *fresh*, another one of the same name: *op* is open already, or has been."""
    fresh.made_by = op
    nesting.stand_aside(op)
    op.shared, op.ends = True, ODD
    return fresh.__enter__()


def exit_shared(op: OpenOperation, end: int, error: BaseException | None) -> None:
    """End the innermost one that *op* opened here; threads and tasks may share it."""
    found = _opened_here(op) or _opened_elsewhere(op)
    if found is not None:
        found.end(end, error)


def _opened_here(op: OpenOperation) -> OpenOperation | None:
    node: Any = scope.current().operation
    while isinstance(node, Node):
        if not node.ended and op in (node, node.made_by):
            found: OpenOperation = node
            return found
        node = None if node.parent is node else node.parent
    return None


def _opened_elsewhere(op: OpenOperation) -> OpenOperation | None:
    opened: list[Any] = [node for node in open_nodes() if op in (node, getattr(node, "made_by", None))]
    return max(opened, key=attrgetter("start"), default=None)
