"""`navigator-obs runs`: list the runs."""

from __future__ import annotations

import click

from ..config import Config
from ..runs.statuses import STATUSES
from .completers import complete_name, complete_tag, one_of
from .listed import COLUMNS, checked_columns
from .listing import print_runs
from .verbs import with_config


@click.command("runs")
@click.option(
    "--status",
    multiple=True,
    metavar="STATUS",
    shell_complete=one_of(STATUSES),
    help="Only with this status, such as failed; repeatable.",
)
@click.option(
    "--name", metavar="NAME", shell_complete=complete_name, help="Only runs of this name; * stands for anything."
)
@click.option(
    "--tag",
    multiple=True,
    metavar="TAG",
    shell_complete=complete_tag,
    help="Only runs with this tag; repeatable: with all of them.",
)
@click.option("--since", metavar="WHEN", help="Only runs started since then: 90m, 3d, today, 2025-08-18.")
@click.option("--top", is_flag=True, help="Leave out runs within others.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="The newest N; 0 for all.")
@click.option(
    "--columns",
    metavar="NAME,...",
    shell_complete=one_of(COLUMNS, between=","),
    help=f"What to show: {', '.join(COLUMNS)}.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@with_config
def command(
    status: tuple[str, ...],
    name: str | None,
    tag: tuple[str, ...],
    since: str | None,
    top: bool,
    limit: int | None,
    columns: str | None,
    as_json: bool,
    config: Config,
) -> int:
    r"""List the runs, newest first.

    A run that lost its process shows as crashed, a living one as running. On a terminal, bars below the list tell how
    long the newest successes of each name took.

    \b
    navigator-obs runs --status failed --status crashed --since 7d
    navigator-obs runs --name 'what-if*' --tag nightly --columns run,duration,rows,peak_memory,commit,tags
    """
    chosen = checked_columns(columns) if columns is not None else ()
    return print_runs(
        config, status=status, name=name, tag=tag, since=since, top=top, limit=limit, columns=chosen, as_json=as_json
    )
