"""`navigator-obs runs`: list the runs."""

from __future__ import annotations

import click

from .listing import print_runs
from .verbs import config_of, places


@click.command("runs")
@click.option("--status", metavar="STATUS", help="Only runs with this status, such as failed or running.")
@click.option("--name", metavar="NAME", help="Only runs of this name.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="The newest N; 0 for all.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@places
def command(
    status: str | None, name: str | None, limit: int | None, as_json: bool, log_dir: str | None, runs_dir: str | None
) -> int:
    """List the runs, newest first.

    A run that lost its process shows as crashed, a living one as running.
    """
    config = config_of(log_dir=log_dir, runs_dir=runs_dir)
    return print_runs(config, status=status, name=name, limit=limit, as_json=as_json)
