"""`navigator-obs checks`: the data-quality checks of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..config import Config
from ..history.store import History
from ..outputs.cells import Cell, Column, Section, cell, figure, text
from ..outputs.failed_checks import all_checks, failures, section
from ..runs.reading import tables
from .meeting import settled
from .screen import print_json, print_sections
from .verbs import run_argument, with_config

if TYPE_CHECKING:
    from ..history.proposals import Proposal

FOUND = 1
_RUNS = 50
_COLUMNS = (
    Column("check", flexible=True),
    Column("dataset", optional=True),
    Column("min", right=True),
    Column("max", right=True),
    Column("seen"),
    Column("values", optional=True),
)
_BAD = frozenset({"warn", "fail", "error"})


@click.command("checks")
@run_argument()
@click.option("--failed", is_flag=True, help="Only those that did not pass.")
@click.option("--propose", is_flag=True, help="Propose bounds from the latest 50 successful runs of that name.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@with_config
def command(run: str, failed: bool, propose: bool, as_json: bool, config: Config) -> int:
    """Show the data-quality checks of a run, the worst first. The exit code is 1 where one failed."""
    history = History(config.runs_dir)
    entry = settled(config, run)
    if propose:
        return _propose(history, entry.name, as_json=as_json)
    summary = entry.summary
    shown = section(summary) if failed else all_checks(summary)
    if as_json:
        found = tables(summary, "checks")
        print_json([check for check in found if not failed or str(check.get("outcome")) in _BAD])
    elif shown.rows:
        print_sections([shown])
    else:
        click.echo(f"{text(entry.run_id)}: no checks{' that did not pass' if failed else ''}", err=True)
    return FOUND if failures(summary) else 0


def _propose(history: History, name: str, *, as_json: bool) -> int:
    from ..history.proposals import LEAST_VALUES, propose

    found = propose(summary for _, summary in history.summaries(name=name, limit=_RUNS))
    if as_json:
        print_json([proposal.to_dict() for proposal in found])
    elif found:
        note = f"- where fewer than {LEAST_VALUES} values are known" if any(one.min is None for one in found) else ""
        print_sections([Section("Bounds proposed from earlier runs", _COLUMNS, [_row(one) for one in found], note)])
    else:
        click.echo(f"no successful run of {text(name)} has checked a number", err=True)
    return 0


def _row(found: Proposal) -> tuple[Cell, ...]:
    seen = f"{figure(found.lowest)} to {figure(found.highest)}"
    bounds = [figure(bound) if bound is not None else "-" for bound in (found.min, found.max)]
    counts = f"{found.values} in {found.runs} run{'s' if found.runs != 1 else ''}"
    return (cell(found.name), cell(found.dataset or ""), cell(bounds[0]), cell(bounds[1]), cell(seen), cell(counts))
