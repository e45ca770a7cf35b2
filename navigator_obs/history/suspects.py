"""A run that succeeded, held against those before it: was it slow, and do its figures look right?

A figure is out of its band when it lies further from the median of the earlier runs than `SPREADS` times their median
absolute deviation (scaled by 1.4826 to a standard deviation, after Hampel, 1974), and by a share of the median that
matters. Figures that never changed before are out of their band as soon as they do, by that share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..operations.median import median
from ..runs.reading import number, table, tables

LEAST_RUNS: Final = 3
SPREADS: Final = 5.0
LEAST_SHARE: Final = 0.2
LEAST_SLOWDOWN: Final = 0.3
LEAST_SECONDS: Final = 0.05
LARGER_PART: Final = 0.4
LARGE_PART: Final = 0.15
MAX_SUSPICIONS: Final = 7
_MOST_MERGED: Final = 3
_MAX_MESSAGE: Final = 200
_TIMES_AS_OFTEN: Final = 3
_OWN_LOGGERS: Final = frozenset({"navigator_obs.checks", "navigator_obs.run"})
_OF_CODE: Final = ("DeprecationWarning", "FutureWarning", "ImportWarning", "EncodingWarning", "ResourceWarning")
_MAD_TO_SIGMA: Final = 1.4826


class Suspicion(NamedTuple):
    """A figure that is not where it was: `value` now, `usual` (the median) in `runs` runs before; `what` in words."""

    what: str
    value: float | None
    usual: float | None
    runs: int


def suspects(summary: Mapping[str, Any], past: Sequence[Mapping[str, Any]]) -> list[Suspicion]:
    """Return what looks wrong in a successful run: figures outside of the band of the *past* successful ones, not
    finite, or gone; checks that always passed; errors that no run before had. The worst first; nothing where fewer than
    `LEAST_RUNS` runs with the same settings went before.
    """
    alike = [other for other in past if _same_size(summary, other)]
    figures, before = dict(_figures(summary)), [dict(_figures(other)) for other in alike]
    found = [*_nonfinite(summary, alike), *_not_passed(summary, alike), *_new_issues(summary, alike)]
    if len(before) >= LEAST_RUNS:
        # What is no number is told as such: it is there.
        unknown = set(_unknown_values(summary))
        known = {name for one in before for name in one if unknown.isdisjoint({name, name.partition(" ")[0]})}
        names = sorted({*figures, *known})
        found += _merged([one for name in names if (one := _out_of_band(name, figures, before))])
    return sorted(found, key=_badness, reverse=True)[:MAX_SUSPICIONS]


def alike(summary: Mapping[str, Any], past: Sequence[Mapping[str, Any]]) -> int:
    """Return how many of the *past* runs it can be held against: those that planned the same years."""
    return sum(_same_size(summary, other) for other in past)


def _merged(found: Sequence[Suspicion]) -> list[Suspicion]:
    """Those with the same figures in one: the rows of an operation are often counted elsewhere as well."""
    alike: dict[tuple[float | None, float | None], list[Suspicion]] = {}
    for one in found:
        alike.setdefault((one.value, one.usual), []).append(one)
    return [same[0]._replace(what=", ".join(one.what for one in same[:_MOST_MERGED])) for same in alike.values()]


def slower(summary: Mapping[str, Any], past: Sequence[Mapping[str, Any]]) -> list[Suspicion]:
    """Return the run's duration and the operations that took longer than in the *past*; of a run that did not, only
    those that gained a large part of its time.

    Nothing where the machine was busy with something else: all operations took longer, and most of it was no CPU time.
    """
    alike = [other for other in past if _same_size(summary, other)]
    if len(alike) < LEAST_RUNS:
        return []
    whole = _slower("the run", _duration(summary), [_duration(other) for other in alike])
    own, before = _self_seconds(summary), [_self_seconds(other) for other in alike]
    known = {path for one in before for path in one}
    # What is done for the first time took no time before.
    gained = [
        _slower(path, seconds, [one.get(path) if path in known else 0.0 for one in before])
        for path, seconds in own.items()
    ]
    found = sorted(filter(None, gained), key=_gain, reverse=True)
    if whole is None:
        return _large(found, median(_duration(other) or 0.0 for other in alike))
    if _is_spread(whole, found) and not _worked(summary, alike, _gain(whole)):
        return []
    return [whole, *found[:MAX_SUSPICIONS]]


def _large(found: Sequence[Suspicion], usual_seconds: float) -> list[Suspicion]:
    """Of operations that gained time in a run that did not, those whose gain is a large part of it."""
    return [one for one in found if _gain(one) >= LARGE_PART * usual_seconds][:MAX_SUSPICIONS]


def _is_spread(whole: Suspicion, found: Sequence[Suspicion]) -> bool:
    """Whether no single operation explains the larger part of what the run took longer."""
    return not found or _gain(found[0]) < LARGER_PART * _gain(whole)


def _worked(summary: Mapping[str, Any], alike: Sequence[Mapping[str, Any]], gained_seconds: float) -> bool:
    """Whether a good part of the time that was gained went by at work, and not in waiting for a busy machine."""
    cpu = _slower("cpu", _cpu(summary), [_cpu(other) for other in alike])
    return cpu is not None and _gain(cpu) >= LARGER_PART * gained_seconds


def _cpu(summary: Mapping[str, Any]) -> float | None:
    return number(table(summary, "resources").get("cpu_seconds"))


def _slower(what: str, value: float | None, before: Sequence[float | None]) -> Suspicion | None:
    known = [one for one in before if one is not None]
    if value is None or len(known) < LEAST_RUNS:
        return None
    usual = median(known)
    enough = max(LEAST_SLOWDOWN * usual, SPREADS * _spread(known, usual), LEAST_SECONDS)
    return Suspicion(what, value, usual, len(known)) if value - usual > enough else None


def _gain(one: Suspicion) -> float:
    return (one.value or 0) - (one.usual or 0)


def _same_size(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both planned the same years: others have other figures by right."""
    years = [table(summary, "execution_summary").get("years_planned") for summary in (one, other)]
    return years[0] == years[1]


