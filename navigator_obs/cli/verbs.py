"""The verbs, each in a file of its own that is imported when it is asked for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ..config import Config, resolve
from ..errors import close_match
from ..history.naming import is_path
from ..history.store import History
from .complaint import PROGRAM, complain
from .completers import complete_run

VERBS: Final = {
    "demo": "Run a real multi-year workforce simulation and record it.",
    "runs": "List the runs, newest first.",
    "show": "Show one run: its verdict, what went wrong, where the time went.",
    "diagnose": "Say why a run failed: cause, novelty, what changed, what to do.",
    "watch": "Watch a run that is under way.",
    "errors": "Show each error and warning of a run, grouped, with its causes.",
    "slow": "Show where the time of a run went, operation by operation.",
    "trace": "Write the operations of a run for a trace viewer or a flame graph.",
    "compare": "Show what is different between two runs; a gate for CI.",
    "trends": "Show how runs develop: steps, drifts and outliers, by operation.",
    "capacity": "Estimate what more years or rows will need.",
    "checks": "Show the data-quality checks of a run.",
    "logs": "Show events, filtered, across rotated files, live if wanted.",
    "level": "Change what a running simulation logs.",
    "lineage": "Show the attempts of one simulation, and the runs within it.",
    "sql": "Ask the logs and the runs with SQL.",
    "bundle": "Put a run into one archive, without its secrets.",
    "tag": "Add tags to a run, or take them away.",
    "pin": "Keep a run from being pruned.",
    "baseline": "Have later runs compared with a run.",
    "note": "Write a note to a run.",
    "ack": "Acknowledge the failure of a run.",
    "exec": "Run a command, and tell how the runs in it ended.",
    "recover": "Give each dead run its verdict and its final summary.",
    "verify": "Tell whether a run's record was changed since it was written.",
    "prune": "Keep the folder of runs within limits of age, number and size.",
    "reindex": "Make the index of the runs anew.",
    "overhead": "Measure what observing costs a program of yours.",
    "completion": "Print what makes a shell complete the command.",
    "config": "Show each setting with its value and where that came from.",
}
# Verbs that share a file: the command has the verb's name there.
_HOMES: Final = dict.fromkeys(("tag", "pin", "baseline", "note", "ack"), "annotating")
Verb = TypeVar("Verb", bound=Callable[..., Any])


class Verbs(click.Group):
    """Knows the verbs by name; help and a wrong name are told without importing any of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order in which help shows them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the verb."""
        if cmd_name not in VERBS:
            return None
        module = import_module(f".{_HOMES.get(cmd_name, cmd_name)}", __package__)
        command = getattr(module, cmd_name if cmd_name in _HOMES else "command")
        assert isinstance(command, click.Command)
        # In a raw docstring, click's sign for lines that stay as they are is two characters.
        command.help = (command.help or "").replace("\\b\n", "\b\n")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse an unknown verb by naming the known ones."""
        if args[0] not in VERBS:
            hint = close_match(args[0], VERBS)
            raise click.UsageError(f"unknown verb {args[0]!r}{hint}; valid are {', '.join(VERBS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the verbs into the help."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def _folders(command: Verb) -> Verb:
    """Add `--log-dir` and `--runs-dir`."""
    logs = click.option("--log-dir", metavar="DIR", help="Where navigator.log stands.  [logs]")
    runs = click.option("--runs-dir", metavar="DIR", help="Where the runs' folders are.  [artifacts/runs]")
    return logs(runs(command))


def with_config(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--log-dir` and `--runs-dir`, which every verb takes, also in front of it, and give the verb the settings, as
    `config`.
    """

    @functools.wraps(verb)
    def command(*, log_dir: str | None, runs_dir: str | None, **given: Any) -> Any:
        return verb(config=_config(log_dir=log_dir, runs_dir=runs_dir), **given)

    return _folders(command)


def run_argument(*, required: bool = False) -> Callable[[Verb], Verb]:
    """Add the argument RUN, which shells complete; the last run where it may be left out and is."""
    if required:
        return click.argument("run", metavar="RUN", shell_complete=complete_run)
    return click.argument("run", default="last", metavar="[RUN]", shell_complete=complete_run)


def _config(**folders: str | None) -> Config:
    """The settings; what was given to the verb goes before what stood in front of it, and that before where a
    run stands that is named by its path.
    """
    context = click.get_current_context()
    root = context.find_root().params
    given = {name: value or root.get(name) for name, value in folders.items()}
    config = resolve({name: value for name, value in given.items() if value is not None})
    named = context.params.get("run") or next(iter(context.params.get("runs") or ()), None)
    return _around(config, named, given) if isinstance(named, str) and is_path(named) else config


def _around(config: Config, named: str, given: Mapping[str, str | None]) -> Config:
    """The settings by which the runs beside the one of that path are found, and its log where there is none here."""
    run = History(config.runs_dir).get(named)
    runs_dir, log_dir = config.runs_dir, config.log_dir
    if given.get("runs_dir") is None:
        runs_dir = run.directory.absolute().parent
    if given.get("log_dir") is None and not config.log_path.exists():
        environment = run.summary.get("environment") or {}
        there = Path(str(environment.get("working_directory") or ".")) / log_dir
        log_dir = there if there.is_dir() else log_dir
    return replace(config, runs_dir=runs_dir, log_dir=log_dir)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@_folders
@click.version_option(package_name="navigator-obs", prog_name=PROGRAM)
def group(log_dir: str | None, runs_dir: str | None) -> None:
    """Look at what long simulations left behind: runs, summaries, logs.

    A RUN is an id, a unique beginning of one, a run's name, the path of its folder (inside of it just .), or last,
    last-success, last-failed.
    """


def run(arguments: list[str]) -> int:
    """Run the verb that *arguments* ask for; return the exit code."""
    try:
        result = group.main(arguments or ["--help"], prog_name=PROGRAM, standalone_mode=False)
    except click.ClickException as error:
        return complain(error.format_message())
    except click.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0
