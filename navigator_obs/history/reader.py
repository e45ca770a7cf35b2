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

from ..config import LEVELS
from ..encoding import from_json
from ..errors import UsageError, close_match
from .logfiles import LogPiece, Tail, log_files, open_all
from .where import Condition, parse_all

__all__ = ["Condition", "Filter", "log_files", "read_events"]

Event = dict[str, Any]
Hit = tuple[Event, bytes]
POLL_SECONDS: Final = 0.2


def read_events(
    log_path: Path | str,
    *,
    run_id: str | None = None,
    level: str | None = None,
    where: Iterable[str | Condition] = (),
    limit: int | None = None,
    follow: bool = False,
    idle: Callable[[], bool] | None = None,
    torn: Callable[[bytes], None] | None = None,
) -> Iterator[Hit]:
    """Yield the events of a log, oldest first, each with its raw line (without the newline).

    *level* is a minimum; all of *where* must hold (see `history.where`); *limit* keeps the newest of what is there.
    With *follow* the iterator goes on with what is appended, through rotation, and waits for a file that is not there
    yet; *idle* is called whenever there was nothing new and ends it by returning True. Lines that are no JSON objects
    are left out and given to *torn*. Raises UsageError for a wrong argument, and nothing for a missing file.

    >>> for event, line in read_events("logs/navigator.log", level="ERROR", where=["year=2027"]):
    ...     print(event["message"])
    """
    wanted = Filter.build(run_id=run_id, level=level, where=where, torn=torn)
    if limit is not None and limit < 1:
        raise UsageError(f"limit={limit!r} must be at least 1")
    return _read(Path(log_path), wanted, limit, follow, idle)


@dataclass(frozen=True)
class Filter:
    """What is wanted of a log. `needles`: for each entry, a matching line holds at least one of its texts."""

    run_id: str | None
    levels: frozenset[str]
    where: tuple[Condition, ...]
    needles: tuple[tuple[bytes, ...], ...]
    torn: Callable[[bytes], None] | None = field(default=None, compare=False)

    @classmethod
    def build(
        cls,
        *,
        run_id: str | None,
        level: str | None,
        where: Iterable[str | Condition],
        torn: Callable[[bytes], None] | None = None,
    ) -> Filter:
        """Make a filter out of what a caller gives; raises UsageError."""
        conditions = parse_all([where] if isinstance(where, str) else where)
        levels = levels_from(level)
        needles = [tuple(name.encode() for name in levels)] if levels else []
        needles += [(run_id.encode(),)] if run_id else []
        needles += [(condition.needle,) for condition in conditions if condition.needle]
        return cls(run_id, levels, conditions, tuple(needles), torn)

    def hit(self, line: bytes) -> Hit | None:
        """Return the event of *line* with the line where it is wanted."""
        for texts in self.needles:
            if not any(text in line for text in texts):
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

    def wants(self, event: Event) -> bool:
        """Return whether a parsed event is wanted."""
        if self.run_id is not None and event.get("run_id") != self.run_id:
            return False
        if self.levels and str(event.get("level", "")).upper() not in self.levels:
            return False
        return all(condition.holds(event) for condition in self.where)


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
        for line in piece.lines():
            hit = wanted.hit(line)
            if hit:
                yield hit


def _newest(pieces: list[LogPiece], wanted: Filter, limit: int) -> list[Hit]:
    """Return the newest *limit* events, oldest first, reading backwards from the end."""
    hits: list[Hit] = []
    for piece in pieces:
        for line in piece.backwards():
            hit = wanted.hit(line)
            if hit:
                hits.append(hit)
                if len(hits) == limit:
                    return hits[::-1]
    return hits[::-1]


def _follow(tail: Tail, wanted: Filter, idle: Callable[[], bool] | None) -> Iterator[Hit]:
    while True:
        quiet = True
        for line in tail.lines():
            quiet = False
            hit = wanted.hit(line)
            if hit:
                yield hit
        if quiet:
            if idle and idle():
                return
            time.sleep(POLL_SECONDS)
