"""What holds around an event: its context, the open operation and the run, in one immutable `Scope`.

One ContextVar holds it, so that entering a block costs one `set` however many keys are bound, and so that it travels
wherever contextvars travel: into asyncio tasks and `to_thread`. `carry` takes it where they do not: threads,
executors and processes.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar, Token
from types import CoroutineType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, Protocol, Self, TypeVar

from ..encoding import to_json

if TYPE_CHECKING:
    from types import TracebackType

# For pytest and IPython, and for tracebacks in the log: `carry` wraps.
__tracebackhide__ = True
P = ParamSpec("P")
R = TypeVar("R")


class OpenOperation(Protocol):
    """What the scope needs to know of the operation that is open."""

    path: str


class RunTag:
    """An open run as far as events care: its id, and the count of its events in this process."""

    __slots__ = ("rendered", "run_id", "sequence")

    def __init__(self, run_id: str | None) -> None:
        self.run_id = run_id
        # As the fast path wants it: what stands between an event's message and its logger.
        self.rendered = f',"run_id":{to_json(run_id).decode()},"logger":'
        self.sequence = itertools.count(1)

    @property
    def written(self) -> int:
        """How many numbers were given out."""
        # A count tells where it is in its text alone; to keep a second one would cost each event its time.
        return int(repr(self.sequence)[len("count(") : -1]) - 1

    def next_seq(self) -> int:
        """Return the number of the next event; never the same twice, also under threads."""
        return next(self.sequence)

    def restart(self) -> None:
        """Count from 1 again: `seq` is per process, and this one has just been forked."""
        self.sequence = itertools.count(1)


class Scope:
    """Immutable: context, open operation, run. `current()` gives the one that holds here."""

    __slots__ = ("anchor", "context", "fragment", "operation", "run")

    def __init__(self, context: Mapping[str, Any], operation: OpenOperation | None, run: RunTag | None) -> None:
        self.context = context
        self.operation = operation
        self.run = run
        # The context as bytes, rendered by the first event that needs it (events/fastpath.py).
        self.fragment: Any = None
        # What operations that open here hang on, found by the first one (operations/opened.py); contexts inside have it
        # from here.
        self.anchor: Any = None


_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_scope: ContextVar[Scope | None] = ContextVar("navigator_obs_scope", default=None)
# For operations, which open and end too often to pay for a call of ours: the variable's own get, set and reset.
get_scope: Final = _scope.get
set_scope: Final = _scope.set
reset_scope: Final = _scope.reset
_fallback = Scope(_EMPTY, None, None)
_open_runs: list[RunTag] = []
NO_RUN: Final = RunTag(None)


def current() -> Scope:
    """Return the scope that holds here.

    A thread or callback that was started without one gets an empty one with the process's only open run, so that its
    events still carry the run's id.
    """
    scope = _scope.get()
    if scope is None:
        return _fallback
    if scope.run is None and _fallback.run is not None:
        return Scope(scope.context, scope.operation, _fallback.run)
    return scope


def enter(*, context: Mapping[str, Any] | None = None, run: RunTag | None = None) -> Token[Scope | None]:
    """Make a new scope out of the current one and what is given (*context* is merged over it); `leave` undoes it.

    Another run begins with no operation: the one that is open around it, here or in another process, is its parent's.
    """
    outer = current()
    within = outer.operation if run is None or run is outer.run else None
    return _scope.set(
        Scope(
            outer.context if context is None else {**outer.context, **context},
            within,
            run or outer.run,
        )
    )


def leave(token: Token[Scope | None]) -> None:
    """Return to the scope before *token*'s `enter`; also from another context, as at the end of a generator, where
    it does nothing.
    """
    try:
        _scope.reset(token)
    except (ValueError, RuntimeError):
        return


def open_run(tag: RunTag) -> None:
    """Count *tag* among the process's open runs."""
    _open_runs.append(tag)
    _renew_fallback()


