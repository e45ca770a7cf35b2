"""What the rest of the application logs with `logging` and `warnings` arrives as events, with the run's id and
context.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, TextIO

from ..settings import WARNING
from . import named, processors
from .chain import chain
from .sinks import outlet

_OWN_ATTRIBUTES: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class StdlibHandler(logging.Handler):
    """Turns a `LogRecord` into an event; what was given as `extra` becomes its fields."""

    def emit(self, record: logging.LogRecord) -> None:
        """Take one record; like any handler, never raises."""
        try:
            self._emit(record)
        except Exception:
            outlet.broken += 1

    def _emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, 10), 50)
        logger = named.named(record.name)
        if level < logger.level:
            return
        run_chain(
            logger,
            level,
            _message(record),
            {**_fields_of(record), "exc_info": record.exc_info if record.exc_info and record.exc_info[1] else None},
            (_module_of(record), record.funcName or "", record.lineno),
            to_console=not _is_shown_by_others(),
        )


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    fields = {key: value for key, value in record.__dict__.items() if key not in _OWN_ATTRIBUTES}
    return {**fields, "stack": record.stack_info} if record.stack_info else fields


def _is_shown_by_others() -> bool:
    """Whether a handler of the application prints what reaches the root logger: once on the console is enough."""
    return any(
        isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
        for handler in logging.getLogger().handlers
    )


def run_chain(
    logger: named.NamedLogger,
    level: int,
    message: str,
    fields: dict[str, Any],
    caller: tuple[str, str, int],
    *,
    to_console: bool = True,
) -> None:
    """Send an event of a known place through the present chain."""
    if "event" in fields:
        fields = {**fields, "field_event": fields["event"]}
    fields[processors.CALLER] = processors.Place(*caller)
    event: Any = {**fields, "event": message}
    method = processors.LEVEL_NAMES[level].lower()
    try:
        for step in tuple(chain.processors):
            event = step(logger, method, event)
    except Exception as error:
        if type(error).__name__ != "DropEvent":
            chain.fall_back(logger, method, message, error, fields)
        return
    if isinstance(event, tuple):
        outlet.deliver(*event[0], to_console=to_console and level >= logger.console_level)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} {record.args}"


def _module_of(record: logging.LogRecord) -> str:
    """The module's dotted name: the record has only its file's."""
    return _module_at(record.pathname) or record.module


class _Bridge:
    """What has been changed outside of us, so that it can be put back."""

    def __init__(self) -> None:
        self.handler: StdlibHandler | None = None
        self.root_level = self.opened_to = logging.WARNING
        self.showwarning: Callable[..., None] | None = None


_bridge: Final = _Bridge()


def attach(level: int) -> None:
    """Put our handler on the root logger, and open that to *level* where it would hold such records back."""
    detach()
    root = logging.getLogger()
    _bridge.handler, _bridge.root_level = StdlibHandler(), root.level
    root.addHandler(_bridge.handler)
    if root.level > level or root.level == logging.NOTSET:
        root.setLevel(level)
    _bridge.opened_to = root.level


def detach() -> None:
    """Take our handler away and put the root logger's level back, where nobody has changed it since."""
    if _bridge.handler is not None:
        root = logging.getLogger()
        root.removeHandler(_bridge.handler)
        if root.level == _bridge.opened_to:
            root.setLevel(_bridge.root_level)
        _bridge.handler = None


def capture_warnings() -> None:
    """Have `warnings.warn` arrive as an event of level WARNING whose place is the warning's own."""
    if warnings.showwarning is not _show_warning:
        # Also where ours stood before: `warnings.catch_warnings` takes it away.
        _bridge.showwarning = warnings.showwarning
        warnings.showwarning = _show_warning


def release_warnings() -> None:
    """Undo `capture_warnings`, unless somebody else has put a function of their own there since."""
    if _bridge.showwarning is not None and warnings.showwarning is _show_warning:
        warnings.showwarning = _bridge.showwarning
    _bridge.showwarning = None


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    previous = _bridge.showwarning
    if file is not None and previous is not None:
        previous(message, category, filename, lineno, file, line)
        return
    try:
        fields = {"warning": category.__name__, "file": filename}
        run_chain(named.named("py.warnings"), WARNING, str(message), fields, (_module_at(filename), "", lineno))
    except Exception:
        outlet.broken += 1
    if outlet.console is None and previous is not None:
        previous(message, category, filename, lineno, file, line)


@lru_cache(maxsize=1024)
def _module_at(filename: str) -> str:
    for name, module in tuple(sys.modules.items()):
        if getattr(module, "__file__", None) == filename:
            return name
    return ""
