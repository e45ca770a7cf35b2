"""How runs of one kind develop: per run and per operation, seconds, memory, rows and errors.

A pure analysis of summaries, the oldest first. Only what is comparable is looked at: runs that succeeded, with the
name, the years, the CPUs and about the rows of the newest one. Seconds are told as they would be at its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..fields import format_count, format_mb, format_percent, format_seconds
from ..operations.median import median
from ..runs.reading import number
from . import detector, figures, rates
from .changed import changed
from .figures import Stats, Summary
from .finding import BETTER, CHANGED, WORSE, Finding, ranked
from .likeness import Likeness
from .renames import renamed

MOST_RUNS: Final = 50
LEAST_SHARE: Final = 0.01
"""An operation that takes less of the run's time is shown when it is asked for, and not judged."""
RECENT: Final = 10
"""A change that was confirmed so many runs ago is no news."""
_MOST_CAUSES: Final = 5


@dataclass(frozen=True)
class Series:
    """One figure over the comparable runs: of the operation *path*, or of the run where that is empty. *values* stand
    beside the ids in *runs*, the oldest first; *reading* is None where they are too few.
    """

    path: str
    figure: str
    runs: tuple[str, ...]
    values: tuple[float, ...]
    reading: detector.Reading | None

    @property
    def state(self) -> str:
        """`step`, `drift`, `unconfirmed`, `outlier`, `faster`, `steady` or `too few runs`."""
        found = self.reading
        if found is None:
            return "too few runs"
        newest = len(self.values) - 1
        if found.suspected:
            return "unconfirmed"
        if found.changes and newest - found.changes[-1].seen < RECENT and not found.changes[-1].withdrawn:
            change = found.changes[-1]
            return change.kind if change.is_rise else "faster" if self.figure == "seconds" else "lower"
        return "outlier" if newest in found.outliers else "steady"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        found = self.reading
        return {
            "operation_path": self.path or None,
            "figure": self.figure,
            "state": self.state,
            "values": [round(value, 6) for value in self.values],
            "runs": list(self.runs),
            "level": None if found is None else round(found.level, 6),
            "best": None if found is None else round(found.best, 6),
            "noise_percent": None if found is None else round(100 * found.noise, 2),
            "outliers": [] if found is None else [self.runs[at] for at in found.outliers],
            "changes": [] if found is None else [self._change(change) for change in found.changes],
        }

    def _change(self, change: detector.Change) -> dict[str, Any]:
        return {
            "kind": change.kind,
            "first_run": self.runs[change.first],
            "confirmed_by_run": self.runs[change.seen],
            "before": round(change.before, 6),
            "after": round(change.after, 6),
            "withdrawn": change.withdrawn,
        }


@dataclass(frozen=True)
class Trends:
    """What *runs* comparable runs tell. *left_out* counts the other runs of that name, by why they are no comparison;
    *rows* is the size that seconds are told at.
    """

    name: str
    runs: tuple[str, ...]
    rows: float | None
    left_out: Mapping[str, int]
    series: tuple[Series, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "name": self.name,
            "runs": list(self.runs),
            "rows": self.rows,
            "left_out": dict(self.left_out),
            "findings": [found.to_dict() for found in self.findings],
            "series": [series.to_dict() for series in self.series],
        }


def comparable(heads: Sequence[Summary], newest: Summary) -> tuple[list[int], dict[str, int]]:
    """Return which of *heads*, the oldest first, can stand in a trend that ends with *newest*, at most `MOST_RUNS` of
    them; and how many can't, by why.
    """
    wanted, kept = Likeness.of(newest), []
    left_out: dict[str, int] = {}
    for at, head in enumerate(heads):
        found = Likeness.of(head)
        if found.name != wanted.name:
            continue
        why = f"ended as {found.status}" if found.status != "success" else next(found.differences(wanted), None)
        if why is None:
            kept.append(at)
        else:
            left_out[why] = left_out.get(why, 0) + 1
    return kept[-MOST_RUNS:], left_out


