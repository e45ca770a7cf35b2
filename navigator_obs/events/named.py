"""The loggers by name, with the levels from which the file and the console want their events.

structlog calls this the wrapped logger: bound loggers come and go, the named one stays and is where a level is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..clock import clock
from ..encoding import shown, to_json
from ..errors import UsageError
from ..settings import WARNING
from .line import EventLine
from .sinks import NEVER, outlet


class NamedLogger:
    """One name's levels, and the way to the sinks."""

    __slots__ = ("console_level", "file_level", "level", "name", "others_level", "rendered")

    def __init__(self, name: str | None) -> None:
        self.name = name
        # As the fast path wants it; empty where the calling module stands for the name.
        self.rendered = to_json(name).decode() if name else ""
        self.level = self.file_level = self.console_level = self.others_level = NEVER

    def deliver(self, line: bytes, event: Mapping[str, Any], level: int) -> None:
        """Give a finished event to the sinks that want this level from this logger."""
        outlet.deliver(line, event, level, to_console=level >= self.console_level)

    debug = info = warning = error = critical = deliver

    def deliver_line(self, line: bytes | EventLine, level: int) -> None:
        """Give an event that was rendered for the file to all that want it: a warning or an error as an `EventLine`."""
        began = clock.monotonic_ns()
        outlet.deliver_line(line, level, to_console=level >= self.console_level)
        outlet.count_slow(began)

    def set_levels(self, file_level: int, console_level: int) -> None:
        """Set from which level on each sink wants the events."""
        self.file_level, self.console_level = file_level, console_level
        self.level = 0 if outlet.extra else max(min(file_level, console_level), outlet.floor)
        # From this level on somebody besides the file wants the event.
        self.others_level = 0 if outlet.extra else min(console_level, WARNING)


_loggers: Final[dict[str | None, NamedLogger]] = {}
_by_name: dict[str, int] = {}


def named(name: str | None = None, *_: Any) -> NamedLogger:
    """Return the process's one logger of this name. Raises UsageError for one that is no text."""
    found = _loggers.get(name)
    if found is None:
        if name is not None and not isinstance(name, str):
            raise UsageError(f"a logger's name must be a text such as 'planwise', not {shown(name)}")
        found = _loggers[name] = NamedLogger(name)
        _apply(found)
    return found


def apply_levels(by_name: Mapping[str, int]) -> None:
    """Set each logger's levels from the outlet's, and from *by_name*, where a name covers the dotted names below it."""
    global _by_name
    _by_name = dict(by_name)
    refresh()


def refresh() -> None:
    """Work out every logger's levels anew, after the sinks have changed."""
    for logger in list(_loggers.values()):
        _apply(logger)


def set_floor(level: int) -> None:
    """Let nobody have events below *level*, whatever the settings say; 0 lifts that."""
    outlet.floor = level
    refresh()


def level_of(name: str | None) -> int | None:
    """Return the level that was set for this name or the nearest name above it, if any."""
    while name:
        if name in _by_name:
            return _by_name[name]
        name = name.rpartition(".")[0]
    return None


def _apply(logger: NamedLogger) -> None:
    own = level_of(logger.name)
    if own is None:
        logger.set_levels(outlet.file_level, outlet.console_level)
    else:
        logger.set_levels(*(level if level == NEVER else own for level in (outlet.file_level, outlet.console_level)))
