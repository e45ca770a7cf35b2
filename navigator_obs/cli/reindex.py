"""`navigator-obs reindex`: make the index of the runs anew."""

from __future__ import annotations

import click

from ..config import Config
from ..errors import UsageError
from ..history.store import History
from .screen import print_json
from .verbs import with_config


@click.command("reindex")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@with_config
def command(as_json: bool, config: Config) -> int:
    """Make the index of the runs anew, out of their folders.

    Never needed: the index is checked against the folders whenever it is asked, and may be deleted at any time.
    """
    count = History(config.runs_dir).reindex()
    if count is None:
        raise UsageError(f"no index can be written in {config.runs_dir}; lists are read from the run folders")
    if as_json:
        print_json({"runs": count, "runs_dir": str(config.runs_dir)})
    else:
        click.echo(f"{count:,} runs in {config.runs_dir}")
    return 0
