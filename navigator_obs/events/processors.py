"""The links of the chain: plain structlog processors, each `(logger, method_name, event_dict) -> event_dict`.

They speak structlog's convention (the text under `event`) so that processors of others fit between them; `arrange`
at the end gives the event its final shape (`fields.EVENT_FIELDS`, context, the event's own fields, `exception`).
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any, Final, NamedTuple

from ..clock import clock, format_timestamp
from ..encoding import nonfinite_paths, simplify, text, to_json
from ..fields import RESERVED
from ..redaction import Redactor
from ..settings import CRITICAL, ERROR, INFO, LEVELS, WARNING
from . import exceptions, retelling, tracebacks, variables
from .cuts import LEAST_BYTES, ORDER, EventDict, free_name, shortened
from .scope import NO_RUN, current

CALLER: Final = "\0caller"
"""Under this key `emit` hands in a known caller, a `Place`; a field that a user spells like it is just a field."""

METHOD_LEVELS: Final = {name.lower(): number for name, number in LEVELS.items()} | {
    "warn": WARNING,
    "fatal": CRITICAL,
    "exception": ERROR,
    "msg": INFO,
}
LEVEL_NAMES: Final = {number: name for name, number in LEVELS.items()}
_NOT_IN_CONTEXT: Final = RESERVED | {"event", "exc_info", "stack_info"}
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_MAX_TRACEBACKS: Final = 256
# Stands for the message where the rest of a traceback is looked at: long enough for a secret, wherever one could stand.
_ANY_MESSAGE: Final = ": xxxxxxxxxxxxxxxxxxxx"
_INSIDE: Final = (
    "structlog",
    "navigator_obs.events",
    "navigator_obs.operations",
    "navigator_obs.runs",
    "navigator_obs.assembly",
)
_BELOW: Final = tuple(f"{module}." for module in _INSIDE)


class Place(NamedTuple):
    """Where in the code something was logged."""

    module: str
    function: str
    line: int


def keep_user_fields(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Move a user's field of a reserved name to `field_<name>`, so that it is kept and forges nothing."""
    return event_dict if RESERVED.isdisjoint(event_dict) else _kept(event_dict, RESERVED)


def _kept(fields: Mapping[str, Any], reserved: frozenset[str]) -> EventDict:
    kept: EventDict = {}
    for key, value in fields.items():
        name = key
        if key in reserved:
            name = f"field_{key}"
            while name in fields or name in kept:
                name = f"field_{name}"
        kept[name] = value
    return kept


