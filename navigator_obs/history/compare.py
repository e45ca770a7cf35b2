"""What is different between two runs: every operation that moved, appeared or vanished, and what may have caused it.

A pure analysis of two summaries. Where one run is the bigger one, seconds are held against each other by row, or by
year. What moved by less than `LEAST_RATIO` and `LEAST_SHARE` of the run's time is left out, both ways alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..fields import format_count, format_mb, format_percent, format_rate, format_seconds
from ..runs.reading import number, table, tables
from . import figures
from .changed import changed
from .divergence import first_divergence
from .figures import Stats, Summary
from .finding import BETTER, CHANGED, WORSE, Finding, ranked
from .likeness import Likeness, divisor, scale_between, scale_of
from .renames import renamed
from .thresholds import Threshold

LEAST_RATIO: Final = 1.10
LEAST_SHARE: Final = 0.01
"""An operation has moved when it did by this ratio, and by this share of the longer run's time."""
LEAST_MEMORY_MB: Final = 5.0
# What went wrong goes before what became slow, and that before what may have caused it.
_FAILURES: Final = 1000.0
_RUN: Final = 100.0
_FIGURES: Final = 10.0


@dataclass(frozen=True)
class Comparison:
    """Two runs held against each other: *findings*, what matters most first; *unlike* says in what they are no pair;
    *scaled_by* is `run`, or what seconds were divided by. *exceeded* are the thresholds that are, and a bad end; *idle*
    are the thresholds that found nothing to hold against each other.
    """

    before: str
    after: str
    unlike: tuple[str, ...]
    scaled_by: str
    findings: tuple[Finding, ...]
    exceeded: tuple[Finding, ...] = field(default=())
    idle: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "before": self.before,
            "after": self.after,
            "unlike": list(self.unlike),
            "scaled_by": self.scaled_by,
            "findings": [found.to_dict() for found in self.findings],
            "exceeded": [found.to_dict() for found in self.exceeded],
            "idle": list(self.idle),
        }


def compare(before: Summary, after: Summary, thresholds: Iterable[Threshold] = ()) -> Comparison:
    """Return what is different in *after*; *thresholds* that it exceeds are told as well. Raises UsageError for one
    about an operation that neither run has.

    >>> was = {"run_metadata": {"run_id": "a", "duration_seconds": 10.0}, "environment": {"python": "3.11.7"}}
    >>> now = {"run_metadata": {"run_id": "b", "duration_seconds": 14.0}, "environment": {"python": "3.12.1"}}
    >>> [found.statement for found in compare(was, now).findings]
    ['took 10.00 s → 14.00 s (+40%)', 'python 3.11.7 → 3.12.1']
    """
    one, other = Likeness.of(before), Likeness.of(after)
    unit, size, new_size = divisor(one, other)
    limits, endings = list(thresholds), list(_endings(before, after))
    # No gate is passed by a run that did not end well: what it did not do took no time.
    exceeded = [found for found in endings if limits and found.verdict == WORSE]
    findings = [
        *endings,
        *_run_figures(before, after, unit, new_size / size),
        *_operations(before, after, *scale_between(one, other)),
        *_issues(before, after),
        *_checks(before, after),
        *_results(before, after),
        *changed(before, after),
    ]
    return Comparison(
        before=str(figures.metadata(before, "run_id")),
        after=str(figures.metadata(after, "run_id")),
        unlike=tuple(one.differences(other)),
        scaled_by=unit,
        findings=ranked(findings),
        exceeded=ranked([*exceeded, *(found for limit in limits for found in limit.exceeded(before, after))]),
        idle=tuple(limit.text for limit in limits if not limit.finds_anything(before, after)),
    )


def _endings(before: Summary, after: Summary) -> Iterator[Finding]:
    was, is_now = figures.metadata(before, "status"), figures.metadata(after, "status")
    if was == is_now:
        return
    verdict = WORSE if was == "success" else BETTER if is_now == "success" else CHANGED
    reason = figures.metadata(after, "status_reason")
    told = f"ended as {is_now}, not {was}{f': {reason}' if reason else ''}"
    yield Finding("status", "run", told, verdict, 2 * _FAILURES, {"before": was, "after": is_now})


def _run_figures(before: Summary, after: Summary, unit: str, scale: float) -> Iterator[Finding]:
    was, is_now = figures.duration_seconds(before), figures.duration_seconds(after)
    if was is not None and is_now is not None and _ratio(was * scale, is_now) >= LEAST_RATIO:
        yield _moved("duration", "run", "took", was, is_now, format_seconds, _RUN, unit, scale)
    was, is_now = figures.peak_memory_mb(before), figures.peak_memory_mb(after)
    if was and is_now and _ratio(was, is_now) >= LEAST_RATIO and abs(was - is_now) >= LEAST_MEMORY_MB:
        yield _moved("memory", "run", "peak memory", was, is_now, format_mb, _RUN - 1)
    yield from _volume(before, after)


