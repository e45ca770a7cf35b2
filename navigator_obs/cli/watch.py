"""`navigator-obs watch`: a run that is under way, live, from its files alone."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Final

import click

from ..clock import clock, format_timestamp
from ..config import Config
from ..encoding import to_json
from ..history.live import LiveRun, Look, runs_like
from ..history.store import History, RunEntry, outermost
from ..outputs.cells import local_time
from ..outputs.live import line, sections, to_dict
from ..runs.reading import table
from ..runs.statuses import LIVING
from .completers import complete_run
from .screen import write_json
from .verbs import with_config

FOUND: Final = 1
_SECONDS: Final = 0.5
_AT_MOST_SECONDS: Final = 30.0


@click.command("watch")
@click.argument("run", required=False, metavar="[RUN]", shell_complete=complete_run)
@click.option("--wait", is_flag=True, help="Where none is under way, wait for one to begin.")
@click.option("--plain", is_flag=True, help="A line whenever something has changed; on a dumb terminal or none anyway.")
@click.option(
    "--interval", type=click.FloatRange(min=0.1), default=_SECONDS, metavar="SECONDS", help="Look so often.  [0.5]"
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object whenever something has changed.")
@with_config
def command(run: str | None, wait: bool, plain: bool, interval: float, as_json: bool, config: Config) -> int:
    """Watch a run: years and operations, time left, memory, last problems.

    Without RUN it is the newest that is under way, else the last one. It reads files and writes nothing, so it works
    from another shell, for whoever may read them. It ends with the run; the exit code is then 1 unless that succeeded.
    Ctrl-C ends the watching alone.
    """
    history = History(config.runs_dir, keep_index=False)
    try:
        entry = _begun(history, run, interval) if wait else history.get(run) if run else _newest_under_way(history)
        looks = _looks(LiveRun(entry, runs_like(history, entry)), interval)
        in_lines = as_json or plain or not _can_be_drawn_anew()
        last = _print_lines(looks, as_json=as_json) if in_lines else _show(looks)
    except KeyboardInterrupt:
        return 0
    return 0 if table(last.summary, "run_metadata").get("status") == "success" else FOUND


def _can_be_drawn_anew() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}


def _newest_under_way(history: History) -> RunEntry:
    return next(iter(_living(history)), None) or history.get("last")


def _begun(history: History, ref: str | None, interval: float) -> RunEntry:
    """Return the newest run under way, of this name or id if there is one, as soon as there is one."""
    while True:
        for run in _living(history):
            if ref in {None, run.name, run.run_id}:
                return run
        time.sleep(interval)


def _living(history: History) -> list[RunEntry]:
    # A folder that was made a moment ago does not say yet which run it is of.
    found = [run for run in history.list(LIVING) if run.start_time]
    return outermost(found, found)


def _looks(run: LiveRun, interval: float) -> Iterator[Look]:
    while True:
        look = run.look()
        yield look
        if not look.lives:
            return
        time.sleep(interval)


def _print_lines(looks: Iterator[Look], *, as_json: bool) -> Look:
    """Print a look where a year, a status or a problem is new, and else now and then; return the last."""
    told: object = None
    due = 0.0
    for look in looks:
        news = _news(look)
        if news != told or time.monotonic() >= due:
            told, due = news, time.monotonic() + _AT_MOST_SECONDS
            if as_json:
                write_json(to_json(to_dict(look)) + b"\n")
            else:
                print(f"{local_time(format_timestamp(clock.time_ns()))} {line(look)}")
            sys.stdout.flush()
    return look


def _news(look: Look) -> object:
    execution = table(look.summary, "execution_summary")
    counts = [execution.get(key) for key in ("years_completed", "errors", "warnings")]
    return [table(look.summary, "run_metadata").get("status"), *counts]


def _show(looks: Iterator[Look]) -> Look:
    from rich.console import Console, Group
    from rich.live import Live

    from ..outputs.headline import headline
    from .pretty import INDENT, MAX_WIDTH, heading, titled

    console = Console(highlight=False, emoji=False, markup=False)
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        for look in looks:
            width = min(console.width, MAX_WIDTH) - len(INDENT)
            shown = [titled(section, width) for section in sections(look, width=width)]
            live.update(Group(*heading(headline(look.summary)), *shown), refresh=True)
    return look
