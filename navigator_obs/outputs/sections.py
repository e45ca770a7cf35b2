"""What a summary says, ordered for a person who has ten seconds: the verdict, what went wrong, where the time went,
where the files are.

The sections are plain data; `outputs.text` and the command line render the same ones. Every text in a cell is harmless:
it stays on its line and drives no terminal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..fields import format_bytes, format_count, format_mb, format_percent, format_seconds
from ..history.ended import endings
from ..history.naming import typed
from ..runs.files import SUMMARY_NAME
from ..runs.reading import items, number, table, tables
from ..runs.statuses import LIVING
from . import ahead, failed_checks, measured, params, problems, slow, years
from .cells import (
    Cell,
    Column,
    Section,
    cell,
    count_of,
    fitted,
    formatted,
    joined,
    local_time,
    localized,
    text,
)

MAX_FILES: Final = 8
TONES: Final[Mapping[str, str]] = {
    "success": "good",
    "running": "live",
    "stalled": "warn",
    "partial": "warn",
    "interrupted": "warn",
    "terminated": "warn",
    "lost_contact": "warn",
}
MARKS: Final[Mapping[str, str]] = {"good": "✓", "live": "●", "warn": "■", "bad": "✗"}


class Headline(NamedTuple):
    """The verdict. `tone` is good, live, warn or bad."""

    mark: str
    name: str
    status: str
    duration: str
    run_id: str
    tone: str


@dataclass(frozen=True)
class Places:
    """Where the record stands, as far as the caller knows, and what else is known of the run; not *kept* where no
    folder could be made for it.
    """

    directory: Path | None = None
    log_path: Path | None = None
    kept: bool = True
    last_events: Sequence[Mapping[str, Any]] = ()
    """What was logged last, where the run itself does not tell what it was doing."""


def headline(summary: Mapping[str, Any]) -> Headline:
    """Return the verdict of a summary."""
    run = table(summary, "run_metadata")
    status = text(run.get("status") or "unknown")
    tone = "warn" if status == "success" and failed_checks.failures(summary) else TONES.get(status, "bad")
    seconds = number(run.get("duration_seconds"))
    duration = "" if seconds is None else f"{_PREPOSITIONS.get(status, 'after')} {format_seconds(seconds)}"
    return Headline(MARKS[tone], text(run.get("name") or "?"), status, duration, text(run.get("run_id") or "?"), tone)


_PREPOSITIONS: Final = {"success": "in", "running": "for"}


def sections(summary: Mapping[str, Any], *, width: int = 100, places: Places | None = None) -> list[Section]:
    """Return what there is to say about a run; a section that would be empty is left out.

    *width* is what tables may take, in columns. Keys that are missing are passed over, so that summaries of other
    versions can be shown.
    """
    # Whoever looks at a run with errors looks for them; the reason goes before all.
    errors = problems.issues(summary, "errors")
    places = places or Places()
    why, stands = ("reason", _reason(summary)), stood(summary, places.directory)
    glance = [*(("stands at", place) for place in stands), ("evidence", _evidence(summary)), *_facts(summary)]
    found: Iterable[Section] = (
        *([_labelled([why]), errors, _labelled(glance)] if errors.rows else [_labelled([why, *glance])]),
        problems.issues(summary, "warnings"),
        failed_checks.section(summary),
        problems.open_operations(summary),
        problems.last_events(places.last_events, table(summary, "run_metadata").get("start_time")),
        *years.tables(summary, width),
        slow.slowest(summary),
        slow.hotspots(summary),
        measured.section(summary),
        files(summary, places),
    )
    fitting = (section if section.prose else fitted(section, width) for section in found if section.rows)
    return [section for section in fitting if section.columns]


def _labelled(facts: Iterable[tuple[str, str | Cell]]) -> Section:
    """Facts at a glance, those that are known: label and value."""
    rows = [(cell(label, "dim"), told if isinstance(told, Cell) else cell(told)) for label, told in facts if told]
    return Section("", (Column(""), Column("", flexible=True)), rows)


def _facts(summary: Mapping[str, Any]) -> Iterator[tuple[str, str | Cell]]:
    yield "problems", problems.counts(summary)
    yield "progress", _progress(summary)
    is_heard_of = not table(summary, "run_metadata").get("status_reason")
    yield "ahead", ahead.told(summary) if headline(summary).tone == "live" and is_heard_of else ""
    yield "time", _time(summary)
    yield "memory", _memory(table(summary, "resources"))
    yield "started", _started(table(summary, "run_metadata"))
    yield "ended", _ended(table(summary, "run_metadata"))
    yield "last seen", _last_seen(table(summary, "run_metadata"))
    yield "tags", _tags(summary)
    yield "params", params.shown(table(table(summary, "configuration"), "params"))
    yield "git", _git(table(table(summary, "environment"), "git"))
    yield "python", text(table(summary, "environment").get("python") or "")
    yield "recording", _cost(table(summary, "observability"))


def _reason(summary: Mapping[str, Any]) -> Cell | str:
    """Why the run ended as it did, unless an error says it right below."""
    run = table(summary, "run_metadata")
    told = text(run.get("status_reason") or "")
    if any(message and message in told for message in problems.messages(summary)):
        return ""
    return cell(localized(told, run.get("start_time")), headline(summary).tone) if told else ""


def stood(summary: Mapping[str, Any], directory: Path | None) -> list[str]:
    """Return the line at which the program stands, or stood, of a run that hangs or crashed, then those of its other
    threads; *directory* is the run's.
    """
    if directory is None:
        return []
    found = next((cause for cause in endings(summary, directory) if cause.place), None)
    return [text(place).replace(_here(), "") for place in (found.place, *found.also)] if found else []


def _evidence(summary: Mapping[str, Any]) -> str:
    """How sure the verdict on a run is that was found dead, and why."""
    run = table(summary, "run_metadata")
    facts = joined(localized(text(fact), run.get("start_time")) for fact in items(run, "evidence"))
    return f"{text(run.get('status_confidence'))}: {facts}" if facts else ""


def _progress(summary: Mapping[str, Any]) -> str:
    counts = table(summary, "execution_summary")
    planned, done = items(counts, "years_planned"), items(counts, "years_completed")
    resumed = items(counts, "years_resumed")
    rows, operations = number(counts.get("rows")), number(counts.get("operations"))
    return joined(
        [
            f"{len(done)} of {count_of(len(planned), 'year')} completed" if planned else "",
            f"{count_of(len(resumed), 'year')} by earlier attempts" if resumed else "",
            count_of(len(done), "year") + " completed" if done and not planned else "",
            f"{format_count(rows)} rows" if rows else "",
            count_of(int(operations), "operation") if operations else "",
        ]
    )


def _time(summary: Mapping[str, Any]) -> str:
    breakdown, seconds = table(summary, "breakdown"), number(table(summary, "run_metadata").get("duration_seconds"))
    covered, resources = number(breakdown.get("coverage_percent")), table(summary, "resources")
    cpu, together = number(resources.get("cpu_seconds")), number(table(resources, "tree").get("cpu_seconds"))
    # git runs for a moment beside each run.
    has_children = cpu is not None and together is not None and together > max(cpu * 1.05, cpu + 0.2)
    used = together if has_children else cpu
    rest = number(breakdown.get("unattributed_seconds"))
    return joined(
        [
            f"named operations cover {format_percent(covered)}" if covered else "",
            "no named operations" if covered == 0 else "",
            f"{format_seconds(rest)} outside them" if covered and rest else "",
            f"CPU {format_seconds(cpu)}" if cpu is not None else "",
            f"{format_seconds(together)} with child processes" if together is not None and has_children else "",
            f"{used / seconds:.1f} cores busy" if used and seconds and seconds > 0.5 else "",
        ]
    )


def _memory(resources: Mapping[str, Any]) -> str:
    peak, start, end = (number(resources.get(f"{which}_memory_mb")) for which in ("peak", "start", "end"))
    tree = table(resources, "tree")
    together = number(tree.get("peak_memory_mb"))
    # git runs for a moment beside each run.
    has_children = together is not None and peak is not None and together > peak * 1.05
    return joined(
        [
            f"peak {format_mb(peak)}" if peak is not None else "",
            f"{format_mb(together)} with child processes" if together is not None and has_children else "",
            f"{format_mb(start)} at the start" if start is not None else "",
            f"{format_mb(end)} at the end" if end is not None else "",
        ]
    )


def _started(run: Mapping[str, Any]) -> str:
    started = local_time(run.get("start_time"), with_date=True)
    where = f" on {text(run['host'])}" if run.get("host") else ""
    who = f" by {text(run['user'])}" if run.get("user") else ""
    pid = f", process {run['pid']}" if run.get("pid") else ""
    parent = f", within run {text(run['parent_run_id'])}" if run.get("parent_run_id") else ""
    return f"{started}{where}{who}{pid}{parent}{_continued(run)}" if started else ""


def _continued(run: Mapping[str, Any]) -> str:
    if not run.get("resumed_from"):
        return ""
    year = table(run, "resumed_at").get("year")
    after = "" if year is None else f" after {text(str(year))}"
    return f"; attempt {text(str(run.get('attempt')))}, resumed from {text(str(run['resumed_from']))}{after}"


def _ended(run: Mapping[str, Any]) -> str:
    ended = local_time(run.get("end_time"), with_date=True)
    code = f"exit code {run['exit_code']}" if run.get("exit_code") else ""
    return joined([ended, text(run.get("signal") or ""), code])


def _last_seen(run: Mapping[str, Any]) -> str:
    """Of a run that never ended, the time of its last record."""
    seconds = number(run.get("duration_seconds"))
    if run.get("end_time") or str(run.get("status")) in LIVING or seconds is None:
        return ""
    return local_time(run.get("start_time"), with_date=True, later_seconds=seconds)


def _tags(summary: Mapping[str, Any]) -> str:
    return ", ".join(text(tag) for tag in items(table(summary, "run_metadata"), "tags"))


def _git(git: Mapping[str, Any]) -> str:
    commit = text(git.get("commit") or "")[:10]
    branch = f" ({text(git['branch'])})" if git.get("branch") else ""
    changed = " with uncommitted changes" if git.get("dirty") else ""
    return f"{commit}{branch}{changed}" if commit else ""


def _cost(observability: Mapping[str, Any]) -> Cell | str:
    percent, size = number(observability.get("percent")), number(observability.get("bytes"))
    of_cpu = number(observability.get("cpu_percent"))
    dropped = table(observability, "dropped")
    lost = ", ".join(f"{format_count(count)} ({text(cause)})" for cause, count in dropped.items() if number(count))
    torn = int(number(observability.get("torn_lines")) or 0)
    words = joined(
        [
            f"cost {format_percent(percent)} of the time" if percent is not None else "",
            f"{format_percent(of_cpu)} of the CPU time" if of_cpu is not None else "",
            f"wrote {format_bytes(size)}" if size else "",
            f"events dropped: {lost}" if lost else "",
            f"{count_of(torn, 'line')} of the journal unreadable" if torn else "",
        ]
    )
    return cell(words, "warn" if lost or torn else "") if words else ""


def files(summary: Mapping[str, Any], places: Places) -> Section:
    """Where the record and the results are."""
    rows: list[tuple[Cell, ...]] = []
    if places.directory:
        rows.append(_file("summary", places.directory / SUMMARY_NAME, None) if places.kept else _not_kept(places))
    if places.log_path:
        rows.append(_file("log", places.log_path, None))
        which = typed(places.directory) if places.directory and places.kept else f"--where run_id={_run_id(summary)}"
        rows.append(_file("events", f"navigator-obs logs {which}", None))
    if places.directory and places.kept and headline(summary).tone in {"warn", "bad"}:
        rows.append(_file("why", f"navigator-obs diagnose {typed(places.directory)}", None))
    artifacts = tables(summary, "artifacts")
    rows += map(_artifact, artifacts[-MAX_FILES:])
    more = len(artifacts) - MAX_FILES
    note = f"{more} earlier artifacts in summary.json" if more > 0 else ""
    # Paths and commands are to be copied: whole, even where that is wider than the terminal.
    return Section("Files", (Column(""), Column(""), Column("", right=True, optional=True)), rows, note=note)


def _run_id(summary: Mapping[str, Any]) -> str:
    return text(table(summary, "run_metadata").get("run_id") or "last")


def _file(kind: object, path: object, size: object) -> tuple[Cell, ...]:
    return cell(kind, "dim"), cell(_from_here(path)), cell(formatted(size, format_bytes), "dim")


def _not_kept(places: Places) -> tuple[Cell, ...]:
    told = f"none: nothing could be written in {_from_here(places.directory)}"
    return cell("summary", "dim"), cell(told, "bad"), cell("")


def _here() -> str:
    try:
        return f"{os.getcwd()}{os.sep}"
    except OSError:
        # It was removed meanwhile: nothing lies below it.
        return "\0"


def _from_here(path: object) -> object:
    """A path as one would type it in the working directory, where it lies below that."""
    return text(path).removeprefix(_here()) if isinstance(path, (str, Path)) else path


def _artifact(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    shown = _file(found.get("kind") or "", found.get("path"), found.get("bytes"))
    return (*shown[:2], cell("missing", "bad")) if found.get("missing") else shown
