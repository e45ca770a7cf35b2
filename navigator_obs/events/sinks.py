"""Where rendered events go: the file, the console, memory; and the taps through which a run hears of its warnings and
errors.

`outlet` is the process's one set of sinks. The chain gives each event to it once; it knows which sink wants which
level.
"""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ..config import Config
from . import ticker
from .retention import Retention
from .rotation import LogFile
from .staging import FOLDER, Staging, recover

FLUSH_SECONDS: Final = 0.15
SYNC_SECONDS: Final = 1.0
RECOVER_SECONDS: Final = 2.0
BLOCK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0
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
        self.dropped: Counter[str] = Counter()
        self._config = config
        self._report = report
        self._log = LogFile(
            config.log_path,
            max_bytes=config.log_max_bytes,
            backups=config.log_backups,
            max_seconds=config.log_max_seconds,
            file_mode=config.file_mode,
            dir_mode=config.dir_mode,
        )
        self._retention = Retention(config.log_compress, config.log_max_age_days, config.log_max_total_bytes)
        self._tidied_after = -1
        self._tasks: list[ticker.Handle] = []
        self._begin()
        self._recover()

    def _begin(self) -> None:
        """The state of a sink that has written nothing yet, as at the start and in a forked child."""
        # Re-entrant, because a signal handler or a `__del__` may log in the middle of a log call of the same thread.
        self._lock = threading.RLock()
        self._drain_lock = threading.RLock()
        self._pending: deque[bytes] = deque()
        self._placing = self._draining = self._dirty = False
        self._retry_at = 0.0
        self._unreported: Counter[str] = Counter()
        self._drained_lines = self._drained_bytes = 0
        self._write_through = self._config.durability == "full"
        self._area: Staging | None = None
        self._store: Callable[[bytes], object] = _no_room

    @property
    def stored_bytes(self) -> int:
        """How many bytes this process has put into the file, or staged for it."""
        return self._drained_bytes + (self._area.waiting_bytes if self._area else 0)

    @property
    def written(self) -> int:
        """How many events this process has put into the file; what is staged is written first."""
        self.flush()
        return self._drained_lines

    def write(self, line: bytes, urgent: bool = False) -> None:
        """Take one line with its newline; *urgent* ones are in the file when this returns."""
        try:
            self._store(line)
        except ValueError:
            self._place(line)
        if urgent or self._write_through:
            self._flush_now()

    def _place(self, line: bytes) -> None:
        """Find room for a line that the area did not take."""
        with self._lock:
            self._pending.append(line)
            if self._placing:
                return
            self._placing = True
            try:
                while self._pending:
                    self._place_one(self._pending.popleft())
            finally:
                self._placing = False

    def _place_one(self, line: bytes) -> None:
        area = self._area or self._open_area()
        try:
            self._store(line)
        except ValueError:
            failure = self._make_room(area) or self._store_or_write(area, line)
            if failure:
                self.dropped[failure] += 1
                self._unreported[failure] += 1

    def _make_room(self, area: Staging) -> str | None:
        """Empty the area into the file; return the cause when that failed. After a failure it is let rest for a
        while.
        """
        if time.monotonic() < self._retry_at:
            return "sink_stalled"
        area.seal()
        failure = self._drain(BLOCK_SECONDS)
        if failure is None and area.waiting_bytes == 0:
            area.rewind()
            return None
        self._retry_at = time.monotonic() + RETRY_SECONDS
        return failure or "sink_stalled"

    def _store_or_write(self, area: Staging, line: bytes) -> str | None:
        if len(line) > area.capacity:
            return _attempt(lambda: self._log.append(line))
        return _attempt(lambda: self._store(line))

    def _open_area(self) -> Staging:
        self._area = area = self._new_area()
        self._store = area.store
        self._tasks.append(ticker.every(FLUSH_SECONDS, self.flush))
        self._tasks.append(ticker.every(RECOVER_SECONDS, self._keep_house))
        if self._config.durability in {"group", "full"}:
            self._tasks.append(ticker.every(SYNC_SECONDS, self._sync))
        _at_exit(self.close)
        return area

    def _new_area(self) -> Staging:
        if self._config.durability != "buffered":
            try:
                return Staging.create(self._config.log_dir / FOLDER, dir_mode=self._config.dir_mode)
            except (OSError, AttributeError, ValueError):
                # No room, no right or no such call here: then each event is written before its log call returns.
                self._write_through = True
        return Staging.in_memory()

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
                return _attempt(lambda: self._drain_area(area))
            finally:
                self._draining = False
        finally:
            self._drain_lock.release()

    def _drain_area(self, area: Staging) -> None:
        before = area.waiting_bytes
        self._drained_lines += area.drain(self._log)
        self._drained_bytes += before
        self._dirty = True

    def flush(self) -> None:
        """Put all that is staged into the file; called by age and at the end."""
        area = self._area
        if area is None or not (area.waiting_bytes or self._unreported):
            return
        if self._drain(BLOCK_SECONDS) is None:
            self._say_what_was_dropped()

    def _keep_house(self) -> None:
        self._recover()
        if self._tidied_after != self._log.rotations:
            self._tidied_after = self._log.rotations
            _attempt(lambda: self._retention.apply(self._log))

    def _recover(self) -> None:
        """Put into the log what processes that died meanwhile, such as killed workers, left staged."""
        _attempt(lambda: recover(self._log))

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
            _attempt(self._log.sync)

    def close(self) -> None:
        """Flush, sync where the settings promise it, and let go of every file; a later event is written through."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._write_through = True
        self.flush()
        if self._config.durability in {"group", "full"}:
            self._sync()
        self._close_area()
        self._keep_house()
        self._log.close()

    def _close_area(self) -> None:
        with self._lock:
            area, self._area, self._store = self._area, None, _no_room
            if area is not None:
                area.seal()
                _attempt(lambda: self._drain_area(area))
                # With lines that could not be written it stays on disk, and the next process puts them into the log.
                _attempt(area.discard if area.waiting_bytes else area.remove)

    def after_fork(self) -> None:
        """In a forked child: let go of the parent's area and descriptors without touching what is in them."""
        area = self._area
        self._tasks = []
        self.dropped = Counter()
        self._begin()
        if area is not None:
            _attempt(area.discard)
        self._log.after_fork()


def _no_room(line: bytes) -> object:
    raise ValueError(line)


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
    return {"written": file.written, "bytes": file.stored_bytes, "dropped": dict(file.dropped)}


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


_CAUSES: Final = {
    28: "disk_full",
    122: "disk_full",
    27: "disk_full",
    30: "read_only",
    13: "no_permission",
    11: "sink_stalled",
}
