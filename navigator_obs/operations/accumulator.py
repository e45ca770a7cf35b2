"""Where the operations of a run add up, in bounded memory and exactly under threads.

An operation that ends plainly appends to its series' queue: atomic, and at no lock's mercy. Whoever makes a queue full,
and whoever takes the metrics, folds it under the accumulator's lock.
"""

from __future__ import annotations

import threading
from collections import Counter as Counts
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from ..clock import clock, format_timestamp, parse_timestamp
from ..encoding import text, to_json
from ..redaction import MARK, Redactor
from .measures import OVERFLOW, Counter, Distribution, Gauge, Key, Measure, finite_number
from .nesting import found_open
from .outcomes import Scenes, note
from .parts import seconds
from .record import SUCCESS, OperationRecord
from .room import Room
from .root import Root
from .series import BATCH, LONGEST_NAME, LONGEST_VALUE, Breakdown, Link, OpenNode, Repeats, Series, short
from .stats import Measured, OperationStats
from .totals import Metrics

# As weighed: a series with its link and sums, and a bucket of a sketch.
_SERIES_BYTES: Final = 3_500
_BUCKET_BYTES: Final = 100


class Accumulator:
    """The metrics of one run in this process.

    *breakdown* names the context keys by which operations are broken down (``year``). *on_logged* is called with the
    record of each logged operation, as JSON, its status, the time of its end, its breakdown and its peak memory in MB,
    under the same lock that adds it, so that `take` separates the records before it from those after.
    An operation path is logged *log_limit* times each; then its ends are only counted. *redactor* takes secrets out of
    names, labels and breakdowns when their series are made; by default that of the default keys.

    >>> accumulator = Accumulator()
    >>> accumulator.count("hires", 12, {"level": 3})
    >>> accumulator.take().summary()["counters"]
    [{'name': 'hires', 'labels': {'level': '3'}, 'value': 12}]
    """

    def __init__(
        self,
        max_series: int = 2_000,
        breakdown: tuple[str, ...] = ("year",),
        on_logged: Callable[[bytes, str, bytes, Mapping[str, Any], float | None], None] | None = None,
        *,
        log_limit: int = 1_000,
        heard: bool = True,
        redactor: Redactor | None = None,
    ) -> None:
        self.max_series = max_series
        self.breakdown = breakdown
        self.on_logged = on_logged
        self.log_limit = log_limit
        self.heard = heard
        # Of the operations that would be logged every so many-th is; the others are only counted.
        self.log_every = 1
        self._log_turn = 0
        # Operations that did not end the plain way, the time that this took, and how many were told of.
        self.slow = self.slow_ns = self.told = 0
        # Values of counters, gauges and distributions.
        self.values = 0
        # How often an operation opened in another context than the last one of its kind.
        self.contexts = 0
        self.redactor = Redactor() if redactor is None else redactor
        self.scenes = Scenes(self.redactor)
        # Re-entrant, because a signal handler or a finalizer may end an operation while this thread holds it.
        self.lock = threading.RLock()
        # The operations that are open and not the one child of another (see `nesting`).
        self.aside: set[OpenNode] = set()
        self.broken = 0
        self._prefixes: dict[str, Link] = {}
        self._repeats: dict[str, Repeats] = {}
        self.root = Root(self)
        # Which of two values is the newer one must not depend on a clock that somebody sets back.
        self._began_ns = _epoch_ns()
        self._begin()

    def _begin(self) -> None:
        self._series: dict[tuple[str, Breakdown], Series] = {}
        # By name and labels as they were given, and as they are told: without secrets.
        self._measures: dict[tuple[type[Measure], Key], Measure] = {}
        self._told: dict[tuple[type[Measure], Key], Measure] = {}
        self._known: set[tuple[type[Measure], Key]] = set()
        self._room, self._measure_room = Room(self.max_series), Room(self.max_series)
        self._overflow = 0

    def series(self, path: str, breakdown: Mapping[str, Any], outermost: Mapping[str, bool]) -> tuple[Series, Repeats]:
        """Return the series of a path and breakdown, and the count of that path's events."""
        split = tuple((key, text(value), outermost.get(key, True)) for key, value in breakdown.items())
        with self.lock:
            found = self._series.get((path, split))
            if found is None:
                found = self._new_series(path, split)
            return found, self._repeats.setdefault(found.path, Repeats())

    def _new_series(self, path: str, split: Breakdown) -> Series:
        # A path is one of those under its parent; each value of a breakdown beyond the first is one of its own.
        whose = (path, "breakdown") if path in self._repeats else (path.rpartition("/")[0], "paths")
        if not self._room.take(whose):
            self._overflow += 1
            path, split = path if self._keeps_whole(path) else OVERFLOW, ()
        return self._series.setdefault((path, split), Series(path, split, self.root, heard=self.heard))

    def _keeps_whole(self, path: str) -> bool:
        """Whether a path with too many values of a breakdown has a series for the rest of them."""
        return (path, ()) in self._series or (path in self._repeats and self._room.take((path, "whole")))

    def passed_over(self) -> bool:
        """Whether an operation is not to be logged, for only every `log_every`-th is."""
        self._log_turn += 1
        return self._log_turn % self.log_every != 0

    def leave(self) -> None:
        """No operation is to open here any more: those that would follow one that did find no link, and look anew."""
        self.root.node.gone = True
        self._forget_outermost()

    def _forget_outermost(self) -> None:
        for link in (self.root.link, *self._prefixes.values()):
            link.forget()

    def prefix(self, path: str) -> Link:
        """Return the link that stands for an operation which is open in another process."""
        if len(self._prefixes) >= self.max_series:
            self._prefixes.clear()
        return self._prefixes.setdefault(path, Link(self, "", path, {}, {}))

    def add(self, record: OperationRecord, series: Series | None = None, end_ns: int | None = None) -> None:
        """Add one record, and hand it on where it was logged."""
        if not self.heard:
            return
        if series is None:
            series, _ = self.series(record.path, record.breakdown, record.outermost)
        if end_ns is None:
            end_ns = parse_timestamp(record.end_time)
        with self.lock:
            series.cell.add_totals(record, end_ns, nested=series.nested)
            if series.outcomes is not None:
                note(series.outcomes, record.scene, end_ns if record.status == SUCCESS else -end_ns)
            if record.logged:
                self._tell(record)

    def _tell(self, record: OperationRecord) -> None:
        self.told += 1
        if self.on_logged is not None:
            told, end_time = to_json(record.to_dict()), record.end_time.encode()
            try:
                self.on_logged(told, record.status, end_time, record.breakdown, record.peak_memory_mb)
            except Exception:
                self.broken += 1

    def add_told(
        self, link: Link, scene: str, measured: Measured, told: bytes | None = None, end_time: bytes = b""
    ) -> None:
        """Add a successful operation and, where it was logged, hand on its record, which *told* has as JSON."""
        series = link.series
        with self.lock:
            series.told.append(measured)
            if series.outcomes is not None:
                note(series.outcomes, scene, measured[0])
            if told is not None:
                self.told += 1
                if self.on_logged is not None:
                    try:
                        self.on_logged(told, SUCCESS, end_time, link.breakdown, measured[-1])
                    except Exception:
                        self.broken += 1
            if len(series.told) >= BATCH:
                self.fold(series)

    def fold(self, series: Series) -> None:
        """Add what a series' queue holds."""
        with self.lock:
            series.fold(_epoch_ns())

    def count(self, name: str, value: float, labels: Mapping[str, Any], unit: str | None = None) -> None:
        """Add to a counter."""
        self._measure(Counter, name, value, labels, unit)

    def gauge(self, name: str, value: float, labels: Mapping[str, Any], unit: str | None = None) -> None:
        """Set a gauge."""
        self._measure(Gauge, name, value, labels, unit)

    def observe(self, name: str, value: float, labels: Mapping[str, Any], unit: str | None = None) -> None:
        """Add a value to a distribution."""
        self._measure(Distribution, name, value, labels, unit)

    def crowded_by(self) -> str | None:
        """Return what most of the series are of: the name of a metric, or the path of an operation with many values of
        a breakdown, or with many other ones inside; None where no two are of anything.
        """
        names = [name for _, (name, _) in list(self._known)]
        paths = [path for path, _ in list(self._series)]
        around = [path.rpartition("/")[0] or "no operation" for path in paths]
        [(name, count)] = Counts([*names, *paths, *around]).most_common(1) or [("", 0)]
        return name if count > 1 else None

    def _measure(self, kind: type[Measure], name: str, value: Any, labels: Mapping[str, Any], unit: str | None) -> None:
        number = finite_number(value)
        if type(name) is not str or len(name) > LONGEST_NAME:
            name = self.redactor.text(str.__str__(name))[:LONGEST_NAME]
        key = (name, tuple(sorted([(label, self._label(item)) for label, item in labels.items()])) if labels else ())
        with self.lock:
            self.values += 1
            measure = self._measures.get((kind, key)) or self._new_measure(kind, key)
            if unit is not None and measure.unit is None:
                measure.unit = short(unit, self.redactor)
            if number is None:
                measure.invalid += 1
            else:
                measure.add(number, self._began_ns + clock.monotonic_ns())

    def _label(self, value: Any) -> str:
        if type(value) is str and len(value) <= LONGEST_VALUE:
            return value
        return short(value, self.redactor)

    def _clean_key(self, key: Key) -> Key:
        name, labels = key
        redactor = self.redactor
        cleaned = [
            (redactor.text(label), MARK if redactor.hides(label, item) else redactor.text(item))
            for label, item in labels
        ]
        return redactor.text(name), tuple(sorted(cleaned))

    def _new_measure(self, kind: type[Measure], given: Key) -> Measure:
        key = self._clean_key(given)
        if (kind, key) not in self._known:
            if not self._measure_room.take(key[0]):
                self._overflow += 1
                key = (OVERFLOW, ())
            self._known.add((kind, key))
        measure = self._told.setdefault((kind, key), kind())
        # What has overflowed is looked up anew each time: only so is the memory bounded.
        if key[0] != OVERFLOW and len(self._measures) < self.max_series:
            self._measures[kind, given] = measure
        return measure

    def take(self) -> Metrics:
        """Return what was added since it was last taken; each operation and value is in exactly one of the takings."""
        taken = Metrics()
        taken.unattributed_ns = self.root.take(clock.monotonic_ns())
        with self.lock:
            taken.overflow, self._overflow = self._overflow, 0
            measures, self._told, self._measures = self._told, {}, {}
            self._take_operations(taken.operations)
        for (kind, key), measure in measures.items():
            getattr(taken, kind.kind)[key] = measure
        for path, stats in taken.operations.items():
            stats.together_ns = self._repeats[path].take()
        return taken

    def _take_operations(self, operations: dict[str, OperationStats]) -> None:
        epoch_ns = _epoch_ns()
        for series in list(self._series.values()):
            if not (series.leaves or series.pending or series.told or series.cell.count):
                # Most paths, at most ticks.
                continue
            try:
                _take_series(series, operations, epoch_ns)
            except Exception:
                # One that is broken, whyever, costs its own figures and not those of the run.
                self.broken += 1
                series.clear()

    @property
    def open(self) -> set[OpenNode]:
        """The operations that are open at this moment."""
        return found_open(self.root.node, self.aside)

    def open_operations(self) -> list[dict[str, Any]]:
        """Return the operations that are open now, oldest first: path, name, when they started, seconds so far,
        breakdown.
        """
        now, epoch_ns = clock.monotonic_ns(), _epoch_ns()
        found = sorted(self.open, key=attrgetter("start"))
        return [
            {
                "path": node.link.path,
                "name": node.link.name,
                "started": format_timestamp(node.start + epoch_ns),
                "seconds": seconds(max(now - node.start, 0)),
                "breakdown": dict(node.link.breakdown),
            }
            for node in found
        ]

    def memory_bytes(self) -> int:
        """Return what it holds in memory, about."""
        buckets = sum(len(series.cell.sketch.buckets) for series in list(self._series.values()))
        return len(self._series) * _SERIES_BYTES + buckets * _BUCKET_BYTES + len(self._measures) * _SERIES_BYTES

    def after_fork(self) -> None:
        """In a forked child: begin with nothing; what is open is the parent's to report."""
        self.lock = threading.RLock()
        for node in self.open:
            node.disown()
            node.link.forget()
        self._forget_outermost()
        self.aside = set()
        for series in self._series.values():
            series.clear()
        for repeats in self._repeats.values():
            repeats.take()
        self._measures, self._told = {}, {}
        self._overflow = self.slow = self.slow_ns = self.told = self.values = self.contexts = 0
        self.root.begin()


def _take_series(series: Series, operations: dict[str, OperationStats], epoch_ns: int) -> None:
    series.fold(epoch_ns)
    cell = series.take()
    if cell is None:
        return
    if series.path in operations:
        operations[series.path].merge(cell)
    else:
        operations[series.path] = cell


def _epoch_ns() -> int:
    return clock.time_ns() - clock.monotonic_ns()
