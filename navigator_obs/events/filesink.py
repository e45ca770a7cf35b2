"""The log file as a sink: lines go to a staging area, and by age, size and severity from there into the file."""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final, TypeVar

from ..config import Config
from . import ticker
from .drain import STALLED, Drain, attempt
from .exceptions import from_signal_handler
from .held import held
from .places import may_hang, staging_folders
from .retention import Retention
from .rotation import LogFile
from .stack import is_running
from .staging import CAPACITY_BYTES, Staging
from .upkeep import Upkeep

T = TypeVar("T")
FLUSH_SECONDS: Final = 0.15
SYNC_SECONDS: Final = 1.0
RECOVER_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0
# Room for warnings and errors alone, for the time when nothing can be written and the area is full.
RESERVE_BYTES: Final = 128 * 1024


class FileSink:
    """The rotating JSON-lines file, behind a staging area that survives `kill -9`.

    Never raises. A line that can't be kept (the disk is full and the area as well) is counted by cause in `dropped`,
    and *report* is called with those counts once writing works again.
    """

    def __init__(self, config: Config, report: Callable[[dict[str, int]], None] | None = None) -> None:
        self.dropped: Counter[str] = Counter()
        self._config = config
        self._report = report
        # Absolute from now on: the program may change its working directory.
        path = config.log_path.absolute()
        self._log = LogFile(
            path,
            max_bytes=config.log_max_bytes,
            backups=config.log_backups,
            max_seconds=config.log_max_seconds,
            durable=config.durability in {"group", "full"},
            file_mode=config.file_mode,
            dir_mode=config.dir_mode,
        )
        is_foreign = may_hang(path.parent)
        folders = staging_folders(path, config.staging_dir, is_foreign)
        self._folder = folders[0]
        self._drain = Drain(self._log, guarded=is_foreign)
        retention = Retention(config.log_compress, config.log_max_age_days, config.log_max_total_bytes)
        self._upkeep = Upkeep(self._log, self._drain, retention, folders)
        self._tasks: list[ticker.Handle] = []
        self._begin()
        self._upkeep.recover()

    def _begin(self) -> None:
        """The state of a sink that has written nothing yet, as at the start and in a forked child."""
        # Re-entrant, as a signal handler or a `__del__` may log in the middle of a log call of the same thread.
        self._lock = threading.RLock()
        # Lines that the area did not take, each with whether it is urgent.
        self._pending: deque[tuple[bytes, bool]] = deque()
        self._retry_at, self._renew_at, self._failure = 0.0, 0.0, STALLED
        self._unreported: Counter[str] = Counter()
        self._write_through = self._config.durability == "full"
        self._area: Staging | None = None
        self._reserve: Staging | None = None
        self._store: Callable[[bytes], object] = _no_room

    @property
    def staged_capacity(self) -> int:
        """How many bytes of memory its staging area has."""
        return self._area.capacity if self._area else 0

    @property
    def stored_bytes(self) -> int:
        """How many bytes this process has put into the file, or staged for it."""
        return self._drain.written_bytes + (self._area.waiting_bytes if self._area else 0)

    @property
    def written(self) -> int:
        """How many events this process has put into the file; what is staged is written first."""
        self.flush()
        return self._drain.written_lines

    def write(self, line: bytes, urgent: bool = False) -> None:
        """Take one line with its newline; *urgent* ones are in the file when this returns."""
        if urgent and self._write_at_once(line):
            return
        try:
            self._store(line)
        except ValueError as error:
            if from_signal_handler(error):
                raise
            self._place(line, urgent)
        if urgent or self._write_through:
            self._flush_now()

    def _write_at_once(self, line: bytes) -> bool:
        """Write an urgent line past the area, where nothing waits in it; return whether that was done."""
        area = self._area
        if area is None or not area.is_drained or time.monotonic() < self._retry_at:
            return False
        if not self._drain.write_at_once(line):
            return False
        if self._write_through or not area.is_drained:
            # What a signal handler logged meanwhile was left to us.
            self._flush_now()
        return True

    def _place(self, line: bytes, urgent: bool) -> None:
        """Find room for a line that the area did not take."""
        self._pending.append((line, urgent))
        # A signal handler or `__del__` that logs while this very thread is writing leaves its line to that.
        if not self._drain.is_writing():
            self._place_pending()

    def _place_pending(self) -> None:
        if is_running(self._lock, FileSink._place_pending.__code__):
            return
        with held(self._lock):
            while self._pending:
                self._place_one(*self._pending.popleft())

    def _place_one(self, line: bytes, urgent: bool) -> None:
        area = self._area or self._open_area()
        # An exception of a signal handler may have come between the two.
        self._store = area.store
        try:
            self._store(line)
        except ValueError:
            failure = self._make_room(area) or self._store_or_write(area, line)
            if failure and not (urgent and self._keep_in_reserve(line)):
                self.dropped[failure] += 1
                self._unreported[failure] += 1

    def _make_room(self, area: Staging) -> str | None:
        """Empty the area into the file; return the cause when that failed. After a failure it is let rest for a
        while.
        """
        if time.monotonic() < self._retry_at:
            return self._failure
        area.seal()
        failure = self._drain.empty(area)
        if failure is None and area.waiting_bytes == 0:
            area.rewind()
            return None
        return self._failed(failure or STALLED)

    def _failed(self, failure: str) -> str:
        self._failure, self._retry_at = failure, time.monotonic() + RETRY_SECONDS
        return failure

    def _store_or_write(self, area: Staging, line: bytes) -> str | None:
        # Others may have filled the area again meanwhile.
        fails = len(line) > area.capacity or attempt(lambda: self._store(line))
        return self._drain.write(line) if fails else None

    def _keep_in_reserve(self, line: bytes) -> bool:
        """Keep a warning or an error where nothing else may stand, its space had beforehand."""
        return self._reserve is not None and attempt(lambda: self._reserve and self._reserve.store(line)) is None

    def _open_area(self) -> Staging:
        for task in self._tasks:
            # Of an attempt that an exception of a signal handler cut short.
            task.cancel()
        self._reserve = self._reserve or self._new_area(RESERVE_BYTES)
        area = self._new_area(CAPACITY_BYTES)
        often, seldom = (FLUSH_SECONDS, self._tick), (RECOVER_SECONDS, self._upkeep.round)
        self._tasks = [ticker.every(*task) for task in (often, seldom, (RECOVER_SECONDS, self._renew_area))]
        if self._config.durability in {"group", "full"}:
            self._tasks.append(ticker.every(SYNC_SECONDS, self._drain.sync))
        at_exit(self.close)
        self._area, self._store = area, area.store
        return area

    def _new_area(self, capacity: int) -> Staging:
        if self._config.durability != "buffered":
            try:
                return Staging.create(self._folder, capacity, dir_mode=self._config.dir_mode)
            except (OSError, AttributeError, ValueError):
                # No room, no right or no such call here: then each event is written before its log call returns.
                self._write_through = True
        return Staging.in_memory(capacity)

    def flush(self) -> None:
        """Put all that is staged into the file; called by age and at the end."""
        area = self._area
        if area is None or self._drain.is_writing():
            return
        if area.waiting_bytes or self._unreported or (self._reserve and self._reserve.waiting_bytes):
            failure = self._drain.empty(area)
            if failure:
                self._failed(failure)
            else:
                self._retry_at = 0.0
                self._open_again(area)
                self._empty_reserve()
                self._say_what_was_dropped()
        if self._pending:
            self._place_pending()

    def _empty_reserve(self) -> None:
        reserve = self._reserve
        if reserve is None or not (reserve.waiting_bytes or reserve.is_sealed):
            return
        if self._drain.empty(reserve) is None:
            with held(self._lock):
                # What came in between goes along; sealed before that could be written, it would take nothing more.
                reserve.seal()
                if self._drain.empty(reserve) is None and not reserve.waiting_bytes:
                    reserve.rewind()

    def _open_again(self, area: Staging) -> None:
        """Use an area again that was full while nothing could be written."""
        if area.is_sealed:
            with held(self._lock):
                if (
                    area is self._area
                    and area.is_sealed
                    and not area.waiting_bytes
                    and not is_running(self._lock, FileSink._place_pending.__code__)
                ):
                    area.rewind()

    def _tick(self) -> None:
        # Most ticks of a program that works find nothing, and whatever they look at the caches have to fetch.
        area, reserve = self._area, self._reserve
        is_drained = area is not None and area.is_drained and (reserve is None or reserve.is_drained)
        if not is_drained or self._pending or self._unreported:
            self.flush()
            self._renew_area()

    def _renew_area(self) -> None:
        """Replace an area that a kill would lose: in plain memory, or with a file that was deleted with its folder."""
        area, reserve = self._area, self._reserve
        if self._config.durability == "buffered" or area is None or area.survives_kill:
            return
        if time.monotonic() < self._renew_at:
            return
        self._renew_at = time.monotonic() + RETRY_SECONDS
        with held(self._lock):
            if is_running(self._lock, FileSink._place_pending.__code__) or area is not self._area:
                return
            new = self._replacement(area, CAPACITY_BYTES)
            if new is not None:
                self._area, self._store = new, new.store
                self._write_through = self._config.durability == "full"
                self._reserve = (reserve and self._replacement(reserve, RESERVE_BYTES)) or reserve

    def _replacement(self, area: Staging, capacity: int) -> Staging | None:
        """Empty an area, and make one that takes its place; None where that fails, and it remains in use."""
        area.seal()
        if self._drain.empty(area) is not None or area.waiting_bytes:
            return None
        try:
            new = Staging.create(self._folder, capacity, dir_mode=self._config.dir_mode)
        except (OSError, AttributeError, ValueError):
            area.rewind()
            return None
        area.retire()
        return new

    def _say_what_was_dropped(self) -> None:
        if self._unreported and self._report is not None:
            told, self._unreported = dict(self._unreported), Counter()
            self._report(told)

    def _flush_now(self) -> None:
        if time.monotonic() < self._retry_at:
            # Writing failed a moment ago, and may have taken seconds to: the line is staged, and waits for the tick.
            return
        self.flush()
        if self._config.durability == "full":
            self._drain.sync()

    def close(self) -> None:
        """Flush, sync where the settings promise it, and let go of every file; a later event is written through."""
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._write_through = True
        self.flush()
        if self._config.durability in {"group", "full"}:
            self._drain.sync()
        self._close_area()
        self._upkeep.finish()
        self._drain.close()

    def _close_area(self) -> None:
        with held(self._lock):
            if self._pending:
                self._place_pending()
            areas = [area for area in (self._area, self._reserve) if area is not None]
            self._area, self._reserve, self._store = None, None, _no_room
            for area in areas:
                area.seal()
                self._drain.empty(area)
                # With lines that could not be written it stays on disk, and the next process puts them into the log.
                attempt(area.discard if area.waiting_bytes else area.remove)

    def continue_from(self, other: FileSink) -> None:
        """Count on from a sink that this one takes the place of."""
        self._drain.continue_from(other._drain)
        self.dropped.update(other.dropped)
        self._unreported.update(other._unreported)

    def ask(self, call: Callable[[], T], otherwise: T) -> T:
        """Return what *call*, which reads the log's files and does not raise, returns; *otherwise* where they hang."""
        return self._drain.ask(call, otherwise)

    def refusal(self) -> str | None:
        """Return why the log file can't be written at the moment, in one word; None when it can."""
        return self._drain.run(self._log.touch)

    def after_fork(self) -> None:
        """In a forked child: let go of the parent's area and descriptors without touching what is in them."""
        areas = [area for area in (self._area, self._reserve) if area is not None]
        self._tasks = []
        self.dropped = Counter()
        self._drain.begin()
        self._begin()
        for area in areas:
            attempt(area.discard)
        self._log.after_fork()
        self._upkeep.after_fork()


def _no_room(line: bytes) -> object:
    raise ValueError(line)


def at_exit(call: Callable[[], None]) -> None:
    """Have *call* run when the process ends, also in a child of multiprocessing, which skips `atexit`."""
    atexit.unregister(call)
    atexit.register(call)
    processes = sys.modules.get("multiprocessing.util")
    if processes is not None:
        processes.Finalize(None, call, exitpriority=0)
