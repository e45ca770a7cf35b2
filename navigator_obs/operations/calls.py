"""A function each of whose calls is an operation.

What `OpenOperation` does when a block is entered and left stands here once more, in the frame of the wrapper: the calls
that this leaves out are a fifth of the microsecond that an operation may cost. A test holds both to the same figures.
Rich and Typer leave a frame out of tracebacks that has a variable `_rich_traceback_omit`, pytest and IPython one whose
module has `__tracebackhide__`.

The object of a call that was plain, and that nobody else has kept, is that of the next one from the same scope: to make
one and to find its place takes longer than all else. Until then it keeps what it belongs to in memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from sys import getrefcount
from typing import Any, Final, ParamSpec, TypeVar

from ..clock import clock
from ..events import scope
from ..events.alone import FREE_THREADED
from . import nesting
from .node import NEVER
from .opened import UNKNOWN, OpenOperation, anchor
from .series import BATCH
from .telling import Place

# For pytest and IPython, and for tracebacks in the log.
__tracebackhide__ = True
P = ParamSpec("P")
R = TypeVar("R")


_scope_here: Final = scope.get_scope
_enter_scope: Final = scope.set_scope
_leave_scope: Final = scope.reset_scope


def _references() -> int:
    """How many references the interpreter counts to what one local variable alone holds."""
    alone = object()
    return getrefcount(alone)


# Where there is no global lock, two threads could take the same object: then each call makes its own.
_ALONE: Final = 0 if FREE_THREADED else _references()
_NO_SCOPE: Final[Any] = object()


def _new(name: str, log: str | float, outer: Any) -> OpenOperation:
    """Make the operation of a call in the scope *outer*, with its place among the others."""
    op: OpenOperation = OpenOperation()
    op.name, op.log = name, log
    op.rows = op.child = None
    op.busy = op.lost_before = op.ends = 0
    if type(outer) is OpenOperation and outer.run is not None:
        op.parent, above, op.run, context = outer, outer.link, outer.run, outer.context
        lasting = True
    else:
        op.parent, above, op.run, context = anchor(outer)
        lasting = outer is not None and outer.anchor is not None
    link = above.links.get(name)
    if link is None or (held := link.held)[0] is not context:
        link = op.follow(outer, above, context)
        held = UNKNOWN
    op.context, op.link, op.fragment = context, link, held[1]
    op.siblings = above.links
    op.outer = outer if lasting else _NO_SCOPE
    return op


def each_call(function: Callable[P, R], name: str, log: str | float, place: Place) -> Callable[P, R]:
    """Wrap *function*, which stands at *place*, so that each call is an operation."""
    idle: OpenOperation | None = None

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        nonlocal idle
        # In straight lines, like what is read and changed of a parent: no other thread takes the same one.
        op, idle = idle, None
        outer: Any = _scope_here()
        if op is None or op.outer is not outer or op.siblings.get(name) is not op.link:
            op = _new(name, log, outer)
        parent, link = op.parent, op.link
        root = (series := link.series).root
        if log is not NEVER or series.measure:
            op.place, op.recorded = place, None
            if op.sampled_bytes:
                op.sampled_bytes = 0
            op.prepare(link)
        op.lost = lost = root.lost
        try:
            op.token = token = _enter_scope(op)
            op.start = start = (read_clock := clock.monotonic_ns)()
        except BaseException:
            op.undo_enter(outer)
            raise
        if parent.child is None and parent.lost is lost and root.quiet is lost:
            parent.child = op
            parent.since = start
        else:
            nesting.join(op, start)
        try:
            result = function(*args, **kwargs)
            end = read_clock()
        except BaseException as error:
            _rich_traceback_omit = True
            op.__exit__(type(error), error, None)
            raise
        if op.ends or op.busy or parent.child is not op or op.child is not None or root.quiet is not lost:
            op.__exit__(None, None, None)
            return result
        parent.child = op.lost = None
        parent.busy += end - parent.since
        try:
            (queue := series.leaves).append(end - start)
            series.ended = end
            if len(queue) >= BATCH:
                link.accumulator.fold(series)
            _leave_scope(token)
            if getrefcount(op) == _ALONE:
                idle = op
        except BaseException:
            op.close()
            raise
        return result

    return wrapper
