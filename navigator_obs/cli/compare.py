"""`navigator-obs compare`: what is different between two runs."""

from __future__ import annotations

import click

from ..config import Config
from ..history.store import History
from ..history.thresholds import FIGURES
from ..outputs.comparison import MOST, sections
from .completers import complete_run, one_of
from .meeting import settled
from .screen import print_json, print_sections
from .verbs import with_config


@click.command("compare")
@click.argument("runs", nargs=-1, metavar="[BEFORE] [AFTER]", shell_complete=complete_run)
@click.option(
    "-t",
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="FIGURE:LIMIT",
    shell_complete=one_of(f"{name}:" for name in FIGURES),
    help="What AFTER may exceed BEFORE by, such as duration:5% or p95:10%+0.5s; repeatable.",
)
@click.option("--all", "everything", is_flag=True, help=f"Every finding, not the first {MOST} of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object with every finding and its evidence.")
@with_config
def command(
    runs: tuple[str, ...],
    thresholds: tuple[str, ...],
    everything: bool,
    as_json: bool,
    config: Config,
) -> int:
    """Show every operation that moved, appeared or vanished between two runs, and what may have caused it.

    With one run, it is compared with the newest run like it that succeeded before; without any, the last one is.

    Exit code 1: with thresholds, where one is exceeded; without, where anything is worse.

    \b
    navigator-obs compare last-success last
    navigator-obs compare -t duration:5% -t p95:10%+0.5s -t errors:0
    """  # noqa: D301 - the backspace is click's mark for lines to be left as they are
    if len(runs) > 2:
        raise click.UsageError(f"compare takes two runs, not {len(runs)}: {' '.join(runs)}")
    history = History(config.runs_dir)
    after = settled(config, runs[-1] if runs else "last")
    before = runs[0] if len(runs) == 2 else None
    if before not in {None, "last-success"}:
        before = str(settled(config, str(before)).directory.absolute())
    found = history.compare(before, str(after.directory.absolute()), thresholds)
    if as_json:
        print_json(found.to_dict())
    else:
        print_sections(sections(found, None if everything else MOST))
    return int(bool(found.exceeded) if thresholds else any(finding.is_worse for finding in found.findings))
