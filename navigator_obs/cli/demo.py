"""`navigator-obs demo`: a real simulation of several years, on record."""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ..config import Config
from ..disabled import DISABLED, VARIABLE
from ..errors import MissingExtra, UsageError
from ..settings import LEVELS
from .complaint import PROGRAM
from .verbs import with_config

if TYPE_CHECKING:
    import duckdb

    from ..demo.progress import Display
    from ..demo.workforce import Plan
    from ..runs.run import Run

_EXIT_CODES: Final = {"success": 0, "partial": 0, "interrupted": 130, "terminated": 143}


@dataclass(frozen=True)
class Manner:
    """How the demo is to go about it."""

    bare: bool
    as_json: bool
    quiet: bool
    level: str | None


def _years(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    first, _, last = value.partition("-")
    try:
        years = tuple(range(int(first), int(last or first) + 1))
    except ValueError:
        years = ()
    if not years or years[0] < 1900 or years[-1] > 2999:
        raise click.BadParameter(f"{value!r} is neither a range of years, such as 2025-2029, nor one year", ctx, param)
    return years


@click.command("demo")
@click.option("--years", default="2025-2029", callback=_years, metavar="FIRST-LAST", help="[2025-2029]")
@click.option("--employees", default=6000, type=click.IntRange(1, 999_999), metavar="N", help="In the census.  [6000]")
@click.option("--seed", default=42, metavar="N", help="The same seed gives the same simulation events.  [42]")
@click.option("--fail-in", type=int, metavar="YEAR", help="Have the database refuse a batch of this year.")
@click.option(
    "--level",
    type=click.Choice(list(LEVELS), case_sensitive=False),
    metavar="LEVEL",
    help="Log from this level on; DEBUG logs each simulation event.  [INFO]",
)
@click.option(
    "--database", type=click.Path(path_type=Path), metavar="FILE", help="Simulate in a new file, not in memory."
)
@click.option("--bare", is_flag=True, help="The plain simulation, without any recording, to compare with.")
@click.option("--json", "as_json", is_flag=True, help="Print the run's summary as JSON.")
@click.option("--quiet", is_flag=True, help="Show errors alone.")
@with_config
def command(
    years: tuple[int, ...],
    employees: int,
    seed: int,
    fail_in: int | None,
    level: str | None,
    database: Path | None,
    bare: bool,
    as_json: bool,
    quiet: bool,
    config: Config,
) -> int:
    """Simulate a workforce over several years on DuckDB, and record it.

    \b
    navigator-obs demo
    navigator-obs demo --fail-in 2027
    navigator-obs demo --level DEBUG --database workforce.duckdb
    """  # noqa: D301 - the backspace is click's mark for lines to be left as they are
    if DISABLED and not bare:
        raise UsageError(f"{VARIABLE} is set, so there would be nothing to show; without recording: --bare")
    _need_libraries()
    from ..demo.workforce import Plan

    if fail_in is not None and fail_in not in years:
        raise click.UsageError(f"--fail-in {fail_in} is none of the simulated years, {years[0]}-{years[-1]}")
    plan = Plan(years=years, employees=employees, seed=seed, fail_in=fail_in)
    manner = Manner(bare, as_json, quiet, level)
    with _connected(database) as connection:
        return _bare(plan, connection, manner) if bare else _recorded(plan, connection, manner, config)


def _need_libraries() -> None:
    try:
        import duckdb  # noqa: F401
        import rich  # noqa: F401
    except ImportError as error:
        raise MissingExtra(f"the demo needs the cli extra: pip install '{PROGRAM}[cli]' ({error})") from None


@contextmanager
def _connected(database: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    if database is not None and database.exists():
        raise click.UsageError(f"--database {database} exists, and the demo writes to a new file only")
    try:
        connection = duckdb.connect(":memory:" if database is None else str(database))
    except duckdb.Error as error:
        raise click.UsageError(f"--database {database} cannot be made: {error}") from None
    try:
        yield connection
    finally:
        connection.close()


def _bare(plan: Plan, connection: duckdb.DuckDBPyConnection, manner: Manner) -> int:
    from ..demo.progress import Display
    from ..demo.workforce import SimulationError, Workforce

    wall, cpu = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder, Display(plan, sys.stderr, quiet=_silent(manner)) as display:
        try:
            Workforce(connection, plan, Path(folder), display).simulate()
        except SimulationError as error:
            display.close()
            print(f"{PROGRAM}: {error}: {error.__cause__}", file=sys.stderr)
            return 1
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    if manner.as_json:
        figures = {"simulation_events": display.events, "duration_seconds": seconds, "cpu_seconds": cpu_seconds}
        print(json.dumps(figures))
    elif not manner.quiet:
        print(f"{display.events:,} simulation events in {seconds:.2f} s ({cpu_seconds:.2f} s CPU), not recorded")
    return 0


def _recorded(plan: Plan, connection: duckdb.DuckDBPyConnection, manner: Manner, config: Config) -> int:
    from ..demo.progress import Display
    from ..demo.recorded import simulate
    from ..demo.workforce import SimulationError

    with Display(plan, sys.stderr, quiet=_silent(manner)) as display:
        watcher = Watcher(display)
        try:
            simulate(plan, connection, display, [watcher], _adapted(config, manner))
        except (SimulationError, KeyboardInterrupt, SystemExit):
            # The run has told of it, in the log and in its summary.
            if watcher.run is None:
                raise
    assert watcher.run is not None
    if manner.as_json:
        print(json.dumps(watcher.run.summary, ensure_ascii=False))
    elif not manner.quiet:
        print(_farewell(watcher.run, plan, manner, config))
    return _EXIT_CODES.get(watcher.run.status, 1)


def _silent(manner: Manner) -> bool:
    """Whether no progress is shown: where it is not wanted, or nobody is looking."""
    return manner.quiet or (manner.as_json and not sys.stderr.isatty())


def _adapted(config: Config, manner: Manner) -> Config:
    """The years' rows are what to look at: without another wish, the console adds only what went wrong."""
    level = manner.level or config.level
    changes: dict[str, Any] = {"level": level}
    if manner.quiet or manner.as_json:
        changes["run_report"] = False
    if config.sources["console_level"] == "default":
        # 40,000 simulation events are for the file, whoever wants them.
        wanted = "INFO" if manner.level == "DEBUG" else manner.level or "WARNING"
        changes["console_level"] = "ERROR" if manner.quiet else wanted
    return dataclasses.replace(config, **changes)


class Watcher:
    """The observer that keeps the run at hand, and takes the bar away before the run's report is printed."""

    def __init__(self, display: Display) -> None:
        self.run: Run | None = None
        self._display = display

    def run_started(self, run: Run) -> None:
        """Keep the run."""
        self.run = run

    def run_finished(self, summary: Mapping[str, Any], directory: Path) -> None:  # noqa: ARG002
        """Take the bar away."""
        self._display.close()


def _farewell(run: Run, plan: Plan, manner: Manner, config: Config) -> str:
    suggestions = {_shell(verb, words, config): what for verb, words, what in _suggestions(run, plan, manner)}
    width = max(map(len, suggestions))
    return "\n".join(["", "Try next", *(f"  {line:<{width}}  {what}" for line, what in suggestions.items())])


def _suggestions(run: Run, plan: Plan, manner: Manner) -> Iterator[tuple[str, str, str]]:
    yield "show", "last", "this run in one screen"
    if run.status == "failed":
        yield "logs", "last --level ERROR", "the error, with its causes"
    elif run.summary["execution_summary"]["warnings"]:
        yield "logs", "last --level WARNING", "what was worth a warning"
    yield "logs", "last --where operation=year_simulation", "how long each year took"
    if manner.level == "DEBUG":
        event_id = f"{plan.years[0]}-hire-{plan.employees + 1:06d}"
        yield "logs", f"last --where event_id={event_id}", "one simulation event"
    else:
        yield "demo", "--level DEBUG", "log each simulation event, too"
    if plan.fail_in is None:
        yield "demo", f"--fail-in {plan.years[len(plan.years) // 2]}", "see a run fail"
    yield "runs", "", "all runs"


def _shell(verb: str, words: str, config: Config) -> str:
    """The command with the folders that this one was given."""
    given = [name for name in ("log_dir", "runs_dir") if config.sources[name] == "argument"]
    needed = [name for name in given if name == "runs_dir" or verb in {"logs", "demo", "show"}]
    options = [f"--{name.replace('_', '-')} {shlex.quote(str(getattr(config, name)))}" for name in needed]
    return " ".join(filter(None, [_program(), verb, words, *options]))


def _program() -> str:
    """The command's name, or how this one was called where the name alone does not find it: `.venv/bin/…`."""
    called = Path(sys.argv[0])
    if called.name != PROGRAM or shutil.which(PROGRAM):
        return PROGRAM
    return shlex.quote(os.path.relpath(called))
