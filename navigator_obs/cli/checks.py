"""`navigator-obs checks`: the data-quality checks of a run."""

from __future__ import annotations

import click

from ..history.store import History
from ..outputs.cells import text
from ..outputs.failed_checks import all_checks, failures, section
from .meeting import settled
from .screen import print_json, print_sections
from .verbs import config_of, places, run_argument

FOUND = 1
_BAD = frozenset({"warn", "fail", "error"})


@click.command("checks")
@run_argument()
@click.option("--failed", is_flag=True, help="Only those that did not pass.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@places
def command(run: str, failed: bool, as_json: bool, log_dir: str | None, runs_dir: str | None) -> int:
    """Show the data-quality checks of a run, the worst first. The exit code is 1 where one failed."""
    config = config_of(log_dir=log_dir, runs_dir=runs_dir)
    entry = settled(config, History(config.runs_dir), run)
    summary = entry.summary
    shown = section(summary) if failed else all_checks(summary)
    if as_json:
        found = summary.get("checks") or []
        print_json([check for check in found if not failed or check.get("outcome") in _BAD])
    elif shown.rows:
        print_sections([shown])
    else:
        click.echo(f"{text(entry.run_id)}: no checks{' that did not pass' if failed else ''}", err=True)
    return FOUND if failures(summary) else 0
