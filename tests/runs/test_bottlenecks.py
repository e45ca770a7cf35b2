"""Bottlenecks: shares of the run that add up, the time in no operation named as such, and nothing small among them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.clock import format_timestamp
from navigator_obs.operations.record import OperationRecord
from navigator_obs.operations.stats import OperationStats
from navigator_obs.operations.totals import Metrics
from navigator_obs.runs import bottlenecks

SECOND = 10**9
START = 1_735_689_600 * SECOND


def record(path, seconds, own=None, **values):
    end = START + values.pop("at", 0) * SECOND
    defaults = {
        "name": path.rpartition("/")[2],
        "path": path,
        "status": "success",
        "start_time": format_timestamp(end),
        "end_time": format_timestamp(end),
        "duration_seconds": seconds,
        "self_seconds": seconds if own is None else own,
    }
    return OperationRecord(**{**defaults, **values})


def metrics_of(*records, by_worker=()):
    found = Metrics()
    for one in records:
        found.operations.setdefault(one.path, OperationStats()).add(one)
    for one in by_worker:
        stats = OperationStats()
        stats.add(one)
        found.operations.setdefault(one.path, OperationStats()).merge(stats.by_worker())
    return found


def test_they_are_ranked_by_weighted_self_time_with_the_unattributed_among_them():
    """Share, what twice as fast saves, calls, p95 and the worst year; what explains 2 % is no bottleneck."""
    years = [record("year/hiring", 2.0, 1.0, weighted_self_seconds=0.5 * (year - 2024),
                    breakdown={"year": year}) for year in (2025, 2026)]  # fmt: skip
    found = metrics_of(record("year", 8.0, 5.0), *years, record("year/log", 0.2))
    ranked = bottlenecks.ranked(found, 2.0, 10.0)
    assert [(one["operation_path"], one["percent"]) for one in ranked] == [
        ("year", 50.0),
        (None, 20.0),
        ("year/hiring", 15.0),
    ]
    hiring, none = ranked[2], ranked[1]
    assert (hiring["count"], hiring["worst"]) == (2, {"year": "2026"})
    assert (hiring["saves_about_percent"], hiring["saves_at_most_percent"]) == (7.5, 10.0)
    assert hiring["self_seconds"] == 2.0
    assert (none["saves_at_most_percent"], none["worst"], none["self_seconds"]) == (None, None, 2.0)


def test_workers_save_at_most_half_of_what_their_parent_waited():
    """Four of eight seconds each, at once in the eight seconds of the parent's operation, are no sixteen to save."""
    found = metrics_of(record("simulate", 8.0), by_worker=[record("simulate/run", 8.0)] * 4)
    [run] = bottlenecks.ranked(found, 0.0, 10.0)
    assert (run["saves_about_percent"], run["saves_at_most_percent"]) == (40.0, 40.0)


def test_a_run_without_time_has_none():
    """Before its first tick nothing is known."""
    assert bottlenecks.ranked(metrics_of(record("a", 1.0)), 0.0, 0.0) == []


def test_workers_fill_the_time_in_which_their_parent_waited():
    """Four workers that are busy for the eight seconds of the parent's operation share those, and no more."""
    own = [record("simulate", 10.0, 2.0), record("simulate/scenarios", 8.0)]
    worked = [record("simulate/scenarios/run", 6.0), record("simulate/scenarios/write", 2.0)] * 4
    found = bottlenecks.weights(metrics_of(*own, by_worker=worked), 0)
    assert found == {"simulate": 2 * SECOND, "simulate/scenarios": 0, "simulate/scenarios/run": 6 * SECOND,
                     "simulate/scenarios/write": 2 * SECOND, None: 0}  # fmt: skip
    alone = bottlenecks.weights(metrics_of(by_worker=[record("run", 3.0)]), 4 * SECOND)
    assert alone == {"run": 3 * SECOND, None: SECOND}


paths = st.sampled_from(["a", "a/b", "a/b/c", "d", "d/e"])
spans = st.tuples(paths, st.integers(0, 1000), st.booleans())


@given(st.lists(spans, max_size=12), st.integers(0, 1000))
def test_the_shares_add_up_to_the_run_with_any_workers(found, unattributed):
    """What is taken from a parent is given to its workers, and nothing more."""
    own = [record(path, float(seconds)) for path, seconds, worker in found if not worker]
    worked = [record(path, float(seconds)) for path, seconds, worker in found if worker]
    given_away = bottlenecks.weights(metrics_of(*own, by_worker=worked), unattributed * SECOND)
    total = unattributed + sum(one.self_seconds for one in own)
    assert sum(given_away.values()) == pytest.approx(total * SECOND)
    assert min(given_away.values()) >= -1e-3


def test_a_slow_call_is_told_with_its_year_beside_the_median():
    """One call of twenty that took ten times the median, and more than 1 % of the run."""
    calls = [record("load", 1.0, at=at, breakdown={"year": 2025 + at // 5}) for at in range(20)]
    slow = record("load", 10.0, at=12, breakdown={"year": 2027})
    [found] = bottlenecks.slow_calls(metrics_of(*calls, slow), 40.0)
    assert (found["operation_path"], found["duration_seconds"], found["breakdown"]) == ("load", 10.0, {"year": "2027"})
    assert found["median_seconds"] == pytest.approx(1.0, rel=0.01)
    assert found["ended"] == "2025-01-01T00:00:12.000000Z"
    assert bottlenecks.slow_calls(metrics_of(*calls, slow), 4000.0) == []
    assert bottlenecks.slow_calls(metrics_of(*calls), 20.0) == []


def test_memory_is_told_of_the_operation_that_gained_it():
    """A parent's gain is its children's; what gave memory back is none."""
    found = metrics_of(
        record("year", 3.0, memory_delta_mb=310.0, peak_memory_mb=900.0),
        record("year/load", 1.0, memory_delta_mb=300.0, peak_memory_mb=900.0),
        record("year/free", 1.0, memory_delta_mb=-50.0),
        record("year/small", 1.0, memory_delta_mb=9.0),
    )
    assert [(one["operation_path"], one["gained_mb"]) for one in bottlenecks.memory(found)] == [
        ("year/load", 300.0), ("year", 51.0)]  # fmt: skip


def test_what_operations_at_the_same_time_gained_is_nobodys():
    """Two that share their time each see the whole growth, which is told of neither; a worker's memory is its own."""
    shared = {"memory_delta_mb": 300.0, "weighted_self_seconds": 1.0}
    found = metrics_of(
        record("price", 2.0, **shared), record("draw", 2.0, **shared), record("save", 1.0, memory_delta_mb=400.0),
        by_worker=[record("simulate", 2.0, memory_delta_mb=350.0)],
    )  # fmt: skip
    assert [one["operation_path"] for one in bottlenecks.memory(found)] == ["save", "simulate"]


def test_the_year_whose_rows_went_slowest_is_told():
    """Less than half of the usual rate, in an operation that takes its share of the run."""
    slow = {2027: 5.0}
    records = [record("hire", slow.get(year, 1.0), rows=1000, breakdown={"year": year}) for year in range(2025, 2030)]
    [found] = bottlenecks.throughput(metrics_of(*records), 20.0)
    assert found == {"operation_path": "hire", "breakdown": {"year": "2027"}, "rows_per_second": 200.0,
                     "usual_rows_per_second": 1000.0}  # fmt: skip
    assert bottlenecks.throughput(metrics_of(*records), 2000.0) == []
