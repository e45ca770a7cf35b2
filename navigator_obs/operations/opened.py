"""An operation while it is open.

An open operation is itself the `Scope` that holds inside it. That saves an object on a path whose budget is a
microsecond, and is what it means: the innermost operation is where we are.

The arithmetic on a parent (`active`, `since`, `busy`) stands in straight lines without a call, which CPython's global
lock runs as one: no other thread, signal handler or finalizer comes between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import Token
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, overload

from ..clock import clock
from ..encoding import text
from ..events import scope
from ..events.scope import Scope
from ..events.sinks import outlet
from . import decorating, ending, resources
from .measures import finite_number
from .metrics import hang, open_nodes
from .series import BATCH, Link, Root

if TYPE_CHECKING:
    from types import TracebackType

P = ParamSpec("P")
R = TypeVar("R")

END: Final = "end"
BOTH: Final = "both"
FAILURE: Final = "failure"
NEVER: Final = "never"
MAX_ROWS: Final = 2**63 - 1
_scope_here: Final = scope.get_scope
_enter_scope: Final = scope.set_scope
_leave_scope: Final = scope.reset_scope


class _Seldom(Scope):
    """What few operations set, with what holds for the others: it costs nothing to have."""

    made_by: OpenOperation | None = None
    shared = False
    record: tuple[str, ...] = ()
    place: tuple[str, str, int] | None = None
    reading: resources.Reading | None = None
    fields: dict[str, Any] | None = None
    reason: str | None = None
    inner: Scope | None = None
    sampled_bytes = paused_ns = paused_at = 0
    inherited = buried = False


class OpenOperation(_Seldom):
    """One piece of work while it is open; `operation` makes it and ``with`` yields it."""

    __slots__ = (
        "active",
        "busy",
        "ended",
        "fast",
        "link",
        "log",
        "name",
        "parent",
        "recorded",
        "rows",
        "since",
        "start",
        "token",
    )

    link: Link
    parent: OpenOperation | Root
    start: int
    since: int

    def __init__(self, name: str, log: str | float = END) -> None:
        self.name = name
        self.log = log
        self.token: Token[Scope | None] | None = None
        self.recorded: Mapping[str, Any] | None = None
        self.rows: int | None = None
        self.active = self.busy = 0
        self.ended = self.fast = False

    @property
    def operation(self) -> Self:  # type: ignore[override]
        """The operation that is open in this scope: itself."""
        return self

    @property
    def path(self) -> str:
        """Names from the outermost operation to this one, joined with ``/``; empty before it is entered."""
        link = getattr(self, "link", None)
        return "" if link is None else link.path

    def __enter__(self) -> OpenOperation:  # noqa: PYI034 - another one where this is open already
        if self.token is not None:
            return self._enter_again()
        here = outer = _scope_here()
        if outer is None or outer.run is None:
            outer = scope.current()
        parent: Any = outer if type(outer) is OpenOperation else outer.operation
        self.run = run = outer.run
        if type(parent) is OpenOperation and parent.run is run:
            above = parent.link
        else:
            parent, above = hang(None if parent is None or isinstance(parent, OpenOperation) else parent.path, run)
        self.parent = parent
        self.context = context = outer.context if self.recorded is None else self._bind(outer.context, above)
        link = above.links.get(self.name)
        if link is None or link.context is not context:
            link = above.follow(self.name, context)
        self.link = link
        self.fragment = link.fragment
        if self.log is NEVER and not link.series.measure:
            self.fast = True
        else:
            self._prepare(link)
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
        if not active:
            parent.since = start
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        end = clock.monotonic_ns()
        if error is not None or not self.fast or self.active:
            self._end_slowly(end, error)
            return
        # As `_end` does it, for an operation of which there is nothing to tell, with no call that can be spared.
        link = self.link
        series = link.series
        duration = end - self.start
        queue: Any
        try:
            if self.busy or self.rows is not None or series.nested:
                queue = series.pending
                queue.append((end, duration, duration - self.busy, self.rows))
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
            self._close(end)
            raise
        self.ended = True
        parent = self.parent
        active = parent.active - 1
        parent.active = active
        if not active:
            parent.busy += end - parent.since
        if parent.ended:
            parent._was_outlived(end)  # type: ignore[union-attr]

    def add_rows(self, rows: int) -> None:
        """Say that it worked on so many *rows* more; what is no number from 0 to 2**63 - 1 is ignored."""
        number = rows if type(rows) is int else finite_number(rows)
        if number is not None and 0 <= number <= MAX_ROWS:
            self.rows = min((self.rows or 0) + int(number), MAX_ROWS)

    def set(self, **fields: Any) -> None:
        """Put own fields on the event at its end; one named like a figure of the operation is kept as
        ``field_<name>``.
        """
        self.fast = False
        self.fields = {**(self.fields or {}), **fields}

    def fail(self, reason: str = "") -> None:
        """Let it end as failed, for *reason*, though no exception passes through it."""
        self.fast = False
        self.reason = text(reason)

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
        if isinstance(parent, OpenOperation) and parent.run is self.run and not parent._is_under(self):
            self.parent = parent
        self.token = _enter_scope(self.inner)
        now = self.since = clock.monotonic_ns()
        self.paused_ns += now - self.paused_at
        parent = self.parent
        active = parent.active
        parent.active = active + 1
        if not active:
            parent.since = now

    def disown(self) -> None:
        """Report nothing at the end: the process was forked, and the operation is its parent's."""
        self.fast, self.inherited = False, True

    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def __call__(self, function: Any, /) -> Any: ...
    def __call__(self, function: Any, /) -> Any:
        """Decorate *function*: each call is an operation of its own."""
        return decorating.decorate(OpenOperation, function, self.name, self.log, self.record)

    def _bind(self, context: Mapping[str, Any], above: Link) -> Mapping[str, Any]:
        """Let recorded arguments by which runs are broken down hold for all that happens inside."""
        keys = above.accumulator.breakdown
        own = {key: value for key, value in (self.recorded or {}).items() if key in keys}
        return {**context, **own} if own else context

    def _prepare(self, link: Link) -> None:
        """Look at CPU time and memory where they will be told or are due, and choose the short end otherwise."""
        accumulator, log = link.accumulator, self.log
        heard = accumulator.heard or outlet.file is not None
        tells = heard and (log is END or log is BOTH) and link.repeats.count < accumulator.log_limit
        if tells or link.series.measure:
            link.series.measure = False
            self.reading = resources.read_shared()
        else:
            self.fast = not (heard and isinstance(log, float))

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
            self._exit_shared(end, error)
        else:
            self._end(end, error)

    def _end(self, end: int, error: BaseException | None) -> None:
        try:
            if not self.inherited:
                ending.finish(self, end, error)
        except Exception:
            self.link.accumulator.broken += 1
        finally:
            self._close(end)

    def _close(self, end: int) -> None:
        self._leave_out_of_order()
        self.link.accumulator.open.discard(self)
        self.ended = True
        if not self.active:
            self._leave_parent(end)

    def _leave_parent(self, now: int) -> None:
        parent = self.parent
        active = parent.active - 1
        parent.active = active
        if not active:
            parent.busy += now - parent.since
        if parent.ended:
            parent._was_outlived(now)  # type: ignore[union-attr]

    def _was_outlived(self, now: int) -> None:
        """A child has ended after this one: with the last, this one ends towards its own parent."""
        if not self.active:
            self._leave_parent(now)
        if self.buried:
            _unearth()

    def _leave_out_of_order(self) -> None:
        """Leave the scope, unless operations that were opened inside are still open in it, as when a generator that
        holds this one open is consumed to its end inside another.
        """
        top: Any = scope.current().operation
        if top is not self and type(top) is OpenOperation and not top.ended and top._is_under(self):
            self.buried = True
            return
        try:
            _leave_scope(self.token)  # type: ignore[arg-type]
        except (ValueError, RuntimeError):
            # A generator that is closed by another thread or task, whose scope was never this one.
            return

    def _is_under(self, other: OpenOperation) -> bool:
        node: Any = self
        while type(node) is OpenOperation:
            if node is other:
                return True
            node = node.parent
        return False

    def _enter_again(self) -> OpenOperation:
        """Open another one of the same name: this object is open already, or has been."""
        fresh = OpenOperation(self.name, self.log)
        fresh.made_by = self
        self.shared, self.fast = True, False
        return fresh.__enter__()

    def _exit_shared(self, end: int, error: BaseException | None) -> None:
        """End the innermost one that this object opened here; threads and tasks may share it."""
        found = self._opened_here() or self._opened_elsewhere()
        if found is not None:
            found._end(end, error)

    def _opened_here(self) -> OpenOperation | None:
        node: Any = scope.current().operation
        while type(node) is OpenOperation:
            if not node.ended and self in (node, node.made_by):
                found: OpenOperation = node
                return found
            node = node.parent
        return None

    def _opened_elsewhere(self) -> OpenOperation | None:
        opened = [node for node in open_nodes() if isinstance(node, OpenOperation) and self in (node, node.made_by)]
        return max(opened, key=attrgetter("start"), default=None)


def _unearth() -> None:
    """Leave the scopes of operations that have ended under others."""
    here = _scope_here()
    while isinstance(here, OpenOperation) and here.ended and here.token is not None:
        before = here.token.old_value
        here = None if before is Token.MISSING else before
    _enter_scope(here)