def trends(
    summaries: Sequence[Summary],
    *,
    operation: str | None = None,
    left_out: Mapping[str, int] | None = None,
    errors: Sequence[float] = (),
) -> Trends:
    """Return how comparable runs, the oldest first, develop; with *operation*, those of its paths alone.

    *errors* are the counts of all runs of that name that have ended, however they did.
    """
    newest = summaries[-1] if summaries else {}
    ids = tuple(str(figures.metadata(summary, "run_id")) for summary in summaries)
    rows = figures.rows(newest)
    scales = [(rows or 1.0) / (figures.rows(summary) or rows or 1.0) for summary in summaries]
    by_path = _by_path(summaries)
    of_run = [] if operation else list(_run_series(summaries, ids, scales))
    of_operations = list(_operation_series(by_path, ids, scales, summaries, operation))
    findings = [
        *(found for series in (*of_run, *of_operations) for found in _judged(series, summaries)),
        *([] if operation else _coming_and_going(by_path, ids)),
        *([] if operation else _more_errors(errors)),
        *_more_failures(by_path, operation),
    ]
    return Trends(
        name=str(figures.metadata(newest, "name")),
        runs=ids,
        rows=rows,
        left_out=dict(left_out or {}),
        series=(*of_run, *of_operations),
        findings=ranked(findings),
    )


def _by_path(summaries: Sequence[Summary]) -> dict[str, list[Stats | None]]:
    """Return the figures of each operation, run by run, under the newest of its names."""
    found: dict[str, list[Stats | None]] = {}
    aliases: dict[str, str] = {}
    later: Mapping[str, Stats] | None = None
    for at in range(len(summaries) - 1, -1, -1):
        here = figures.operations(summaries[at])
        if later is not None and here.keys() != later.keys():
            for new, old in renamed(here, later).items():
                aliases[old] = aliases.get(new, new)
        for path, stats in here.items():
            found.setdefault(aliases.get(path, path), [None] * len(summaries))[at] = stats
        later = here
    return found


def _run_series(summaries: Sequence[Summary], ids: tuple[str, ...], scales: Sequence[float]) -> Iterator[Series]:
    seconds = [figures.duration_seconds(summary) for summary in summaries]
    yield _series("", "seconds", ids, _scaled(seconds, scales))
    yield _series("", "memory", ids, [figures.peak_memory_mb(summary) for summary in summaries])


def _operation_series(
    by_path: Mapping[str, Sequence[Stats | None]],
    ids: tuple[str, ...],
    scales: Sequence[float],
    summaries: Sequence[Summary],
    wanted: str | None,
) -> Iterator[Series]:
    chosen = [path for path in by_path if _is_wanted(path, wanted)]
    longest = median([figures.duration_seconds(summary) or 0.0 for summary in summaries] or [0.0])
    judged = [path for path in chosen if wanted or _takes(by_path[path]) >= LEAST_SHARE * longest]
    for path in sorted(judged, key=lambda path: -_takes(by_path[path])):
        seconds = [None if stats is None else figures.seconds(stats) for stats in by_path[path]]
        yield _series(path, "seconds", ids, _scaled(seconds, _own_scales(by_path[path], scales)), len(judged))
        peaks = [None if stats is None else number(stats.get("peak_memory_mb")) for stats in by_path[path]]
        if wanted:
            yield _series(path, "memory", ids, peaks, len(judged))


def _own_scales(history: Sequence[Stats | None], scales: Sequence[float]) -> Sequence[float]:
    """Those of an operation that counts rows of its own: a stage that left the run makes no other one slower."""
    rows = [None if stats is None else number(stats.get("rows")) or None for stats in history]
    known = [count for count in rows if count is not None]
    if len(known) < sum(stats is not None for stats in history):
        return scales
    return [known[-1] / count if count is not None else 1.0 for count in rows]


def _is_wanted(path: str, wanted: str | None) -> bool:
    return wanted is None or path == wanted or path.rpartition("/")[2] == wanted or path.startswith(f"{wanted}/")


def _takes(history: Sequence[Stats | None]) -> float:
    known = [figures.seconds(stats) or 0.0 for stats in history if stats is not None]
    return median(known) if known else 0.0


def _scaled(values: Iterable[float | None], scales: Sequence[float]) -> list[float | None]:
    return [None if value is None else value * scale for value, scale in zip(values, scales, strict=True)]


def _series(path: str, figure: str, ids: tuple[str, ...], values: Sequence[float | None], together: int = 1) -> Series:
    known = [(run, value) for run, value in zip(ids, values, strict=True) if value is not None]
    numbers = tuple(value for _, value in known)
    return Series(path, figure, tuple(run for run, _ in known), numbers, detector.read(numbers, series=together))


