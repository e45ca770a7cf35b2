"""`navigator-obs logs`: show events."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import Any

import click

from ..config import Config
from ..errors import UsageError
from ..events.console import format_event, wants_colour
from ..history.around import read_around
from ..history.reader import Filter, Hit, log_files, read_events
from ..history.store import History, RunEntry
from ..runs.statuses import LIVING
from ..settings import LEVELS
from .completers import complete_run, one_of
from .screen import write_json
from .staged import recover_staged
from .verbs import with_config

_LOOK_SECONDS = 1.0


@click.command("logs")
@click.argument("run", required=False, metavar="[RUN]", shell_complete=complete_run)
@click.option(
    "--level", metavar="LEVEL", shell_complete=one_of(LEVELS), help=f"This level and above: {', '.join(LEVELS)}."
)
@click.option(
    "--where",
    multiple=True,
    metavar="KEY=VALUE",
    help="Only events that hold this; also != > >= < <= and ~ for 'contains'; dotted keys for nested; repeatable.",
)
@click.option("--since", metavar="WHEN", help="Only events since then: 90m, 3d, today, 2025-08-18T14:30.")
@click.option("--id", "event_id", metavar="EVENT", help="Only the event with this process-seq, as `errors` tells it.")
@click.option("-C", "--context", type=click.IntRange(min=0), metavar="N", help="With N events before and after each.")
@click.option("-n", "--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@click.option("-f", "--follow", is_flag=True, help="Go on with new events, until the run has ended or Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON lines as they are in the log.")
@with_config
def command(
    run: str | None,
    level: str | None,
    where: tuple[str, ...],
    since: str | None,
    event_id: str | None,
    context: int | None,
    limit: int | None,
    follow: bool,
    as_json: bool,
    config: Config,
) -> int:
    r"""Show events of one run, or without RUN of all.

    \b
    navigator-obs logs last --level ERROR -C 10
    navigator-obs logs --since 2h --level WARNING
    navigator-obs logs --where operation=year_simulation --where 'duration_seconds>5'
    navigator-obs logs --where exception.type~Constraint --json | jq .message
    """
    asked: dict[str, Any] = {"level": level, "where": where, "since": since, "event_id": event_id}
    # What was asked wrongly is told first, whatever there is to read.
    Filter.build(run_id=None, **asked)
    entry = History(config.runs_dir).get(run) if run else None
    recover_staged(config)
    if not follow and not log_files(config.log_path):
        raise UsageError(f"there is no log at {config.log_path}; another folder: --log-dir")
    torn: list[int] = []
    asked |= {"run_id": entry.run_id if entry else None, "torn": lambda line: torn.append(len(line))}
    going_on: dict[str, Any] = {
        "limit": limit,
        "follow": follow,
        "idle": Watcher(config, entry).idle if follow else None,
    }
    hits: Iterable[Hit | None] = (
        read_around(config.log_path, Filter.build(**asked), context, **going_on)
        if context
        else read_events(config.log_path, **asked, **going_on)
    )
    count = _print(hits, as_json=as_json, follow=follow)
    _say_what_else(config, entry, count, len(torn))
    return 0


def _print(hits: Iterable[Hit | None], *, as_json: bool, follow: bool) -> int:
    colour = wants_colour(sys.stdout)
    day = Day() if sys.stdout.isatty() and not as_json else None
    count = 0
    for hit in hits:
        if hit is None:
            # As grep sets apart what does not follow each other.
            if not as_json:
                print("--")
            continue
        event, line = hit
        count += 1
        if as_json:
            write_json(line + b"\n")
        else:
            if day:
                day.announce(event, colour)
            sys.stdout.write(format_event(event, colour=colour) + "\n")
        if follow:
            sys.stdout.flush()
    return count


def _say_what_else(config: Config, entry: RunEntry | None, count: int, torn: int) -> None:
    if not count:
        whose = f" of run {entry.run_id}" if entry else ""
        print(f"no such events{whose} in {config.log_path}", file=sys.stderr)
    if torn:
        print(f"{torn:,} {'line' if torn == 1 else 'lines'} left out: torn, or not JSON", file=sys.stderr)


class Day:
    """Says on which day and in which run the events below it happened: each line has the time of day alone."""

    def __init__(self) -> None:
        self._last = ("", "")

    def announce(self, event: dict[str, Any], colour: bool) -> None:
        """Print a heading where day or run are others than before."""
        from ..outputs.cells import local_day, text

        now = (local_day(event.get("timestamp")), text(event.get("run_id") or "no run"))
        if now != self._last:
            self._last = now
            heading = f"── {now[0]} · {now[1]} ──"
            print(f"\x1b[2m{heading}\x1b[0m" if colour else heading)


class Watcher:
    """While nothing is written: puts what a killed process left staged into the log, and sees whether the run ended."""

    def __init__(self, config: Config, entry: RunEntry | None) -> None:
        self._config = config
        self._entry = entry
        self._next = 0.0
        self._ended = False

    def idle(self) -> bool:
        """Return whether there is no more to come."""
        if self._ended:
            return True
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _LOOK_SECONDS
            recover_staged(self._config)
            # Its last events may have come after the last look into the log: one more round.
            self._ended = self._has_ended()
        return False

    def _has_ended(self) -> bool:
        if self._entry is None:
            return False
        return History(self._config.runs_dir).get(str(self._entry.directory)).status not in LIVING
