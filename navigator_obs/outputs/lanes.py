"""Which operations lay inside which: the journal's records as spans on lanes, in which they nest.

A record tells its path, start and end, not its thread. An operation lies inside the one that has the path above its
own and was open then; two that overlapped without lying inside each other ran side by side, and get lanes of their own.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..clock import parse_timestamp
from ..operations.record import OperationRecord

MOST_SPANS: Final = 100_000
"""Of more operations the longest are kept: viewers grow slow beyond."""
# Begin and end are cut to a microsecond each, and one of both is worked out from the other.
_ROUNDING_US: Final = 2


@dataclass(slots=True)
class Span:
    """One operation in microseconds since the run started; *source* is the worker that it ran in, or empty."""

    source: str
    record: OperationRecord
    begin: int
    end: int
    lane: int = 0
    open: bool = False
    inside: int = 0
    """How much of it operations inside took, less those that have been laid there."""


@dataclass(slots=True)
class Recorded:
    """What a journal tells for a trace; *began_ns* is the run's start as wall time."""

    began_ns: int = 0
    start: Mapping[str, Any] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    memory: list[tuple[int, float, float]] = field(default_factory=list)
    """Microseconds, MB of the process, MB of its children."""
    marks: list[tuple[int, str, str]] = field(default_factory=list)
    """Microseconds, level and message of each warning and error."""
    left_out: int = 0
    """Logged operations beyond `MOST_SPANS`."""
    unreadable: int = 0


class _Reading:
    def __init__(self, most: int) -> None:
        self.found = Recorded()
        self._most = most
        self._longest: list[tuple[int, int, Span]] = []
        self._open: dict[str, tuple[str, list[Mapping[str, Any]]]] = {}
        self._count = 0

    def add(self, record: Mapping[str, Any]) -> None:
        take = _TAKERS.get(str(record.get("kind")))
        if take is None:
            return
        try:
            take(self, record)
        except (KeyError, TypeError, ValueError, AttributeError):
            self.found.unreadable += 1

    def _take_start(self, record: Mapping[str, Any]) -> None:
        self.found.start, self.found.began_ns = record, parse_timestamp(record["time"])

    def _take_operation(self, record: Mapping[str, Any]) -> None:
        ended = OperationRecord.from_dict(record["record"], record["time"])
        begin, end = self._us(ended.start_time), self._us(ended.end_time)
        inside = round((ended.duration_seconds - ended.self_seconds) * 1e6)
        self._keep(Span(str(record.get("worker") or ""), ended, begin, max(end, begin), inside=inside))

    def _keep(self, span: Span) -> None:
        self._count += 1
        # A heap of the longest, the shortest of them on top; the count decides between equals.
        heapq.heappush(self._longest, (span.end - span.begin, -self._count, span))
        if len(self._longest) > self._most:
            heapq.heappop(self._longest)
            self.found.left_out += 1

    def _take_tick(self, record: Mapping[str, Any]) -> None:
        source = str(record.get("worker") or "")
        self._open[source] = (record["time"], list(record["open_operations"]))
        if not source:
            for seconds, memory, children, _ in record["resources"].get("timeline", ()):
                self.found.memory.append((round(seconds * 1e6), memory, children))

    def _take_issue(self, record: Mapping[str, Any]) -> None:
        event = record["event"]
        self.found.marks.append((self._us(record["time"]), str(event.get("level")), str(event.get("message"))))

    def _us(self, timestamp: str) -> int:
        return (parse_timestamp(timestamp) - self.found.began_ns) // 1000

    def result(self) -> Recorded:
        for source, (time, listed) in self._open.items():
            for found in listed:
                self._keep_open(source, time, found)
        self.found.spans = sorted((span for _, _, span in self._longest), key=_order)
        _lay(self.found.spans)
        return self.found

    def _keep_open(self, source: str, time: str, found: Mapping[str, Any]) -> None:
        """One that was open at the last tick, unless it has ended since."""
        begin, path = self._us(found["started"]), str(found["path"])
        known = (span for _, _, span in self._longest if span.source == source and span.record.path == path)
        if any(abs(span.begin - begin) <= 2_000 for span in known):
            return
        end = max(self._us(time), begin)
        record = OperationRecord(
            name=str(found["name"]),
            path=path,
            status="open",
            start_time=str(found["started"]),
            end_time=time,
            duration_seconds=(end - begin) / 1e6,
            self_seconds=0.0,
            breakdown=dict(found.get("breakdown") or {}),
        )
        self._keep(Span(source, record, begin, end, open=True))