def _figures(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Rows by operation, values of checks by year, counters and gauges, the outputs' sizes: what a simulation is run
    for.
    """
    for path, stats in table(summary, "performance_metrics").items():
        rows = number(stats.get("rows")) if isinstance(stats, Mapping) else None
        if rows is not None:
            yield f"rows of {path}", rows
    for check in tables(summary, "checks"):
        value = number(check.get("value"))
        if value is not None:
            yield " ".join(filter(None, ["check", str(check.get("name")), str(check.get("year") or "")])), value
    yield from _sizes(summary)
    for kind in ("counters", "gauges"):
        for series in tables(table(summary, "metrics"), kind):
            value = number(series.get("value"))
            if value is not None:
                yield (
                    " ".join([str(series.get("name")), *(f"{k}={v}" for k, v in table(series, "labels").items())]),
                    value,
                )


def _sizes(summary: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for artifact in tables(summary, "artifacts"):
        size = number(artifact.get("bytes"))
        if artifact.get("kind") == "output" and size is not None:
            yield f"bytes of {artifact.get('path')}", size


def _out_of_band(name: str, figures: Mapping[str, float], before: Sequence[Mapping[str, float]]) -> Suspicion | None:
    known = [one[name] for one in before if name in one]
    if len(known) < LEAST_RUNS or not (
        len(known) > len(before) // 2 or all(name in one for one in before[:LEAST_RUNS])
    ):
        return None
    usual = median(known)
    if name not in figures:
        return Suspicion(f"{name} is gone", None, usual, len(known))
    enough = max(LEAST_SHARE * abs(usual), SPREADS * _spread(known, usual))
    return Suspicion(name, figures[name], usual, len(known)) if abs(figures[name] - usual) > enough else None


def _nonfinite(summary: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> Iterator[Suspicion]:
    known = {name for other in alike for name in _unknown_values(other)}
    for name in _unknown_values(summary):
        if name not in known:
            yield Suspicion(f"{name} is not a finite number", None, None, len(alike))


def _not_passed(summary: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> Iterator[Suspicion]:
    """The checks that did not pass and always did before."""
    if len(alike) < LEAST_RUNS:
        return
    known = {name for other in alike for name in _failing(other)}
    for name in dict.fromkeys(_failing(summary)):
        if name not in known:
            yield Suspicion(f"{name} did not pass, as it always did", None, None, len(alike))


def _failing(summary: Mapping[str, Any]) -> Iterator[str]:
    for check in tables(summary, "checks"):
        if str(check.get("outcome")) in {"warn", "fail", "error"}:
            yield f"check {check.get('name')}"


def _new_issues(summary: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> Iterator[Suspicion]:
    """Errors that a run survived, and warnings, which no run before had, or which come many times as often."""
    if len(alike) < LEAST_RUNS:
        return
    before = [_telling_issues(other) for other in alike]
    for words, issues in _telling_issues(summary).items():
        told, count = str(issues[0].get("message"))[:_MAX_MESSAGE], _count(issues)
        known = [_count(other[words]) for other in before if words in other]
        if not known:
            yield Suspicion(f"new: {told}" + (f" ({count:,} times)" if count > 1 else ""), None, None, len(alike))
        elif len(known) >= LEAST_RUNS and count >= _TIMES_AS_OFTEN * (max(known) + 1):
            yield Suspicion(f"times: {told}", count, median(known), len(known))


def _count(issues: Sequence[Mapping[str, Any]]) -> int:
    return sum(int(number(one.get("count")) or 1) for one in issues)


def _telling_issues(summary: Mapping[str, Any]) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    """By what they say, the errors, and the warnings but for those that were as good as over when they were told, of
    code that will have to change one day, and what the toolkit says itself.
    """
    found: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for severity in ("errors", "warnings"):
        for issue in tables(table(summary, "issues"), severity):
            passing = issue.get("retry") == "yes" or str(issue.get("type")).endswith(_OF_CODE)
            logger = str(table(issue, "first").get("logger"))
            is_ours = logger in _OWN_LOGGERS or (severity == "warnings" and logger.startswith("navigator_obs."))
            if not is_ours and (severity == "errors" or not passing):
                words = f"{issue.get('type')} {next(iter(table(issue, 'variants')), issue.get('message'))}"
                found.setdefault((severity, words), []).append(issue)
    return found


def _unknown_values(summary: Mapping[str, Any]) -> Iterator[str]:
    for check in tables(summary, "checks"):
        if "value" in check and check["value"] is None:
            yield " ".join(filter(None, ["check", str(check.get("name")), str(check.get("year") or "")]))
    for kind in ("counters", "gauges"):
        for series in tables(table(summary, "metrics"), kind):
            if "value" in series and series["value"] is None:
                yield str(series.get("name"))


def _badness(one: Suspicion) -> float:
    """By what share it is off; what is gone or no number is worse than any."""
    if one.value is None or one.usual is None:
        return float("inf")
    return abs(one.value - one.usual) / abs(one.usual) if one.usual else float("inf")


def _spread(known: Sequence[float], usual: float) -> float:
    return _MAD_TO_SIGMA * median(abs(one - usual) for one in known)


def _duration(summary: Mapping[str, Any]) -> float | None:
    return number(table(summary, "run_metadata").get("duration_seconds"))


def _self_seconds(summary: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        path: number(stats.get("self_seconds"))
        for path, stats in table(summary, "performance_metrics").items()
        if isinstance(stats, Mapping)
    }
