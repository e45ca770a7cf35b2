"""Where the operations of a run add up, in bounded memory and exactly under threads.

An operation that ends plainly appends one tuple to its series' queue: atomic, and at no lock's mercy. Whoever makes a
queue full, and whoever takes the metrics, folds it under the accumulator's lock.

Between an open operation and its series stands a `Link`, which keeps what need not be worked out again for the next
operation of the same name under the same one in the same context: path, breakdown, series, rendered scope.
"""

from __future__ import annotations

import operator
import threading
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final, Protocol

from .. import clock
from . import resources
from .measures import OVERFLOW, Counter, Distribution, Gauge, Key, Measure, finite_number
from .record import OperationRecord
from .stats import OperationStats, seconds
from .totals import Metrics

BATCH: Final = 512
MAX_PATH: Final = 1_000
"""A path longer than this many characters grows no more: a recursion so deep adds up as one."""
WORTH_MEASURING_NS: Final = 1_000_000
_LONGEST_VALUE: Final = 100

Breakdown = tuple[tuple[str, str, bool], ...]


class OpenNode(Protocol):
    """What the accumulator asks of an operation that is open."""

    link: Link
    start: int
    sampled_bytes: int

    def disown(self) -> None:
        """Report nothing at the end: the process was forked, and the operation is its parent's."""


class Root:
    """Stands where an operation without a parent looks for one. Its self time is the time in no operation."""

    ended = False

    def __init__(self, accumulator: Accumulator) -> None:
        self.link = Link(accumulator, "", "", {}, {}, None, None)
        self.run = None
        self.parent = self
        self.begin()

    def begin(self) -> None:
        """Count time from now on."""
        self.active = self.busy = self.taken = 0
        self.start = self.since = clock.current.monotonic_ns()

    def take(self, now: int) -> int:
        """Return the self time since it was last taken, in nanoseconds."""
        busy = self.busy + (now - self.since if self.active else 0)
        own = max(now - self.start - busy - self.taken, 0)
        self.taken += own
        return own


class Series:
    """The operations of one path and breakdown since the metrics were last taken."""

    __slots__ = ("breakdown", "cell", "measure", "nested", "path", "pending")

    def __init__(self, path: str, breakdown: Breakdown, *, heard: bool) -> None:
        self.path = path
        self.breakdown = breakdown
        # Operations in here may lie inside each other, so that only their self times can be added up.
        self.nested = path == OVERFLOW or len(path) > MAX_PATH
        self.cell = OperationStats()
        # Whether the next operation is to ask for CPU time and memory: each that lasts, few of those that don't.
        self.measure = heard
        # Plain ends: (end on the monotonic clock, duration, self time, rows). Where nobody listens, it keeps none.
        self.pending: deque[tuple[int, int, int, int | None]] = deque(maxlen=None if heard else 0)

    def fold(self, epoch_ns: int) -> None:
        """Add what is queued; *epoch_ns* is the monotonic clock's zero as wall time. The caller holds the lock."""
        queue = self.pending
        ended: list[tuple[int, int, int, int | None]] = []
        try:
            ended.extend(islice(iter(queue.popleft, None), len(queue)))
        except IndexError:
            # A signal handler's operation folded in between; what was taken here until then is in the list.
            pass
        if ended:
            self.cell.add_fast(ended, epoch_ns, nested=self.nested)
            self.measure = True

    def take(self) -> OperationStats | None:
        """Return the sums with the shares of their breakdown, and begin anew; None where there are none."""
        cell = self.cell
        if not cell.count:
            return None
        self.cell = OperationStats()
        for key, value, outermost in self.breakdown:
            cell.allot(key, value, outermost=outermost)
        return cell


