"""The sums of many operation records: what a path's work cost in all, how it spread, and by year.

Times are whole nanoseconds, so that merging is exact: associative, commutative, and the same after a round trip through
JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import add
from typing import Any, Final

from ..clock import format_timestamp, parse_timestamp
from .outcomes import Outcomes
from .parts import NEVER, NONE, Last, Longest, Share, either, nanoseconds, seconds
from .record import CANCELLED, FAILED, SUCCESS, OperationRecord
from .sketch import Sketch

Plain = tuple[int, int, int, int, int | None]
"""A plain operation that has succeeded: end, duration, self time and weighted self time in nanoseconds; rows."""
Measured = tuple[int, int, int, int, int | None, int | None, float | None, float | None]
"""The same, with the end as nanoseconds since the epoch, and CPU time (ns), memory delta and peak (MB)."""
FEWEST_FOR_TAIL: Final = 20
"""With fewer values there is no p95 or p99 to speak of: it would be the maximum by another name."""


@dataclass(slots=True)
class OperationStats:
    """All operations of one path. `cpu_ns` is of those whose CPU time was asked for, which lasted `cpu_wall_ns`.

    `weighted_ns` is self time with each instant divided among the operations that were active leaves in it, so that
    those of all paths and the unattributed time add up to the wall clock. `worker_weighted_ns` is that of worker
    processes, whose instants are also some operation's of the run's own process.

    >>> stats = OperationStats()
    >>> stats.add_plain([(2_000, 1_500, 1_500, 1_500, None), (4_000, 2_500, 500, 250, 12)])
    >>> stats.count, stats.total_ns, stats.self_ns, stats.weighted_ns, stats.max_ns
    (2, 4000, 2000, 1750, 2500)
    """

    count: int = 0
    failed: int = 0
    cancelled: int = 0
    total_ns: int = 0
    self_ns: int = 0
    cpu_ns: int = 0
    cpu_wall_ns: int = 0
    min_ns: int | None = None
    max_ns: int | None = None
    rows: int | None = None
    peak_memory_mb: float | None = None
    last: Last = NEVER
    sketch: Sketch = field(default_factory=Sketch)
    by: dict[str, dict[str, Share]] = field(default_factory=dict)
    weighted_ns: int = 0
    worker_weighted_ns: int = 0
    longest: Longest = NONE
    memory_kb: int = 0
    """Resident memory that they gained, in all, where it was asked for."""
    together_ns: int = 0
    """By how much the self times of those that were active leaves at once exceed the time in which any was one."""

    def add(self, record: OperationRecord) -> None:
        """Add one record, also to the shares of its breakdown."""
        where = tuple((key, str(value)) for key, value in record.breakdown.items())
        self.add_totals(record, parse_timestamp(record.end_time), breakdown=where)
        for key, value in record.breakdown.items():
            self.share(key, str(value)).merge(_share_of(record, outermost=record.outermost.get(key, True)))

    def add_totals(
        self,
        record: OperationRecord,
        end_ns: int,
        *,
        nested: bool = False,
        breakdown: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Add one record that ended at *end_ns*, leaving out its shares.

        *nested*: it may lie inside another that is counted here too, so that its total is its self time alone.
        """
        duration, own = nanoseconds(record.duration_seconds), nanoseconds(record.self_seconds)
        self.count += 1
        self.failed += record.status == FAILED
        self.cancelled += record.status == CANCELLED
        self.total_ns += own if nested else duration
        self.self_ns += own
        self.weighted_ns += _weighted(record)
        if record.cpu_seconds is not None:
            self.cpu_ns += nanoseconds(record.cpu_seconds)
            self.cpu_wall_ns += duration
        self._spread([duration])
        if record.rows is not None:
            self.rows = (self.rows or 0) + record.rows
        if record.peak_memory_mb is not None:
            self.peak_memory_mb = max(self.peak_memory_mb or 0.0, record.peak_memory_mb)
        if record.memory_delta_mb is not None:
            self.memory_kb += round(record.memory_delta_mb * 1000)
        self.longest = max(self.longest, Longest(duration, end_ns, breakdown))
        self._follow(Last(end_ns, duration, record.status, record.memory_delta_mb))

    def add_plain(self, ended: Iterable[Plain], epoch_ns: int = 0, *, nested: bool = False) -> None:
        """Add plain successful operations, whose ends are counted from *epoch_ns*."""
        ends, durations, own, weighted, rows = zip(*ended, strict=True)
        latest = max(ends)
        last = Last(latest + epoch_ns, durations[ends.index(latest)], SUCCESS)
        longest = max(durations)
        self.longest = max(self.longest, Longest(longest, ends[durations.index(longest)] + epoch_ns))
        self._add_columns(durations, own, weighted, rows, last, nested=nested)

    def add_measured(self, ended: Iterable[Measured], *, nested: bool = False) -> None:
        """Add successful operations of which more is known than how long they took."""
        ends, durations, own, weighted, rows, cpu, deltas, peaks = zip(*ended, strict=True)
        latest = max(ends)
        at = ends.index(latest)
        self._add_columns(
            durations, own, weighted, rows, Last(latest, durations[at], SUCCESS, deltas[at]), nested=nested
        )
        if cpu.count(None) < len(cpu):
            asked = [(used, wall) for used, wall in zip(cpu, durations, strict=True) if used is not None]
            self.cpu_ns += sum(used for used, _ in asked)
            self.cpu_wall_ns += sum(wall for _, wall in asked)
        longest = max(durations)
        self.longest = max(self.longest, Longest(longest, ends[durations.index(longest)]))
        # Most are 0 or not known.
        self.memory_kb += sum(round(delta * 1000) for delta in deltas if delta)
        self.peak_memory_mb = either(max, self.peak_memory_mb, max(filter(None, peaks), default=None))

    def _add_columns(
        self,
        durations: Sequence[int],
        own: Sequence[int],
        weighted: Sequence[int],
        rows: Sequence[int | None],
        last: Last,
        *,
        nested: bool,
    ) -> None:
        self.count += len(durations)
        # Clocks of two threads may differ by nanoseconds, and a child then seems longer than its parent.
        own_ns = sum(own) if min(own) >= 0 else sum(max(ns, 0) for ns in own)
        self.total_ns += own_ns if nested else sum(durations)
        self.self_ns += own_ns
        # Not cut at 0: what a thread that was suspended while it opened or ended one takes too much, another one lacks.
        self.weighted_ns += sum(weighted)
        self._spread(sorted(durations))
        if rows.count(None) < len(rows):
            self.rows = (self.rows or 0) + sum(worked or 0 for worked in rows)
        self._follow(last)

    def add_leaves(self, durations: Sequence[int], ended_ns: int) -> None:
        """Add plain successful operations without children or rows, of which the last ended at *ended_ns*."""
        total, ascending = sum(durations), sorted(durations)
        self.count += len(durations)
        self.total_ns += total
        self.self_ns += total
        self.weighted_ns += total
        self._spread(ascending)
        self.longest = max(self.longest, Longest(ascending[-1], ended_ns))
        self._follow(Last(ended_ns, durations[-1], SUCCESS))

    def share(self, key: str, value: str) -> Share:
        """Return the share of one value of a breakdown key, made at the first call."""
        values = self.by.setdefault(key, {})
        return values.get(value) or values.setdefault(value, Share())

    def allot(self, key: str, value: str, outcomes: Outcomes, *, outermost: bool) -> None:
        """Give all that was added so far, and how it ended in each scene, to one value of a breakdown key."""
        share = Share(self.count, self.failed, self.total_ns, self.self_ns, self.rows)
        if outermost:
            share.outermost_ns = self.total_ns
            share.completed = self.count - self.failed - self.cancelled
            share.outcomes = dict(outcomes)
        share.weighted_ns = self.weighted_ns
        # One key after the other; the series has all that its operations are broken down by.
        longest = self.longest
        self.longest = Longest(longest.duration_ns, longest.end_ns, (*longest.breakdown, (key, value)))
        self.by.setdefault(key, {})[value] = share

    def merge(self, other: OperationStats) -> None:
        """Add *other*."""
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.min_ns = either(min, self.min_ns, other.min_ns)
        self.max_ns = either(max, self.max_ns, other.max_ns)
        self.rows = either(add, self.rows, other.rows)
        self.peak_memory_mb = either(max, self.peak_memory_mb, other.peak_memory_mb)
        self._follow(other.last)
        self.longest = max(self.longest, other.longest)
        self.sketch.merge(other.sketch)
        for key, values in other.by.items():
            for value, share in values.items():
                self.share(key, value).merge(share)

    def by_worker(self) -> OperationStats:
        """Let its weighted self time count as that of a worker process; return it."""
        self.worker_weighted_ns, self.weighted_ns = self.worker_weighted_ns + self.weighted_ns, 0
        return self

    def quantile_seconds(self, share: float) -> float | None:
        """Return the duration below which *share* of the operations lay, within 1 %; None where there are too few."""
        found = self.sketch.quantile(share)
        if found is None or (share > 0.9 and self.count < FEWEST_FOR_TAIL):
            return None
        return seconds(round(min(max(found, self.min_ns or 0), self.max_ns or 0)))

    @property
    def active_ns(self) -> int:
        """Time in which at least one was an active leaf; what several processes did at once counts for each."""
        # Of operations that are still open, the time together is known before their own.
        return max(self.self_ns - self.together_ns, self.weighted_ns + self.worker_weighted_ns, 0)

    @property
    def cpu_seconds(self) -> float | None:
        """CPU time of all: where only some were asked, theirs in proportion to the time they took."""
        if not self.cpu_wall_ns:
            return None
        return seconds(round(self.cpu_ns * max(self.total_ns / self.cpu_wall_ns, 1.0)))

    def summary(self) -> dict[str, Any]:
        """Return it as `performance_metrics` in `summary.json` shows it."""
        total = seconds(self.total_ns)
        return {
            "duration": seconds(self.last.duration_ns),
            "memory_delta": self.last.memory_delta_mb,
            "status": self.last.status,
            "timestamp": format_timestamp(self.last.end_ns),
            "count": self.count,
            "failed": self.failed,
            "cancelled": self.cancelled,
            "total_seconds": total,
            "self_seconds": seconds(self.self_ns),
            "cpu_seconds": self.cpu_seconds,
            "min_seconds": seconds(self.min_ns or 0),
            "p50_seconds": self.quantile_seconds(0.50),
            "p90_seconds": self.quantile_seconds(0.90),
            "p95_seconds": self.quantile_seconds(0.95),
            "p99_seconds": self.quantile_seconds(0.99),
            "max_seconds": seconds(self.max_ns or 0),
            "peak_memory_mb": self.peak_memory_mb,
            "rows": self.rows,
            "rows_per_second": round(self.rows / total, 3) if self.rows is not None and total else None,
            "by": {key: {value: share.summary() for value, share in by.items()} for key, by in self.by.items()},
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values from which `from_dict` makes an equal one."""
        values = {name: getattr(self, name) for name in OperationStats.__slots__}
        values["last"], values["longest"] = list(self.last), list(self.longest)
        values["sketch"] = self.sketch.to_list()
        values["by"] = {key: {value: share.to_list() for value, share in by.items()} for key, by in self.by.items()}
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> OperationStats:
        """Undo `to_dict`; unknown keys are ignored."""
        known = {name: values[name] for name in cls.__slots__ if name in values}
        known["last"] = Last(*values.get("last", ()))
        duration, end, where = values.get("longest", (0, 0, ()))
        known["longest"] = Longest(duration, end, tuple((key, value) for key, value in where))
        known["sketch"] = Sketch.from_list(values.get("sketch", ()))
        known["by"] = {
            key: {value: Share(*share) for value, share in by.items()} for key, by in values.get("by", {}).items()
        }
        return cls(**known)

    def _spread(self, ascending: Sequence[int]) -> None:
        """Add durations that stand in order."""
        least, most = ascending[0], ascending[-1]
        if self.min_ns is None or least < self.min_ns:
            self.min_ns = least
        if self.max_ns is None or most > self.max_ns:
            self.max_ns = most
        self.sketch.add_ascending(ascending)

    def _follow(self, last: Last) -> None:
        if last.end_ns > self.last.end_ns or last.order() > self.last.order():
            self.last = last


_SUMMED: Final = (
    "count",
    "failed",
    "cancelled",
    "total_ns",
    "self_ns",
    "cpu_ns",
    "cpu_wall_ns",
    "weighted_ns",
    "worker_weighted_ns",
    "memory_kb",
    "together_ns",
)


def _share_of(record: OperationRecord, *, outermost: bool) -> Share:
    duration = nanoseconds(record.duration_seconds)
    share = Share(1, int(record.status == FAILED), duration, nanoseconds(record.self_seconds), record.rows)
    if outermost:
        share.outermost_ns = duration
        share.completed = int(record.status == SUCCESS)
        end_ns = parse_timestamp(record.end_time)
        share.outcomes = {record.scene: end_ns if share.completed else -end_ns}
    share.weighted_ns = _weighted(record)
    return share


def _weighted(record: OperationRecord) -> int:
    told = record.weighted_self_seconds
    return nanoseconds(record.self_seconds if told is None else told)
