"""Why a run failed, whether that is new, and what changed since it last succeeded: from the folders alone.

A run that succeeded is asked as well whether it was slow (`slower`) or looks wrong (`suspects`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..events.categories import UNKNOWN
from ..fields import format_bytes, format_mb, format_seconds
from ..runs.reading import items, number, table, tables
from ..runs.statuses import LIVING
from .advice import advice
from .attribution import attributed
from .cause import Cause
from .causes import UNMET, causes, failing
from .ended import cut_short
from .lastwords import SILENT, last_events, was_in
from .lost import lost_workers
from .surroundings import ABSENT, INPUT, Change, Weighed, changes, weigh
from .suspects import LEAST_RUNS, Suspicion, alike, slower, suspects

if TYPE_CHECKING:
    from .store import History, RunEntry

MAX_PAST: Final = 60
MAX_TRAIL: Final = 4
_HEALTHY: Final = frozenset({"success", "running"})


@dataclass(frozen=True)
class Novelty:
    """How often the cause was seen before: in `seen` of `runs` earlier runs of this name, the last time in `last_run`.

    Of `retries` runs that followed such a one with the same configuration, `helped` succeeded.
    """

    runs: int
    seen: int
    last_run: str | None = None
    retries: int = 0
    helped: int = 0


@dataclass(frozen=True)
class Diagnosis:
    """What can be said of one run from the files alone; `to_dict` gives plain JSON values.

    *verdict* is one line; *causes* are ordered, the cause first; *changed* holds what is not as in *last_success*, the
    best explanation first; *trail* the last events before the cause; *state* what is left; *next* what to type.
    *unmet* are the checks that did not pass of a run that goes on or succeeded, *survived* the errors that it went on
    after, *errors* and *warnings* how many it logged besides these checks, *checked* whether it has any, and *compared*
    the earlier successes by which its figures were judged: fewer than `suspects.LEAST_RUNS` tell nothing. *start_time*
    is that of the run, *reason* why it has its status.
    """

    run_id: str
    name: str
    status: str
    directory: str
    verdict: str
    causes: Sequence[Cause] = ()
    novelty: Novelty | None = None
    last_success: str | None = None
    changed: Sequence[Weighed] = ()
    suspicions: Sequence[Suspicion] = ()
    slower: Sequence[Suspicion] = ()
    trail: Sequence[str] = ()
    evidence: Sequence[str] = ()
    state: Sequence[str] = ()
    next: Sequence[str] = field(default=())
    unmet: Sequence[Cause] = ()
    survived: Sequence[Cause] = ()
    errors: int = 0
    warnings: int = 0
    checked: bool = False
    compared: int = 0
    start_time: str | None = None
    reason: str = ""

    @property
    def is_judged(self) -> bool:
        """Whether enough runs like it went before to say that its time and its figures are as they should be."""
        return self.status == "success" and self.compared >= LEAST_RUNS

    @property
    def is_healthy(self) -> bool:
        """Whether there is nothing to look into, as far as can be judged: errors that the runs before had as well are
        nothing new.
        """
        if self.status not in _HEALTHY or self.unmet or (self.status == "running" and self.reason):
            return False
        return not (self.suspicions or self.slower or (self.errors and not self.is_judged))

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            **self.__dict__,
            "causes": [cause.to_dict() for cause in self.causes],
            "novelty": None if self.novelty is None else dict(self.novelty.__dict__),
            "changed": [{**one._asdict(), "change": one.change._asdict()} for one in self.changed],
            "suspicions": [one._asdict() for one in self.suspicions],
            "slower": [one._asdict() for one in self.slower],
            "unmet": [cause.to_dict() for cause in self.unmet],
            "survived": [cause.to_dict() for cause in self.survived],
            "healthy": self.is_healthy,
            "judged": self.is_judged,
        }


Past = Sequence[tuple["RunEntry", Mapping[str, Any]]]


def diagnose(run: RunEntry, history: History, log_path: Path | None = None) -> Diagnosis:
    """Diagnose *run* against the earlier runs of its name in *history*, at most `MAX_PAST` of them.

    *log_path* is the log, which knows the last events of a run that did not come to tell what it was doing.
    """
    summary = run.summary
    past = _past(run, history)
    metadata = table(summary, "run_metadata")
    like = [other for entry, other in past if entry.status == "success"]
    found = causes(summary, directory=run.directory, past=like)
    good = next(((entry, other) for entry, other in past if entry.status == "success"), None)
    succeeded = run.status == "success"
    suspicions = suspects(summary, like) if succeeded else []
    slow = slower(summary, like) if succeeded else []
    told = " ".join(one.what for one in (*suspicions, *slow)) if succeeded else _words(found)
    changed = _changed(run, summary, past, good[1], told, found) if good else ()
    found = attributed(found, changed)
    spoken = last_events(run, log_path) if run.status in SILENT else []
    execution, is_fine = table(summary, "execution_summary"), run.status in _HEALTHY
    diagnosis = Diagnosis(
        run_id=run.run_id,
        name=run.name,
        status=run.status,
        directory=str(run.directory),
        verdict=_verdict(run, summary, found, spoken),
        causes=() if is_fine else found,
        novelty=None if is_fine or not found else _novelty(found[0], past),
        last_success=good[0].run_id if good else None,
        changed=changed,
        suspicions=suspicions,
        slower=slow,
        trail=() if is_fine else list(_trail(summary, found, spoken)),
        evidence=[*map(str, items(metadata, "evidence")), *([] if is_fine else lost_workers(summary))],
        state=list(_state(summary)),
        unmet=list(failing(summary, UNMET)) if is_fine else (),
        survived=[one for one in found if not one.fingerprint.startswith("check:")] if is_fine else (),
        errors=_logged(summary, "errors"),
        warnings=_logged(summary, "warnings"),
        checked=any(table(execution, "checks").values()),
        compared=alike(summary, like),
        start_time=run.start_time,
        reason=str(metadata.get("status_reason") or ""),
    )
    return Diagnosis(**{**diagnosis.__dict__, "next": list(advice(diagnosis, summary))})


def _past(run: RunEntry, history: History) -> Past:
    """The runs of the same name that ended before this one began, newest first, with their summaries."""
    earlier = [
        entry
        for entry in history.list(name=run.name)
        if entry.run_id != run.run_id
        and (entry.start_time or "") <= (run.start_time or "")
        and entry.status not in LIVING
    ]
    return [(entry, entry.summary) for entry in earlier[:MAX_PAST]]


def _changed(
    run: RunEntry,
    summary: Mapping[str, Any],
    past: Past,
    good: Mapping[str, Any],
    told: str,
    found: Sequence[Cause],
) -> list[Weighed]:
    """What is not as it was, but for what the run did not come to record before it ended."""
    succeeded = run.status == "success"
    differing = [one for one in changes(good, summary) if succeeded or not _is_missing_input(one)]
    category = found[0].category if found and not succeeded else ""
    return weigh(differing, _failures(run, summary, past), category, told)


def _words(found: Sequence[Cause]) -> str:
    """What the program says of the cause; of how it ended, it is the toolkit that tells."""
    if not found:
        return ""
    cause = found[0]
    said = f"{cause.type} {cause.message} {cause.said}" if cause.fingerprint else ""
    return f"{said} {cause.place} {cause.operation_path}"


def _is_missing_input(change: Change) -> bool:
    return change.kind == INPUT and change.now == ABSENT


def _failures(run: RunEntry, summary: Mapping[str, Any], past: Past) -> list[tuple[bool, Mapping[str, Any]]]:
    return [(run.status != "success", summary), *((entry.status != "success", other) for entry, other in past)]


def _novelty(cause: Cause, past: Past) -> Novelty:
    seen = [position for position, (_, other) in enumerate(past) if _has(other, cause)]
    retries = [past[position - 1] for position in seen if position and _same_configuration(past, position)]
    return Novelty(
        runs=len(past),
        seen=len(seen),
        last_run=past[seen[0]][0].run_id if seen else None,
        retries=len(retries),
        helped=sum(entry.status == "success" for entry, _ in retries),
    )


def _has(summary: Mapping[str, Any], cause: Cause) -> bool:
    if cause.fingerprint:
        told = {str(issue.get("fingerprint")) for issue in tables(table(summary, "issues"), "errors")}
        return cause.fingerprint in told or any(one.fingerprint == cause.fingerprint for one in failing(summary))
    found = causes(summary)
    if not found or found[0].category != cause.category:
        return False
    # Of what no rule speaks the words alone tell whether it is the same.
    return cause.category != UNKNOWN or found[0].message == cause.message


def _logged(summary: Mapping[str, Any], severity: str) -> int:
    """How many errors or warnings there were that are no checks which did not pass."""
    told = number(table(summary, "execution_summary").get(severity)) or 0
    groups = tables(table(summary, "issues"), severity)
    of_checks = [one for one in groups if table(one, "first").get("logger") == "navigator_obs.checks"]
    return max(0, int(told - sum(number(one.get("count")) or 0 for one in of_checks)))


def _same_configuration(past: Past, position: int) -> bool:
    one, other = (table(past[at][1], "configuration").get("fingerprint") for at in (position, position - 1))
    return one == other


_SINCE: Final = {"success": "in", "running": "for"}


def _verdict(
    run: RunEntry, summary: Mapping[str, Any], found: Sequence[Cause], spoken: Sequence[Mapping[str, Any]]
) -> str:
    metadata, execution = table(summary, "run_metadata"), table(summary, "execution_summary")
    seconds = number(metadata.get("duration_seconds"))
    parts = [run.status]
    where, year = _where(summary, found)
    where = where or was_in(spoken)
    planned = [str(one) for one in items(execution, "years_planned")]
    if year and run.status not in _HEALTHY:
        is_one_of_many = len(planned) > 1 and year in planned
        nth = f", {_ordinal(planned.index(year) + 1)} of {len(planned)} years" if is_one_of_many else ""
        parts.append(f"in {year}{nth}")
    if where and run.status not in _HEALTHY:
        parts.append(f"in {where}")
    parts.append(f"{_SINCE.get(run.status, 'after')} {format_seconds(seconds)}" if seconds is not None else "")
    return " · ".join(filter(None, parts))


def _where(summary: Mapping[str, Any], found: Sequence[Cause]) -> tuple[str, str]:
    """The operation and the year in which it ended: of the cause, else what was open at the last look."""
    opened = tables(table(summary, "resources"), "open_operations")
    innermost = opened[-1] if opened else {}
    places = [(cause.operation_path, cause.context) for cause in found[:2]]
    places.append((str(innermost.get("path") or ""), table(innermost, "breakdown")))
    places.append(_stopped(summary))
    path = next((path for path, _ in places if path), "")
    year = next((str(context["year"]) for _, context in places if context.get("year") is not None), "")
    return path, year or _year_under_way(summary)


def _stopped(summary: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The innermost operation that was stopped from outside, and its last year."""
    path = cut_short(summary)
    years = sorted(table(table(table(table(summary, "performance_metrics"), path), "by"), "year"))
    return path, {"year": years[-1]} if years else {}