def _volume(before: Summary, after: Summary) -> Iterator[Finding]:
    was, is_now = figures.rows(before) or 0.0, figures.rows(after) or 0.0
    if was != is_now:
        change = f" ({_percent(was, is_now)})" if was else ""
        told = f"rows {format_count(was)} → {format_count(is_now)}{change}"
        yield Finding("rows", "run", told, CHANGED, _RUN - 2, {"before": was, "after": is_now})
    old, new = figures.duration_seconds(before), figures.duration_seconds(after)
    if was and is_now and old and new and _ratio(was / old, is_now / new) >= LEAST_RATIO:
        rates = (was / old, is_now / new)
        told = f"throughput {format_rate(rates[0])} → {format_rate(rates[1])} ({_percent(*rates)})"
        verdict = BETTER if rates[1] > rates[0] else WORSE
        yield Finding("throughput", "run", told, verdict, _RUN - 3, {"before": rates[0], "after": rates[1]})


def _operations(before: Summary, after: Summary, unit: str, scale: float | None) -> Iterator[Finding]:
    old, new = figures.operations(before), figures.operations(after)
    names = renamed(old, new)
    longest = max(figures.duration_seconds(before) or 0.0, figures.duration_seconds(after) or 0.0)
    for path, was in names.items():
        yield Finding(
            "operation renamed",
            path,
            f"{was} is now {path}, it seems",
            CHANGED,
            _share(figures.seconds(new[path]), longest),
            {"before": was, "after": path},
        )
    for path, stats in new.items():
        if path in old or path in names:
            earlier = old[names.get(path, path)]
            yield from _operation(path, earlier, stats, longest, unit, scale)
        else:
            yield _one_sided("operation appeared", path, stats, longest, CHANGED)
    for path in old.keys() - new.keys() - set(names.values()):
        # A stage that silently left the metrics is how a regression goes unnoticed.
        yield _one_sided("operation vanished", path, old[path], longest, WORSE)


def _operation(
    path: str, was: Stats, stats: Stats, longest: float, run_unit: str, run_scale: float | None
) -> Iterator[Finding]:
    before, after = figures.seconds(was), figures.seconds(stats)
    unit, scale = scale_of(was, stats, run_unit, run_scale)
    if before is not None and after is not None:
        moved = abs(before * scale - after)
        if _ratio(before * scale, after) >= LEAST_RATIO and moved >= LEAST_SHARE * longest * min(scale, 1.0):
            rank = _FIGURES + _share(moved, longest)
            found = _moved("operation", path, f"{path} took", before, after, format_seconds, rank, unit, scale)
            calls = (number(was.get("count")), number(stats.get("count")))
            yield Finding(**{**vars(found), "evidence": {**found.evidence, "count": calls}})
    low, high = number(was.get("peak_memory_mb")), number(stats.get("peak_memory_mb"))
    if low and high and _ratio(low, high) >= LEAST_RATIO and abs(low - high) >= LEAST_MEMORY_MB:
        yield _moved("operation memory", path, f"{path} peaked at", low, high, format_mb, _FIGURES / 2)
    counted = number(was.get("rows")), number(stats.get("rows"))
    if counted[0] != counted[1]:
        told = " → ".join("none" if number_of is None else format_count(number_of) for number_of in counted)
        evidence = {"before": counted[0], "after": counted[1]}
        yield Finding("operation rows", path, f"{path} worked on rows: {told}", CHANGED, _FIGURES / 4, evidence)
    failed = number(was.get("failed")) or 0.0, number(stats.get("failed")) or 0.0
    if failed[0] != failed[1]:
        yield _counted("operation failures", path, f"{path} failed", failed)


def _one_sided(kind: str, path: str, stats: Stats, longest: float, verdict: str) -> Finding:
    seconds, count = figures.seconds(stats), number(stats.get("count"))
    took = "" if seconds is None else f", which took {format_seconds(seconds)}"
    rank = _FIGURES + _share(seconds, longest) + (_FIGURES if verdict == WORSE else 0.0)
    told = f"{path} {kind.rpartition(' ')[2]}{took}"
    return Finding(kind, path, told, verdict, rank, {"seconds": seconds, "count": count})


