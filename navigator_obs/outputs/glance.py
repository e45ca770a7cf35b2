"""What there is to say of a run at a glance, fact by fact: how far it got, what it took, where it ran and from what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..fields import format_bytes, format_count, format_mb, format_percent, format_seconds
from ..history.ended import endings
from ..runs.reading import items, number, table
from ..runs.statuses import LIVING
from . import ahead, params, problems
from .cells import Cell, cell, count_of, joined, local_time, localized, text
from .files import here
from .headline import headline


def facts(summary: Mapping[str, Any]) -> Iterator[tuple[str, str | Cell]]:
    """Yield label and value of each fact; the value is empty where the summary does not tell it."""
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


def reason(summary: Mapping[str, Any]) -> Cell | str:
    """Return why the run ended as it did; empty where an error says it right below."""
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
    return [text(place).replace(here(), "") for place in (found.place, *found.also)] if found else []


def evidence(summary: Mapping[str, Any]) -> str:
    """Return how sure the verdict on a run is that was found dead, and why; empty for any other."""
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
