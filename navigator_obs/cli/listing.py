"""The list of runs as plain aligned text or JSON. It does without click and rich: what is asked for often is cheap."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from ..config import Config, resolve
from ..fields import format_count, format_seconds
from ..history.store import History, RunEntry, Wanted, outermost
from ..outputs.columns import aligned, one_line, pad, shorten, shorten_middle, width_of

if TYPE_CHECKING:
    from ..history.marks import Mark

NEWEST_ON_A_TERMINAL = 30
_MAX_NAME = 32
_LEAST_NAME = 8
_TREND = 20
_TO_THE_MINUTE = len("2025-08-18 14:30")
_LEAST_TREND = 3
_MAX_TRENDS = 5
_LEAST_WITH_MARKS = 5
T = TypeVar("T")
_MAX_REASON = 100
_LEAST_REASON = 12
_SHORTEST_REMARK = "▲ +24%"
_TITLES = ("RUN", "NAME", "STATUS", "STARTED", "DURATION", "ERRORS", "WARNINGS")
_NAME = _TITLES.index("NAME")
_RIGHT: Sequence[bool] = (False, False, False, False, True, True, True)
_DISPENSABLE: Sequence[str] = ("STARTED", "WARNINGS", "DURATION")


def print_runs(
    config: Config | None = None,
    *,
    status: str | Sequence[str] | None = None,
    name: str | None = None,
    tag: Sequence[str] = (),
    since: str | None = None,
    top: bool = False,
    limit: int | None = None,
    columns: Sequence[str] = (),
    as_json: bool = False,
) -> int:
    """Print the runs, newest first; return the exit code.

    *limit* 0 means all; None means all as well, but on a terminal the newest `NEWEST_ON_A_TERMINAL`. *columns* are
    names of `listed.COLUMNS`; without any, the usual ones are shown. *top* leaves out runs within others.
    """
    config = resolve() if config is None else config
    history = History(config.runs_dir)
    wanted = Wanted.of(status, name, tag, since)
    # All of them: whether a run is slow is told by those before it, whichever are asked for.
    known = history.list()
    runs = _chosen(known, wanted, top)
    if any(not run.final for run in runs) and _finalise(config, runs):
        known = history.list()
        runs = _chosen(known, wanted, top)
    shown = runs[: _how_many(limit, as_json) or None]
    if as_json:
        _print_json(known, shown)
    elif not runs:
        _say_that_there_are_none(config, filtered=bool(status or name or tag or since or top))
    else:
        print("\n".join(_lines(known, runs, shown, columns)))
        if len(shown) < len(runs):
            print(f"{len(shown)} of {len(runs)} runs; all of them: --limit 0", file=sys.stderr)
    return 0


def _chosen(known: Sequence[RunEntry], wanted: Wanted, top: bool) -> list[RunEntry]:
    return list(filter(wanted.has, outermost(known, known) if top else known))


def _lines(
    known: Sequence[RunEntry], runs: Sequence[RunEntry], shown: Sequence[RunEntry], columns: Sequence[str]
) -> list[str]:
    if columns:
        from .listed import lines_with

        return lines_with(shown, columns, _marks(known, shown) if "trend" in columns else {})
    width, found = terminal_width(), _marks(known, shown)
    # A program that reads the list reads one run a line and nothing else.
    return (
        lines_of(shown, None, found)
        if width is None
        else [*lines_of(shown, width, found), *durations_of(runs, shown, width)]
    )


def _marks(known: Sequence[RunEntry], shown: Sequence[RunEntry]) -> Mapping[str, Mark]:
    # Fewer have no trend, and do without the imports.
    if len(known) < _LEAST_WITH_MARKS:
        return {}
    from ..history.marks import marks

    return marks(known, shown)


def _print_json(known: Sequence[RunEntry], shown: Sequence[RunEntry]) -> None:
    """Each run with its trend: null, or what the list shows beside it."""
    from .screen import print_json

    found = _marks(known, shown)
    trends = {run_id: mark.to_dict() for run_id, mark in found.items()}
    print_json([{**run.to_dict(), "trend": trends.get(run.run_id)} for run in shown])


def durations_of(runs: Sequence[RunEntry], shown: Sequence[RunEntry], width: int) -> list[str]:
    """Return for each of the names that are *shown*, at most `_MAX_TRENDS`, how long its newest successes took."""
    found = []
    for name in list(dict.fromkeys(run.name for run in shown))[:_MAX_TRENDS]:
        done = [run.duration_seconds for run in runs if run.name == name and run.status == "success"][:_TREND]
        known = [seconds for seconds in reversed(done) if seconds is not None]
        if len(known) >= _LEAST_TREND:
            found.append((shorten(one_line(name), _MAX_NAME), known))
    return (
        ["", "How long the newest successes took, the latest on the right", *_trend_lines(found, width)]
        if found
        else []
    )


def _trend_lines(found: Sequence[tuple[str, Sequence[float]]], width: int) -> Iterator[str]:
    from ..outputs.sparkline import sparkline

    room = max(width_of(name) for name, _ in found)
    for name, seconds in found:
        spread = dict.fromkeys(map(format_seconds, (min(seconds), max(seconds))))
        told = f"{' to '.join(spread)}, latest {format_seconds(seconds[-1])}"
        yield shorten(f"{pad(name, room)}  {sparkline(seconds):>{_TREND}}  {told}", width)


def _finalise(config: Config, runs: Sequence[RunEntry]) -> bool:
    from .meeting import finalise

    return finalise(config, runs)


def _how_many(limit: int | None, as_json: bool) -> int:
    if limit is not None:
        return limit
    return NEWEST_ON_A_TERMINAL if not as_json and sys.stdout.isatty() else 0


def _say_that_there_are_none(config: Config, *, filtered: bool) -> None:
    if filtered:
        print(f"no such runs in {config.runs_dir}", file=sys.stderr)
    else:
        from ..history.naming import elsewhere

        print(f"no runs in {config.runs_dir}{elsewhere(config.runs_dir)}", file=sys.stderr)


def terminal_width() -> int | None:
    """Return the terminal's width, None where stdout is none: a pipe gets long lines."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def lines_of(
    runs: Sequence[RunEntry], width: int | None = None, marks: Mapping[str, Mark] = MappingProxyType({})
) -> list[str]:
    """Return a title line and one for each run; why a run ended is told in the room that *width* leaves, if any, or
    that it is slower than the runs like it before, as *marks* has it by id.

    Where *width* is too small, columns go: first the one that the run's id tells as well.
    """
    rows = [_TITLES, *map(_cells, runs)]
    lines = narrowed(rows, _RIGHT, _DISPENSABLE, width)
    excess = 0 if width is None else max(map(width_of, lines)) - width
    if excess > 0:
        room = max(max(width_of(row[_NAME]) for row in rows) - excess, _LEAST_NAME)
        lines = narrowed([_with_short_name(row, room) for row in rows], _RIGHT, _DISPENSABLE, width)
    table_width = max(map(width_of, lines))
    room = _MAX_REASON if width is None else width - table_width - 2
    # A few words of a reason tell nothing; a mark is short.
    reasons = [_reason(run) if room >= _LEAST_REASON else "" for run in runs]
    title = "REASON" if any(reasons) else "TREND" if marks else ""
    remarks = [reason or str(marks.get(run.run_id, "")) for reason, run in zip(reasons, runs, strict=True)]
    return [
        _with_remark(line, remark, table_width, room) for line, remark in zip(lines, [title, *remarks], strict=True)
    ]