def _issues(before: Summary, after: Summary) -> Iterator[Finding]:
    for kind, weight in (("errors", _FAILURES), ("warnings", _FIGURES * 3)):
        old, new = _by_fingerprint(before, kind), _by_fingerprint(after, kind)
        for fingerprint in new.keys() - old.keys():
            yield _issue(kind, "new", fingerprint, new[fingerprint], WORSE, weight)
        for fingerprint in old.keys() - new.keys():
            yield _issue(kind, "gone", fingerprint, old[fingerprint], BETTER, weight / 2)
        for fingerprint in old.keys() & new.keys():
            counts = number(old[fingerprint].get("count")) or 0.0, number(new[fingerprint].get("count")) or 0.0
            if counts[0] != counts[1]:
                told = f"{kind[:-1]} {_message(new[fingerprint])}"
                yield _counted(f"{kind[:-1]} count", fingerprint, told, counts)


def _by_fingerprint(summary: Summary, kind: str) -> dict[str, Mapping[str, Any]]:
    issues = tables(table(summary, "issues"), kind)
    return {str(issue.get("fingerprint") or issue.get("message")): issue for issue in issues}


def _issue(kind: str, what: str, key: str, issue: Mapping[str, Any], verdict: str, rank: float) -> Finding:
    told = f"{what} {kind[:-1]}: {_message(issue)}"
    return Finding(f"{kind[:-1]} {what}", key, told, verdict, rank, {"count": issue.get("count")})


def _message(issue: Mapping[str, Any]) -> str:
    raised, message = issue.get("type"), str(issue.get("message"))
    return f"{raised}: {message}" if raised and not message.startswith(str(raised)) else message


def _checks(before: Summary, after: Summary) -> Iterator[Finding]:
    old, new = _by_check(before), _by_check(after)
    same_years = figures.years(before) == figures.years(after)
    for key in old.keys() | new.keys():
        was, is_now = old.get(key), new.get(key)
        if was == is_now:
            continue
        verdict = WORSE if is_now not in {"pass", None} or was == "pass" else BETTER if was else CHANGED
        if is_now is None and not same_years:
            verdict = CHANGED
        told = f"check {key}: {was or 'not there'} → {is_now or 'not there'}"
        rank = _FAILURES / 2 if verdict == WORSE else _FIGURES
        yield Finding("check", key, told, verdict, rank, {"before": was, "after": is_now})


def _results(before: Summary, after: Summary) -> Iterator[Finding]:
    parted = first_divergence(before, after)
    if parted:
        evidence = {"name": parted.name, "year": parted.year, "operation_path": parted.operation_path}
        agreed = {"after": parted.after, "compared": parted.compared}
        yield Finding("results", parted.name, f"the results part: {parted}", CHANGED, 2 * _RUN, {**evidence, **agreed})


def _by_check(summary: Summary) -> dict[str, str]:
    found: dict[str, str] = {}
    for check in tables(summary, "checks"):
        parts = [check.get("name"), check.get("dataset"), check.get("year")]
        found[" ".join(str(part) for part in parts if part is not None)] = str(check.get("outcome"))
    return found


def _moved(
    kind: str,
    subject: str,
    what: str,
    was: float,
    is_now: float,
    shown: Callable[[float], str],
    rank: float,
    unit: str = "run",
    scale: float = 1.0,
) -> Finding:
    by = "" if unit == "run" else f" by {unit}"
    told = f"{what} {shown(was)} → {shown(is_now)} ({_percent(was * scale, is_now)}{by})"
    evidence = {"before": was, "after": is_now, "ratio": round(is_now / (was * scale), 4) if was else None}
    return Finding(kind, subject, told, WORSE if is_now > was * scale else BETTER, rank, evidence)


def _counted(kind: str, subject: str, what: str, counts: tuple[float, float]) -> Finding:
    told = f"{what}: {format_count(counts[0])} → {format_count(counts[1])} times"
    verdict = WORSE if counts[1] > counts[0] else BETTER
    return Finding(kind, subject, told, verdict, _FIGURES * 2, {"before": counts[0], "after": counts[1]})


def _percent(was: float, is_now: float) -> str:
    if not was:
        return "from nothing"
    change = 100 * (is_now / was - 1)
    return f"{is_now / was:.1f} times" if change >= 400 else f"{'+' if change > 0 else ''}{format_percent(change)}"


def _ratio(one: float, other: float) -> float:
    low, high = sorted((one, other))
    return high / low if low > 0 else (float("inf") if high > 0 else 1.0)


def _share(seconds: float | None, longest: float) -> float:
    return (seconds or 0.0) / longest if longest else 0.0
