"""The log file as a sink: lines go to a staging area, and by age, size and severity from there into the file."""

from __future__ import annotations

import atexit
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from ..config import Config
from . import ticker
from .exceptions import from_signal_handler
from .retention import Retention
from .rotation import LogFile
from .stack import is_running
from .staging import FOLDER, Staging, recover

FLUSH_SECONDS: Final = 0.15
SYNC_SECONDS: Final = 1.0
RECOVER_SECONDS: Final = 2.0
BLOCK_SECONDS: Final = 2.0
RETRY_SECONDS: Final = 1.0


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
        self._folder = path.parent / FOLDER
        self._log = LogFile(
            path,
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
        self._dirty = False
        self._retry_at, self._renew_at, self._failure = 0.0, 0.0, "sink_stalled"
        self._unreported: Counter[str] = Counter()
        self._drained_lines = self._drained_bytes = 0
        self._write_through = self._config.durability == "full"
        self._past_area = _PastArea()
        self._area: Staging | None = None
        self._store: Callable[[bytes], object] = _no_room

    @property
    def stored_bytes(self) -> int:
        """How many bytes this process has put into the file, or staged for it."""
        return self._drained_bytes + self._past_area.bytes + (self._area.waiting_bytes if self._area else 0)

    @property
    def written(self) -> int:
        """How many events this process has put into the file; what is staged is written first."""
        self.flush()
        return self._drained_lines + self._past_area.lines

    def write(self, line: bytes, urgent: bool = False) -> None:
        """Take one line with its newline; *urgent* ones are in the file when this returns."""
        if urgent and self._write_at_once(line):
            return
        try:
            self._store(line)
        except ValueError as error:
            if from_signal_handler(error):
                raise
            self._place(line)
        if urgent or self._write_through:
            self._flush_now()

    def _write_at_once(self, line: bytes) -> bool:
        """Write an urgent line past the area, where nothing waits in it; return whether that was done."""
        area, lock = self._area, self._drain_lock
        if area is None or not area.is_drained or time.monotonic() < self._retry_at:
            return False
        if lock._is_owned() or not lock.acquire(blocking=False):  # type: ignore[attr-defined]
            return False
        try:
            self._log.append_line(line, self._past_area)
        except OSError as error:
            if from_signal_handler(error):
                raise
            return False
        finally:
            # A handler that logged meanwhile may have given it back.
            if lock._is_owned():  # type: ignore[attr-defined]
                lock.release()
        if self._write_through or not area.is_drained:
            # What a signal handler logged meanwhile was left to us.
            self._flush_now()
        return True

    def _is_writing(self) -> bool:
        """Whether this is asked by a signal handler or a `__del__` that struck while this very thread writes."""
        writers = FileSink._drain.__code__, FileSink._write_at_once.__code__
        return is_running(self._drain_lock, *writers, above=2)

    def _place(self, line: bytes) -> None:
        """Find room for a line that the area did not take."""
        self._pending.append(line)
        # A signal handler or `__del__` that logs while this very thread is writing leaves its line to that.
        if not self._is_writing():
            self._place_pending()

    def _place_pending(self) -> None:
        if is_running(self._lock, FileSink._place_pending.__code__):
            return
        with self._lock:
            while self._pending:
                self._place_one(self._pending.popleft())

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
            return self._failure
        area.seal()
        failure = self._drain(BLOCK_SECONDS)
        if failure is None and area.waiting_bytes == 0:
            area.rewind()
            return None
        return self._failed(failure or "sink_stalled")

    def _failed(self, failure: str) -> str:
        self._failure, self._retry_at = failure, time.monotonic() + RETRY_SECONDS
        return failure

    def _store_or_write(self, area: Staging, line: bytes) -> str | None:
        if len(line) > area.capacity:
            return self._write_past_area(line)
        return _attempt(lambda: self._store(line))

    def _write_past_area(self, line: bytes) -> str | None:
        return _attempt(lambda: self._log.append(line, self._past_area))

    def _open_area(self) -> Staging:
        self._area = area = self._new_area()
        self._store = area.store
        self._tasks.append(ticker.every(FLUSH_SECONDS, self._tick))
        self._tasks.append(ticker.every(RECOVER_SECONDS, self._keep_house))
        if self._config.durability in {"group", "full"}:
            self._tasks.append(ticker.every(SYNC_SECONDS, self._sync))
        at_exit(self.close)
        return area

    def _new_area(self) -> Staging:
        if self._config.durability != "buffered":
            try:
                return Staging.create(self._folder, dir_mode=self._config.dir_mode)
            except (OSError, AttributeError, ValueError):
                # No room, no right or no such call here: then each event is written before its log call returns.
                self._write_through = True
        return Staging.in_memory()

    def _drain(self, timeout: float) -> str | None:
        """Write what is staged; return the cause when that failed."""
        if self._is_writing():
            # A signal handler logs while this very thread drains: what it stored is drained by that, or the next time.
            return None
        try:
            if not self._drain_lock.acquire(timeout=timeout):
                return "sink_stalled"
            area = self._area
            return None if area is None else _attempt(lambda: self._drain_area(area))
        finally:
            # Also what an earlier call was kept from releasing by a handler's exception.
            while self._drain_lock._is_owned():  # type: ignore[attr-defined]
                self._drain_lock.release()

    def _drain_area(self, area: Staging) -> None:
        lines, size = area.drained_lines, area.drained_bytes
        try:
            area.drain(self._log)
        finally:
            self._drained_lines += area.drained_lines - lines
            self._drained_bytes += area.drained_bytes - size
            self._dirty = True

    def flush(self) -> None:
        """Put all that is staged into the file; called by age and at the end."""
        area = self._area
        if area is None or self._is_writing():
            return
        if area.waiting_bytes or self._unreported:
            failure = self._drain(BLOCK_SECONDS)
            if failure:
                self._failed(failure)
            else:
                self._retry_at = 0.0
                self._open_again(area)
                self._say_what_was_dropped()
        if self._pending:
            self._place_pending()

    def _open_again(self, area: Staging) -> None:
        """Use an area again that was full while nothing could be written."""
        if area.is_sealed:
            with self._lock:
                if (
                    area is self._area
                    and area.is_sealed
                    and not area.waiting_bytes
                    and not is_running(self._lock, FileSink._place_pending.__code__)
                ):
                    area.rewind()

    def _tick(self) -> None:
        self.flush()
        if self._config.durability != "buffered":
            self._renew_area()

    def _renew_area(self) -> None:
        """Replace an area that a kill would lose: in plain memory, or with a file that was deleted with its folder."""
        area = self._area
        if area is None or area.survives_kill or time.monotonic() < self._renew_at:
            return
        self._renew_at = time.monotonic() + RECOVER_SECONDS
        with self._lock:
            if is_running(self._lock, FileSink._place_pending.__code__) or area is not self._area:
                return
            area.seal()
            if self._drain(BLOCK_SECONDS) is not None or area.waiting_bytes:
                return
            try:
                new = Staging.create(self._folder, dir_mode=self._config.dir_mode)
            except (OSError, AttributeError, ValueError):
                area.rewind()
                return
            self._area, self._store = new, new.store
            self._write_through = self._config.durability == "full"
            area.retire()

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
        if time.monotonic() < self._retry_at:
            # Writing failed a moment ago, and may have taken seconds to: the line is staged, and waits for the tick.
            return
        self.flush()
        if self._config.durability == "full":
            self._sync()

    def _sync(self) -> None:
        if self._dirty or self._past_area.dirty:
            self._dirty = self._past_area.dirty = False
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
            if self._pending:
                self._place_pending()
            area, self._area, self._store = self._area, None, _no_room
            if area is not None:
                area.seal()
                _attempt(lambda: self._drain_area(area))
                # With lines that could not be written it stays on disk, and the next process puts them into the log.
                _attempt(area.discard if area.waiting_bytes else area.remove)

    def continue_from(self, other: FileSink) -> None:
        """Count on from a sink that this one takes the place of."""
        self._drained_lines += other._drained_lines + other._past_area.lines
        self._drained_bytes += other._drained_bytes + other._past_area.bytes
        self.dropped.update(other.dropped)
        self._unreported.update(other._unreported)

    def refusal(self) -> str | None:
        """Return why the log file can't be written at the moment, in one word; None when it can."""
        return _attempt(self._log.touch)

    def after_fork(self) -> None:
        """In a forked child: let go of the parent's area and descriptors without touching what is in them."""
        area = self._area
        self._tasks = []
        self.dropped = Counter()
        self._begin()
        if area is not None:
            _attempt(area.discard)
        self._log.after_fork()


class _PastArea:
    """Counts the lines that were written without being staged: each is written by one call, if at all."""

    def __init__(self) -> None:
        self.lines = self.bytes = 0
        self.dirty = False

    def placed(self, inode: int, offset: int, length: int) -> None:
        """No finder has to know where."""

    def written(self, length: int) -> None:
        """The line is in the file."""
        self.lines += 1
        self.bytes += length
        self.dirty = True


def _no_room(line: bytes) -> object:
    raise ValueError(line)


def at_exit(call: Callable[[], None]) -> None:
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
    except Exception as error:
        if from_signal_handler(error):
            raise
        return _CAUSES.get(getattr(error, "errno", None) or 0, "write_error")
    return None


_CAUSES: Final = {
    28: "disk_full",
    122: "disk_full",
    27: "disk_full",
    30: "read_only",
    13: "no_permission",
    2: "no_folder",
    20: "no_folder",
    21: "is_a_folder",
    40: "symbolic_link",
    11: "sink_stalled",
}
