"""Where rendered events go: the file, the console, memory; and the taps through which a run hears of its warnings and
errors.

`outlet` is the process's one set of sinks. The chain gives each event to it once; it knows which sink wants which
level.
"""

from __future__ import annotations

import atexit
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ..config import Config
from . import ticker
from .rotation import LogFile
from .staging import FOLDER, Staging, recover

FLUSH_SECONDS: Final = 0.15
SYNC_SECONDS: Final = 1.0
RECOVER_SECONDS: Final = 2.0
BLOCK_SECONDS: Final = 2.0
WARNING: Final = 30
NEVER: Final = 1_000

Event = Mapping[str, Any]
Tap = Callable[[Event], None]


class Sink(Protocol):
    """Something that takes finished events which a person or a test reads."""

    def write(self, event: Event, level: int) -> None:
        """Take one event; whatever this raises is swallowed and counted."""


class FileSink:
    """The rotating JSON-lines file, behind a staging area that survives `kill -9`.

    Never raises. A line that can't be kept (the disk is full and the area as well) is counted by cause in `dropped`,
    and *report* is called with those counts once writing works again.
    """

    def __init__(self, config: Config, report: Callable[[dict[str, int]], None] | None = None) -> None:
        self.bytes = 0
        self.written = 0
        self.dropped: Counter[str] = Counter()
        self._config = config
        self._report = report
        self._unreported: Counter[str] = Counter()
        self._log = LogFile(
            config.log_path,
            max_bytes=config.log_max_bytes,
            backups=config.log_backups,
            file_mode=config.file_mode,
            dir_mode=config.dir_mode,
        )
        self._area: Staging | None = None
        self._pending: deque[bytes] = deque()
        self._appending = False
        self._draining = False
        self._dirty = False
        self._write_through = config.durability == "full"
        self._fresh_locks()
        self._tasks: list[ticker.Handle] = []
        self._recover()

    def _fresh_locks(self) -> None:
        # Re-entrant, because a signal handler or a `__del__` may log in the middle of a log call of the same thread.
        self._lock = threading.RLock()
        self._drain_lock = threading.RLock()

    def write(self, line: bytes, urgent: bool = False) -> None:
        """Take one line with its newline; *urgent* ones are in the file when this returns."""
        with self._lock:
            self._pending.append(line)
            if self._appending:
                return
            self._appending = True
            try:
                self._append_pending()
            finally:
                self._appending = False
        if urgent or self._write_through:
            self._flush_now()

    def _append_pending(self) -> None:
        while self._pending:
            line = self._pending.popleft()
            area = self._area or self._open_area()
            if area.append(line) or self._make_room(area, line):
                self.written += 1
                self.bytes += len(line)

    def _open_area(self) -> Staging:
        self._area = area = self._new_area()
        self._tasks.append(ticker.every(FLUSH_SECONDS, self.flush))
        self._tasks.append(ticker.every(RECOVER_SECONDS, self._recover))
        _at_exit(self.close)
        if self._config.durability in {"group", "full"}:
            self._tasks.append(ticker.every(SYNC_SECONDS, self._sync))
        return area

    def _new_area(self) -> Staging:
        if self._config.durability != "buffered":
            try:
                return Staging.create(self._config.log_dir / FOLDER, dir_mode=self._config.dir_mode)
            except (OSError, AttributeError, ValueError):
                # No room, no right or no such call here: then each event is written before its log call returns.
                self._write_through = True
        return Staging.in_memory()

    def _make_room(self, area: Staging, line: bytes) -> bool:
        failure = self._drain(BLOCK_SECONDS)
        if failure is None and self._rewind_when_empty() and area.append(line):
            return True
        if failure is None and len(line) > area.capacity:
            failure = _attempt(lambda: self._log.append(line))
            if failure is None:
                return True
        self._drop(failure or "sink_stalled")
        return False

    def _drop(self, cause: str) -> None:
        self.dropped[cause] += 1
        self._unreported[cause] += 1

    def _drain(self, timeout: float) -> str | None:
        """Write what is staged; return the cause when that failed."""
        if not self._drain_lock.acquire(timeout=timeout):
            return "sink_stalled"
        try:
            area = self._area
            if self._draining or area is None:
                return "sink_stalled" if self._draining else None
            self._draining = True
            try:
                failure = _attempt(lambda: area.drain(self._log))
            finally:
                self._draining = False
            self._dirty = True
            return failure
        finally:
            self._drain_lock.release()

    def flush(self) -> None:
        """Put all that is staged into the file; called by age and at the end."""
        area = self._area
        if self._pending:
            self._take_stragglers()
        if area is None or not area.waiting_bytes:
            return
        if self._drain(BLOCK_SECONDS) is None:
            self._say_what_was_dropped()

    def _take_stragglers(self) -> None:
        with self._lock:
            if not self._appending:
                self._append_pending()

    def _rewind_when_empty(self) -> bool:
        """Start the area from its front, if nothing waits in it; the caller holds the append lock."""
        area = self._area
        if area is None or not self._drain_lock.acquire(timeout=BLOCK_SECONDS):
            return False
        try:
            if self._draining or area.waiting_bytes:
                return False
            area.rewind()
            return True
        finally:
            self._drain_lock.release()

    def _recover(self) -> None:
        """Put into the log what processes that died meanwhile, such as killed workers, left staged."""
        _swallow(lambda: recover(self._log))

    def _say_what_was_dropped(self) -> None:
        if self._unreported and self._report is not None:
            told, self._unreported = dict(self._unreported), Counter()
            self._report(told)

    def _flush_now(self) -> None:
        self.flush()
        if self._config.durability == "full":
            self._sync()

    def _sync(self) -> None:
        if self._dirty:
            self._dirty = False
            _swallow(self._log.sync)

    def close(self) -> None:
        """Flush, sync where the settings promise it, and let go of every file; an event that comes later is written
        through.
        """
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._write_through = True
        self.flush()
        self._recover()
        if self._config.durability in {"group", "full"}:
            self._sync()
        with self._lock:
            area, self._area = self._area, None
        if area is not None:
            # With lines that could not be written the area stays on disk, and the next process puts them into the log.
            _swallow(area.discard if area.waiting_bytes else area.remove)
        self._log.close()

    def after_fork(self) -> None:
        """In a forked child: let go of the parent's area and descriptors without touching what is in them."""
        self._fresh_locks()
        self._appending = self._draining = self._dirty = False
        self._pending.clear()
        self._tasks = []
        self.written = self.bytes = 0
        self.dropped, self._unreported = Counter(), Counter()
        area, self._area = self._area, None
        if area is not None:
            _swallow(area.discard)
        self._log.close()


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
        self.file: FileSink | None = None
        self.file_level = NEVER
        self.console: Sink | None = None
        self.console_level = NEVER
        self.extra: list[Sink] = []
        self.taps: list[Tap] = []
        self.broken = 0

    def deliver(self, line: bytes, event: Event, level: int, *, to_console: bool) -> None:
        """Give a finished event to everyone who wants it."""
        if self.file is not None and line:
            self.file.write(line, urgent=level >= WARNING)
        if self.console is not None and to_console:
            self._guarded(self.console.write, event, level)
        for sink in self.extra:
            self._guarded(sink.write, event, level)
        if level >= WARNING:
            for tap in tuple(self.taps):
                self._guarded(tap, event)

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
    if tap in outlet.taps:
        outlet.taps.remove(tap)


