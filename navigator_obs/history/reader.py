"""Read the log as one stream of events: through the rotated files, past torn lines, and on as it grows.

Most lines that a filter throws away are thrown away as bytes, before they are parsed: a filtered read of a large log is
close to the speed of `grep`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..clock import format_timestamp
from ..encoding import from_json
from ..errors import UsageError, close_match
from ..settings import LEVELS
from .logfiles import LogPiece, Tail, log_files, open_all
from .needles import Needle, holds
from .since import moment
from .where import Condition, parse_all

__all__ = ["Condition", "Filter", "log_files", "read_events"]

Event = dict[str, Any]
Hit = tuple[Event, bytes]
POLL_SECONDS: Final = 0.2
# How each line of ours begins, so that the time of most can be told without parsing them.
_BEGINNING: Final = b'{"timestamp":"'
_END_OF_TIME: Final = len(_BEGINNING) + len("2025-08-18T14:30:22.123456Z")


def read_events(
    log_path: Path | str,
    *,
    run_id: str | None = None,
    level: str | None = None,
    where: Iterable[str | Condition] = (),
    since: str | None = None,
    event_id: str | None = None,
    limit: int | None = None,
    follow: bool = False,
    idle: Callable[[], bool] | None = None,
    torn: Callable[[bytes], None] | None = None,
) -> Iterator[Hit]:
    """Yield the events of a log, oldest first, each with its raw line (without the newline).

    *level* is a minimum; all of *where* must hold (see `history.where`); *since* is an age, a date or a time (see
    `history.since`); *event_id* names one event of a run, as in ``"4711-42"``; *limit* keeps the newest of what is
    there. With *follow* the iterator goes on with what is appended, through rotation, and waits for a file that is not
    there yet; *idle* is called whenever there was nothing new and ends it by returning True. Lines that are no JSON
    objects are left out and given to *torn*. Raises UsageError for a wrong argument, and nothing for a missing file.

    >>> for event, line in read_events("logs/navigator.log", level="ERROR", where=["year=2027"]):
    ...     print(event["message"])
    """
    wanted = Filter.build(run_id=run_id, level=level, where=where, since=since, event_id=event_id, torn=torn)
    return _read(Path(log_path), wanted, checked_limit(limit), follow, idle)


@dataclass(frozen=True)
class Filter:
    """What is wanted of a log. `needles`: a matching line holds each of them."""

    run_id: str | None
    levels: frozenset[str]
    where: tuple[Condition, ...]
    needles: tuple[Needle, ...]
    since: str = ""
    torn: Callable[[bytes], None] | None = field(default=None, compare=False)

    @classmethod
    def build(
        cls,
        *,
        run_id: str | None,
        level: str | None,
        where: Iterable[str | Condition],
        since: str | None = None,
        event_id: str | None = None,
        torn: Callable[[bytes], None] | None = None,
    ) -> Filter:
        """Make a filter out of what a caller gives; raises UsageError."""
        conditions = parse_all([where] if isinstance(where, str) else where)
        levels = levels_from(level)
        needles: list[Needle] = [tuple(name.encode() for name in levels)] if levels else []
        needles += [(run_id.encode(),)] if run_id else []
        needles += [(condition.needle,) for condition in conditions if condition.needle]
        if event_id is not None:
            process, seq = event_numbers(event_id)
            conditions += parse_all([f"process={process}", f"seq={seq}"])
            needles += [(f'"seq":{seq}'.encode(),)]
        return cls(run_id, levels, conditions, tuple(needles), moment(since) if since else "", torn)

    def hit(self, line: bytes) -> Hit | None:
        """Return the event of *line* with the line where it is wanted."""
        return self.hit_of_needles(line) if holds(line, self.needles) else None

    def hit_of_needles(self, line: bytes) -> Hit | None:
        """Return the event of *line*, which holds the needles, with the line where it is wanted."""
        if self.since and line.startswith(_BEGINNING) and line[len(_BEGINNING) : _END_OF_TIME] < self.since.encode():
            return None
        try:
            event = from_json(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            if self.torn and line.strip(b"\0 \t\r\n"):
                self.torn(line)
            return None
        return (event, line) if self.wants(event) else None

    def is_before(self, piece: LogPiece) -> bool:
        """Return whether all that *piece* holds is older than what is wanted."""
        return bool(self.since) and format_timestamp(piece.written_ns) < self.since

    def wants(self, event: Event) -> bool:
        """Return whether a parsed event is wanted."""
        if self.since and str(event.get("timestamp") or "") < self.since:
            return False
        if self.run_id is not None and event.get("run_id") != self.run_id:
            return False
        if self.levels and str(event.get("level", "")).upper() not in self.levels:
            return False
        return all(condition.holds(event) for condition in self.where)


def checked_limit(limit: int | None) -> int | None:
    """Return *limit*; raises UsageError where it is below 1."""
    if limit is not None and limit < 1:
        raise UsageError(f"limit={limit!r} must be at least 1")
    return limit


def event_numbers(event_id: str) -> tuple[int, int]:
    """Return process and number of the event that *event_id* names; raises UsageError.

    >>> event_numbers("4711-42")
    (4711, 42)
    """
    process, dash, seq = event_id.strip().partition("-")
    if not (dash and process.isdecimal() and seq.isdecimal()):
        raise UsageError(f"event id {event_id!r} must be an event's process and seq, such as 4711-42")
    return int(process), int(seq)


def levels_from(level: str | None) -> frozenset[str]:
    """Return the names of *level* and those above it; none for None. Raises UsageError for an unknown level."""
    if level is None:
        return frozenset()
    name = level.upper()
    if name not in LEVELS:
        raise UsageError(f"level={level!r} must be one of {', '.join(LEVELS)}{close_match(name, LEVELS)}")
    return frozenset(other for other, number in LEVELS.items() if number >= LEVELS[name])


def _read(
    log_path: Path, wanted: Filter, limit: int | None, follow: bool, idle: Callable[[], bool] | None
) -> Iterator[Hit]:
    pieces = open_all(log_path)
    tail = Tail(log_path, pieces[0] if pieces else None)
    try:
        yield from _newest(pieces, wanted, limit) if limit else _all(pieces, wanted)
        if follow:
            yield from _follow(tail, wanted, idle)
    finally:
        for piece in pieces:
            piece.close()
        tail.close()


def _all(pieces: list[LogPiece], wanted: Filter) -> Iterator[Hit]:
    for piece in reversed(pieces):
        if wanted.is_before(piece):
            continue
        lines = piece.lines_with(wanted.needles) if wanted.needles else piece.lines()
        for line in lines:
            hit = wanted.hit_of_needles(line)
            if hit:
                yield hit


def _newest(pieces: list[LogPiece], wanted: Filter, limit: int) -> list[Hit]:
    """Return the newest *limit* events, oldest first, reading backwards from the end."""
    hits: list[Hit] = []
    for piece in pieces:
        if wanted.is_before(piece):
            break
        for line in piece.backwards():
            hit = wanted.hit(line)
            if hit:
                hits.append(hit)
                if len(hits) == limit:
                    return hits[::-1]
    return hits[::-1]


def _follow(tail: Tail, wanted: Filter, idle: Callable[[], bool] | None) -> Iterator[Hit]:
    for line in follow_lines(tail, idle):
        hit = wanted.hit(line)
        if hit:
            yield hit


def follow_lines(tail: Tail, idle: Callable[[], bool] | None) -> Iterator[bytes]:
    """Yield the lines that come, until *idle* says that there will be no more."""
    while True:
        quiet = True
        for line in tail.lines():
            quiet = False
            yield line
        if quiet:
            if idle and idle():
                return
            time.sleep(POLL_SECONDS)