def add_scope(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Put the run, the operation's path and the context before the event's own fields, which win over them."""
    scope = current()
    context: EventDict = {"run_id": (scope.run or NO_RUN).run_id}
    if scope.operation is not None:
        context["operation_path"] = scope.operation.path
    context.update(_kept(scope.context, _NOT_IN_CONTEXT))
    context.update(event_dict)
    return context


def add_level(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add the level's name in capitals."""
    event_dict["level"] = LEVEL_NAMES.get(METHOD_LEVELS.get(method_name, 20), "INFO")
    return event_dict


def add_timestamp(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add the time: RFC 3339, UTC, microseconds."""
    event_dict["timestamp"] = format_timestamp(clock.time_ns())
    return event_dict


def add_caller(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Add module, function and line of the code that logged, and the logger's name, which is that module's unless
    given.
    """
    place = event_dict.get(CALLER)
    if isinstance(place, Place):
        del event_dict[CALLER]
    else:
        place = caller_of(outside_frame())
    module, function, line = place
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
    error = exception_of(given)
    if error is not None:
        described = exceptions.describe(error)
        # A processor of the user's may do with its event what it likes.
        frames = [dict(frame) for frame in described["frames"]]
        event_dict["exception"] = {**described, "frames": frames, **variables.told_of(error)}
        is_error = METHOD_LEVELS.get(method_name, 20) >= LEVELS["ERROR"]
        if retelling.mark_told(error, event_dict.get("run_id"), as_error=is_error):
            event_dict["exception"]["retold"] = True
    elif not _says_nothing(given):
        event_dict["field_exc_info"] = given
    if event_dict.pop("stack_info", None):
        event_dict["stack"] = tracebacks.format_stack(outside_frame())
    return event_dict


def exception_of(given: Any) -> BaseException | None:
    """Return the exception that was handed in as `exc_info`: one itself, a triple, or True for the present one."""
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple) and len(given) == 3 and isinstance(given[1], BaseException):
        return given[1]
    return sys.exc_info()[1] if isinstance(given, int) and given else None


def _says_nothing(given: Any) -> bool:
    if given is None or (isinstance(given, int) and given in {0, 1}):
        return True
    return isinstance(given, tuple) and all(part is None for part in given)


class Redact:
    """Replaces secrets, by key and by value, in everything that will be written."""

    def __init__(self, redactor: Redactor, max_bytes: int) -> None:
        self.redactor = redactor
        self._max_bytes = max_bytes
        self._harmless: set[str] = set()

    def __call__(self, logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG002
        """Return a copy without secrets."""
        exception = event_dict.pop("exception", None)
        cleaned = self.redactor.clean_mapping(self._plain(event_dict))
        if exception is not None:
            described = isinstance(exception, dict)
            cleaned["exception"] = (
                self.clean_exception(exception) if described else self.redactor.clean(simplify(exception))
            )
        return cleaned

    def _plain(self, event_dict: EventDict) -> EventDict:
        """Objects as the plain values that they will be rendered as: only in those can each secret be found."""
        plain: EventDict = {}
        cut: dict[str, int] = {}
        most, room = self._max_bytes, self._max_bytes + self._max_bytes // 4
        for key, value in event_dict.items():
            kind = type(value)
            if kind not in _PLAIN:
                value = text(value) if key == "event" else simplify(value, keep_nonfinite=True, room=room)  # noqa: PLW2901
            if type(value) is str and len(value) > most:
                # The line can't hold it, and looking through all of it for secrets would take seconds.
                cut[key if key != "event" else "message"] = len(to_json(value))
                value = f"{value[:most]}…"  # noqa: PLW2901
            plain[key] = value
        return {**plain, free_name("cut_bytes", plain): cut} if cut else plain

    def clean_exception(self, exception: dict[str, Any]) -> dict[str, Any]:
        """Return a described exception without secrets."""
        traceback = exception.get("traceback")
        # All other texts of it stand in there as well.
        if type(traceback) is str and len(traceback) > self._max_bytes:
            exception = {key: self._cut(key, value) for key, value in exception.items()}
        cleaned = {}
        for key, value in exception.items():
            # Frames hold only what stands in the code, and were cleaned when they were rendered.
            if key == "frames":
                cleaned[key] = value
            elif key == "traceback":
                cleaned[key] = self._clean_traceback(exception)
            else:
                cleaned[key] = self.redactor.clean(value)
        return cleaned

    def _cut(self, key: str, value: Any) -> Any:
        if type(value) is str:
            return value if len(value) <= self._max_bytes else f"{value[: self._max_bytes]}…"
        return value if key == "frames" else simplify(value, room=self._max_bytes)

    def _clean_traceback(self, exception: dict[str, Any]) -> Any:
        """The traceback without secrets; where all but the message is as before, only the message is looked at."""
        message, traceback = exception.get("message"), exception["traceback"]
        if type(message) is not str or type(traceback) is not str or exception.get("notes"):
            return self.redactor.clean(traceback)
        if self.redactor.text(message) != message:
            return self.redactor.clean(traceback)
        pattern = traceback.replace(f": {message}", _ANY_MESSAGE)
        if pattern in self._harmless:
            return traceback
        cleaned = self.redactor.text(traceback)
        if cleaned == traceback and self.redactor.text(pattern) == pattern:
            if len(self._harmless) >= _MAX_TRACEBACKS:
                self._harmless.clear()
            self._harmless.add(pattern)
        return cleaned


def arrange(logger: Any, method_name: str, event_dict: EventDict) -> EventDict:  # noqa: ARG001
    """Rename `event` to `message` and bring the keys into their order; `seq` is added when the event is written."""
    message = event_dict.pop("event", "")
    event_dict["message"] = message if isinstance(message, str) else text(message)
    exception = event_dict.pop("exception", None)
    arranged = {key: event_dict.pop(key) for key in ORDER if key in event_dict}
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
            event[free_name("nonfinite", event)] = lost
            line = to_json(event)
    room = max_bytes // 2
    while len(line) > max_bytes and room > LEAST_BYTES:
        line = to_json(shortened(event, room))
        room //= 2
    return line + b"\n"


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
    while frame is not None and _is_inside(frame.f_globals.get("__name__")):
        frame = frame.f_back
    return frame


def _is_inside(module: object) -> bool:
    return isinstance(module, str) and (module in _INSIDE or module.startswith(_BELOW))


def caller_of(frame: FrameType | None) -> Place:
    """Return module, function and line of *frame*."""
    if frame is None:
        return Place("", "", 0)
    code = frame.f_code
    return Place(frame.f_globals.get("__name__") or "", code.co_qualname, frame.f_lineno or 0)