def flush() -> None:
    """Put all acknowledged events into the log file now."""
    if outlet.file is not None:
        outlet.file.flush()


def counts() -> dict[str, Any]:
    """Return what this process has written so far: ``{"written": n, "bytes": n, "dropped": {cause: n}}``."""
    file = outlet.file
    if file is None:
        return {"written": 0, "bytes": 0, "dropped": {}}
    return {"written": file.written, "bytes": file.bytes, "dropped": dict(file.dropped)}


def after_fork() -> None:
    """Make the sinks of a forked child its own; the taps were the parent's run's."""
    outlet.taps.clear()
    if outlet.file is not None:
        outlet.file.after_fork()


def _at_exit(call: Callable[[], None]) -> None:
    """Have *call* run when the process ends, also in a child of multiprocessing, which skips `atexit`."""
    atexit.unregister(call)
    atexit.register(call)
    processes = sys.modules.get("multiprocessing.util")
    if processes is not None:
        processes.Finalize(None, call, exitpriority=0)


def _attempt(call: Callable[[], object]) -> str | None:
    """Run *call*; return the cause of its failure in one word."""
    try:
        call()
    except OSError as error:
        return _CAUSES.get(error.errno or 0, "write_error")
    except Exception:
        return "write_error"
    return None


def _swallow(call: Callable[[], object]) -> None:
    _attempt(call)


_CAUSES: Final = {
    28: "disk_full",
    122: "disk_full",
    27: "disk_full",
    30: "read_only",
    13: "no_permission",
    11: "sink_stalled",
}
