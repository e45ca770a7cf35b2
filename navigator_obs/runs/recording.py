"""The recording side of an open run: what it hears goes into the journal, and the same records into its fold.

Locks, always taken in this order: the recording's own, under which the fold is fed; the accumulator's, under which
operations end and a tick takes their figures; the journal's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .. import clock
from ..encoding import from_json, to_json
from ..events import scope, sinks, ticker
from ..operations import metrics, resources
from . import catalogue, checkbook, folder
from .journal import JOURNAL_NAME, Journal, Record
from .summary import Fold

if TYPE_CHECKING:
    from ..config import Config
    from ..operations.record import OperationRecord
    from ..redaction import Redactor

TICK_SECONDS: Final = 1.0
# A summary may take this share of the time at most: where writing it is slow, it is written less often.
_SUMMARY_SHARE: Final = 0.005
# Beyond each so many bytes of journal, ticks come a second further apart.
_TICK_BYTES: Final = 32_000_000


class Recording:
    """The journal, the fold and the figures of one open run in the process that opened it. Its methods never raise."""

    def __init__(self, directory: Path, tag: scope.RunTag, config: Config, redactor: Redactor) -> None:
        self.directory = directory
        self.tag = tag
        self.redactor = redactor
        self.seconds_spent = 0.0
        self._config = config
        self._lock = threading.RLock()
        self._queue: deque[bytes] = deque()
        self._folding = False
        self._closed = False
        self._logged = 0
        self._issues = catalogue.Gate()
        self._checks = checkbook.Gate()
        self._started_ns = clock.current.monotonic_ns()
        self._summary_due = 0.0
        self._summary_failures = 0
        self._counts_before = sinks.counts()
        self._handle: ticker.Handle | None = None
        self.at_tick: Callable[[], None] = _nothing
        self.fold = Fold()
        self._claim = _held_lock(directory, config.file_mode)
        self.journal = Journal(
            directory / JOURNAL_NAME, file_mode=config.file_mode, sync=config.durability in {"group", "full"}
        )
        self.accumulator = metrics.Accumulator(
            config.max_series, config.breakdown, self._on_logged, log_limit=config.operation_log_limit
        )

    @property
    def seconds(self) -> float:
        """Time since the run started."""
        return (clock.current.monotonic_ns() - self._started_ns) / 1e9

    def open(self, start: Record) -> None:
        """Begin: the start record, the first summary, and from then on a tick each second."""
        self.add("start", **start)
        self.write_summary(self.fold.summary())
        metrics.install(self.tag, self.accumulator)
        sinks.add_tap(self._on_event)
        self._handle = ticker.every(TICK_SECONDS, self._on_tick)
        # All since the recording was made went into the start: the environment, the folder, the first summary.
        self.seconds_spent += self.seconds

    def add(self, kind: str, **fields: Any) -> None:
        """Write a record, and have the fold take what was written."""
        line = to_json({"kind": kind, "time": now(), **fields})
        with self._lock:
            if self._closed:
                return
            self.journal.append_line(line)
            self._queue.append(line)
            # A signal handler may record in the middle of this: what it adds waits for the one that is under way.
            if not self._folding:
                self._feed()

    def _feed(self) -> None:
        self._folding = True
        try:
            while self._queue:
                self.fold.add(from_json(self._queue.popleft()))
        finally:
            self._folding = False

    def _on_logged(self, record: OperationRecord) -> None:
        """Journal an operation whose end was logged; called within the accumulator's lock.

        The fold does without it: the next tick's figures include it.
        """
        self._logged += 1
        self.journal.append(
            {"kind": "operation", "time": record.end_time, "logged": self._logged, "record": record.to_dict()}
        )

    def _on_event(self, event: Mapping[str, Any]) -> None:
        if event.get("run_id") == self.tag.run_id:
            self.note_issue(event, catalogue.own_context(event, scope.current().context))

    def note_issue(self, event: Mapping[str, Any], context: Mapping[str, Any]) -> None:
        """Take a warning or an error into the catalogue."""
        issue = {"time": event.get("timestamp") or now(), "event": dict(event), **catalogue.identify(event)}
        with self._lock:
            if self._issues.admit(issue):
                self.add("issue", context=context, **issue)

    def note_check(self, check: dict[str, Any]) -> None:
        """Take the outcome of a data-quality check."""
        with self._lock:
            if self._checks.admit(check):
                self.add("check", **check)

    def _on_tick(self) -> None:
        self.at_tick()
        self.tick()
        if self._handle is not None:
            self._handle.seconds = max(TICK_SECONDS, self.journal.bytes // _TICK_BYTES)
        if self.seconds >= self._summary_due:
            self._timed(self._write_running_summary)

    def _write_running_summary(self) -> None:
        began = self.seconds
        with self._lock:
            if self._closed:
                return
            self.write_summary(self.fold.summary())
        took = self.seconds - began
        self._summary_due = began + max(TICK_SECONDS * 0.99, took / _SUMMARY_SHARE)

    def tick(self, *, last: bool = False) -> None:
        """Write what the figures have gained since the last tick."""
        self._timed(lambda: self._tick(last))

    def _tick(self, last: bool) -> None:
        with self._lock:
            if self._closed:
                return
            gained, logged = self._take()
            self.add(
                "tick",
                seconds=self.seconds,
                logged=logged,
                metrics=gained.to_dict(),
                open_operations=self.accumulator.open_operations(),
                resources=resources.snapshot(),
                issues=self._issues.take(whole=last),
                checks=self._checks.take(),
                events=self._event_counts(),
                cost=self._cost(),
                dropped=dict(self.journal.dropped),
            )

    def _take(self) -> tuple[metrics.Metrics, int]:
        """One moment for both: the figures hold just those logged operations that are counted here."""
        with self.accumulator.lock:
            return self.accumulator.take(), self._logged

    def _cost(self) -> dict[str, Any]:
        return {"seconds": round(self.seconds_spent, 6), "journal_bytes": self.journal.bytes}

    def _event_counts(self) -> dict[str, Any]:
        counts, before = sinks.counts(), self._counts_before
        dropped = {
            cause: number - before["dropped"].get(cause, 0)
            for cause, number in counts["dropped"].items()
            if number > before["dropped"].get(cause, 0)
        }
        return {
            "written": self.tag.written,
            "bytes": max(0, counts["bytes"] - before["bytes"]),
            "dropped": dropped,
        }

    def current_summary(self) -> dict[str, Any]:
        """Return the summary as of this moment."""
        with self._lock:
            self.tick()
            return self.fold.summary()

    def stop_listening(self) -> None:
        """Hear no more of events and operations."""
        sinks.remove_tap(self._on_event)
        metrics.remove(self.tag)
        if self._handle is not None:
            self._handle.cancel()

    def close(self, **end: Any) -> dict[str, Any]:
        """Write the end record and the final summary; return it."""
        with self._lock:
            if not self._closed:
                self.add("end", seconds=self.seconds, events=self._event_counts(), cost=self._cost(), **end)
                self._closed = True
                self.journal.close()
            summary = self.fold.summary()
        self.write_summary(summary)
        return summary

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Replace `summary.json`; where that fails the one that stands there stays."""
        sync = self._config.durability in {"group", "full"}
        try:
            folder.write_summary(self.directory, summary, file_mode=self._config.file_mode, sync=sync)
        except OSError:
            self._summary_failures += 1

    def _timed(self, work: Callable[[], None]) -> None:
        began = clock.current.monotonic_ns()
        try:
            work()
        finally:
            self.seconds_spent += (clock.current.monotonic_ns() - began) / 1e9

    def release(self) -> None:
        """Let go of the run's lock: whoever asks now finds the final summary."""
        if self._claim is not None:
            self._claim.close()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, and record nothing."""
        self._lock = threading.RLock()
        self._closed = True
        self.journal.close()
        self.release()
        metrics.remove(self.tag)


def _held_lock(directory: Path, file_mode: int) -> folder.Lock | None:
    try:
        return folder.Lock(directory, file_mode)
    except OSError:
        return None


def _nothing() -> None:
    """Nobody wants to be asked at each tick."""


def now() -> str:
    """Return the present time as records hold it."""
    return clock.timestamp(clock.current.time_ns())
