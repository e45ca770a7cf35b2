"""`navigator-obs show`: one run."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import click

from ..config import Config
from ..events.console import wants_colour
from ..history.lastwords import SILENT, last_events
from ..history.store import RunEntry
from ..outputs.cells import Column, Section, cell, text
from ..outputs.files import Places
from ..outputs.text import render
from ..runs.files import ANNOTATIONS_NAME, SCHEMA_VERSION
from ..runs.migration import version_of
from .meeting import settled
from .screen import print_json, print_sections
from .verbs import run_argument, with_config

_TREND_SECONDS: Final = 0.5


@click.command("show")
@run_argument()
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@with_config
def command(run: str, as_json: bool, config: Config) -> int:
    """Show one run, the last one without RUN: its verdict, what went wrong, where the time went, its digests."""
    entry = settled(config, run)
    summary = entry.summary
    if version_of(summary) > SCHEMA_VERSION:
        newer = f"its summary has schema version {version_of(summary)}, newer than this toolkit's {SCHEMA_VERSION}"
        print(f"{text(entry.run_id)}: {newer}: shown as far as known", file=sys.stderr)
    if as_json:
        print_json(summary)
        return 0
    log_path = config.log_path if config.log_path.exists() else None
    spoken = last_events(entry, log_path) if entry.status in SILENT else ()
    places = Places(entry.directory, log_path, last_events=spoken)
    if sys.stdout.isatty():
        from .pretty import print_summary

        print_summary(summary, places=places)
    else:
        print(render(summary, color=wants_colour(sys.stdout), places=places))
    _print_within(entry)
    _print_trend(entry, summary)
    _print_digests(entry)
    _print_annotations(entry)
    return 0


def _print_within(entry: RunEntry) -> None:
    """How the runs within it ended, which its own verdict does not say."""
    from .within import section

    within = section(entry)
    if within.rows:
        _print_below(within)


def _print_trend(entry: RunEntry, summary: Mapping[str, Any]) -> None:
    """What the run itself warned of at its end stands in the log alone: it is told anew, from the runs before it."""
    from ..history.lately import degradations

    findings = degradations(summary, entry.directory, budget_seconds=_TREND_SECONDS)
    if findings:
        from ..outputs.trend_lines import told

        _print_below(told("Worse than in the runs before", findings))


def _print_digests(entry: RunEntry) -> None:
    """What can be held against something that was kept elsewhere."""
    from .proof import section

    digests = section(entry)
    if digests.rows:
        _print_below(digests)


def _print_annotations(entry: RunEntry) -> None:
    """What was said of the run later stands below what it recorded itself."""
    from .annotating import told_of

    if (entry.directory / ANNOTATIONS_NAME).exists():
        rows = [(cell(line),) for line in told_of(entry)]
        _print_below(Section("Annotations", (Column("", flexible=True),), rows, prose=True))


def _print_below(section: Section) -> None:
    """Print one more section; on a terminal the blank line stands below, as rich leaves it."""
    blank_before = "" if sys.stdout.isatty() else "\n"
    print(end=blank_before)
    print_sections([section])
    print(end="" if blank_before else "\n")
