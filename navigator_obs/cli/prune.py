"""`navigator-obs prune`: keep the folder of runs within limits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import click

from ..config import Config
from ..fields import format_bytes
from ..outputs.columns import aligned, one_line
from .complaint import complain
from .screen import print_json
from .verbs import with_config

_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?) *(?P<unit>[kMGT]?)i?B?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000, "t": 1_000_000_000_000}


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A number of bytes, with a unit if wanted: 500MB, 2GB (powers of 1,000)."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        found = _SIZE.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no size, such as 500MB or 2GB", param, ctx)
        return int(float(found["number"]) * _FACTORS[found["unit"].lower()])


@click.command("prune")
@click.option("--keep-days", type=click.FloatRange(min=0), metavar="N", help="Delete runs that began longer ago.")
@click.option("--keep-runs", type=click.IntRange(min=0), metavar="N", help="Delete all but the newest N.")
@click.option("--max-size", type=Size(), metavar="SIZE", help="Thin, then delete the oldest beyond it: 500MB, 2GB.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@with_config
def command(
    keep_days: float | None,
    keep_runs: int | None,
    max_size: int | None,
    dry_run: bool,
    as_json: bool,
    config: Config,
) -> int:
    """Keep the folder of runs within limits, those of the settings where none is given.

    Beyond a size, traces and the shares of workers go first, then journals, at last whole runs, the oldest first. Never
    touched is a run that is pinned, a baseline, open, failed and not acknowledged, or that another one was resumed
    from.
    """
    from ..history.pruning import Limits, plan, prune
    from ..runs.links import key_or_none

    given = Limits(keep_days, keep_runs, max_size)
    limits = given or Limits(config.prune_keep_days, config.prune_keep_runs, config.prune_max_bytes)
    if not limits:
        return complain("nothing says what to keep: give --keep-days, --keep-runs or --max-size, or a setting")
    try:
        key = key_or_none(config.seal_key_file)
        found = plan(config.runs_dir, limits) if dry_run else prune(config.runs_dir, limits, config.file_mode, key)
    except OSError as error:
        return complain(f"{config.runs_dir} can't be pruned: {error.strerror or error}")
    print_json(found.to_dict()) if as_json else print("\n".join(_lines(found, dry_run)))
    return 0


def _lines(found: Any, dry_run: bool) -> Iterator[str]:
    if found.removals:
        rows = [(one_line(gone.run_id), one_line(gone.name), gone.what, format_bytes(gone.bytes), gone.why)
                for gone in found.removals]  # fmt: skip
        yield from aligned([("RUN", "NAME", "REMOVED", "SIZE", "WHY"), *rows], (False, False, False, True, False))
    for run_id, why in found.spared:
        yield f"{one_line(run_id)} stays: {why}"
    verb = "would be freed" if dry_run else "freed"
    freed = format_bytes(found.bytes_before - found.bytes_after)
    yield f"{freed} {verb}, {format_bytes(found.bytes_after)} {'would stay' if dry_run else 'stay'}"
