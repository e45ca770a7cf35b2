"""`navigator-obs slow`: where the time of a run went."""

from __future__ import annotations

import click

from ..config import Config
from ..outputs.cells import text
from ..outputs.slow import hotspots
from ..outputs.timings import ORDERS, ranked, section
from .meeting import settled
from .screen import print_json, print_sections
from .verbs import run_argument, with_config


@click.command("slow")
@run_argument()
@click.option("--by", type=click.Choice(list(ORDERS)), default="share", show_default=True, help="What ranks them.")
@click.option("-n", "--limit", type=click.IntRange(min=0), default=20, metavar="N", help="So many; 0 for all.  [20]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of operations with all their figures.")
@with_config
def command(run: str, by: str, limit: int, as_json: bool, config: Config) -> int:
    """Show the operations of a run, those first in which most of its time went, and the time outside of them."""
    entry = settled(config, run)
    summary = entry.summary
    found = ranked(summary, by)
    if as_json:
        print_json([{"operation_path": path, **stats} for path, stats in found[: limit or None]])
    elif found:
        print_sections([section(summary, by, limit or None), hotspots(summary)])
    else:
        click.echo(f"{text(entry.run_id)}: no operations", err=True)
    return 0
