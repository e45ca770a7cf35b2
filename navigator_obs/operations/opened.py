"""An operation while it is open.

An open operation is itself the `Scope` that holds inside it. That saves an object on a path whose budget is a
microsecond, and is what it means: the innermost operation is where we are.

What is read and changed of a parent (`child`, `since`, `busy`) stands in straight lines without a call, which CPython's
global lock runs as one: no other thread, signal handler or finalizer comes between. On a build without that lock all
goes through `nesting`, whose functions are `alone`.

What is made, entered and ended a million times is written for that: attributes are set where the object is made, in the
caller's frame; what the operations of one place have in common is found in their `Link`; and an operation that only
nests, as the one child of that around it, is settled here. All else `nesting` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Token
from typing import TYPE_CHECKING, Any, ClassVar, Final, ParamSpec, TypeVar, overload

from ..clock import clock
from ..events import scope
from ..events.alone import FREE_THREADED, alone
from ..events.scope import Scope
from ..events.sinks import outlet
from . import ending, nesting, reentry, resources, telling
from .metrics import hang
from .node import BOTH, COUNTED, END, NEVER, ODD, TOLD, Node
from .series import BATCH, Held, Link
from .stats import Plain

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")

LONGEST_END_NS: Final = 200_000
UNKNOWN: Final[Held] = (None, None, None)
_scope_here: Final = scope.get_scope
_enter_scope: Final = scope.set_scope
_leave_scope: Final = scope.reset_scope


class OpenOperation(Node):
    """One piece of work while it is open; `operation` makes it and ``with`` yields it."""

    __slots__ = ()

    def __enter__(self) -> OpenOperation:  # noqa: PYI034 - another where this is open already
        if self.token is not None:
            return reentry.enter_again(self, make(self.name, self.log))
        outer: Any = _scope_here()
        if type(outer) is OpenOperation and outer.run is not None:
            parent, above = outer, outer.link
            self.run, context = outer.run, outer.context
        elif outer is not None and outer.anchor is not None:
            parent, above, self.run = outer.anchor
            context = outer.context
        else:
            parent, above, self.run, context = anchor(outer)
        self.parent = parent
        if self.recorded is not None:
            context = self._bind(context, above)
        link = above.links.get(self.name)
        if link is None or (held := link.held)[0] is not context:
            link = self.follow(outer, above, context)
            parent = self.parent
            held = UNKNOWN
        self.context = context
        self.link = link
        self.fragment = held[1]
        series = link.series
        root = series.root
        if self.log is not NEVER or series.measure:
            self.prepare(link)
        # Now, for a signal handler's operation may open inside before this one is quite open.
        self.lost = lost = root.lost
        try:
            self.token = _enter_scope(self)
            if self.ends and self.log is BOTH:
                self.tell_start()
            read_clock = clock.monotonic_ns
            self.start = start = read_clock()
        except BaseException:
            self.undo_enter(outer)
            raise
        # No call from here on, after which something could come between: what is seen as open is complete.
        if parent.child is None and parent.lost is lost and root.quiet is lost:
            parent.child = self
            parent.since = start
        else:
            nesting.join(self, start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        read_clock = clock.monotonic_ns
        try:
            end = read_clock()
            series = self.link.series
        except AttributeError:
            # It was never entered: there is nothing to end.
            return
        except BaseException:
            self.end(clock.monotonic_ns(), error)
            raise
        parent, lost = self.parent, self.lost
        if parent.child is not self or self.child is not None or series.root.quiet is not lost:
            self._end_among_others(end, error)
            return
        parent.child = self.lost = None
        parent.lost = lost
        parent.busy += end - parent.since
        queue: Any
        try:
            if self.ends or self.busy or error is not None:
                if self.ends > COUNTED or error is not None:
                    self.finish(end, error)
                    return
                queue = series.pending
                queue.append(self._counted(end))
            else:
                queue = series.leaves
                queue.append(end - self.start)
                series.ended = end
            if len(queue) >= BATCH:
                self.link.accumulator.fold(series)
        except BaseException:
            self.close()
            raise
        try:
            _leave_scope(self.token)
        except (ValueError, RuntimeError):
            # A generator that is closed by another thread or task, whose scope was never this one.
            return

    @alone
    def pause(self) -> None:
        """Stop the time and leave the scope, while a generator waits for the next call."""
        now = self.paused_at = clock.monotonic_ns()
        self.ends = ODD
        self.inner = _scope_here()
        self.link.accumulator.aside.add(self)
        if self.child is not None:
            self.busy += now - self.since
        self._leave()
        nesting.leave(self, now, self.lost)

    @alone
    def resume(self) -> None:
        """Go on after `pause`, perhaps in another thread or task, as part of whatever is open there."""
        outer = scope.current()
        parent: Any = outer.operation
        if isinstance(parent, OpenOperation) and parent.run is self.run and not parent.is_under(self):
            self.parent = parent
        self.token = _enter_scope(self.inner)
        now = self.since = clock.monotonic_ns()
        self.paused_ns += now - self.paused_at
        self.paused_at = 0
        nesting.join(self, now)

    wrap: ClassVar[Callable[[Any, str, str | float, tuple[str, ...]], Any]]
    """What makes a function an operation at each call; `decorating` sets it."""

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def __call__(self, function: Any, /) -> Any: ...
    def __call__(self, function: Any, /) -> Any:
        """Decorate *function*: each call is an operation of its own."""
        return OpenOperation.wrap(function, self.name, self.log, self.record)

    def follow(self, outer: Any, above: Link, context: Mapping[str, Any]) -> Link:
        """Return the link of an operation like this in a *context* that is not that of the last one under *above*."""
        if self.parent.gone:
            self.parent, above, self.run, _ = anchor(outer)
        return above.follow(self.name, context)

    def _bind(self, context: Mapping[str, Any], above: Link) -> Mapping[str, Any]:
        """Let recorded arguments by which runs are broken down hold for all that happens inside."""
        keys = above.accumulator.breakdown
        own = {key: value for key, value in (self.recorded or {}).items() if key in keys}
        return {**context, **own} if own else context

    def prepare(self, link: Link) -> None:
        """Look at CPU time and memory where they will be told or are due, and choose the short end otherwise."""
        accumulator, log, series = link.accumulator, self.log, link.series
        heard = accumulator.heard or outlet.file is not None or bool(outlet.extra)
        tells = heard and (log is END or log is BOTH) and link.repeats.count < accumulator.log_limit
        if accumulator.log_every > 1 and (not tells or accumulator.passed_over()):
            tells = series.measure = False
        if tells or series.measure:
            self.due, series.measure = series.measure, False
            self.reading = resources.read_shared()
        elif heard and isinstance(log, float):
            self.due, self.reading = False, None
        else:
            return
        if self.ends < TOLD:
            self.ends = TOLD if self.recorded is None else ODD

    def undo_enter(self, here: Scope | None) -> None:
        """Leave nothing behind where Ctrl-C came while it was entered: no ``with`` will ever end it."""
        if _scope_here() is self:
            _enter_scope(here)

    def tell_start(self) -> None:
        try:
            ending.tell_start(self)
        except Exception:
            self.link.accumulator.broken += 1

    def _end_among_others(self, end: int, error: BaseException | None) -> None:
        """End where it does not only nest, or where one object was entered more than once."""
        if self.shared:
            reentry.exit_shared(self, end, error)
        elif self.lost is None:
            # It has ended already.
            return
        elif error is None and self.ends <= COUNTED and self.child is None:
            self._end_plainly(end)
        else:
            self.end(end, error)

    def _end_plainly(self, end: int) -> None:
        """As `__exit__` does it, for one that shared its time with others."""
        series = self.link.series
        try:
            nesting.end(self, end)
            series.pending.append(self._counted(end))
            if len(series.pending) >= BATCH:
                self.link.accumulator.fold(series)
        finally:
            self.close()

    def _counted(self, end: int) -> Plain:
        """What is counted of it where there is nothing to tell."""
        duration = end - self.start
        own = duration - self.busy
        return end, duration, own, own - self.lost_before, self.rows

    def end(self, end: int, error: BaseException | None) -> None:
        """End at *end* (monotonic), with *error* passing through."""
        try:
            nesting.end(self, end)
        finally:
            self.finish(end, error)

    def finish(self, end: int, error: BaseException | None) -> None:
        """Tell of it what there is to tell, once it is nobody's child any longer."""
        accumulator = self.link.accumulator
        try:
            if error is None and self.ends == TOLD and _scope_here() is self:
                telling.succeed(self, end)
            elif not self.inherited:
                ending.finish(self, end, error)
        except Exception:
            accumulator.broken += 1
        finally:
            self.close()
            took = clock.monotonic_ns() - end
            accumulator.slow += 1
            # A thread that was suspended meanwhile has not worked for that long.
            accumulator.slow_ns += took if took < LONGEST_END_NS else LONGEST_END_NS

    def close(self) -> None:
        self.lost = None
        self._leave()
        self.link.accumulator.aside.discard(self)
        if self.parent.lost is None:
            _unearth()

    def _leave(self) -> None:
        """Leave the scope, unless operations that were opened inside are still open in it, as when a generator that
        holds this one open is consumed to its end inside another.
        """
        if _scope_here() is not self:
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
    op.token = op.rows = op.child = None
    op.busy = op.lost_before = op.ends = 0
    return op


def anchor(outer: Scope | None) -> tuple[Any, Link, Any, Mapping[str, Any]]:
    """Return what an operation hangs on that opens in the scope *outer*: its parent, the parent's link, the run and the
    context.
    """
    if outer is None or outer.run is None:
        outer = scope.current()
    parent: Any = outer.operation
    run = outer.run
    if type(parent) is OpenOperation and parent.run is run:
        found: tuple[Any, Link, Any, Mapping[str, Any]] = parent, parent.link, run, outer.context
    else:
        path = None if parent is None or isinstance(parent, OpenOperation) else parent.path
        found = *hang(path, run), run, outer.context
    # Without a run, or before its figures are there, it may be another the next time.
    if run is not None and type(outer) is Scope and found[1].accumulator.heard:
        outer.anchor = found[:3]
    return found


def _unearth() -> None:
    """Leave the scopes of operations that have ended under others."""
    here = _scope_here()
    while isinstance(here, OpenOperation) and here.ended and here.token is not None:
        before = here.token.old_value
        here = None if before is Token.MISSING else before
    _enter_scope(here)


if FREE_THREADED:
    reentry.allow_many(OpenOperation, lambda op: make(op.name, op.log))
