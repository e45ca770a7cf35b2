"""Events with what was logged before and after them, as `grep -C` shows lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from .logfiles import LogPiece, Tail, open_all
from .reader import Filter, Hit, checked_limit, follow_lines


def read_around(
    log_path: Path | str,
    wanted: Filter,
    count: int,
    *,
    limit: int | None = None,
    follow: bool = False,
    idle: Callable[[], bool] | None = None,
) -> Iterator[Hit | None]:
    """Yield the events that are *wanted* and *count* events before and after each, oldest first; None for a gap.

    Around an event stand those of the run that is wanted, or, where all runs are, of any. *limit* keeps the newest of
    the wanted events, and what stands around them. *follow* and *idle* are those of `reader.read_events`. Raises
    UsageError for a wrong limit.

    >>> wanted = Filter.build(run_id=None, level="ERROR", where=[])
    >>> [hit and hit[0]["message"] for hit in read_around("logs/navigator.log", wanted, 5)]
    []
    """
    return _read(Path(log_path), wanted, count, checked_limit(limit), follow, idle)


def _read(
    log_path: Path, wanted: Filter, count: int, limit: int | None, follow: bool, idle: Callable[[], bool] | None
) -> Iterator[Hit | None]:
    pieces = open_all(log_path)
    tail = Tail(log_path, pieces[0] if pieces else None)
    scope = Filter.build(run_id=wanted.run_id, level=None, where=[])
    try:
        if limit is None:
            yield from _around(_lines(pieces, tail if follow else None, idle), wanted, scope, count)
            return
        yield from _newest(_around(_lines(pieces, None, None), wanted, scope, count), wanted, limit)
        if follow:
            yield from _around(follow_lines(tail, idle), wanted, scope, count)
    finally:
        for piece in pieces:
            piece.close()
        tail.close()


def _lines(pieces: list[LogPiece], tail: Tail | None, idle: Callable[[], bool] | None) -> Iterator[bytes]:
    there = chain.from_iterable(piece.lines() for piece in reversed(pieces))
    return chain(there, follow_lines(tail, idle)) if tail else there


def _around(lines: Iterable[bytes], wanted: Filter, scope: Filter, count: int) -> Iterator[Hit | None]:
    # Kept as bytes: of all runs, most lines are near nothing, and are never parsed.
    before: deque[bytes] = deque(maxlen=count)
    after, shown, gap = 0, False, False
    for line in lines:
        if scope.run_id is not None and not scope.hit(line):
            continue
        hit = wanted.hit(line)
        if hit:
            if gap and shown:
                yield None
            yield from filter(None, map(scope.hit, before))
            yield hit
            before.clear()
            after, shown, gap = count, True, False
        elif after:
            near = scope.hit(line)
            if near:
                yield near
                after -= 1
        else:
            gap = gap or len(before) == count
            before.append(line)


def _newest(found: Iterator[Hit | None], wanted: Filter, limit: int) -> list[Hit | None]:
    """Keep what belongs to the newest *limit* wanted events."""
    kept: deque[Hit | None] = deque()
    count = 0
    for hit in found:
        kept.append(hit)
        count += hit is not None and wanted.wants(hit[0])
        while count > limit:
            first = kept.popleft()
            count -= first is not None and wanted.wants(first[0])
    while kept and kept[0] is None:
        kept.popleft()
    return list(kept)
