"""The links of the chain: plain structlog processors, each `(logger, method_name, event_dict) -> event_dict`.

They speak structlog's convention (the text under `event`) so that processors of others fit between them; `arrange`
at the end gives the event its final shape (`fields.EVENT_FIELDS`, context, the event's own fields, `exception`).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import MutableMapping
from functools import partial
from types import FrameType, FunctionType, MethodType
from typing import Any, Final

from .. import clock
from ..config import LEVELS
from ..encoding import nonfinite_paths, text, to_json
from ..fields import EVENT_FIELDS, RESERVED
from ..redaction import Redactor
from . import exceptions
from .scope import NO_RUN, current

EventDict = MutableMapping[str, Any]

CALLER: Final = "\0caller"
"""Under this key `emit` hands in a known caller; no keyword argument can be spelled like it."""

METHOD_LEVELS: Final = {name.lower(): number for name, number in LEVELS.items()} | {
    "warn": 30,
    "fatal": 50,
    "exception": 40,
    "msg": 20,
}
LEVEL_NAMES: Final = {number: name for name, number in LEVELS.items()}
_STRUCTLOG_KEYS: Final = frozenset({"exc_info", "stack_info"})
_ORDER: Final = tuple(field.name for field in EVENT_FIELDS)
_LAZY: Final = (FunctionType, MethodType, partial)
_INSIDE: Final = (
    "structlog",
    "navigator_obs.events",
    "navigator_obs.operations",
    "navigator_obs.runs",
    "navigator_obs.assembly",
)


def keep_user_fields(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Move a user's field of a reserved name to `field_<name>`, so that it is kept and forges nothing."""
    if RESERVED.isdisjoint(event_dict):
        return event_dict
    return {f"field_{key}" if key in RESERVED else key: value for key, value in event_dict.items()}


def add_scope(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:
    """Put the run, the operation's path and the context before the event's own fields, which win over them."""
    scope = current()
    context: EventDict = {"run_id": (scope.run or NO_RUN).run_id}
    if scope.operation is not None:
        context["operation_path"] = scope.operation.path
    context.update(keep_user_fields(logger, method_name, dict(scope.context)))
    context.update(event_dict)
    return context


def add_level(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add the level's name in capitals."""
    event_dict["level"] = LEVEL_NAMES.get(METHOD_LEVELS.get(method_name, 20), "INFO")
    return event_dict


def add_timestamp(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add the time: RFC 3339, UTC, microseconds."""
    event_dict["timestamp"] = clock.timestamp(clock.current.time_ns())
    return event_dict


def add_caller(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add module, function and line of the code that logged, and the logger's name, which is that module's unless
    given.
    """
    module, function, line = event_dict.pop(CALLER, None) or caller_of(outside_frame())
    event_dict["logger"] = getattr(logger, "name", None) or module
    event_dict["module"], event_dict["function"], event_dict["line"] = module, function, line
    return event_dict


def add_process(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add process id and thread name."""
    event_dict["process"] = os.getpid()
    event_dict["thread"] = thread_name()
    return event_dict


def add_exception(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Turn `exc_info` (True, an exception, or a triple) into the fields of `exception`, and `stack_info` into
    `stack`.
    """
    given = event_dict.pop("exc_info", None)
    error = _exception_of(given)
    if error is not None:
        event_dict["exception"] = exceptions.describe(error)
        exceptions.mark_reported(error)
    elif given not in (None, False, True) and given != (None, None, None):
        event_dict["field_exc_info"] = given
    if event_dict.pop("stack_info", None):
        event_dict["stack"] = exceptions.format_stack(outside_frame())
    return event_dict


def _exception_of(given: Any) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[1], BaseException):
        return given[1]
    return sys.exc_info()[1] if given is True else None


class Redact:
    """Replaces secrets, by key and by value, in everything that will be written."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG002
        """Return a copy without secrets."""
        exception = event_dict.pop("exception", None)
        cleaned = self._redactor.clean_mapping(event_dict)
        if exception is not None:
            cleaned["exception"] = self._clean_exception(exception)
        return cleaned

    def _clean_exception(self, exception: Any) -> Any:
        if not isinstance(exception, dict):
            return self._redactor.clean(exception)
        # Frames hold only what stands in the code, and were cleaned when they were rendered.
        return {key: value if key == "frames" else self._redactor.clean(value) for key, value in exception.items()}


def evaluate_lazy(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Call the values that are functions: what is dear to work out is worked out only for an event that is written."""
    for key, value in event_dict.items():
        if isinstance(value, _LAZY):
            try:
                event_dict[key] = value()
            except Exception as error:
                event_dict[key] = f"<{type(error).__name__}: {text(error)}>"
    return event_dict


def arrange(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Rename `event` to `message` and bring the keys into their order; `seq` is added when the event is written."""
    message = event_dict.pop("event", "")
    event_dict["message"] = message if isinstance(message, str) else text(message)
    exception = event_dict.pop("exception", None)
    arranged = {key: event_dict.pop(key) for key in _ORDER if key in event_dict}
    arranged["seq"] = 0
    arranged.update(event_dict)
    if exception is not None:
        arranged["exception"] = exception
    return arranged


def render(event: EventDict, max_bytes: int) -> bytes:
    """Render an arranged event as one line.

    JSON lacks NaN and infinities: they become null, and `nonfinite` says which stood where. An event above *max_bytes*
    has its longest values cut, and says so.
    """
    line = to_json(event)
    if b"null" in line:
        lost = nonfinite_paths(event)
        if lost:
            event["nonfinite"] = lost
            line = to_json(event)
    if len(line) > max_bytes:
        line = to_json(_shortened(event, max_bytes))
    return line + b"\n"


def _shortened(event: EventDict, max_bytes: int) -> EventDict:
    sizes = {key: len(to_json(value)) for key, value in event.items() if key not in _ORDER or key == "message"}
    cut: dict[str, int] = {}
    excess = sum(sizes.values()) + 512 - max_bytes // 2
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if excess <= 0:
            break
        keep = max(sizes[key] - excess, 64)
        event[key] = to_json(event[key])[:keep].decode(errors="ignore") + "…"
        excess -= sizes[key] - keep
        cut[key] = sizes[key]
    event["cut_bytes"] = cut
    return event


class _ThreadName(threading.local):
    def __init__(self) -> None:
        self.name = threading.current_thread().name


_thread: Final = _ThreadName()


def thread_name() -> str:
    """Return the name that the calling thread had at its first event."""
    return _thread.name


def outside_frame() -> FrameType | None:
    """Return the innermost frame that is neither ours nor structlog's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_INSIDE):
        frame = frame.f_back
    return frame


def caller_of(frame: FrameType | None) -> tuple[str, str, int]:
    """Return module, function and line of *frame*."""
    if frame is None:
        return "", "", 0
    code = frame.f_code
    return frame.f_globals.get("__name__") or "", code.co_qualname, frame.f_lineno or 0
