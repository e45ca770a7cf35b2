"""Where a run's time, memory and rows went, and what a faster operation would save: pure functions of its metrics.

The measure is weighted self time: each instant of the run is divided among the operations that were active leaves in
it, so that all shares and the time in no operation add up to the run. What explains less than `LEAST_SHARE_PERCENT` is
called no bottleneck.

Making an operation twice as fast saves half of the time in which any of it was active at most: only then can others
have waited for it, and each such wait is halved. Where nothing else was active meanwhile, that much is saved. Where
others were, they may be what is waited for: half of the operation's share is about what is saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..clock import format_timestamp
from ..operations.median import median
from ..operations.parts import SECOND, Share, seconds
from ..operations.stats import OperationStats
from ..operations.totals import Metrics

LEAST_SHARE_PERCENT: Final = 5.0
MOST: Final = 10
LEAST_GROWTH_MB: Final = 10.0
_TIMES_MEDIAN: Final = 3.0
_FEWEST_CALLS: Final = 5
_LEAST_EXCESS_PERCENT: Final = 1.0
# The share of its own time in which an operation must have been the only one for its memory to be its own.
_ALONE: Final = 0.95


def above(path: str) -> Iterator[str]:
    """Yield the paths around an operation path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def weights(metrics: Metrics, unattributed_ns: int) -> dict[str | None, float]:
    """Return the weighted self time of each operation path in nanoseconds, and under None that of no operation.

    What worker processes did, the run's own process spent waiting: in the operation from which they were handed their
    work, or in none. As much of that time as they fill is theirs, in proportion to their own weights.
    """
    own: dict[str | None, float] = {
        path: float(max(found.weighted_ns, 0)) for path, found in metrics.operations.items()
    }
    own[None] = float(unattributed_ns)
    handed: dict[str | None, dict[str, int]] = {}
    for path, stats in metrics.operations.items():
        if stats.worker_weighted_ns > 0:
            handed.setdefault(_anchor(path, metrics), {})[path] = stats.worker_weighted_ns
    for anchor, worked in handed.items():
        total = sum(worked.values())
        filled = min(own[anchor], total)
        own[anchor] -= filled
        for path, ns in worked.items():
            own[path] += filled * ns / total
    return own


def _anchor(path: str, metrics: Metrics) -> str | None:
    """Return the operation of the run's own process that was open around one of a worker's; None where none was."""
    return next((up for up in above(path) if _is_own(metrics.operations.get(up))), None)


def _is_own(stats: OperationStats | None) -> bool:
    return stats is not None and stats.weighted_ns > 0


def ranked(metrics: Metrics, unattributed_seconds: float, duration_seconds: float) -> list[dict[str, Any]]:
    """Return `bottlenecks`: the operations by weighted self time, and among them the time in none."""
    if duration_seconds <= 0:
        return []
    found = weights(metrics, round(unattributed_seconds * SECOND))
    order = sorted(found.items(), key=lambda item: (-item[1], item[0] or ""))
    least_ns = LEAST_SHARE_PERCENT / 100 * duration_seconds * SECOND
    return [_bottleneck(path, ns, metrics, duration_seconds) for path, ns in order[:MOST] if ns >= least_ns]


def _saves_at_most(path: str, metrics: Metrics, weight_ns: float, duration_seconds: float) -> float:
    """Return what making an operation twice as fast saves at most, in percent of the run."""
    stats = metrics.operations[path]
    around = _anchor(path, metrics) if stats.worker_weighted_ns > 0 and not _is_own(stats) else None
    # Worker processes may have been active at once, in the time in which the run's own process waited for them.
    waited_ns = duration_seconds * SECOND if around is None else metrics.operations[around].total_ns
    most_ns = max(min(stats.active_ns, waited_ns), weight_ns)
    return round(min(50 * most_ns / SECOND / duration_seconds, 50.0), 2)


def _bottleneck(path: str | None, weight_ns: float, metrics: Metrics, duration_seconds: float) -> dict[str, Any]:
    stats = None if path is None else metrics.operations[path]
    percent = 100 * weight_ns / SECOND / duration_seconds
    most = None if path is None else _saves_at_most(path, metrics, weight_ns, duration_seconds)
    return {
        "operation_path": path,
        "self_seconds": seconds(round(weight_ns) if stats is None else stats.self_ns),
        "weighted_self_seconds": seconds(round(weight_ns)),
        "percent": round(percent, 2),
        "saves_about_percent": None if most is None else min(round(percent / 2, 2), most),
        "saves_at_most_percent": most,
        "count": 0 if stats is None else stats.count,
        "p95_seconds": None if stats is None else stats.quantile_seconds(0.95),
        "worst": None if stats is None else _worst(stats),
    }


