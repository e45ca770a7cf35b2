"""What the operations of one path add up to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.clock import format_timestamp, parse_timestamp
from navigator_obs.operations.record import OperationRecord
from navigator_obs.operations.stats import OperationStats


def record(seconds=1.0, at=0, **values):
    end = 1_735_689_600_000_000_000 + at * 10**9
    defaults = {
        "name": "hiring",
        "path": "year_simulation/hiring",
        "status": "success",
        "start_time": format_timestamp(end - round(seconds * 10**9)),
        "end_time": format_timestamp(end),
        "duration_seconds": seconds,
        "self_seconds": seconds / 2,
    }
    return OperationRecord(**{**defaults, **values})


def stats_of(*records):
    stats = OperationStats()
    for one in records:
        stats.add(one)
    return stats


def test_records_add_up():
    """Counts, times and rows are summed; the extremes and the peak are kept."""
    stats = stats_of(
        record(1.0, rows=10, peak_memory_mb=100.0),
        record(3.0, status="failed", peak_memory_mb=300.0),
        record(2.0, status="cancelled", rows=5, peak_memory_mb=200.0),
    )
    summary = stats.summary()
    assert (summary["count"], summary["failed"], summary["cancelled"]) == (3, 1, 1)
    assert (summary["total_seconds"], summary["self_seconds"], summary["rows"]) == (6.0, 3.0, 15)
    assert (summary["min_seconds"], summary["max_seconds"], summary["peak_memory_mb"]) == (1.0, 3.0, 300.0)
    assert summary["rows_per_second"] == 2.5


def test_the_last_is_the_one_that_ended_last_not_the_one_added_last():
    """`duration`, `status`, `timestamp` and `memory_delta` are those of the latest end, as threads may add late."""
    summary = stats_of(record(2.0, at=9, memory_delta_mb=7.5), record(1.0, at=3, status="failed")).summary()
    assert (summary["duration"], summary["status"], summary["memory_delta"]) == (2.0, "success", 7.5)
    assert summary["timestamp"] == "2025-01-01T00:00:09.000000Z"


def test_shares_are_by_year_and_only_outermost_ones_make_its_duration():
    """A year's share counts each operation in it; duration and completion come from those with no other around."""
    stats = stats_of(
        record(4.0, breakdown={"year": 2025}, outermost={"year": True}, rows=3),
        record(1.0, breakdown={"year": 2025}, outermost={"year": False}),
        record(9.0, breakdown={"year": 2026}, outermost={"year": True}, status="failed"),
    )
    first, second = stats.by["year"]["2025"], stats.by["year"]["2026"]
    assert (first.count, first.total_ns, first.outermost_ns, first.completed, first.rows) == (
        2,
        5 * 10**9,
        4 * 10**9,
        1,
        3,
    )
    assert (second.count, second.failed, second.completed) == (1, 1, 0)


def test_cpu_time_of_some_stands_for_all():
    """Where CPU time was asked for some operations only, the rest is taken to use it in proportion to its time."""
    stats = stats_of(record(1.0, cpu_seconds=0.5), record(3.0))
    assert stats.cpu_seconds == 2.0


def test_cpu_time_that_was_never_asked_for_is_not_known():
    """It is null rather than zero."""
    assert stats_of(record()).summary()["cpu_seconds"] is None


def test_quantiles_of_the_tail_need_twenty_values():
    """With fewer, p95 and p99 would be the maximum by another name; p50 and p90 are told."""
    few, many = stats_of(*[record(n) for n in range(1, 20)]), stats_of(*[record(n) for n in range(1, 21)])
    assert few.summary()["p95_seconds"] is None
    assert few.summary()["p50_seconds"] == pytest.approx(10, rel=0.01)
    assert many.summary()["p95_seconds"] == pytest.approx(19, rel=0.01)


def test_a_quantile_is_never_outside_of_what_was_seen():
    """The sketch's bucket is cut to least and greatest, so that one value is its own median."""
    assert stats_of(record(1.2345)).summary()["p50_seconds"] == 1.2345


def test_plain_ends_count_as_records_do():
    """The quick way for plain operations gives the same sums as records of them."""
    quick = OperationStats()
    first, second = 1_735_689_600 * 10**9, 1_735_689_601 * 10**9
    quick.add_plain([(first, 10**9, 5 * 10**8, 2 * 10**8, None), (second, 2 * 10**9, 10**9, 10**9, 4)])
    assert quick == stats_of(record(1.0, weighted_self_seconds=0.2), record(2.0, at=1, rows=4))


def test_measured_ends_count_as_records_do():
    """So does the way for those whose CPU time and memory are known."""
    end = 1_735_689_600 * 10**9
    quick = OperationStats()
    quick.add_measured(
        [
            (end, 10**9, 5 * 10**8, 5 * 10**8, None, 7 * 10**8, 1.5, 200.0),
            (end - 10**9, 2 * 10**9, 10**9, 10**9, 3, None, 0.0, 100.0),
        ]
    )
    one = record(1.0, cpu_seconds=0.7, memory_delta_mb=1.5, peak_memory_mb=200.0)
    assert quick == stats_of(one, record(2.0, at=-1, rows=3, memory_delta_mb=0.0, peak_memory_mb=100.0))


def test_a_record_comes_back_as_it_went_and_ignores_keys_of_later_versions():
    """`from_dict` undoes `to_dict`."""
    one = record(2.0, breakdown={"year": 2025}, outermost={"year": True}, logged=True)
    assert OperationRecord.from_dict({**one.to_dict(), "new_in_2": 1}) == one


@given(st.integers(0, 10**15))
def test_a_record_without_times_began_its_duration_before_its_end(duration):
    """Both to the microsecond; a record that states its times keeps them."""
    one = record(duration / 10**9)
    told = {key: value for key, value in one.to_dict().items() if not key.endswith("_time")}
    read = OperationRecord.from_dict(told, one.end_time)
    assert read.end_time == one.end_time
    assert parse_timestamp(read.start_time) == (parse_timestamp(one.end_time) - duration) // 1000 * 1000
    assert OperationRecord.from_dict(one.to_dict(), "2000-01-01T00:00:00Z") == one