def _year_under_way(summary: Mapping[str, Any]) -> str:
    """The first planned year that is not complete, of a run that has completed one."""
    execution = table(summary, "execution_summary")
    done, planned = items(execution, "years_completed"), items(execution, "years_planned")
    return next((str(year) for year in planned if year not in done), "") if done else ""


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _trail(summary: Mapping[str, Any], found: Sequence[Cause], spoken: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The last events before the cause, else the last of all, else warnings that came before it."""
    first = found[0].fingerprint if found else ""
    issues = table(summary, "issues")
    group = next((one for one in tables(issues, "errors") if one.get("fingerprint") == first), {})
    crumbs = tables(group, "breadcrumbs")[-MAX_TRAIL:]
    for crumb in crumbs or spoken or [table(one, "last") for one in tables(issues, "warnings")[-MAX_TRAIL:]]:
        yield " ".join(filter(None, [str(crumb.get("timestamp") or ""), _level(crumb), *_told(crumb)]))


def _level(crumb: Mapping[str, Any]) -> str:
    level = str(crumb.get("level") or "")
    return "" if level == "INFO" else level


def _told(crumb: Mapping[str, Any]) -> Iterator[str]:
    yield str(crumb.get("message") or "")
    for key in ("year", "rows", "events", "value", "exception"):
        if isinstance(crumb.get(key), str | int | float):
            yield f"{key}={crumb[key]}"


def _state(summary: Mapping[str, Any]) -> Iterator[str]:
    execution, resources = table(summary, "execution_summary"), table(summary, "resources")
    planned, done = items(execution, "years_planned"), items(execution, "years_completed")
    if planned:
        years = f"{len(planned)} {'year' if len(planned) == 1 else 'years'}"
        yield f"{len(done)} of {years} completed" + (f", the last one {done[-1]}" if done else "")
    saved = [one for one in tables(summary, "artifacts") if one.get("kind") == "checkpoint" and not one.get("missing")]
    if saved:
        yield f"last checkpoint {saved[-1].get('year', '')} {saved[-1].get('path')}".replace("  ", " ")
    peak, limit = number(resources.get("peak_memory_mb")), _memory_limit_mb(summary)
    if peak is not None:
        yield f"memory peak {format_mb(peak)}" + (f" of {format_mb(limit)}" if limit else "")
    free = number(table(summary, "environment").get("disk_free_mb"))
    if free is not None:
        yield f"disk free at the start {format_bytes(free * 1e6)}"


def _memory_limit_mb(summary: Mapping[str, Any]) -> float | None:
    environment = table(summary, "environment")
    limits = [number(environment.get(key)) for key in ("memory_limit_mb", "memory_mb")]
    return min((limit for limit in limits if limit), default=None)
