"""Where rendered events go: the file, the console, memory; and the taps through which a run hears of its warnings and
errors.

`outlet` is the process's one set of sinks. The chain gives each event to it once; it knows which sink wants which
level.
"""

from __future__ import annotations

import contextvars
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from ..clock import clock
from ..disabled import DISABLED
from ..encoding import from_json
from ..settings import WARNING
from .console import ConsoleSink
from .filesink import FileSink
from .limits import tally
from .line import EventLine
from .stack import is_nearly_full

T = TypeVar("T")
NEVER: Final = 1_000
LONGEST_EVENT_NS: Final = 2_000_000
# How many events wait for room on the stack: a recursion without end fails once.
_MOST_LATE: Final = 1_000

Event = Mapping[str, Any]
Tap = Callable[[Event], None]


class Sink(Protocol):
    """Something that takes finished events which a person or a test reads."""

    def write(self, event: Event, level: int) -> None:
        """Take one event; whatever this raises is swallowed and counted."""


class MemorySink:
    """Keeps the newest events as dicts: for tests and notebooks."""

    def __init__(self, limit: int = 100_000) -> None:
        self.events: deque[dict[str, Any]] = deque(maxlen=limit)

    def write(self, event: Event, level: int) -> None:  # noqa: ARG002
        """Keep a copy of the event."""
        self.events.append(dict(event))


class Outlet:
    """The process's sinks with their levels, and the taps."""

    def __init__(self) -> None:
        self.before_configure()
        self.extra: list[Sink] = []
        self.taps: list[Tap] = []
        self.broken = 0
        self._late: deque[tuple[contextvars.Context, Event | bytes, int, bool]] = deque(maxlen=_MOST_LATE)
        # Least severe level that anybody gets, whatever the settings say.
        self.floor = 0
        # Events that took a longer way than the shortest, and the time that they took.
        self.slow_events = self.slow_ns = 0

    def before_configure(self) -> None:
        """No file; a library's warnings reach somebody all the same, as with `logging`, unless all is switched off."""
        self.file: FileSink | None = None
        self.file_level = NEVER
        self.console: Sink | None = None if DISABLED else ConsoleSink()
        self.console_level = NEVER if DISABLED else WARNING

    def deliver(self, line: bytes, event: Event, level: int, *, to_console: bool) -> None:
        """Give a finished event to everyone who wants it."""
        is_deep = is_nearly_full()
        if self.file is not None and line:
            self.file.write(line, urgent=level >= WARNING and not is_deep)
        self._tell(event, level, to_console, is_deep)

    def deliver_line(self, line: bytes | EventLine, level: int, *, to_console: bool) -> None:
        """The same for one that is a line already; it is parsed where somebody wants to look into it."""
        data, is_deep = line if isinstance(line, bytes) else line.line, is_nearly_full()
        if self.file is not None:
            self.file.write(data, urgent=level >= WARNING and not is_deep)
        if to_console or self.extra or isinstance(line, EventLine):
            self._tell(line, level, to_console, is_deep)

    def _tell(self, told: Event | bytes, level: int, to_console: bool, is_deep: bool) -> None:
        """Give an event that is in the file to all others: now, or once the stack has room for it."""
        if is_deep:
            self._late.append((contextvars.copy_context(), told, level, to_console))
        else:
            self.tell_late()
            self._tell_now(told, level, to_console)

    def tell_late(self) -> None:
        """Give events to those that had to wait for them, because the program had used up the stack."""
        while self._late:
            try:
                context, told, level, to_console = self._late.popleft()
            except IndexError:
                return
            context.run(self._tell_now, told, level, to_console)

    def _tell_now(self, told: Event | bytes, level: int, to_console: bool) -> None:
        if to_console or self.extra:
            event = told.event if isinstance(told, EventLine) else told
            self._show(from_json(event) if isinstance(event, bytes) else event, level, to_console)
        if level >= WARNING and not isinstance(told, bytes):
            for tap in tuple(self.taps):
                self._guarded(tap, told)

    def _show(self, event: Event, level: int, to_console: bool) -> None:
        if self.console is not None and to_console:
            self._guarded(self.console.write, event, level)
        for sink in self.extra:
            self._guarded(sink.write, event, level)

    def count_slow(self, began_ns: int) -> None:
        """Count an event that took a longer way than the shortest, and the time since *began_ns*."""
        took = clock.monotonic_ns() - began_ns
        self.slow_events += 1
        # A thread that was suspended meanwhile has not worked for that long.
        self.slow_ns += took if took < LONGEST_EVENT_NS else LONGEST_EVENT_NS

    def _guarded(self, call: Callable[..., None], *args: Any) -> None:
        try:
            call(*args)
        except Exception:
            self.broken += 1


outlet: Final = Outlet()


def add_tap(tap: Tap) -> None:
    """Have *tap* called with each event of level WARNING or above that is recorded; what it raises is swallowed and
    counted.
    """
    outlet.taps.append(tap)


def remove_tap(tap: Tap) -> None:
    """Undo `add_tap`; harmless when done twice."""
    outlet.tell_late()
    if tap in outlet.taps:
        outlet.taps.remove(tap)


def flush() -> None:
    """Put all acknowledged events into the log file now."""
    if outlet.file is not None:
        outlet.file.flush()


def ask_log(call: Callable[[], T], otherwise: T) -> T:
    """Return what *call*, which reads the log's files and does not raise, returns; *otherwise* where they hang."""
    return outlet.file.ask(call, otherwise) if outlet.file is not None else call()


def counts() -> dict[str, Any]:
    """Return what this process has written so far, and what it has left out: ``{"written": n, "bytes": n,
    "dropped": {cause: n}, "sampled_out": n, "held_back": n}``. What is staged is written first.
    """
    return {"written": 0 if outlet.file is None else outlet.file.written, **so_far()}


def so_far() -> dict[str, Any]:
    """Return what `counts` does without the first, and so without writing anything."""
    file = outlet.file
    if file is None:
        return {"bytes": 0, "dropped": {}, **tally.counts()}
    return {"bytes": file.stored_bytes, "dropped": dict(file.dropped), **tally.counts()}


def after_fork() -> None:
    """Make the sinks of a forked child its own; the taps were the parent's run's."""
    outlet.taps.clear()
    if outlet.file is not None:
        outlet.file.after_fork()
    if isinstance(outlet.console, ConsoleSink):
        outlet.console.after_fork()
