"""What people look at while a run is under way: how far it is, when it will end, what it does and needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..fields import format_count, format_mb, format_per_second, format_percent
from ..history.live import Look
from ..runs.reading import items, number, table, tables
from . import problems, years
from .ahead import time_left
from .cells import Cell, Column, Section, cell, count_of, fitted, joined, local_time, localized, text
from .glance import stood
from .headline import headline
from .slow import bar

MAX_PROBLEMS: Final = 5
_BAR_WIDTH: Final = 20
_NEAR_LIMIT: Final = 0.9


def sections(look: Look, *, width: int = 100) -> list[Section]:
    """Return what there is to say about a run that was looked at; a section that would be empty is left out."""
    found = (
        _facts(look),
        problems.open_operations(look.summary),
        *years.tables(look.summary, width),
        _last(look.summary),
    )
    fitting = [section if section.prose else fitted(section, width) for section in found if section.rows]
    return [section for section in fitting if section.columns]


def line(look: Look) -> str:
    """Return the same in one line, for a log.

    >>> line(Look({"run_metadata": {"name": "baseline", "status": "running", "duration_seconds": 83.0}}, True, 20.0))
    'baseline running for 1m 23s · about 20 s left'
    """
    verdict = headline(look.summary)
    opened = _open(look.summary)
    current = f"in {text(opened[-1].get('path'))}" if opened and look.lives else ""
    begun = f"{verdict.name} {verdict.status} {verdict.duration}".strip()
    parts = (
        begun,
        _reason(look.summary),
        *(f"at {place}" for place in stood(look.summary, look.directory)[:1]),
        _years(look.summary),
        time_left(look.seconds_left),
        current,
        _memory(look.summary).text,
        _problems(look.summary),
    )
    return joined(part for part in parts if part)


def _reason(summary: Mapping[str, Any]) -> str:
    run = table(summary, "run_metadata")
    return localized(text(run.get("status_reason")), run.get("start_time"))


def to_dict(look: Look) -> dict[str, Any]:
    """Return the same as plain values."""
    run, execution = table(look.summary, "run_metadata"), table(look.summary, "execution_summary")
    return {
        **{key: run.get(key) for key in ("run_id", "name", "status", "status_reason", "duration_seconds")},
        "seconds_left": look.seconds_left,
        **{key: execution.get(key) for key in ("years_planned", "years_completed", "errors", "warnings", "rows")},
        "rows_per_second": look.rows_per_second,
        "events_per_second": look.events_per_second,
        "cores_busy": look.cores_busy,
        "memory_mb": table(look.summary, "resources").get("end_memory_mb"),
        "memory_limit_mb": _limit(look.summary),
        "open_operations": _open(look.summary),
    }


def _facts(look: Look) -> Section:
    facts = (
        ("reason", cell(_reason(look.summary))),
        *(("stands at", cell(place)) for place in stood(look.summary, look.directory)),
        ("progress", _progress(look)),
        ("memory", _memory(look.summary)),
        ("rates", cell(_rates(look))),
        ("problems", problems.counts(look.summary)),
    )
    rows = [(cell(label, "dim"), told) for label, told in facts if told.text]
    return Section("", (Column(""), Column("", flexible=True)), rows)


def _progress(look: Look) -> Cell:
    done, planned = _done_and_planned(look.summary)
    share = done / planned if planned else None
    filled = f"{bar(100 * share, _BAR_WIDTH):░<{_BAR_WIDTH}}" if share is not None else ""
    return cell(
        "  ".join(part for part in (filled, joined([_years(look.summary), time_left(look.seconds_left)])) if part)
    )


def _years(summary: Mapping[str, Any]) -> str:
    done, planned = _done_and_planned(summary)
    if planned:
        return f"{done} of {count_of(planned, 'year')} completed"
    return f"{count_of(done, 'year')} completed" if done else ""


def _done_and_planned(summary: Mapping[str, Any]) -> tuple[int, int]:
    """How many years are done, and how many there are: by the run's plan, or else by the loop that it shows."""
    execution, ahead = table(summary, "execution_summary"), table(summary, "forecast")
    planned, done = (len(items(execution, key)) for key in ("years_planned", "years_completed"))
    foreseen = [int(number(ahead.get(key)) or 0) for key in ("years_done", "years_left")]
    return done, planned or sum(foreseen)


def _memory(summary: Mapping[str, Any]) -> Cell:
    resources, limit = table(summary, "resources"), _limit(summary)
    now, peak = number(resources.get("end_memory_mb")), number(resources.get("peak_memory_mb"))
    if now is None:
        return cell("")
    share = f" of {format_mb(limit)} ({format_percent(100 * now / limit)})" if limit else ""
    highest = f"peak {format_mb(peak)}" if peak is not None else ""
    return cell(joined([f"{format_mb(now)}{share}", highest]), "warn" if limit and now > limit * _NEAR_LIMIT else "")


def _limit(summary: Mapping[str, Any]) -> float | None:
    environment = table(summary, "environment")
    return number(environment.get("memory_limit_mb")) or number(environment.get("memory_mb"))


def _rates(look: Look) -> str:
    busy = f"{look.cores_busy:.1f} cores busy" if look.cores_busy is not None else ""
    return joined(
        [
            busy,
            f"{format_per_second(look.rows_per_second)} rows/s" if look.rows_per_second else "",
            f"{format_per_second(look.events_per_second)} events/s" if look.events_per_second else "",
        ]
    )


def _problems(summary: Mapping[str, Any]) -> str:
    execution = table(summary, "execution_summary")
    counts = [(int(number(execution.get(key)) or 0), key[:-1]) for key in ("errors", "warnings")]
    return joined(count_of(count, noun) for count, noun in counts if count)


def _open(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return tables(table(summary, "resources"), "open_operations")


def _last(summary: Mapping[str, Any]) -> Section:
    """The errors and warnings that came last, the newest below."""
    found = sorted(_issues(summary), key=lambda issue: text(issue[1].get("last_time")))[-MAX_PROBLEMS:]
    columns = (Column(""), Column(""), Column("", flexible=True), Column("", right=True, optional=True))
    return Section("Last errors and warnings", columns, [_issue(*each) for each in found])


def _issues(summary: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for severity in ("errors", "warnings"):
        yield from ((severity, group) for group in tables(table(summary, "issues"), severity))


def _issue(severity: str, group: Mapping[str, Any]) -> tuple[Cell, ...]:
    count = number(group.get("count")) or 1
    return (
        cell(local_time(group.get("last_time")), "dim"),
        cell(severity[:-1], "bad" if severity == "errors" else "warn"),
        cell(group.get("message")),
        cell(f"{format_count(count)} times" if count > 1 else "", "dim"),
    )