_TAKERS: Final = {
    "start": _Reading._take_start,
    "operation": _Reading._take_operation,
    "tick": _Reading._take_tick,
    "issue": _Reading._take_issue,
}


def read(records: Iterable[Mapping[str, Any]], most: int = MOST_SPANS) -> Recorded:
    """Return what *records* of a run's folder tell, its logged operations in the order in which they began."""
    reading = _Reading(most)
    for record in records:
        reading.add(record)
    return reading.result()


def _order(span: Span) -> tuple[int, int, int]:
    return span.begin, span.record.path.count("/"), -span.end


class _Lane:
    """Spans that lie inside each other or one after the other; `opened` holds the last one and those around it."""

    def __init__(self) -> None:
        self.opened: list[Span] = []
        self._free_from = 0

    def leave(self, begin: int) -> None:
        """Close those that have ended when the next one begins."""
        while self.opened and self.opened[-1].end <= begin:
            self._free_from = max(self._free_from, self.opened.pop().end)

    def around(self, span: Span) -> list[Span]:
        """Those of the opened in which *span* may lie: not one that, but for rounding, has ended when it begins."""
        opened = self.opened
        while opened and opened[-1].end <= span.begin + _ROUNDING_US and not _holds(opened[-1], span):
            opened = opened[:-1]
        return opened

    def put(self, span: Span) -> None:
        """Lay *span* here, cut to what it lies in and after what came before."""
        around = self.around(span)
        before = max([self._free_from, *(found.end for found in self.opened[len(around) :])])
        self._free_from, self.opened = before, around
        span.begin = max(span.begin, before, *(found.begin for found in around[-1:]))
        span.end = max(min([span.end, *(found.end for found in around[-1:])]), span.begin)
        for outer in around[-1:]:
            outer.inside -= span.end - span.begin
        around.append(span)


def _lay(spans: Iterable[Span]) -> None:
    """Give each span a lane on which it nests: that of the operation it lay in, or else the first that is free."""
    by_source: dict[str, list[_Lane]] = {}
    for span in spans:
        lanes = by_source.setdefault(span.source, [])
        for lane in lanes:
            lane.leave(span.begin)
        span.lane = _fitting(lanes, span)
        if span.lane == len(lanes):
            lanes.append(_Lane())
        lanes[span.lane].put(span)


def _fitting(lanes: list[_Lane], span: Span) -> int:
    around = [(number, lane.around(span)) for number, lane in enumerate(lanes)]
    inside = [(opened[-1], number) for number, opened in around if opened and _holds(opened[-1], span)]
    if inside:
        return max(inside, key=lambda found: _likelihood(found[0], found[1], span))[1]
    return next((number for number, opened in around if not opened), len(lanes))


def _likelihood(outer: Span, number: int, span: Span) -> tuple[int, bool, int, int]:
    """How likely *span* lay in *outer*, on lane *number*, where it may lie in several.

    The nearest above it is the one; of several alike, one of whose time in children as much is not yet accounted for;
    of these the first to end, for into the others what comes later may still fit.
    """
    has_room = outer.inside >= span.end - span.begin - _ROUNDING_US
    return len(outer.record.path), has_room, -outer.end, -number


def _holds(outer: Span, span: Span) -> bool:
    """Whether *span* lay in *outer*: the operation above it, or one above that of which the rest was not logged."""
    above = span.record.path.rpartition("/")[0]
    inside = above == outer.record.path or above.startswith(f"{outer.record.path}/")
    return inside and outer.begin - _ROUNDING_US <= span.begin and span.end <= outer.end + _ROUNDING_US
