"""Exceptions that nobody catches, in the main thread, in others, in `__del__` and callbacks, are recorded as events.

Each hook tells the one that stood there before, so that what Python prints is still printed. Those of asyncio tasks
arrive through `logging`, where asyncio reports them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

from ..encoding import text
from ..settings import CRITICAL, ERROR
from . import tracebacks
from .emitting import emit
from .retelling import was_told

_LOGGER: Final = "navigator_obs.uncaught"


class _Hooks:
    """The hooks that stood there before ours; None while ours are not installed."""

    def __init__(self) -> None:
        self.main: Callable[..., Any] | None = None
        self.thread: Callable[..., Any] | None = None
        self.unraisable: Callable[..., Any] | None = None


_before: Final = _Hooks()


def install() -> None:
    """Put our hooks in front of those that are there; harmless when done twice."""
    if _before.main is None:
        _before.main, sys.excepthook = sys.excepthook, _main
        _before.thread, threading.excepthook = threading.excepthook, _thread
        _before.unraisable, sys.unraisablehook = sys.unraisablehook, _unraisable


def uninstall() -> None:
    """Put back the hooks from before, except where somebody else has put one over ours since."""
    if _before.main is not None and sys.excepthook is _main:
        sys.excepthook = _before.main
    if _before.thread is not None and threading.excepthook is _thread:
        threading.excepthook = _before.thread
    if _before.unraisable is not None and sys.unraisablehook is _unraisable:
        sys.unraisablehook = _before.unraisable
    _before.main = _before.thread = _before.unraisable = None


class _Recording(threading.local):
    is_under_way = False


_recording: Final = _Recording()


def _record(level: int, message: str, error: BaseException | None, **fields: Any) -> None:
    # Recording one may bring about another (a `__del__` of what is logged), and that one the next.
    if _recording.is_under_way or not isinstance(error, Exception) or was_told(error):
        return
    _recording.is_under_way = True
    try:
        emit(_LOGGER, level, message, fields, exception=error, caller=tracebacks.place_of(error))
    finally:
        _recording.is_under_way = False


def _main(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    _record(CRITICAL, "uncaught exception", error)
    (_before.main or sys.__excepthook__)(kind, error, traceback)


def _thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else ""
    _record(ERROR, "uncaught exception in a thread", args.exc_value, failed_thread=name)
    (_before.thread or threading.__excepthook__)(args)


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    _record(ERROR, "exception that could not be raised", unraisable.exc_value, object=text(unraisable.object)[:200])
    (_before.unraisable or sys.__unraisablehook__)(unraisable)
