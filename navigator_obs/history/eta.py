"""When a living run will end: by how long its years took in earlier runs, at the speed of this one.

The mean rate of the run itself errs by a tenth at a quarter of the way, since years differ: populations grow, the first
year loads. Earlier runs know the shape; this one knows its speed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ..operations.median import median
from ..runs.reading import items, number, table, tables

_YEAR: Final = "year"
# Less of a run says little about its speed.
_LEAST_SHARE: Final = 0.02
# Figures of a moment may be of two moments.
_MORE_THAN_ONE_AT_ONCE: Final = 1.05


def seconds_left(summary: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]] = ()) -> float | None:
    """Return how many seconds the run of *summary* has still to go; None where nothing tells.

    *earlier* are summaries of runs of the same name that succeeded. With planned years, what is left of them is taken
    from those runs year by year, and scaled by how fast this run was so far; without such runs each year counts as the
    mean of those completed. Without planned years, it is what the run itself foretells of a loop of `obs.track`, else
    what earlier runs took altogether, less what has passed; so it is where years are simulated side by side.

    >>> run = {"run_metadata": {"duration_seconds": 30.0}, "execution_summary": {"years_planned": [1, 2, 3],
    ...        "years_completed": [1]}, "breakdown": {"by": {"year": {"1": {"duration_seconds": 20.0}}}}}
    >>> seconds_left(run)
    30.0
    """
    elapsed = number(table(summary, "run_metadata").get("duration_seconds"))
    if elapsed is None:
        return None
    others = list(earlier)
    planned, done, resumed = (
        [str(year) for year in items(table(summary, "execution_summary"), f"years_{which}")]
        for which in ("planned", "completed", "resumed")
    )
    left = [year for year in planned if year not in done and year not in resumed]
    beside = are_side_by_side(summary)
    if planned and not beside:
        return _by_years(summary, others, done, left, elapsed)
    foretold = number(table(summary, "forecast").get("eta_seconds"))
    if foretold is not None and not beside:
        return foretold
    totals = [number(table(other, "run_metadata").get("duration_seconds")) for other in others]
    known = [total for total in totals if total is not None]
    return max(0.0, median(known) - elapsed) if known else None


def are_side_by_side(summary: Mapping[str, Any]) -> bool:
    """Whether years are simulated at the same time, by workers or threads: what is left of one then tells nothing of
    what is left of the run.

    >>> are_side_by_side({"resources": {"open_operations": [{"breakdown": {"year": year}} for year in (2025, 2026)]}})
    True
    """
    opened = tables(table(summary, "resources"), "open_operations")
    under_way = {(found.get("worker"), year) for found in opened if (year := table(found, "breakdown").get(_YEAR))}
    elapsed = number(table(summary, "run_metadata").get("duration_seconds"))
    return len(under_way) > 1 or (
        elapsed is not None and sum(_seconds_by_year(summary).values()) > elapsed * _MORE_THAN_ONE_AT_ONCE
    )


def _by_years(
    summary: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
    done: Sequence[str],
    left: Sequence[str],
    elapsed: float,
) -> float | None:
    own = _seconds_by_year(summary)
    shape = _shape([_seconds_by_year(other) for other in others], [*done, *left])
    # A year that has its checkpoint has no time yet while its operation is open.
    timed = [year for year in done if year in own]
    spent = sum(own[year] for year in timed)
    if shape is None:
        foretold = number(table(summary, "forecast").get("eta_seconds"))
        if foretold is not None or not spent:
            return foretold
        shape = dict.fromkeys([*done, *left], spent / len(timed))
    usual = sum(shape[year] for year in timed)
    whole = sum(shape[year] for year in [*done, *left])
    speed = spent / usual if usual and usual >= whole * _LEAST_SHARE else 1.0
    # What has passed since the last year was completed belongs to the one that is under way.
    closing = sum(shape[year] for year in done if year not in own) * speed
    since = max(0.0, elapsed - _until(summary, spent) - closing)
    under_way = min(since, shape[left[0]] * speed) if left else 0.0
    return max(0.0, sum(shape[year] for year in left) * speed - under_way)


def _until(summary: Mapping[str, Any], spent: float) -> float:
    """The run's age at the end of the last year that is completed: what came before the first year counts too."""
    rest = number(table(summary, "breakdown").get("unattributed_seconds")) or 0.0
    roots = {
        path: number(stats.get("total_seconds")) or 0.0
        for path, stats in table(summary, "performance_metrics").items()
        if "/" not in path and isinstance(stats, Mapping) and not table(stats, "by")
    }
    return spent + rest + sum(roots.values())


def _shape(others: Sequence[Mapping[str, float]], years: Sequence[str]) -> dict[str, float] | None:
    """What each year usually takes; None where no earlier run has them all."""
    complete = [other for other in others if all(year in other for year in years)]
    return {year: median(other[year] for other in complete) for year in years} if complete else None


def _seconds_by_year(summary: Mapping[str, Any]) -> dict[str, float]:
    found = table(table(table(summary, "breakdown"), "by"), _YEAR)
    seconds = {year: number(table(found, year).get("duration_seconds")) for year in found}
    return {year: value for year, value in seconds.items() if value}
