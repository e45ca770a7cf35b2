"""`navigator-obs errors`: each error of a run."""

from __future__ import annotations

import click

from ..config import Config
from ..outputs.cells import text
from ..outputs.problems import catalogue
from ..runs.reading import table
from .meeting import settled
from .screen import print_json, print_sections
from .verbs import run_argument, with_config

FOUND = 1


@click.command("errors")
@run_argument()
@click.option("--warnings", is_flag=True, help="The warnings as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the groups as a JSON object: errors and warnings.")
@with_config
def command(run: str, warnings: bool, as_json: bool, config: Config) -> int:
    """Show each error of a run once, however often it came: where, when, with which causes. The exit code is 1 where
    there are any.

    The event that is told with an error is shown, with what came before it, by `navigator-obs logs RUN --id EVENT -C
    20`.
    """
    entry = settled(config, run)
    summary = entry.summary
    severities = ("errors", "warnings") if warnings else ("errors",)
    issues = table(summary, "issues")
    if as_json:
        print_json({severity: issues.get(severity) or [] for severity in severities})
    elif not any(issues.get(severity) for severity in severities):
        click.echo(f"{text(entry.run_id)}: no {' and no '.join(severities)}", err=True)
    else:
        print_sections(catalogue(summary, severity) for severity in severities)
    return FOUND if issues.get("errors") else 0
