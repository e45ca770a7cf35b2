"""`navigator-obs level`: what a running simulation logs, changed while it runs."""

from __future__ import annotations

import click

from ..config import Config
from ..errors import UsageError, close_match
from ..history.store import History
from ..runs import live_level
from ..runs.statuses import LIVING
from ..settings import LEVELS
from .completers import one_of
from .screen import print_json
from .verbs import run_argument, with_config

_RESET = "RESET"


@click.command("level")
@run_argument(required=True)
@click.argument("level", required=False, metavar="[LEVEL]", shell_complete=one_of((*LEVELS, "reset")))
@click.option("--logger", default="", metavar="NAME", help="Only for this logger and the dotted names below it.")
@click.option("--json", "as_json", is_flag=True, help="Print what is asked for as a JSON object.")
@with_config
def command(run: str, level: str | None, logger: str, as_json: bool, config: Config) -> int:
    r"""Change what a running simulation logs: DEBUG, INFO, WARNING, ERROR, CRITICAL; reset for what it was configured
    to. Without LEVEL show what was asked for.

    The run and its worker processes take it up within some seconds.

    \b
    navigator-obs level last DEBUG
    navigator-obs level last DEBUG --logger planwise.hiring
    navigator-obs level last reset
    """
    entry = History(config.runs_dir).get(run)
    asked = live_level.read(entry.directory)
    if level is None:
        _tell(entry.run_id, asked, as_json=as_json)
        return 0
    name = _checked(level)
    if entry.status not in LIVING:
        raise UsageError(f"run {entry.run_id} is {entry.status}: only the level of a running one can be changed")
    asked = _changed(asked, logger, name)
    try:
        live_level.write(entry.directory, asked)
    except OSError as error:
        raise UsageError(f"the level of run {entry.run_id} cannot be changed: {error}") from None
    if as_json:
        _tell(entry.run_id, asked, as_json=True)
        return 0
    what = f"logger {logger}" if logger else "all loggers"
    click.echo(f"{entry.run_id}: {what} {'as configured' if name == _RESET else name}, within some seconds")
    return 0


def _tell(run_id: str, asked: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        loggers = {name: value for name, value in sorted(asked.items()) if name}
        print_json({"run_id": run_id, "level": asked.get(""), "loggers": loggers})
        return
    for name, value in sorted(asked.items()) or [("", "as configured")]:
        click.echo(f"{name or 'all loggers'}: {value}")


def _checked(level: str) -> str:
    name = level.upper()
    if name not in (*LEVELS, _RESET):
        valid = ", ".join(LEVELS)
        raise UsageError(f"level {level!r} must be one of {valid}, or reset{close_match(name, [*LEVELS, _RESET])}")
    return name


def _changed(asked: dict[str, str], logger: str, name: str) -> dict[str, str]:
    if name != _RESET:
        return {**asked, logger: name}
    return {key: value for key, value in asked.items() if logger and key != logger}