def narrowed(
    rows: Sequence[Sequence[str]], right: Sequence[bool], dispensable: Sequence[str], width: int | None
) -> list[str]:
    """Lay out *rows*, of which the first has the titles, without as many of the *dispensable* columns, the first one
    first, as it takes for *width* columns of a terminal.
    """
    lines = aligned(rows, right)
    for title in dispensable if width is not None else ():
        if max(map(width_of, lines)) <= (width or 0):
            break
        at = rows[0].index(title)
        rows, right = [_without(row, at) for row in rows], _without(right, at)
        lines = aligned(rows, right)
    return lines


def _with_short_name(row: Sequence[str], room: int) -> tuple[str, ...]:
    return (*row[:_NAME], shorten_middle(row[_NAME], room), *row[_NAME + 1 :])


def _without(row: Sequence[T], at: int) -> tuple[T, ...]:
    return (*row[:at], *row[at + 1 :])


def _reason(run: RunEntry) -> str:
    """Why it ended; most reasons hold no time, and need not import what tells it by the reader's clock."""
    told = one_line(" ".join(run.status_reason.split())) if run.status_reason else ""
    if "Z" in told:
        from ..outputs.cells import localized

        told = localized(told, run.start_time)
    return told


def _cells(run: RunEntry) -> tuple[str, ...]:
    seconds, errors, warnings = run.duration_seconds, run.errors, run.warnings
    return (
        one_line(run.run_id),
        shorten(one_line(run.name), _MAX_NAME),
        one_line(run.status),
        _started(run.start_time),
        "" if seconds is None else format_seconds(seconds),
        "?" if errors is None else format_count(errors) if errors else "0",
        "?" if warnings is None else format_count(warnings) if warnings else "0",
    )


def _with_remark(line: str, remark: str, table_width: int, room: int) -> str:
    if not remark or room < width_of(_SHORTEST_REMARK):
        return line
    return f"{line}{' ' * (table_width - width_of(line))}  {shorten(remark, room)}"


def _started(timestamp: str | None) -> str:
    try:
        return datetime.fromisoformat(timestamp or "").astimezone().isoformat(" ", "minutes")[:_TO_THE_MINUTE]
    except (ValueError, OverflowError, OSError):
        return "?"
