"""One fold makes the summary out of records: of the live run, of a reader, and of whoever recovers a dead run.

Ticks carry what the figures have gained since the tick before, including the operations whose end was logged meanwhile.
A logged operation therefore counts until the tick comes that says it is included, and the summary of a run that died
between two ticks holds its logged operations exactly and the rest as of the last tick.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..operations.parts import either
from ..operations.record import OperationRecord
from ..operations.stats import OperationStats
from ..operations.totals import Metrics
from . import bottlenecks, figures
from .catalogue import Catalogue, failure_issue
from .checkbook import CheckBook
from .consumption import Consumption
from .files import SCHEMA_VERSION
from .life import Life
from .outlook import Outlook, Years
from .products import Products
from .reading import number
from .records import Record
from .still_open import StillOpen


def fold(records: Iterable[Record]) -> dict[str, Any]:
    """Return the summary that *records* make, as `Fold` does.

    >>> fold([])["run_metadata"]["status"]
    'running'
    """
    folding = Fold()
    for record in records:
        folding.add(record)
    return folding.summary()


class Fold:
    """Takes records one by one; `summary` tells what they amount to so far. Memory is bounded, however many come."""

    def __init__(self) -> None:
        self.life = Life()
        self._git: dict[str, Any] = {}
        self._imported: dict[str, str] = {}
        self._unreadable = 0
        self._notes: dict[str, deque[dict[str, Any]]] = {}
        self.products = Products()
        self._catalogue = Catalogue()
        self._checks = CheckBook()
        self._metrics = Metrics()
        self._consumption = Consumption()
        self._outlook = Outlook()
        # By process: logged operations that no tick has included yet, the last tick, and the last word on its events.
        self._pending: dict[str, list[tuple[int, OperationRecord]]] = {}
        self._logged: dict[str, int] = {}
        self._ticks: dict[str, Record] = {}
        self._events: dict[str, dict[str, Any]] = {}
        self._open = StillOpen()
        self._left = 0

    def add(self, record: Record) -> None:
        """Take one record. One of an unknown kind is passed over, one that makes no sense is counted as unreadable."""
        take = _TAKERS.get(str(record.get("kind")))
        if take is None:
            return
        try:
            take(self, record)
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):
            self._unreadable += 1
        self.life.last_time = max(self.life.last_time, str(record.get("time") or ""))

    def _take_operation(self, record: Record) -> None:
        source, number = _source(record), int(record["logged"])
        if number <= self._logged.get(source, 0):
            # It stands there twice: a batch of them was written in part, on a full disk, and then again.
            return
        # A record that can't be added is found here, not when the summary is made.
        OperationStats().add(ended := OperationRecord.from_dict(record["record"], record["time"]))
        self._logged[source] = number
        self._pending.setdefault(source, []).append((number, ended))
        self._open.end(source, ended)
        self._consumption.take_operation(ended)

    def _take_tick(self, record: Record) -> None:
        source, logged, used = _source(record), int(record["logged"]), record["resources"].items()
        issues, checks, gained = record["issues"], record["checks"], figures.read(record["metrics"])
        self._events[source] = record["events"]
        if source:
            for stats in gained.operations.values():
                stats.by_worker()
        self._metrics.merge(gained)
        self._open.tick(source, record["time"], list(record["open_operations"]))
        # One may have ended between the figures and the list, or between the list and this record.
        for _, ended in self._pending.get(source, ()):
            self._open.end(source, ended)
        self._pending[source] = [waiting for waiting in self._pending.get(source, ()) if waiting[0] > logged]
        for counted in issues:
            self._catalogue.add_count(counted)
        for counted in checks:
            self._checks.add(counted)
        self._consumption.take(source, dict(used))
        self._ticks[source] = {key: record[key] for key in _KEPT_OF_TICK if key in record}
        if not source:
            self.life.tick = self._ticks[source]
            self._outlook.tick(record)

    def _take_leave(self, record: Record) -> None:  # noqa: ARG002
        self._left += 1

    def _take_environment(self, record: Record) -> None:
        self._git |= record.get("git") or {}
        self._imported = record.get("imported") or self._imported

    def _take_issue(self, record: Record) -> None:
        self._catalogue.add(record)

    def _take_check(self, record: Record) -> None:
        self._checks.add(record)

    def _take_end(self, record: Record) -> None:
        # Whoever recovers a dead run knows no more of its events than the last tick.
        self._events.setdefault(_source(record), _NO_EVENTS)
        if "events" in record:
            self._events[_source(record)] = record["events"]
        self.life.take_end(record)

    def _take_note(self, record: Record) -> None:
        told = {key: value for key, value in record.items() if key in _NOTED}
        self._notes.setdefault(str(record["kind"]), deque(maxlen=20)).append(told)

    def _take_torn(self, record: Record) -> None:  # noqa: ARG002
        self._unreadable += 1

    def summary(self) -> dict[str, Any]:
        """Return the summary as of the last record, with the keys of `summary.schema.json`."""
        totals, seconds = self._all_metrics(), self.life.seconds
        open_operations = self._open.listed()
        years = figures.years_completed(totals, self.products.years, open_operations)
        breakdown = self._breakdown(totals, seconds)
        unattributed = float(breakdown["unattributed_seconds"])
        resources = self._resources(open_operations)
        return {
            "schema_version": SCHEMA_VERSION,
            "run_metadata": self.life.metadata(),
            "configuration": self.life.start.get("configuration") or _NO_CONFIGURATION,
            "environment": self._environment(),
            "execution_summary": self._execution(totals, years),
            "performance_metrics": bottlenecks.performance(totals, unattributed),
            "breakdown": breakdown,
            "bottlenecks": bottlenecks.ranked(totals, unattributed, seconds),
            "hotspots": bottlenecks.hotspots(totals, seconds),
            "resources": resources,
            "forecast": self._forecast(years, breakdown, resources),
            "metrics": totals.summary(),
            "checks": self._checks.summary(),
            "issues": self._issues(),
            **self.products.summary(),
            "observability": self._observability(totals, seconds),
        }

    def execution(self) -> dict[str, Any]:
        """Return the `execution_summary` alone, as of the last record."""
        totals = self._all_metrics()
        return self._execution(totals, figures.years_completed(totals, self.products.years, self._open.listed()))

    def _all_metrics(self) -> Metrics:
        if not any(self._pending.values()):
            return self._metrics
        totals = Metrics()
        totals.merge(self._metrics)
        for source, pending in self._pending.items():
            for _, ended in pending:
                stats = OperationStats()
                stats.add(ended)
                totals.operations.setdefault(ended.path, OperationStats()).merge(stats.by_worker() if source else stats)
        return totals

    def _breakdown(self, totals: Metrics, seconds: float) -> dict[str, Any]:
        # Of a run that has not ended by itself it is known up to its last tick.
        is_known = self.life.end and "recovered_by" not in self.life.end
        known = seconds if is_known else float(self.life.tick.get("seconds", 0.0))
        breakdown = figures.breakdown(totals, float(self.life.tick.get("covered_seconds", 0.0)), known)
        self._consumption.add_peaks(breakdown)
        return breakdown

    def _forecast(
        self, completed: list[Any], breakdown: Mapping[str, Any], resources: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        if self.life.end:
            return None
        planned, done = self.life.years_ahead, set(completed)
        years = Years(
            [year for year in planned if year in done],
            [year for year in planned if year not in done],
            breakdown["by"].get("year", {}),
        )
        return self._outlook.summary(years, resources, self.life.start.get("deadline"))

    def _issues(self) -> dict[str, list[dict[str, Any]]]:
        issues = self._catalogue.summary()
        return {**issues, "errors": [failure_issue(self.life.failure)]} if self._has_only_failed() else issues

    def _has_only_failed(self) -> bool:
        """Whether all that is known to have gone wrong is what the program said with `run.fail`."""
        return bool(self.life.failure) and not self._catalogue.totals["errors"]

    def _environment(self) -> dict[str, Any]:
        environment: dict[str, Any] = self.life.start.get("environment") or dict(_NO_ENVIRONMENT)
        git = environment.get("git")
        told = {**git, **self._git} if git else git
        return {**environment, "git": told, "imported": self._imported or environment.get("imported", {})}

    def _execution(self, totals: Metrics, years: list[Any]) -> dict[str, Any]:
        return {
            "errors": self._catalogue.totals["errors"] or int(self._has_only_failed()),
            "warnings": self._catalogue.totals["warnings"],
            "checks": dict(self._checks.outcomes),
            "operations": figures.operation_count(totals),
            "rows": figures.rows(totals),
            "events_written": sum(events["written"] for events in self._events.values()),
            "events_dropped": sum(sum(events["dropped"].values()) for events in self._events.values()),
            "backup_created": self.products.has_backup,
            "stalls": self.life.stalls,
            "stalled_seconds": self.life.stalled_seconds,
            "years_resumed": list(self.life.start.get("years_resumed") or ()),
            "years_planned": list(self.life.start.get("years", ())),
            "years_completed": years,
        }

    def _resources(self, open_operations: list[Any]) -> dict[str, Any]:
        used = self._consumption.summary()
        at_end = self.life.end.get("memory_mb", used["end_memory_mb"])
        return {
            **used,
            "peak_memory_mb": either(max, used["peak_memory_mb"], number(at_end)),
            "start_memory_mb": self.life.start.get("memory_mb"),
            "end_memory_mb": at_end,
            "open_operations": open_operations,
            "workers_ended": self._left,
        }

    def _journal_bytes(self) -> int:
        last = {**self._ticks, **({"": self.life.end} if self.life.end else {})}
        return sum(int(record.get("cost", {}).get("journal_bytes", 0)) for record in last.values())

    def _observability(self, totals: Metrics, seconds: float) -> dict[str, Any]:
        known = self.life.end.get("cost") or self.life.tick.get("cost")
        cost = known or {"seconds": 0.0, "journal_bytes": 0}
        shares = [tick for source, tick in self._ticks.items() if source]
        taken = round(cost["seconds"] + sum(tick.get("cost", {}).get("seconds", 0.0) for tick in shares), 6)
        time = seconds + sum(float(tick.get("seconds", 0.0)) for tick in shares)
        events = tuple(self._events.values())
        dropped: Counter[str] = Counter()
        for told in (*self._ticks.values(), *events):
            dropped.update(told.get("dropped", {}))
        overflow = {
            **self.products.overflow,
            "tags": self.life.tags_left_out,
            "issues": self._catalogue.overflow,
            "checks": self._checks.overflow,
            "series": totals.overflow,
        }
        return {
            "seconds": taken,
            # Of a run that died before its first tick it is not known.
            "percent": round(100 * taken / time, 3) if time and (known or shares) else None,
            "cpu_percent": self._cpu_percent(taken),
            "memory_mb": round(cost.get("memory_bytes", 0) / 1e6, 3),
            "bytes": self._journal_bytes() + sum(told["bytes"] for told in events),
            "dropped": dict(dropped),
            **{what: sum(told.get(what, 0) for told in events) for what in ("sampled_out", "held_back")},
            "redacted": len((self.life.start.get("configuration") or _NO_CONFIGURATION)["redacted"]),
            "overflow": {name: number for name, number in overflow.items() if number},
            "left_out": list(self._notes.get("degraded", ())),
            "clock": list(self._notes.get("clock", ())),
            "torn_lines": self._unreadable,
        }

    def _cpu_percent(self, taken: float) -> float | None:
        """As a share of the CPU time of the run's processes, with that of the programs which they started."""
        used = self._consumption.cpu_seconds_in_all
        return round(min(100 * taken / used, 100.0), 3) if used else None


