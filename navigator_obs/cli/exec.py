"""`navigator-obs exec`: run a command as its parent, who knows how it ended."""

from __future__ import annotations

import sys

import click

from ..config import Config
from ..outputs.cells import localized
from ..outputs.columns import one_line
from .complaint import PROGRAM, complain
from .verbs import with_config

_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


@click.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED, metavar="[--] CMD [ARGS]...")
@with_config
def command(arguments: tuple[str, ...], config: Config) -> int:
    """Run CMD, and finalise at once the runs that die in it.

    A parent sees how its child ends, and can tell SIGKILL from os._exit, which nobody else can. The exit code is CMD's,
    128 + the signal's number where a signal ended it.
    """
    from ..runs.watching import watch

    try:
        code, found = watch(arguments, config)
    except FileNotFoundError:
        complain(f"no such command: {arguments[0]!r}")
        return _NOT_FOUND
    except OSError as error:
        complain(f"{arguments[0]!r} can't be started: {error.strerror}")
        return _NOT_EXECUTABLE
    for summary in found:
        run = summary["run_metadata"]
        reason = localized(str(run["status_reason"]), run.get("start_time"))
        print(one_line(f"{PROGRAM}: run {run['run_id']} {run['status']}: {reason}"), file=sys.stderr)
    return code
