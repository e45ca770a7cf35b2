"""The bound logger: structlog's, with levels that can change at any time and a fast path beside the chain."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import structlog

from ..clock import clock
from ..encoding import text
from ..settings import WARNING
from .chain import Processor, chain
from .exceptions import from_signal_handler
from .fastpath import FastPath
from .limits import Limit, admit, sampled, samplers
from .line import EventLine
from .named import NamedLogger, named
from .processors import CALLER, METHOD_LEVELS, caller_of
from .sinks import outlet
from .sites import Fragment

_Finished = tuple[Sequence[Any], Mapping[str, Any]] | None
_METHODS: Final = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "critical"}


class BoundLogger(structlog.BoundLoggerBase):
    """A structlog bound logger: `debug` … `critical`, `exception`, `log`, `bind`, `unbind`, `new`, and `ainfo` … for
    symmetry.

    Positional arguments are interpolated with ``%``; a message without any is taken as it stands. No method raises
    because of a value.
    """

    _logger: NamedLogger

    def __new__(cls, logger: Any, processors: Iterable[Any], context: dict[str, Any]) -> Any:
        """Leave a logger of somebody else's, as given to `structlog.wrap_logger`, to structlog's own wrapper."""
        if isinstance(logger, NamedLogger):
            return super().__new__(cls)
        return structlog.make_filtering_bound_logger(0)(logger, processors, context)  # type: ignore[call-arg]

    def __init__(self, logger: NamedLogger, processors: Iterable[Processor], context: dict[str, Any]) -> None:
        super().__init__(logger, processors, context)
        self._fragment: Fragment | None = None
        self._rendered_by: FastPath | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self._logger.name, dict(self._context))

    def new(self, /, **new_values: Any) -> Self:
        """Return a logger with *new_values* alone; this one keeps its own."""
        return self.__class__(self._logger, self._processors, new_values)

    def bind(self, /, **new_values: Any) -> Self:
        """Return a logger with *new_values* added to its own."""
        return self.__class__(self._logger, self._processors, {**self._context, **new_values})

    def debug(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at level DEBUG."""
        if self._logger.level <= 10:
            self._log(10, event, args, fields)

    def info(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at level INFO."""
        if self._logger.level <= 20:
            self._log(20, event, args, fields)

    def warning(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at level WARNING."""
        if self._logger.level <= 30:
            self._log(30, event, args, fields)

    def error(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at level ERROR."""
        if self._logger.level <= 40:
            self._log(40, event, args, fields)

    def critical(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at level CRITICAL."""
        if self._logger.level <= 50:
            self._log(50, event, args, fields)

    def exception(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at level ERROR with the exception that is being handled."""
        if self._logger.level <= 40:
            fields.setdefault("exc_info", True)
            self._log(40, event, args, fields)

    def log(self, level: int | str, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """Log at *level*: a name, or a number as in `logging`, which is rounded down to a known one."""
        number = _level_number(level)
        if self._logger.level <= number:
            self._log(number, event, args, fields)

    async def adebug(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """`debug`, to be awaited; it never waits for anything."""
        if self._logger.level <= 10:
            self._log(10, event, args, fields)

    async def ainfo(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """`info`, to be awaited."""
        if self._logger.level <= 20:
            self._log(20, event, args, fields)

    async def awarning(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """`warning`, to be awaited."""
        if self._logger.level <= 30:
            self._log(30, event, args, fields)

    async def aerror(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """`error`, to be awaited."""
        if self._logger.level <= 40:
            self._log(40, event, args, fields)

    async def acritical(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """`critical`, to be awaited."""
        if self._logger.level <= 50:
            self._log(50, event, args, fields)

    async def aexception(self, event: Any = "", /, *args: Any, **fields: Any) -> None:
        """`exception`, to be awaited."""
        if self._logger.level <= 40:
            fields.setdefault("exc_info", True)
            self._log(40, event, args, fields)

    warn = warning
    fatal = critical
    msg = info
    awarn = awarning
    afatal = acritical
    amsg = ainfo

    def limited(
        self, *, most: int | None = None, seconds: float | None = None, every: int | None = None
    ) -> BoundLogger:
        """Return a logger that writes at most *most* events of a kind, in each *seconds* or ever, or every *every*-th.

        A kind is a place in the code and a message. The next event that is written tells in `held_back` how many were
        not. Raises UsageError for a wrong limit.

        >>> log = get_logger("planwise")
        >>> for employee in range(1_000):
        ...     log.limited(most=1).warning("salary missing", employee=employee)
        """
        limited = LimitedLogger(self._logger, self._processors, self._context)
        limited._limit = Limit(most, seconds, every)
        return limited

    def is_enabled_for(self, level: int) -> bool:
        """Return whether an event of this level would be written anywhere."""
        return self._logger.level <= level

    def get_effective_level(self) -> int:
        """Return the least level that is written anywhere."""
        return self._logger.level

    def _log(self, level: int, event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        try:
            if samplers and level < 30:
                chosen = sampled(event, fields)
                if chosen is None:
                    return
                fields = chosen
            if args:
                event = _interpolate(event, args, fields)
            line: bytes | EventLine | None = None
            began = 0
            fast, logger = chain.fast, self._logger
            if fast is not None and level >= logger.file_level:
                bound = self._fragment if self._rendered_by is fast else self._render_bound(fast)
                if bound is not None:
                    render = fast.render if level < WARNING else fast.render_issue
                    line = render(logger.rendered, bound, level, event, fields, sys._getframe(2))
            if line is None:
                began = clock.monotonic_ns()
                finished = self._finish(level, event, fields)
        except Exception as error:
            give_up(self._logger, level, event, error, {**self._context, **fields})
            return
        # Outside of the block: an event that was handed over is never written a second time.
        if line is None:
            self._deliver(level, finished)
            outlet.count_slow(began)
        elif level < logger.others_level:
            outlet.file.write(line)  # type: ignore[union-attr, arg-type]
        else:
            logger.deliver_line(line, level)

    def _render_bound(self, fast: FastPath) -> Fragment | None:
        """What is bound as the fast path wants it; None also where the logger has processors of its own."""
        ours = self._processors is chain.processors
        self._fragment, self._rendered_by = fast.fragment(self._context) if ours else None, fast
        return self._fragment

    def _finish(self, level: int, event: Any, fields: dict[str, Any]) -> _Finished:
        """Send the event through the chain; None where a processor dropped it."""
        if "event" in fields or "event" in self._context:
            fields = {"field_event": self._context.get("event"), **fields}
            fields["field_event"] = fields.pop("event", fields["field_event"])
        try:
            return self._process_event(_METHODS[level], "" if event is None else event, fields)
        except structlog.DropEvent:
            return None

    def _deliver(self, level: int, finished: _Finished) -> None:
        if finished is not None:
            getattr(self._logger, _METHODS[level])(*finished[0], **finished[1])


class LimitedLogger(BoundLogger):
    """A bound logger whose events are limited, each kind (place in the code and message) by itself."""

    _limit: Limit

    def bind(self, /, **new_values: Any) -> Self:
        """Return a logger with *new_values* added, under the same limit."""
        bound = super().bind(**new_values)
        bound._limit = self._limit
        return bound

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_limited, (self._logger.name, dict(self._context), self._limit)

    def _log(self, level: int, event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> None:
        try:
            frame = sys._getframe(2)
            held_back = admit(self._limit, (frame.f_code, frame.f_lineno, text(event)))
            if held_back is None:
                return
            if args:
                event = _interpolate(event, args, fields)
            if held_back:
                fields.setdefault("held_back", held_back)
            finished = self._finish(level, event, {**fields, CALLER: caller_of(frame)})
        except Exception as error:
            give_up(self._logger, level, event, error, {**self._context, **fields})
            return
        self._deliver(level, finished)


def get_logger(name: str | None = None, /, **initial_values: Any) -> BoundLogger:
    """Return a structlog bound logger.

    *name* becomes the event's `logger`; the calling module's name where it is None. *initial_values* are bound: added
    to each of its events. Loggers are cheap, may be made before `configure`, pickle, and follow each later `configure`.

    >>> log = get_logger("planwise", scenario="baseline")
    >>> log.info("census loaded", rows=5_000)
    """
    return BoundLogger(named(name), chain.processors, initial_values)


def _restore(name: str | None, context: dict[str, Any]) -> BoundLogger:
    return BoundLogger(named(name), chain.processors, context)


def _restore_limited(name: str | None, context: dict[str, Any], limit: Limit) -> LimitedLogger:
    limited = LimitedLogger(named(name), chain.processors, context)
    limited._limit = limit
    return limited


def give_up(logger: NamedLogger, level: int, event: Any, error: Exception, fields: dict[str, Any]) -> None:
    """Keep what can be kept of an event that could not be made because of *error*."""
    try:
        chain.fall_back(logger, _METHODS[level], event, error, fields)
    except Exception:
        outlet.broken += 1
    if from_signal_handler(error):
        # A timeout of the program's own, which struck while an event was made: the event is kept, and so is the
        # timeout.
        raise error


def _interpolate(event: Any, args: tuple[Any, ...], fields: dict[str, Any]) -> Any:
    """Fill the arguments into the message; arguments that do not fit it are kept as a field."""
    values = args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args
    try:
        return event % values
    except Exception:
        fields.setdefault("args", [text(argument) for argument in args])
        return event


def _level_number(level: int | str) -> int:
    if isinstance(level, str):
        return METHOD_LEVELS.get(level.lower(), 20)
    return min(max(level // 10 * 10, 10), 50) if isinstance(level, int) else 20
