"""`navigator-obs trends`: how runs of one kind develop."""

from __future__ import annotations

import click

from ..config import Config
from ..history.finding import WORSE
from ..history.store import History
from ..outputs.trend_lines import sections
from .completers import complete_operation, complete_run
from .screen import print_json, print_sections
from .verbs import with_config


@click.command("trends")
@click.argument("operation", required=False, metavar="[OPERATION]", shell_complete=complete_operation)
@click.option(
    "--run",
    "ref",
    default="last-success",
    metavar="RUN",
    shell_complete=complete_run,
    help="The run to end with.  [last-success]",
)
@click.option("--all", "everything", is_flag=True, help="Every operation, not the 20 that take longest.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with every series and finding.")
@with_config
def command(operation: str | None, ref: str, everything: bool, as_json: bool, config: Config) -> int:
    """Show how runs like the last success develop: steps, drifts and outliers, in the run and in each operation.

    OPERATION is a path or a name; with it, that operation, and those inside of it, with their memory. A slow run is
    unconfirmed until two more are as slow. Exit code 1 where anything has become worse and is confirmed.
    """
    found = History(config.runs_dir).trends(operation, ref)
    if as_json:
        print_json(found.to_dict())
    else:
        print_sections(sections(found, None if everything or operation else 20))
    return int(any(one.verdict == WORSE and one.evidence.get("state") != "unconfirmed" for one in found.findings))