def _worst(stats: OperationStats) -> dict[str, str] | None:
    """For each breakdown key the value with the most self time, where there is more than one to choose from."""
    worst = {
        key: max(values.items(), key=lambda item: (item[1].weighted_ns, item[0]))[0]
        for key, values in stats.by.items()
        if len(values) > 1
    }
    return worst or None


def hotspots(metrics: Metrics, duration_seconds: float) -> dict[str, list[dict[str, Any]]]:
    """Return `hotspots`: single calls, memory and throughput that stand out."""
    if duration_seconds <= 0:
        return {"calls": [], "memory": [], "throughput": []}
    return {
        "calls": slow_calls(metrics, duration_seconds),
        "memory": memory(metrics),
        "throughput": throughput(metrics, duration_seconds),
    }


def slow_calls(metrics: Metrics, duration_seconds: float) -> list[dict[str, Any]]:
    """Return the slowest call of each operation that took several times its own median, and 1 % of the run above it."""
    found = []
    for path, stats in metrics.operations.items():
        usual, slowest = stats.sketch.quantile(0.5) or 0.0, stats.longest
        excess_percent = 100 * (slowest.duration_ns - usual) / SECOND / duration_seconds
        if (
            stats.count >= _FEWEST_CALLS
            and slowest.duration_ns >= _TIMES_MEDIAN * usual
            and excess_percent >= _LEAST_EXCESS_PERCENT
        ):
            found.append((excess_percent, path, usual, slowest))
    found.sort(key=lambda item: (-item[0], item[1]))
    return [
        {
            "operation_path": path,
            "duration_seconds": seconds(slowest.duration_ns),
            "median_seconds": seconds(round(usual)),
            "times_median": round(slowest.duration_ns / usual, 1) if usual else None,
            "ended": format_timestamp(slowest.end_ns),
            "breakdown": dict(slowest.breakdown),
        }
        for _, path, usual, slowest in found[:MOST]
    ]


def memory(metrics: Metrics) -> list[dict[str, Any]]:
    """Return the operations by the resident memory that they gained themselves, children left out.

    Of operations at the same time in one process each sees what the others gain as well, so that theirs is not told.
    """
    gained = {path: stats.memory_kb for path, stats in metrics.operations.items()}
    own = dict(gained)
    for path, kb in gained.items():
        parent = path.rpartition("/")[0]
        if parent in own:
            own[parent] -= kb
    total = sum(kb for kb in own.values() if kb > 0)
    order = sorted(own.items(), key=lambda item: (-item[1], item[0]))
    return [
        {
            "operation_path": path,
            "gained_mb": round(kb / 1000, 3),
            "percent": round(100 * kb / total, 2),
            "peak_memory_mb": metrics.operations[path].peak_memory_mb,
        }
        for path, kb in order[:MOST]
        if kb >= LEAST_GROWTH_MB * 1000
        and 100 * kb >= LEAST_SHARE_PERCENT * total
        and _was_alone(metrics.operations[path])
    ]


def _was_alone(stats: OperationStats) -> bool:
    """Whether it was the only one that was active, for nearly all of its own time."""
    return stats.weighted_ns + stats.worker_weighted_ns >= _ALONE * stats.self_ns


def throughput(metrics: Metrics, duration_seconds: float) -> list[dict[str, Any]]:
    """Return the operations with rows that take a share of the run, and whose rows went slowest in one year: at less
    than half of the rate that is usual for them.
    """
    found = []
    for path, stats in metrics.operations.items():
        share = 100 * stats.total_ns / SECOND / duration_seconds
        for key, values in stats.by.items():
            rates = {value: rate for value, part in values.items() if (rate := _rate(part)) is not None}
            if share < LEAST_SHARE_PERCENT or len(rates) < 3:
                continue
            value, usual = min(rates, key=lambda one: (rates[one], one)), median(rates.values())
            if rates[value] < usual / 2:
                found.append((rates[value] / usual, path, key, value, usual, rates[value]))
    return [
        {
            "operation_path": path,
            "breakdown": {key: value},
            "rows_per_second": round(rate, 3),
            "usual_rows_per_second": round(usual, 3),
        }
        for _, path, key, value, usual, rate in sorted(found)[:MOST]
    ]


def _rate(part: Share) -> float | None:
    return part.rows * SECOND / part.total_ns if part.rows and part.total_ns > 0 else None


def performance(metrics: Metrics, unattributed_seconds: float) -> Mapping[str, Any]:
    """Return `performance_metrics`: what each operation path's work cost, by path."""
    found = weights(metrics, round(unattributed_seconds * SECOND))
    return {
        path: {**stats.summary(), "weighted_self_seconds": seconds(round(found[path]))}
        for path, stats in sorted(metrics.operations.items())
    }
