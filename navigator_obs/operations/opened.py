"""An operation while it is open.

An open operation is itself the `Scope` that holds inside it. That saves an object on a path whose budget is a
microsecond, and is what it means: the innermost operation is where we are.

The arithmetic on a parent (`active`, `since`, `busy`) stands in straight lines without a call, which CPython's global
lock runs as one: no other thread, signal handler or finalizer comes between. On a build without that lock, entering and
ending take one of ours (`serialized`), so that the same holds there.

What is made, entered and ended a million times is written for that: attributes are set where the object is made, in the
caller's frame, and what the operations of one place have in common is found in their `Link`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, overload

from ..clock import clock
from ..events import scope
from ..events.scope import Scope
from ..events.sinks import outlet
from . import decorating, ending, reentry, resources, serialized
from .metrics import hang
from .node import Node
from .series import BATCH, Link, Root

if TYPE_CHECKING:
    from types import TracebackType

    from .accumulator import Accumulator

P = ParamSpec("P")
R = TypeVar("R")

END: Final = "end"
BOTH: Final = "both"
LONGEST_END_NS: Final = 500_000
FAILURE: Final = "failure"
NEVER: Final = "never"
_scope_here: Final = scope.get_scope
_enter_scope: Final = scope.set_scope
_leave_scope: Final = scope.reset_scope


class OpenOperation(Node):
    """One piece of work while it is open; `operation` makes it and ``with`` yields it."""

    __slots__ = ()

    def __enter__(self) -> OpenOperation:  # noqa: PLR0912, PYI034 - another where this is open already
        if self.token is not None:
            return reentry.enter_again(self, make(self.name, self.log))
        here = _scope_here()
        parent: Any
        outer: Any = here
        if type(outer) is OpenOperation and outer.run is not None:
            self.parent = parent = outer
            above, self.run, context = outer.link, outer.run, outer.context
        else:
            if outer is None or outer.run is None:
                outer = scope.current()
            parent, above, self.run = outer.anchor or _anchor(outer)
            if parent.gone:
                parent, above, self.run = _anchor(outer)
            self.parent, context = parent, outer.context
        if self.recorded is not None:
            context = self._bind(context, above)
        self.context = context
        link = above.links.get(self.name)
        if link is None or link.context is not context:
            link = above.follow(self.name, context)
        self.link = link
        self.fragment = link.fragment
        if self.log is NEVER and not link.series.measure:
            self.fast = True
        else:
            self._prepare(link)
        root = link.series.root
        # Now, for a signal handler's operation may open inside before this one is quite open.
        self.lost = root.lost
        try:
            self.token = _enter_scope(self)
            if self.log is BOTH and not self.fast:
                self._tell_start()
            self.start = start = clock.monotonic_ns()
            # The last call, after which nothing can come between any more: what is seen as open is complete.
            link.accumulator.open.add(self)
        except BaseException:
            self._undo_enter(here)
            raise
        active = parent.active
        parent.active = active + 1
        if active or root.crowd:
            self._join(parent, root, active, start)
        else:
            parent.since = start
            self.lost = lost = root.lost
            if parent.lost != lost:
                parent.lost_before += lost - parent.lost
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        end = clock.monotonic_ns()
        if error is not None or not self.fast or self.active:
            self._end_slowly(end, error)
            return
        # As `end` does it, for an operation of which there is nothing to tell, with no call that can be spared.
        link = self.link
        series = link.series
        root = series.root
        if root.crowd or root.lost != self.lost:
            self._end_among_others(end)
            return
        duration = end - self.start
        queue: Any
        try:
            if self.busy or self.rows is not None or series.nested or self.lost_before:
                own = duration - self.busy
                queue = series.pending
                queue.append((end, duration, own, own - self.lost_before, self.rows))
            else:
                queue = series.leaves
                queue.append(duration)
                series.ended = end
            if len(queue) >= BATCH:
                link.accumulator.fold(series)
            if _scope_here() is self:
                _leave_scope(self.token)  # type: ignore[arg-type]
            else:
                self._leave_out_of_order()
            link.accumulator.open.discard(self)
        except BaseException:
            self._leave_parent(end)
            self._close()
            raise
        self.ended = True
        parent = self.parent
        active = parent.active - 1
        if active or root.crowd or parent.ended:
            self._leave_parent(end)
            if parent.ended:
                _unearth()
        else:
            parent.active = 0
            parent.busy += end - parent.since
            parent.lost = root.lost

    def pause(self) -> None:
        """Stop the time and leave the scope, while a generator waits for the next call."""
        now = self.paused_at = clock.monotonic_ns()
        self.fast = False
        self.inner = _scope_here()
        if self.active:
            self.busy += now - self.since
        self._leave_out_of_order()
        self._leave_parent(now)

    def resume(self) -> None:
        """Go on after `pause`, perhaps in another thread or task, as part of whatever is open there."""
        outer = scope.current()
        parent: Any = outer.operation
        if isinstance(parent, OpenOperation) and parent.run is self.run and not parent.is_under(self):
            self.parent = parent
        self.token = _enter_scope(self.inner)
        now = self.since = clock.monotonic_ns()
        self.paused_ns += now - self.paused_at
        parent = self.parent
        active = parent.active
        parent.active = active + 1
        self._join(parent, self.link.series.root, active, now)

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def __call__(self, function: Any, /) -> Any: ...
    def __call__(self, function: Any, /) -> Any:
        """Decorate *function*: each call is an operation of its own."""
        return decorating.decorate(make, function, self.name, self.log, self.record)

    def _bind(self, context: Mapping[str, Any], above: Link) -> Mapping[str, Any]:
        """Let recorded arguments by which runs are broken down hold for all that happens inside."""
        keys = above.accumulator.breakdown
        own = {key: value for key, value in (self.recorded or {}).items() if key in keys}
        return {**context, **own} if own else context

    def _prepare(self, link: Link) -> None:
        """Look at CPU time and memory where they will be told or are due, and choose the short end otherwise."""
        accumulator, log, series = link.accumulator, self.log, link.series
        heard = accumulator.heard or outlet.file is not None
        tells = heard and (log is END or log is BOTH) and link.repeats.count < accumulator.log_limit
        if accumulator.log_every > 1 and (not tells or accumulator.passed_over()):
            tells = series.measure = False
        if tells or series.measure:
            self.due, series.measure = series.measure, False
            self.reading = resources.read_shared()
            self.fast = False
        else:
            self.fast = not (heard and isinstance(log, float))

    def _join(self, parent: Node | Root, root: Root, active: int, now: int) -> None:
        """As `__enter__` does it, where others are active leaves beside this one."""
        self.lost = lost = root.turn(now, (not self.active) - (not active))
        if not active:
            parent.since = now
            if parent is not root:
                parent.lost_before += lost - parent.lost  # type: ignore[union-attr]

    def _undo_enter(self, here: Scope | None) -> None:
        """Leave nothing behind where Ctrl-C came while it was entered: no ``with`` will ever end it."""
        self.link.accumulator.open.discard(self)
        if _scope_here() is self:
            _enter_scope(here)

    def _tell_start(self) -> None:
        try:
            ending.tell_start(self)
        except Exception:
            self.link.accumulator.broken += 1

    def _end_slowly(self, end: int, error: BaseException | None) -> None:
        if self.shared:
            reentry.exit_shared(self, end, error)
        else:
            self.end(end, error)

    def end(self, end: int, error: BaseException | None) -> None:
        """End at *end* (monotonic), with *error* passing through."""
        try:
            if not self.active:
                self._leave_parent(end)
            if not self.inherited:
                ending.finish(self, end, error)
        except Exception:
            self.link.accumulator.broken += 1
        finally:
            self._close()
            _count_slow(self.link.accumulator, clock.monotonic_ns() - end)

    def _end_among_others(self, end: int) -> None:
        """End plainly where others were active leaves beside this one."""
        series = self.link.series
        try:
            self._leave_parent(end)
            duration = end - self.start
            own = duration - self.busy
            series.pending.append((end, duration, own, own - self.lost_before, self.rows))
            if len(series.pending) >= BATCH:
                self.link.accumulator.fold(series)
        finally:
            self._close()

    def _close(self) -> None:
        self._leave_out_of_order()
        self.link.accumulator.open.discard(self)
        self.ended = True
        if self.parent.ended:
            _unearth()

    def _leave_parent(self, now: int) -> None:
        """Be a child of the parent no longer, and a leaf no longer if this is one."""
        parent, root = self.parent, self.link.series.root
        active = parent.active - 1
        parent.active = active
        if not active:
            parent.busy += now - parent.since
        lost = root.turn(now, (not active) - (not self.active))
        if not self.active:
            self.lost_before += lost - self.lost
        if not active and parent is not root:
            parent.lost = lost
        if parent.ended:
            parent._was_outlived(now)  # type: ignore[union-attr]

    def _was_outlived(self, now: int) -> None:
        """A child has ended after this one: with the last, this one ends towards its own parent."""
        if not self.active:
            self._leave_parent(now)

    def _leave_out_of_order(self) -> None:
        """Leave the scope, unless operations that were opened inside are still open in it, as when a generator that
        holds this one open is consumed to its end inside another.
        """
        top: Any = scope.current().operation
        if top is not self and type(top) is OpenOperation and not top.ended and top.is_under(self):
            return
        try:
            _leave_scope(self.token)  # type: ignore[arg-type]
        except (ValueError, RuntimeError):
            # A generator that is closed by another thread or task, whose scope was never this one.
            return


def make(
    name: str,
    log: str | float = END,
    place: tuple[str, str, int] | None = None,
    recorded: Mapping[str, Any] | None = None,
) -> OpenOperation:
    """Make an operation that is not open yet."""
    op: OpenOperation = OpenOperation()
    op.name = name
    op.log = log
    op.place = place
    op.recorded = recorded
    op.token = op.rows = op.reading = None
    op.active = op.busy = 0
    op.ended = False
    return op


def _count_slow(accumulator: Accumulator, took: int) -> None:
    accumulator.slow += 1
    # A thread that was suspended meanwhile has not worked for that long.
    accumulator.slow_ns += took if took < LONGEST_END_NS else LONGEST_END_NS


def _anchor(outer: Scope) -> tuple[Any, Link, Any]:
    """Return what an operation hangs on that opens in the scope *outer*: its parent, the parent's link and the run."""
    parent: Any = outer.operation
    run = outer.run
    found: tuple[Any, Link, Any]
    if type(parent) is OpenOperation and parent.run is run:
        found = parent, parent.link, run
    else:
        path = None if parent is None or isinstance(parent, OpenOperation) else parent.path
        found = *hang(path, run), run
    # Without a run, or before its figures are there, it may be another the next time.
    if run is not None and type(outer) is Scope and found[1].accumulator.heard:
        outer.anchor = found
    return found


def _unearth() -> None:
    """Leave the scopes of operations that have ended under others."""
    here = _scope_here()
    while isinstance(here, OpenOperation) and here.ended and here.token is not None:
        before = here.token.old_value
        here = None if before is Token.MISSING else before
    _enter_scope(here)


if not getattr(sys, "_is_gil_enabled", lambda: True)():
    serialized.serialize(OpenOperation)