def _source(record: Record) -> str:
    """Which process wrote it: empty for the run's own, else the name of the worker."""
    return str(record.get("worker") or "")


def _alive(take: Callable[[Life, Record], None]) -> Callable[[Fold, Record], None]:
    return lambda fold, record: take(fold.life, record)


def _left(take: Callable[[Products, Record], None]) -> Callable[[Fold, Record], None]:
    return lambda fold, record: take(fold.products, record)


_NOTED: Final = frozenset({"what", "worker", "step", "seconds", "percent", "time"})
_TAKERS: Final[Mapping[str, Callable[[Fold, Record], None]]] = {
    "start": _alive(Life.take_start),
    "operation": Fold._take_operation,
    "tick": Fold._take_tick,
    "issue": Fold._take_issue,
    "check": Fold._take_check,
    "artifact": _left(Products.take_artifact),
    "checkpoint": _left(Products.take_checkpoint),
    "digest": _left(Products.take_digest),
    "plan": _alive(Life.take_plan),
    "tags": _alive(Life.take_tags),
    "environment": Fold._take_environment,
    "signal": _alive(Life.take_signal),
    "fail": _alive(Life.take_fail),
    "bind": _alive(Life.take_bind),
    "stalled": _alive(Life.take_stalled),
    "resumed": _alive(Life.take_resumed),
    "leave": Fold._take_leave,
    "end": Fold._take_end,
    "clock": Fold._take_note,
    "degraded": Fold._take_note,
    "torn": Fold._take_torn,
}
_KEPT_OF_TICK: Final = ("time", "seconds", "covered_seconds", "cost", "dropped", "stalled")
_NO_EVENTS: Final[dict[str, Any]] = {"written": 0, "bytes": 0, "dropped": {}}
_NO_CONFIGURATION: Final[dict[str, Any]] = {
    "params": {},
    "sources": {},
    "fingerprint": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    "redacted": [],
    "redacted_digests": {},
}
_NO_ENVIRONMENT: Final[dict[str, Any]] = {
    "python": "unknown",
    "implementation": "unknown",
    "platform": None,
    "cpus": None,
    "memory_mb": None,
    "memory_limit_mb": None,
    "disk_free_mb": None,
    "timezone": None,
    "git": None,
    "imported": {},
    "cpu_limit": None,
    "packages": {},
    "working_directory": None,
}
