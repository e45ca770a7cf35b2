"""`operation`: time and measure a block or a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, ParamSpec, TypeVar, overload

from ..encoding import shown
from ..errors import UsageError, close_match
from . import decorating
from .measures import finite_number
from .node import BOTH, END, FAILURE, NEVER
from .opened import OpenOperation, make

__all__ = ["OpenOperation", "operation"]

P = ParamSpec("P")
R = TypeVar("R")
Log = str | bool | float

_POLICIES: Final = {policy: policy for policy in (END, BOTH, FAILURE, NEVER)}


def _policy(log: Any) -> str | float:
    """Return *log* as one of the policies, or as a threshold in seconds."""
    if log is True or log is False:
        return END if log else NEVER
    is_text = issubclass(type(log), str)
    if is_text and str.__str__(log) in _POLICIES:
        return _POLICIES[str.__str__(log)]
    if issubclass(type(log), int | float):
        threshold = finite_number(log)
        if threshold is not None and threshold >= 0:
            return float(threshold)
    hint = close_match(log, _POLICIES) if is_text else ""
    raise UsageError(
        f"log={shown(log)} is none of {', '.join(map(repr, _POLICIES))}, True, False or a number of seconds{hint}"
    )


def _name(name: Any) -> str:
    if issubclass(type(name), str) and str.__len__(name):
        return str.__str__(name)
    raise UsageError(f"an operation's name must be a text such as 'load_census', not {shown(name)}")


class _Template(OpenOperation):
    """What `operation` returns where there is no name yet, or arguments are to be recorded: meant as a decorator."""

    def __init__(self, name: str | None, log: str | float, record: Iterable[str]) -> None:
        self.name = "" if name is None else _name(name)
        self.log = log
        self.record = (record,) if isinstance(record, str) else tuple(record)

    def __enter__(self) -> OpenOperation:
        if not self.name:
            raise UsageError("operation() needs a name where it is no decorator: with operation('load_census')")
        raise UsageError(
            f"record={shown(list(self.record))} is for decorators, as it names arguments; a block has op.set(…), and "
            "obs.context(…) for what holds inside"
        )


@overload
def operation(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def operation(name: str | None = None, /, *, log: Log = END, record: Iterable[str] = ()) -> OpenOperation: ...
def operation(name: Any = None, /, *, log: Any = END, record: Iterable[str] = ()) -> Any:
    """Time and measure a block, or each call of a function; it nests.

    As a context manager it yields the `OpenOperation`; as a decorator, bare or with arguments, it takes functions,
    coroutine functions, generators and async generators, methods, classmethods and staticmethods, and names them after
    the function unless a *name* is given. A slash in a name becomes a colon, for a path is joined with slashes.

    *log* says when there is an event: ``"end"`` (the default; also True), ``"both"`` start and end, ``"failure"``,
    ``"never"`` (also False), or a number of seconds: when it took as long, or failed. Whatever is logged, the run's
    figures have it. A path that repeats more than `Config.operation_log_limit` times is no longer logged each time.

    *record* names arguments of the decorated function that its event carries; those by which runs are broken down
    (``year``) hold as context for all that happens inside.

    A generator's time is that which it spends running, not waiting for its consumer. Works without any run or
    configuration, and then costs a microsecond. Raises `UsageError` for a wrong argument.

    >>> with operation("load_census") as op:
    ...     op.add_rows(5_000)
    >>> @operation(log="never", record=["year"])
    ... def promote(employee, year): ...
    """
    if log is not END and log is not NEVER:
        log = _policy(log)
    if type(name) is str and name and not record:
        # As `make` does it, a call of ours cheaper.
        op = OpenOperation()
        op.name = name
        op.log = log
        op.place = op.recorded = op.token = op.rows = op.child = None
        op.busy = op.lost_before = op.ends = 0
        return op
    if callable(name) or issubclass(type(name), classmethod):
        return decorating.decorate(name, "", log, ())
    if name is None or record:
        return _Template(name, log, record)
    return make(_name(name), log)
