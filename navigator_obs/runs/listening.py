"""What a process hears of a run and writes into a journal: operations, warnings, errors, checks, a tick each second.

The process that opened the run listens with a `Recording`, each worker process with a `Share`. Locks, always taken in
this order: the listener's own; the accumulator's, under which operations end and a tick takes their figures; the
journal's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock, format_timestamp
from ..encoding import simplify, to_json
from ..events import scope, setup, sinks, ticker
from ..events.emitting import emit
from ..events.line import EventLine
from ..operations import metrics, sampler
from ..operations.record import SUCCESS
from ..settings import WARNING
from . import breadcrumbs, catalogue, checkbook, links, live_level
from .first_figure import Figures
from .journal import Journal
from .metering import Budget, Meter, degrade, in_words, restore
from .records import Record

if TYPE_CHECKING:
    from ..config import Config
    from ..redaction import Redactor

TICK_SECONDS: Final = 1.0
_LOGGER: Final = "navigator_obs.run"
_OVERFLOWED: Final = (
    "there are more operation paths or metric series than are kept, of one name or in all: the rest share one, "
    "`…overflow`"
)
# Fields that were cleaned where they were described: digests of secrets stand under their names, and some packages have
# names that speak of tokens.
_CLEAN: Final[Mapping[str, tuple[str, ...]]] = {
    "start": ("configuration", "environment"),
    "environment": ("imported",),
    # As they stand in the log.
    "issue": ("event", "context", "breadcrumbs"),
}
# Beyond each so many bytes of journal, ticks come a second further apart.
_TICK_BYTES: Final = 32_000_000


class Listener:
    """Hears what happens within one run in this process, and journals it. Its methods never raise."""

    _leads = False
    """Whether it is the process that opened the run."""
    at_news: Callable[[], None] | None = None
    """Called when something is recorded that only a program that goes on does."""

    def __init__(
        self,
        directory: Path,
        tag: scope.RunTag,
        config: Config,
        redactor: Redactor,
        figures: Figures | None = None,
    ) -> None:
        self.directory = directory
        self.tag = tag
        self.config = config
        self.redactor = redactor
        self._key = links.key_or_none(config.seal_key_file)
        # Absolute from now on: the program may change its working directory.
        self._log_path = config.log_path.absolute()
        self.journal = Journal(None)
        self.figures = figures or Figures(
            config.max_series, config.breakdown, log_limit=config.operation_log_limit, redactor=redactor
        )
        self.figures.on_logged = self._on_logged
        self.meter = Meter(self.figures, tag)
        self.budget = Budget(config.overhead_budget_percent)
        self._stamp: Record = {}
        # What the records of operations have between their time and their number.
        self._stamped = b""
        self._lock = threading.RLock()
        self._closed = False
        self._overflowed = False
        self._logged = 0
        self._issues = catalogue.Gate()
        self._checks = checkbook.Gate()
        self._started_ns = clock.monotonic_ns()
        self._cpu_before_ns = clock.cpu_ns()
        self._counts_before = sinks.so_far()
        self._handles: list[ticker.Handle] = []
        self._level: live_level.Watch | None = None
        self._watch: sampler.Watch | None = None

    @property
    def seconds(self) -> float:
        """Time since it began to listen: for a run's own process, since the run started."""
        return (clock.monotonic_ns() - self._started_ns) / 1e9

    def _open_journal(self, path: Path) -> None:
        config = self.config
        sync, staged = config.durability in {"group", "full"}, config.durability != "full"
        self.journal = Journal(path, file_mode=config.file_mode, sync=sync, staged=staged, key=self._key)
        self._stamped = to_json(self._stamp)[1:-1] + b"," if self._stamp else b""

    def add(self, kind: str, **fields: Any) -> None:
        """Write a record."""
        # The parts of a tick were cleaned where they were taken; it is the one record that comes often.
        told = fields if kind == "tick" else self._cleaned(kind, fields)
        line = to_json({"kind": kind, "time": now(), **self._stamp, **told})
        with self._lock:
            if not self._closed:
                self.journal.append_line(line)
                self._written(line)

    def _cleaned(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Without secrets, whatever they came in: plain first, for an object hides what its text will show."""
        clean = {name: fields[name] for name in _CLEAN.get(kind, ()) if name in fields}
        return {**self.redactor.clean_mapping(simplify({**fields, **dict.fromkeys(clean)})), **clean}

    def _written(self, line: bytes) -> None:
        """A record stands in the journal."""

    def _on_logged(
        self,
        told: bytes,
        status: str,
        end_time: bytes,
        breakdown: Mapping[str, Any],
        peak_mb: float | None,
    ) -> None:
        """Journal an operation whose end was logged; called within the accumulator's lock.

        The live fold does without it: the next tick's figures include it.
        """
        if self._closed:
            return
        if self.at_news is not None and status == SUCCESS:
            self.at_news()
        if breakdown and peak_mb is not None and self._watch is not None:
            self._watch.ended.append((breakdown, peak_mb))
        self._logged = logged = self._logged + 1
        parts = (end_time, self._stamped, logged, told)
        self.journal.stage(b'{"kind":"operation","time":"%b",%b"logged":%d,"record":%b}\n' % parts)

    def warn(self, message: str, fields: dict[str, Any]) -> None:
        """Log a warning about the recording itself, as one of the run's."""
        token = scope.enter(run=self.tag)
        try:
            emit(_LOGGER, WARNING, message, fields)
        finally:
            scope.leave(token)
        if self.on_event not in sinks.outlet.taps:
            # At the run's end, when it hears of no event any more.
            told = {"level": "WARNING", "message": message, "run_id": self.tag.run_id, "logger": _LOGGER, **fields}
            self.note_issue(told, {})

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Take a warning or an error that was logged in this process, if it is the run's."""
        if isinstance(event, EventLine):
            if event.run_id == self.tag.run_id and not event.retold and not self._counts(event):
                self.note_issue(event.event, catalogue.own_context(event.event, scope.current().context), event.group)
        elif event.get("run_id") == self.tag.run_id and not catalogue.is_retold(event):
            self.note_issue(event, catalogue.own_context(event, scope.current().context))

    def _counts(self, line: EventLine) -> bool:
        """Count one of which enough are told in full already; return whether it is one."""
        with self._lock:
            return self._issues.count(line)

    def note_issue(self, event: Mapping[str, Any], context: Mapping[str, Any], group: Hashable = None) -> None:
        """Take a warning or an error into the catalogue; *group* is that of its line, if it has one."""
        issue = {"time": event.get("timestamp") or now(), "event": dict(event), **catalogue.identify(event)}
        with self._lock:
            if self._issues.admit(issue, group):
                self.add("issue", context=context, **issue, **self._breadcrumbs(issue))

    def _breadcrumbs(self, issue: Mapping[str, Any]) -> dict[str, Any]:
        """What led to an error, for each that is told in full; a warning does without."""
        if issue["severity"] != "errors":
            return {}
        sinks.flush()
        found: list[dict[str, Any]] = sinks.ask_log(lambda: breadcrumbs.before(issue["event"], self._log_path), [])
        return {"breadcrumbs": found} if found else {}

    def note_check(self, check: dict[str, Any]) -> None:
        """Take the outcome of a data-quality check."""
        with self._lock:
            if self._checks.admit(check):
                self.add("check", **check)

    def note_plan(self, years: Sequence[int]) -> None:
        """Take the years that a loop will go through, by which a run that was started without any foretells its end."""
        self.add("plan", years=list(years))

    def _listen(self) -> None:
        """Hear operations and events from now on, and tick."""
        metrics.install(self.tag, self.figures)
        self._watch = sampler.watch(self.figures, self.directory, self._started_ns, self.config.sample_seconds)
        if self.on_event not in sinks.outlet.taps:
            sinks.add_tap(self.on_event)
        self._level = live_level.Watch(self.directory, setup.change_levels)
        self._handles.append(ticker.every(TICK_SECONDS, self._on_tick))

    def stop_listening(self) -> None:
        """Hear no more of events and operations."""
        restore(self.figures)
        sinks.remove_tap(self.on_event)
        metrics.remove(self.tag)
        if self._watch is not None:
            sampler.unwatch(self._watch)
        for handle in self._handles:
            handle.cancel()
        if self._level is not None:
            self._level.end(remove=self._leads)

    def _on_tick(self) -> None:
        sinks.outlet.tell_late()
        if self._level is not None:
            self._level.look()
        self.tick()
        self._handles[0].seconds = max(TICK_SECONDS, self.journal.bytes // _TICK_BYTES)
        self._keep_to_budget()

    def _keep_to_budget(self) -> None:
        """Leave something out where recording costs this process more than it may, and say so."""
        due = None if self._closed else self.budget.due(self.seconds, self.meter.seconds(), self._worked_seconds())
        if due is None:
            return
        step, percent = due
        degrade(step, self.figures)
        self.add("degraded", step=step, percent=percent)
        self.warn(*in_words(step, percent, self.config.overhead_budget_percent))

    def tick(self, *, last: bool = False) -> None:
        """Write what the figures have gained since the last tick."""
        self.meter.timed(lambda: self._tick(last))

    def _tick(self, last: bool) -> None:
        with self._lock:
            if self._closed:
                return
            gained, logged = self._take()
            self.meter.count(gained)
            if gained.overflow and not self._overflowed:
                self._overflowed = True
                most = self.figures.crowded_by()
                self.warn(_OVERFLOWED, {"max_series": self.config.max_series, **({"most_of": most} if most else {})})
            fields = {
                "seconds": self.seconds,
                "covered_seconds": self.figures.covered_seconds,
                "logged": logged,
                "metrics": gained.to_dict(),
                "open_operations": self.figures.open_operations(),
                "resources": self._resources(),
                "issues": self._issues.take(whole=last),
                "checks": self._checks.take(),
                "events": self._event_counts(),
                "cost": self._cost(),
                "dropped": dict(self.journal.dropped),
            }
            fields |= self._standing(fields)
            if last or self._is_news(fields):
                self.add("tick", **fields)

    def _standing(self, fields: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        """What more a tick tells of how things stand."""
        return {}

    def _is_news(self, fields: Mapping[str, Any]) -> bool:  # noqa: ARG002
        """Whether a tick is worth its record: a run's own always is, for it says that the run goes on."""
        return True

    def _take(self) -> tuple[metrics.Metrics, int]:
        """One moment for both: the figures hold just those logged operations that are counted here."""
        with self.figures.lock:
            return self.figures.take(), self._logged

    def _resources(self) -> dict[str, Any]:
        if self._watch is None:
            return {}
        used = self._watch.take()
        return {**used, "cpu_seconds": round(max(used["cpu_seconds"] - self._cpu_before_ns / 1e9, 0.0), 6)}

    def _worked_seconds(self) -> float:
        """CPU time of this process since it began to listen, and what the calling thread had worked for it before."""
        return (clock.cpu_ns() - self._cpu_before_ns + self.meter.before_ns) / 1e9

    def _cost(self) -> dict[str, Any]:
        # Part of it is looked up on the wall clock, also by threads that wait for each other.
        taken = min(self.meter.seconds(), self._worked_seconds())
        return {"seconds": round(taken, 6), "journal_bytes": self.journal.bytes, "memory_bytes": self._memory_bytes()}

    def _memory_bytes(self) -> int:
        """What the figures and the mapped areas hold, about."""
        area = sinks.outlet.file.staged_capacity if sinks.outlet.file else 0
        return area + self.journal.staged_capacity + self.figures.memory_bytes()

    def _event_counts(self) -> dict[str, Any]:
        counts, before = sinks.so_far(), self._counts_before
        dropped = {
            cause: number - before["dropped"].get(cause, 0)
            for cause, number in counts["dropped"].items()
            if number > before["dropped"].get(cause, 0)
        }
        return {
            "written": self.tag.written,
            "bytes": max(0, counts["bytes"] - before["bytes"]),
            "dropped": dropped,
            **{what: max(0, counts[what] - before[what]) for what in ("sampled_out", "held_back")},
        }

    def abandon(self) -> None:
        """In a forked child: let go of the parent's files, and record nothing."""
        self._lock = threading.RLock()
        self._closed = True
        self.journal.abandon()


def now() -> str:
    """Return the present time as records hold it."""
    return format_timestamp(clock.time_ns())
