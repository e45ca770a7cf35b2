"""A function each of whose calls is an operation.

What `OpenOperation` does when a block is entered and left stands here once more, in the frame of the wrapper: the calls
that this leaves out are a fifth of the microsecond that an operation may cost. A test holds both to the same figures.
Rich and Typer leave a frame out of tracebacks that has a variable `_rich_traceback_omit`, pytest and IPython one whose
module has `__tracebackhide__`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final, ParamSpec, TypeVar

from ..clock import clock
from ..events import scope
from . import nesting
from .opened import NEVER, OpenOperation, anchor
from .series import BATCH
from .telling import Place

# For pytest and IPython, and for tracebacks in the log.
__tracebackhide__ = True
P = ParamSpec("P")
R = TypeVar("R")


_scope_here: Final = scope.get_scope
_enter_scope: Final = scope.set_scope
_leave_scope: Final = scope.reset_scope


def each_call(function: Callable[P, R], name: str, log: str | float, place: Place) -> Callable[P, R]:  # noqa: PLR0915
    """Wrap *function*, which stands at *place*, so that each call is an operation."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:  # noqa: PLR0915
        op: OpenOperation = OpenOperation()
        op.name, op.log = name, log
        op.rows = op.child = None
        op.busy = op.lost_before = op.ends = 0
        outer: Any = _scope_here()
        if type(outer) is OpenOperation and outer.run is not None:
            parent, above = outer, outer.link
            op.run, context = outer.run, outer.context
        else:
            parent, above, op.run, context = (outer and outer.anchor) or anchor(outer)
        op.parent, op.context = parent, context
        link = above.links.get(name)
        if link is None or link.context is not context:
            link = op.follow(outer, above, context)
            parent = op.parent
        op.link, op.fragment = link, link.fragment
        root = (series := link.series).root
        if log is not NEVER or series.measure:
            op.place, op.recorded = place, None
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
        except BaseException:
            op.close()
            raise
        return result

    return wrapper
