"""`navigator-obs capacity`: what a larger run will need."""

from __future__ import annotations

import click

from ..config import Config
from ..history.store import History
from ..outputs.capacity import sections
from .completers import complete_name
from .screen import print_json, print_sections
from .verbs import with_config


@click.command("capacity")
@click.option("--years", type=click.IntRange(1), metavar="N", help="Simulated years.  [those of the newest run]")
@click.option("--rows", type=click.IntRange(1), metavar="N", help="Rows of one year.  [those of the newest run]")
@click.option(
    "--name", metavar="NAME", shell_complete=complete_name, help="Of the runs of this name.  [that of the last success]"
)
@click.option("--all", "everything", is_flag=True, help="Every operation, not the 20 that take longest.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with every estimate.")
@with_config
def command(
    years: int | None,
    rows: int | None,
    name: str | None,
    everything: bool,
    as_json: bool,
    config: Config,
) -> int:
    """Estimate the time, memory and disk of a larger run from the runs that succeeded.

    Rows are those of one year, on average: what `show` counts, divided by the years. Exit code 1 where there are too
    few runs to tell.
    """
    found = History(config.runs_dir).capacity(years=years, rows=rows, name=name)
    if as_json:
        print_json(found.to_dict())
    else:
        print_sections(sections(found, None if everything else 20))
    return int(not found.estimates)