class Repeats:
    """How often a path was logged."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Link:
    """What the operations of one name, under one parent, in one context have in common."""

    __slots__ = (
        "accumulator",
        "breakdown",
        "context",
        "fragment",
        "links",
        "name",
        "outermost",
        "path",
        "repeats",
        "series",
    )

    series: Series
    repeats: Repeats

    def __init__(
        self,
        accumulator: Accumulator,
        name: str,
        path: str,
        breakdown: dict[str, Any],
        outermost: dict[str, bool],
        context: Mapping[str, Any] | None,
        fragment: Any,
    ) -> None:
        self.accumulator = accumulator
        self.name = name
        self.path = path
        self.breakdown = breakdown
        self.outermost = outermost
        self.context = context
        self.fragment = fragment
        self.links: dict[str, Link] = {}

    def follow(self, name: str, context: Mapping[str, Any]) -> Link:
        """Make the link to an operation *name* that opens under this one in *context*."""
        accumulator = self.accumulator
        breakdown = _breakdown(accumulator.breakdown, context)
        outermost = {key: key not in self.breakdown for key in breakdown}
        clean = name.replace("/", ":")
        path = self.path if len(self.path) > MAX_PATH else f"{self.path}/{clean}" if self.path else clean
        link = Link(accumulator, clean, path, breakdown, outermost, context, None)
        link.series, link.repeats = accumulator.series(path, breakdown, outermost)
        if len(self.links) >= accumulator.max_series:
            self.links.clear()
        self.links[name] = link
        return link


class Accumulator:
    """The metrics of one run in this process.

    *breakdown* names the context keys by which operations are broken down (``year``). *on_logged* is called with each
    logged record, under the same lock that adds it, so that `take` separates the records before it from those after.
    An operation path is logged *log_limit* times each; then its ends are only counted.

    >>> accumulator = Accumulator()
    >>> accumulator.count("hires", 12, {"level": 3})
    >>> accumulator.take().summary()["counters"]
    [{'name': 'hires', 'labels': {'level': '3'}, 'value': 12}]
    """

    def __init__(
        self,
        max_series: int = 2_000,
        breakdown: tuple[str, ...] = ("year",),
        on_logged: Callable[[OperationRecord], None] | None = None,
        *,
        log_limit: int = 1_000,
        heard: bool = True,
    ) -> None:
        self.max_series = max_series
        self.breakdown = breakdown
        self.on_logged = on_logged
        self.log_limit = log_limit
        self.heard = heard
        # Re-entrant, because a signal handler or a finalizer may end an operation while this thread holds it.
        self.lock = threading.RLock()
        self.open: set[OpenNode] = set()
        self.broken = 0
        self._prefixes: dict[str, Link] = {}
        self._repeats: dict[str, Repeats] = {}
        self._begin()
        self.root = Root(self)

    def _begin(self) -> None:
        self._series: dict[tuple[str, Breakdown], Series] = {}
        self._measures: dict[tuple[type[Measure], Key], Measure] = {}
        self._known: set[tuple[type[Measure], Key]] = set()
        self._overflow = 0

    def series(self, path: str, breakdown: Mapping[str, Any], outermost: Mapping[str, bool]) -> tuple[Series, Repeats]:
        """Return the series of a path and breakdown, and the count of that path's events."""
        split = tuple((key, str(value), outermost.get(key, True)) for key, value in breakdown.items())
        with self.lock:
            found = self._series.get((path, split))
            if found is None:
                found = self._new_series(path, split)
            return found, self._repeats.setdefault(found.path, Repeats())

    def _new_series(self, path: str, split: Breakdown) -> Series:
        if len(self._series) >= self.max_series:
            self._overflow += 1
            path, split = OVERFLOW, ()
        return self._series.setdefault((path, split), Series(path, split, heard=self.heard))

    def prefix(self, path: str) -> Link:
        """Return the link that stands for an operation which is open in another process."""
        if len(self._prefixes) >= self.max_series:
            self._prefixes.clear()
        return self._prefixes.setdefault(path, Link(self, "", path, {}, {}, None, None))

    def add(self, record: OperationRecord, series: Series | None = None, end_ns: int | None = None) -> None:
        """Add one record, and hand it on where it was logged."""
        if not self.heard:
            return
        if series is None:
            series, _ = self.series(record.path, record.breakdown, record.outermost)
        if end_ns is None:
            end_ns = clock.parse_timestamp(record.end_time)
        with self.lock:
            series.cell.add_totals(record, end_ns, nested=series.nested)
            if record.logged and self.on_logged is not None:
                try:
                    self.on_logged(record)
                except Exception:
                    self.broken += 1

    def fold(self, series: Series) -> None:
        """Add what a series' queue holds."""
        with self.lock:
            series.fold(_epoch_ns())

    def count(self, name: str, value: float, labels: Mapping[str, Any]) -> None:
        """Add to a counter."""
        self._measure(Counter, name, value, labels)

    def gauge(self, name: str, value: float, labels: Mapping[str, Any]) -> None:
        """Set a gauge."""
        self._measure(Gauge, name, value, labels)

    def observe(self, name: str, value: float, labels: Mapping[str, Any]) -> None:
        """Add a value to a distribution."""
        self._measure(Distribution, name, value, labels)

    def _measure(self, kind: type[Measure], name: str, value: Any, labels: Mapping[str, Any]) -> None:
        number = finite_number(value)
        key = (name, tuple(sorted((str(label), _short(item)) for label, item in labels.items())) if labels else ())
        with self.lock:
            measure = self._measures.get((kind, key)) or self._new_measure(kind, key)
            if number is None:
                measure.invalid += 1
            else:
                measure.add(number, clock.current.time_ns())

    def _new_measure(self, kind: type[Measure], key: Key) -> Measure:
        if (kind, key) not in self._known:
            if len(self._known) >= self.max_series:
                self._overflow += 1
                key = (OVERFLOW, ())
            self._known.add((kind, key))
        return self._measures.setdefault((kind, key), kind())

    def take(self) -> Metrics:
        """Return what was added since it was last taken; each operation and value is in exactly one of the takings."""
        taken = Metrics()
        with self.lock:
            taken.unattributed_ns = self.root.take(clock.current.monotonic_ns())
            taken.overflow, self._overflow = self._overflow, 0
            measures, self._measures = self._measures, {}
            self._take_operations(taken.operations)
        for (kind, key), measure in measures.items():
            getattr(taken, kind.kind)[key] = measure
        return taken

    def _take_operations(self, operations: dict[str, OperationStats]) -> None:
        epoch_ns = _epoch_ns()
        for series in tuple(self._series.values()):
            series.fold(epoch_ns)
            cell = series.take()
            if cell is None:
                continue
            if series.path in operations:
                operations[series.path].merge(cell)
            else:
                operations[series.path] = cell

    def open_operations(self) -> list[dict[str, Any]]:
        """Return the operations that are open now, oldest first: path, name, when they started, seconds so far,
        breakdown.
        """
        now, epoch_ns = clock.current.monotonic_ns(), _epoch_ns()
        found = sorted(self.open, key=_start)
        return [
            {
                "path": node.link.path,
                "name": node.link.name,
                "started": clock.timestamp(node.start + epoch_ns),
                "seconds": seconds(max(now - node.start, 0)),
                "breakdown": dict(node.link.breakdown),
            }
            for node in found
        ]

    def sample(self) -> None:
        """Look at the memory, for the peaks of the operations that are open; the ticker calls this."""
        rss = resources.rss_bytes()
        for node in tuple(self.open):
            node.sampled_bytes = max(node.sampled_bytes, rss)

    def after_fork(self) -> None:
        """In a forked child: begin with nothing; what is open is the parent's to report."""
        self.lock = threading.RLock()
        for node in tuple(self.open):
            node.disown()
        self.open.clear()
        for series in self._series.values():
            series.pending.clear()
            series.cell = OperationStats()
        self._measures = {}
        self._overflow = 0
        self.root.begin()


def _breakdown(keys: tuple[str, ...], context: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _plain(context[key]) for key in keys if context.get(key) is not None} if context else {}


def _plain(value: Any) -> int | str:
    try:
        return operator.index(value)
    except Exception:
        return _short(value)


def _short(value: Any) -> str:
    if type(value) is str:
        return value[:_LONGEST_VALUE]
    try:
        return str(value)[:_LONGEST_VALUE]
    except Exception:
        return f"<{type(value).__name__}>"


def _start(node: OpenNode) -> int:
    return node.start


def _epoch_ns() -> int:
    return clock.current.time_ns() - clock.current.monotonic_ns()
