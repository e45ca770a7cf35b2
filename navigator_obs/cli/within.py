"""The runs within a run, such as the scenarios of a batch, as `navigator-obs show` lists them below it."""

from __future__ import annotations

from typing import Final

from ..fields import format_seconds
from ..history.store import History, RunEntry
from ..outputs.cells import Cell, Column, Section, cell, count_of, localized, text
from ..outputs.headline import MARKS, TONES

MOST: Final = 12
_COLUMNS: Final = (
    Column("run"),
    Column("id"),
    Column("status"),
    Column("took", right=True),
    Column("reason", flexible=True, optional=True),
)


def section(entry: RunEntry) -> Section:
    """Return the runs that started while *entry* was open, those that did not end well first; empty without any."""
    within = [run for run in History(entry.directory.parent).list() if run.parent == entry.run_id]
    shown = sorted(within, key=lambda run: (run.status == "success", run.start_time or ""))
    more = len(within) - MOST
    note = f"{count_of(more, 'more run')}: navigator-obs lineage {text(entry.run_id)}" if more > 0 else ""
    return Section(f"Runs within: {_counted(within)}", _COLUMNS, [_row(run) for run in shown[:MOST]], note=note)


def _counted(runs: list[RunEntry]) -> str:
    counts: dict[str, int] = {}
    for run in runs:
        counts[text(run.status)] = counts.get(text(run.status), 0) + 1
    return ", ".join(f"{count} {status}" for status, count in sorted(counts.items(), key=lambda one: -one[1]))


def _row(run: RunEntry) -> tuple[Cell, ...]:
    tone = TONES.get(str(run.status), "bad")
    took = "" if run.duration_seconds is None else format_seconds(run.duration_seconds)
    return (
        cell(f"{MARKS[tone]} {text(run.name)}", tone),
        cell(text(run.run_id), "dim"),
        cell(text(run.status)),
        cell(took),
        cell(localized(text(run.status_reason or ""), run.start_time)),
    )