def _judged(series: Series, summaries: Sequence[Summary]) -> Iterator[Finding]:
    found, state = series.reading, series.state
    if found is None or state in {"steady", "outlier"}:
        return
    shown = _FORMATS[series.figure]
    what = f"{series.path or 'the run'}{'' if series.figure == 'seconds' else ' peak memory'}"
    newest = series.values[-1]
    evidence: dict[str, Any] = {
        "state": state,
        "newest": newest,
        "ratio_to_previous": _ratio(newest, series.values[-2]),
        "ratio_to_median": _ratio(newest, median(series.values[:-1])),
        "ratio_to_best": _ratio(newest, found.best),
        "noise": round(found.noise, 4),
    }
    weight = 2.0 if not series.path else 1.0
    if state == "unconfirmed":
        told = f"{what}: {shown(newest)}, {_percent(newest, found.level)} on {shown(found.level)}, unconfirmed"
        causes = _causes(series, summaries, len(series.runs) - 1)
        evidence |= {"before": found.level, "after": newest, "first_run": series.runs[-1], "causes": causes}
        yield Finding("trend", series.path or "run", told, WORSE, weight * abs(newest / found.level - 1), evidence)
        return
    change = found.changes[-1]
    since = f"{change.kind} with {series.runs[change.first]}, {_ago(len(series.runs) - 1 - change.first)}"
    told = f"{what}: {shown(change.before)} → {shown(change.after)} ({_percent(change.after, change.before)}), {since}"
    evidence |= {
        "before": change.before,
        "after": change.after,
        "first_run": series.runs[change.first],
        "confirmed_by_run": series.runs[change.seen],
        "causes": _causes(series, summaries, change.first),
    }
    rank = weight * (1 + abs(change.ratio - 1))
    yield Finding("trend", series.path or "run", told, WORSE if change.is_rise else BETTER, rank, evidence)


_FORMATS: Final[Mapping[str, Callable[[float], str]]] = {"seconds": format_seconds, "memory": format_mb}


def _causes(series: Series, summaries: Sequence[Summary], first: int) -> list[str]:
    """What else changed with the run at *first*."""
    by_id = {str(figures.metadata(summary, "run_id")): summary for summary in summaries}
    if not first:
        return []
    before, after = by_id[series.runs[first - 1]], by_id[series.runs[first]]
    found = sorted(changed(before, after), key=lambda cause: -cause.rank)
    more = len(found) - _MOST_CAUSES
    return [cause.statement for cause in found[:_MOST_CAUSES]] + ([f"{more} more"] if more > 0 else [])


def _coming_and_going(by_path: Mapping[str, Sequence[Stats | None]], ids: tuple[str, ...]) -> Iterator[Finding]:
    """Operations that the newest run has lost, or the first time has, against the runs before."""
    if len(ids) < detector.FEWEST:
        return
    for path, history in by_path.items():
        is_there, before = history[-1] is not None, [stats is not None for stats in history[:-1]]
        seconds = _takes(history)
        if not is_there and all(before[-3:]):
            told = f"{path} vanished: {ids[-1]} has it no more, the runs before took {format_seconds(seconds)} for it"
            yield Finding("operation vanished", path, told, WORSE, 3.0, {"seconds": seconds})
        elif is_there and not any(before):
            told = f"{path} appeared with {ids[-1]} and takes {format_seconds(seconds)}"
            yield Finding("operation appeared", path, told, CHANGED, 0.5, {"seconds": seconds})


def _more_errors(errors: Sequence[float]) -> Iterator[Finding]:
    found = rates.rise(errors)
    if found:
        told = f"errors: {found.before:.2g} → {found.after:.2g} a run, over the newest {found.runs}"
        evidence = {"before": found.before, "after": found.after, "runs": found.runs}
        yield Finding("error rate", "run", told, WORSE, 4.0, evidence)


def _more_failures(by_path: Mapping[str, Sequence[Stats | None]], wanted: str | None) -> Iterator[Finding]:
    for path, history in by_path.items():
        known = [stats for stats in history if stats is not None]
        failed = [number(stats.get("failed")) or 0.0 for stats in known]
        if not any(failed) or not _is_wanted(path, wanted):
            continue
        found = rates.rise(failed, [number(stats.get("count")) or 0.0 for stats in known])
        if found:
            shares = (format_percent(100 * found.before), format_percent(100 * found.after))
            told = f"{path} failed in {shares[0]} → {shares[1]} of its calls, over the newest {found.runs} runs"
            evidence = {"before": found.before, "after": found.after, "runs": found.runs}
            yield Finding("error rate", path, told, WORSE, 3.5, evidence)


def _ratio(value: float, other: float) -> float | None:
    return round(value / other, 4) if other else None


def _percent(value: float, other: float) -> str:
    change = 100 * (value / other - 1) if other else 0.0
    return f"{'+' if change > 0 else ''}{format_percent(change)}"


def _ago(runs: int) -> str:
    return {0: "the newest run", 1: "one run ago"}.get(runs, f"{format_count(runs)} runs ago")