def close_run(tag: RunTag) -> None:
    """Take *tag* from the process's open runs; nothing happens where it is none."""
    if tag in _open_runs:
        _open_runs.remove(tag)
    _renew_fallback()


def open_runs() -> list[RunTag]:
    """Return the process's open runs, oldest first."""
    return list(_open_runs)


def _renew_fallback() -> None:
    global _fallback
    _fallback = Scope(_EMPTY, None, _open_runs[0] if len(_open_runs) == 1 else None)


def after_fork() -> None:
    """Start the counts of a forked child anew."""
    for tag in (NO_RUN, *_open_runs):
        tag.restart()


class context:  # noqa: N801 - reads as the statement that it is: with obs.context(year=2025)
    """Add keys to every event (and operation record) inside the block.

    Blocks nest; an inner key hides an outer one of the same name until its block ends. Correct per thread and per
    asyncio task. Values may be anything that an event may hold. One object may be entered again, also while it is open.

    >>> with context(year=2025), context(stage="hiring"):
    ...     dict(current().context)
    {'year': 2025, 'stage': 'hiring'}
    """

    __slots__ = ("_keys", "_tokens")

    def __init__(self, /, **keys: Any) -> None:
        self._keys = keys
        self._tokens: list[Token[Scope | None]] = []

    def __enter__(self) -> Self:
        # As `enter` does it, a call of ours cheaper: programs bind a context around each small step.
        outer = _scope.get()
        if outer is None or outer.run is None:
            outer = current()
        inner = Scope({**outer.context, **self._keys}, outer.operation, outer.run)
        inner.anchor = outer.anchor
        self._tokens.append(_scope.set(inner))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        leave(self._tokens.pop())


class _PathOnly:
    """An operation that is open in another process."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path


class _Carried(Generic[P, R]):
    """A callable with the scope in which it is to run."""

    def __init__(self, function: Callable[P, R], scope: Scope) -> None:
        self._function = function
        self._scope = scope
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        token = _scope.set(self._scope)
        try:
            result = self._function(*args, **kwargs)
        finally:
            leave(token)
        # The body of a coroutine function runs when it is awaited, not when it is called.
        return self._awaited(result) if isinstance(result, CoroutineType) else result  # type: ignore[return-value]

    async def _awaited(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        token = _scope.set(self._scope)
        try:
            return await coroutine
        finally:
            leave(token)

    def __reduce__(self) -> tuple[Any, ...]:
        scope = self._scope
        run_id = scope.run.run_id if scope.run else None
        path = scope.operation.path if scope.operation else None
        setup = None if worker_setup is None else worker_setup(scope.run)
        return _unpack, (self._function, dict(scope.context), path, run_id, setup)


WorkerSetup = tuple[Callable[..., None], tuple[Any, ...]]
worker_setup: Callable[[RunTag | None], WorkerSetup] | None = None
"""Tells how another process gets ready to record for a run; the composition root sets it."""


def _unpack(
    function: Callable[..., Any],
    context: dict[str, Any],
    path: str | None,
    run_id: str | None,
    setup: WorkerSetup | None,
) -> _Carried[..., Any]:
    if setup is not None:
        prepare, arguments = setup
        prepare(*arguments)
    tag = None if run_id is None else next((tag for tag in _open_runs if tag.run_id == run_id), None)
    if run_id is not None and tag is None:
        tag = RunTag(run_id)
        open_run(tag)
    return _Carried(function, Scope(context, None if path is None else _PathOnly(path), tag))


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap *function* so that it runs in the scope of this moment (context, operation, run), wherever it is called.

    For threads, thread pools and callbacks, and for processes: a pickled one takes the settings along, so that a
    spawned worker writes to the same log under the same run id; what it does counts in the run's summary.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor() as pool, context(year=2025):
    ...     pool.submit(carry(lambda: dict(current().context))).result()
    {'year': 2025}
    """
    return _Carried(function, current())
