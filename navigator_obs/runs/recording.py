"""The recording side of an open run in the process that opened it: what it hears, and what its workers hear, goes into
one fold.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock
from ..encoding import from_json, to_json
from ..events import scope
from ..operations import oom
from . import calling, clockwatch, evidence, folder, seal
from .allowance import Allowance
from .behind import Behind
from .files import JOURNAL_NAME, SEAL_NAME
from .listening import TICK_SECONDS, Listener, now
from .records import Record, Shares
from .stalls import StallWatch
from .summary import Fold

if TYPE_CHECKING:
    from ..config import Config
    from ..redaction import Redactor

# A summary may take these shares of the time at most, as CPU time and in all: where it is large, or the disk slow, it
# is written less often. On a busy machine most of what passes meanwhile is the time of others. Whoever wants to know
# more than it says reads the journal, as all of ours do.
_SUMMARY_SHARE: Final = 0.0003
_SUMMARY_WALL_SHARE: Final = 0.1
# On a computer that is slow all the same so often: what stops the run is foretold with it.
_SUMMARY_SECONDS: Final = 30.0
_MOST_WAITING: Final = 20
# What only a program that goes on records.
_NEWS: Final = frozenset({"issue", "check", "artifact", "checkpoint", "tags", "fail"})


class Recording(Listener):
    """The journal, the fold and the figures of one open run in the process that opened it. Its methods never raise."""

    _leads = True

    def __init__(self, directory: Path, tag: scope.RunTag, config: Config, redactor: Redactor) -> None:
        super().__init__(directory, tag, config, redactor)
        self._clocks = clockwatch.ClockWatch()
        self._queue: deque[bytes] = deque()
        self._folding = False
        self._summary_due = 0.0
        self._shares = Shares(directory)
        self._behind: Behind | None = None
        self.fold = Fold()
        self._folded = self.fold.summary()
        self._claim = _held_lock(directory, config.file_mode)
        self._open_journal(directory / JOURNAL_NAME)
        self._kills = oom.Kills(None)
        self._faults: evidence.FaultLog | None = None
        self._signals: evidence.SignalLog | None = None
        self._moves = 0
        self.stall_watch = StallWatch(directory, config.file_mode, self.add)
        self.at_stall: Callable[[str, dict[str, Any]], None] = _nothing_of
        self.at_forecast: Callable[[str, dict[str, Any]], None] = _nothing_of
        # By kind: the year that was foretold, and how many of the planned ones were to come before it.
        self._foretold: dict[str, tuple[int, int]] = {}
        self.allowance = Allowance(lambda: self.seconds)
        """For the digests of artifacts."""

    def open(self, start: Record) -> None:
        """Begin: the start record, the first summary, and from then on a tick each second."""
        folder.lay_reserve(self.directory, self.config.file_mode)
        self.add("start", key_id=seal.key_id(self._key), **start, evidence=self._lay_evidence())
        # The last one is written when it has been told what recording took.
        with self.meter.repeated():
            self.write_summary(self._summary())
        self._listen()
        clean, mode = self.redactor.text, self.config.file_mode
        self._behind = Behind(start["environment"], self.directory, self.add, clean, mode)

    def leave_behind(self) -> None:
        """Record what git says, if it comes within a moment, and what the program has imported."""
        if self._behind is not None:
            self._behind.close()

    def _lay_evidence(self) -> dict[str, Any]:
        if not self.directory.is_dir():
            return {}
        self._faults = evidence.FaultLog(self.directory, self.config.file_mode)
        self._signals = evidence.SignalLog(self.directory, self.config.file_mode)
        told = evidence.at_start(self.directory, self.config.log_path)
        fault_log = None if evidence.FaultLog.current is None else os.fspath(evidence.FaultLog.current)
        held = self._claim is not None and self._claim.held
        self._kills = oom.Kills(told["oom_file"])
        return {**told, "lock_held": held, "fault_log": fault_log}

    def _standing(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        free = fields["resources"].get("limits", {}).get("disk_free_mb")
        told: dict[str, Any] = {"evidence": {"disk_free_mb": free, "oom_kills": self._kills.lately()}}
        moved, opened = _has_gained(fields), fields["open_operations"]
        return told | self.stall_watch.at_tick(self._mark(), moved=moved, open_operations=opened)

    def _mark(self) -> Hashable:
        """Another one after each thing that the program has done."""
        opened = frozenset((id(node), getattr(node, "rows", None)) for node in tuple(self.figures.open))
        return self._moves, self._logged, self.tag.written, opened

    def add(self, kind: str, **fields: Any) -> None:
        """Write a record."""
        if kind in _NEWS:
            self._moves += 1
            if self.at_news is not None:
                self.at_news()
        super().add(kind, **fields)

    def _written(self, line: bytes) -> None:
        """Keep it for the fold: several ticks at once cost it much less than one by one, between other work."""
        self._queue.append(line)
        if len(self._queue) >= _MOST_WAITING:
            self._feed()

    def _feed(self) -> None:
        """Have the fold take what was written."""
        # A signal handler may record in the middle of this: what it adds waits for the one that is under way.
        if self._folding:
            return
        self._folding = True
        try:
            while self._queue:
                self.fold.add(from_json(self._queue.popleft()))
        finally:
            self._folding = False

    def _gather(self, *, last: bool = False) -> None:
        """Have the fold take what workers have written since it last did."""
        with self._lock:
            if self._folding or self._closed:
                return
            self._feed()
            self._folding = True
            try:
                for record in self._shares.read(last=last):
                    self.fold.add(record)
                    self._moves += record["kind"] != "tick" or _has_gained(record) or bool(record["issues"])
            except OSError:
                # A folder that can't be read now is read again at the next tick.
                pass
            finally:
                self._folding = False

    def call_in_workers(self) -> None:
        """Ask the workers that live to end their shares, wait a moment for that, and take all shares."""
        calling.call_in(self.directory, self.config.file_mode)
        self._gather(last=True)

    def _on_tick(self) -> None:
        if self._behind is not None:
            self._behind.hear()
        if self._signals is not None:
            self._signals.trim()
        super()._on_tick()
        self.stall_watch.after_tick(self.at_stall, self._mark)
        if self.seconds >= self._summary_due:
            self.meter.timed(self._write_running_summary)
        self._watch_clocks()

    def _watch_clocks(self) -> None:
        for what, seconds in self._clocks.look():
            self.add("clock", what=what, seconds=round(seconds, 3))
            self.warn(clockwatch.in_words(what, seconds), {"seconds": round(seconds, 3)})

    def stop_listening(self) -> None:
        """Hear no more; from here on all is the end's."""
        self.meter.begin()
        # What happened since the last tick, or was found in it a moment ago, is a warning of the run as well.
        self.stall_watch.after_tick(self.at_stall, self._mark)
        self._watch_clocks()
        super().stop_listening()

    def _write_running_summary(self) -> None:
        began, cpu_began = self.seconds, clock.thread_cpu_ns()
        with self._lock:
            if self._closed:
                return
            self._gather()
            summary = self._summary()
            self.stall_watch.promise.learn(len(summary["execution_summary"]["years_completed"]))
            self.write_summary(summary)
        self._foretell(summary["forecast"] or {})
        took, worked = self.seconds - began, (clock.thread_cpu_ns() - cpu_began) / 1e9
        rest = min(worked / _SUMMARY_SHARE, _SUMMARY_SECONDS)
        self._summary_due = began + max(TICK_SECONDS * 0.99, rest, took / _SUMMARY_WALL_SHARE)

    def _foretell(self, forecast: Mapping[str, Any]) -> None:
        """Hand on what will stop the run, each kind of it once; anew where it turns out to come much earlier."""
        for warning in forecast.get("warnings", ()):
            kind, ahead = warning["kind"], warning["years_before"]
            year = forecast["years_done"] + ahead
            told, then = self._foretold.get(kind, (None, 0))
            if told is None or (4 * (told - year) >= then and 2 * ahead <= then):
                self._foretold[kind] = year, ahead
                self.at_forecast(warning["message"], dict(forecast))

    def current_summary(self) -> dict[str, Any]:
        """Return the summary as of this moment, with what workers have written by now."""
        with self._lock:
            self.tick()
            self._gather()
            return self._summary()

    def execution(self) -> dict[str, Any]:
        """Return the `execution_summary` as of the last tick."""
        with self._lock:
            self._feed()
            return self.fold.execution()

    def _summary(self) -> dict[str, Any]:
        """What the fold says; the last that it could say, where a figure that came since is none."""
        self._feed()
        try:
            self._folded = self.fold.summary()
        except (TypeError, ValueError, ArithmeticError, KeyError, AttributeError):
            metadata = self.fold.life.metadata()
            self._folded = {**self._folded, "run_metadata": metadata}
        return self._folded

    def close(self, **end: Any) -> dict[str, Any]:
        """Write the end record and the final summary; return it.

        On a full disk both go into the space that was set aside; what else is owed has what they leave.
        """
        self.meter.end()
        with self._lock:
            told = {"seconds": self.seconds, "events": self._event_counts(), "cost": self._cost(), **end}
            line = to_json({"kind": "end", "time": now(), **told})
            folder.release_reserve(self.directory)
            self.journal.append_first(line)
            self._written(line)
            self._closed = True
            self._take_evidence_away()
            summary = self._summary()
            is_written = self.write_summary(summary) or self.write_summary(summary, compact=True)
            self.journal.pay()
            self.journal.close()
            # Whoever finds room for the summary, which the journal tells in full, seals it.
            if is_written:
                self._seal()
        return summary

    def _seal(self) -> None:
        mode, sync = self.config.file_mode, self._must_sync
        seal.write(self.directory, "run", key=self._key, file_mode=mode, sync=sync, seconds=lambda: self.seconds)

    def seal_what_came(self) -> None:
        """Have the seal, if there is one, cover what observers have left in the folder."""
        if (self.directory / SEAL_NAME).exists():
            seal.extend(self.directory, key=self._key, file_mode=self.config.file_mode)

    @property
    def _must_sync(self) -> bool:
        return self.config.durability in {"group", "full"}

    def write_summary(self, summary: dict[str, Any], *, compact: bool = False) -> bool:
        """Replace `summary.json`, and return whether that was done; where it fails the one that stands there stays."""
        mode, sync = self.config.file_mode, self._must_sync
        try:
            folder.write_summary(self.directory, summary, file_mode=mode, sync=sync, compact=compact)
        except OSError:
            return False
        return True

    def _take_evidence_away(self) -> None:
        """The run has said itself how it ended."""
        self.stall_watch.close()
        for laid in (self._faults, self._signals):
            if laid is not None:
                laid.close()

    def release(self) -> None:
        """Let go of the run's lock: whoever asks now finds the final summary."""
        if self._claim is not None:
            self._claim.close()

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, and record nothing."""
        super().abandon()
        if self._behind is not None:
            self._behind.forget()
        for laid in (self._faults, self._signals, self.stall_watch):
            if laid is not None:
                laid.abandon()
        self.release()


def _held_lock(directory: Path, file_mode: int) -> folder.Lock | None:
    try:
        return folder.Lock(directory, file_mode)
    except OSError:
        return None


def _nothing_of(changed: str, told: dict[str, Any]) -> None:
    """Nobody wants to hear of stalls."""


def _has_gained(tick: Mapping[str, Any]) -> bool:
    """Whether a tick tells of work that was done since the one before."""
    gained = any(tick["metrics"].get(kind) for kind in ("operations", "counters", "gauges", "distributions"))
    return bool(gained or tick["checks"])
