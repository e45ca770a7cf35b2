"""What a summary says, ordered for a person who has ten seconds: the verdict, what went wrong, where the time went,
where the files are.

The sections are plain data; `outputs.text` and the command line render the same ones. Every text in a cell is harmless:
it stays on its line and drives no terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..runs.reading import table
from . import failed_checks, files, glance, measured, problems, slow, years
from .cells import Cell, Column, Section, cell, fitted
from .files import Places


def sections(summary: Mapping[str, Any], *, width: int = 100, places: Places | None = None) -> list[Section]:
    """Return what there is to say about a run; a section that would be empty is left out.

    *width* is what tables may take, in columns. Keys that are missing are passed over, so that summaries of other
    versions can be shown.
    """
    # Whoever looks at a run with errors looks for them; the reason goes before all.
    errors = problems.issues(summary, "errors")
    places = places or Places()
    why, stands = ("reason", glance.reason(summary)), glance.stood(summary, places.directory)
    facts = [
        *(("stands at", place) for place in stands),
        ("evidence", glance.evidence(summary)),
        *glance.facts(summary),
    ]
    found: Iterable[Section] = (
        *([_labelled([why]), errors, _labelled(facts)] if errors.rows else [_labelled([why, *facts])]),
        problems.issues(summary, "warnings"),
        failed_checks.section(summary),
        problems.open_operations(summary),
        problems.last_events(places.last_events, table(summary, "run_metadata").get("start_time")),
        *years.tables(summary, width),
        slow.slowest(summary),
        slow.hotspots(summary),
        measured.section(summary),
        files.section(summary, places),
    )
    fitting = (section if section.prose else fitted(section, width) for section in found if section.rows)
    return [section for section in fitting if section.columns]


def _labelled(facts: Iterable[tuple[str, str | Cell]]) -> Section:
    """Facts at a glance, those that are known: label and value."""
    rows = [(cell(label, "dim"), told if isinstance(told, Cell) else cell(told)) for label, told in facts if told]
    return Section("", (Column(""), Column("", flexible=True)), rows)
