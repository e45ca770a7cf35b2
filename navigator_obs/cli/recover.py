"""`navigator-obs recover`: give each dead run its verdict."""

from __future__ import annotations

import click

from ..config import Config
from ..outputs.cells import localized
from ..outputs.columns import aligned, one_line
from .screen import print_json
from .verbs import with_config


@click.command("recover")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@with_config
def command(as_json: bool, config: Config) -> int:
    """Give each dead run its verdict and its final summary.

    Every command does so for the dead runs that it meets; this one looks for all of them. A run whose process lives is
    left alone, and so are the runs of other users.
    """
    from ..runs.recovery import recover_all

    found = [summary["run_metadata"] for summary in recover_all(config.runs_dir, config, thorough=True)]
    if as_json:
        print_json(found)
    elif not found:
        print(f"no dead runs in {config.runs_dir}")
    else:
        rows = [("RUN", "NAME", "STATUS", "CONFIDENCE", "REASON"), *map(_cells, found)]
        print("\n".join(aligned(rows, (False,) * 5)))
    return 0


def _cells(run: dict[str, object]) -> tuple[str, ...]:
    keys = ("run_id", "name", "status", "status_confidence", "status_reason")
    return tuple(one_line(localized(str(run[key] or ""), run.get("start_time"))) for key in keys)
