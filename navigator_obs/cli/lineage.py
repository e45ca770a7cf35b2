"""`navigator-obs lineage`: the attempts of one logical simulation, and the runs within them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from ..config import Config
from ..fields import format_seconds
from ..history.lineage import Attempt, Lineage, lineage
from ..history.store import History
from ..outputs.cells import localized
from ..outputs.columns import one_line, shorten, width_of
from .listing import lines_of, narrowed, terminal_width
from .meeting import settled
from .screen import print_json
from .verbs import run_argument, with_config


@click.command("lineage")
@run_argument()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@with_config
def command(run: str, as_json: bool, config: Config) -> int:
    """Show the attempts of one simulation, resumed from each other, and the runs within them.

    What they cost together, which years were computed more than once, and how much time went into work that was thrown
    away.
    """
    history = History(config.runs_dir)
    found = lineage(history, str(settled(config, run).directory.absolute()))
    if as_json:
        print_json(found.to_dict())
    else:
        print("\n".join(lines(found, terminal_width())))
    return 0


def lines(found: Lineage, width: int | None = None) -> Iterator[str]:
    """Yield what there is to say, each attempt and run on one line of a terminal that is *width* columns wide."""
    titles = ("ATTEMPT", "RUN", "STATUS", "DURATION", "LOST", "YEARS", "RESUMED AT")
    right = (True, False, False, True, True, True, False)
    table = narrowed([titles, *map(_cells, found.attempts)], right, ("LOST", "RESUMED AT", "DURATION"), width)
    room = max(map(width_of, table))
    reasons = ["REASON", *map(_reason, found.attempts)]
    for line, reason in zip(table, reasons if any(reasons[1:]) else [""] * len(table), strict=True):
        whole = f"{line}{' ' * (room - width_of(line))}  {reason}".rstrip()
        yield whole if width is None else shorten(whole, width)
    for run_id in found.missing:
        yield f"{one_line(run_id)} is no longer here"
    years = len(found.years_completed)
    told = [
        f"{len(found.attempts)} {'attempt' if len(found.attempts) == 1 else 'attempts'}: {found.status}",
        f"{format_seconds(found.duration_seconds)} in all, {_lost(found.lost_seconds)}",
        f"{years} {'year' if years == 1 else 'years'} completed",
    ]
    if found.recomputed_years:
        told.append(f"computed again: {', '.join(map(str, found.recomputed_years))}")
    summed = "; ".join(told)
    yield from told if width is not None and width_of(summed) > width else [summed]
    if found.children:
        yield ""
        yield f"{len(found.children)} {'run' if len(found.children) == 1 else 'runs'} within"
        yield from lines_of(found.children, width)


def _reason(attempt: Attempt) -> str:
    return localized(one_line(attempt.status_reason or ""), attempt.start_time)


def _lost(seconds: float) -> str:
    return f"{format_seconds(seconds)} of it lost" if seconds else "nothing lost"


def _cells(attempt: Attempt) -> tuple[str, ...]:
    since = "" if attempt.resumed_from is None else "the start"
    return (
        str(attempt.attempt),
        one_line(attempt.run_id),
        one_line(attempt.status),
        format_seconds(attempt.duration_seconds),
        format_seconds(attempt.lost_seconds) if attempt.lost_seconds else "",
        str(len(attempt.years_completed)),
        since if attempt.resumed_at_year is None else f"after {attempt.resumed_at_year}",
    )
