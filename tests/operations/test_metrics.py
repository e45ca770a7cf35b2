"""Metrics merge in any order, survive JSON exactly, and stay bounded; counters, gauges and distributions of a run."""

from __future__ import annotations

import copy
import math
from contextlib import closing
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.clock import format_timestamp
from navigator_obs.encoding import from_json, to_json
from navigator_obs.errors import UsageError
from navigator_obs.operations.metrics import OVERFLOW, Accumulator, Metrics, current
from navigator_obs.operations.record import OperationRecord
from navigator_obs.redaction import Redactor
from tests.operations.conftest import OpenRun

names = st.sampled_from(["hires", "exits", "…", "a b"])
labels = st.dictionaries(st.sampled_from(["year", "level"]), st.integers(0, 3) | st.text(max_size=3), max_size=2)
values = st.floats() | st.integers() | st.booleans() | st.none() | st.just("12") | st.just(Decimal("1.1"))
nanoseconds = st.integers(0, 10**13)


@st.composite
def records(draw):
    duration, lasted = draw(nanoseconds), draw(nanoseconds)
    end = 1_700_000_000_000_000_000 + 1000 * draw(st.integers(0, 10**9))
    year = draw(st.none() | st.integers(2025, 2027))
    return OperationRecord(
        name="x",
        path=draw(st.sampled_from(["a", "a/b", "a/b/c"])),
        status=draw(st.sampled_from(["success", "failed", "cancelled"])),
        start_time=format_timestamp(end - lasted),
        end_time=format_timestamp(end),
        duration_seconds=duration / 1e9,
        self_seconds=draw(nanoseconds) / 1e9,
        cpu_seconds=draw(st.none() | nanoseconds.map(lambda ns: ns / 1e9)),
        memory_delta_mb=draw(st.none() | st.floats(-1e6, 1e6)),
        peak_memory_mb=draw(st.none() | st.floats(0, 1e6)),
        rows=draw(st.none() | st.integers(0, 10**12)),
        breakdown={} if year is None else {"year": year},
        outermost={} if year is None else {"year": draw(st.booleans())},
    )


@st.composite
def metrics(draw):
    accumulator = Accumulator(max_series=draw(st.sampled_from([1, 3, 100])))
    for record in draw(st.lists(records(), max_size=6)):
        accumulator.add(record)
    for call in draw(st.lists(st.sampled_from(["count", "gauge", "observe"]), max_size=8)):
        getattr(accumulator, call)(draw(names), draw(values), draw(labels))
    return accumulator.take()


def merged(*parts):
    whole = Metrics()
    for part in parts:
        whole.merge(part)
    return whole


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(metrics(), metrics(), metrics())
def test_merging_is_associative_and_commutative(a, b, c):
    """The shares of ticks and workers add up to the same in whatever order they arrive."""
    assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert merged(a, b) == merged(b, a)
    assert merged(Metrics(), a) == a


@settings(max_examples=60)
@given(metrics(), metrics())
def test_merging_leaves_the_other_as_it_was(a, b):
    """What was merged may be merged elsewhere, and shares nothing with the sum."""
    before = copy.deepcopy(b)
    whole = merged(a, b)
    whole.merge(a)
    assert b == before


@settings(max_examples=100)
@given(metrics())
def test_the_round_trip_through_json_is_exact(one):
    """A tick that is read back from the journal equals the one that was written, sums and all."""
    assert Metrics.from_dict(from_json(to_json(one.to_dict()))) == one


@given(st.lists(records(), max_size=12), st.integers(0, 12))
def test_taking_in_between_changes_nothing_in_all(added, cut):
    """Each record is in exactly one of the takings, and they merge into what one taking would have given."""
    once, twice = Accumulator(), Accumulator()
    for record in added:
        once.add(record)
    for record in added[:cut]:
        twice.add(record)
    first = twice.take()
    for record in added[cut:]:
        twice.add(record)
    assert merged(first, twice.take()).operations == once.take().operations


def test_counters_gauges_and_distributions_reach_the_run(open_run):
    """Each has its name, its labels as texts, and its figures."""
    obs.count("hires", 3, year=2025)
    obs.count("hires", year=2025)
    obs.gauge("headcount", 10)
    obs.gauge("headcount", 12)
    obs.observe("batch_rows", 2.5)
    obs.observe("batch_rows", 7.5)
    summary = open_run.take().summary()
    assert summary["counters"] == [{"name": "hires", "labels": {"year": "2025"}, "value": 4}]
    assert summary["gauges"] == [{"name": "headcount", "labels": {}, "value": 12}]
    (spread,) = summary["distributions"]
    assert (spread["count"], spread["sum"], spread["min"], spread["max"]) == (2, 10, 2.5, 7.5)
    assert spread["p50"] == pytest.approx(2.5, rel=0.01)
    assert spread["p95"] is None


def test_without_a_run_they_do_nothing():
    """A library may count without an application around it."""
    obs.count("hires")
    obs.gauge("headcount", 1)
    obs.observe("batch_rows", 1)
    assert current() is None


def test_labels_may_be_named_like_the_arguments(open_run):
    """`name` and `value` are free for labels."""
    obs.count("rows", 2, name="census", value="raw")
    assert open_run.take().summary()["counters"][0]["labels"] == {"name": "census", "value": "raw"}


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "12", object(), np.array([1, 2]), 10**400])
def test_what_is_no_finite_number_is_counted_as_invalid(open_run, value):
    """A value can't break the program, and is not silently lost either."""
    obs.count("hires", value)
    obs.observe("batch_rows", value)
    obs.gauge("headcount", value)
    summary = open_run.take().summary()
    assert summary["counters"][0]["invalid"] == 1
    assert summary["distributions"][0]["invalid"] == 1
    assert summary["gauges"] == [{"name": "headcount", "labels": {}, "value": None, "invalid": 1}]


@pytest.mark.parametrize("value", [np.int64(3), np.float32(3.0), Decimal(3), True + 2, 3.0])
def test_numbers_of_other_libraries_count(open_run, value):
    """Whatever converts to a number is one."""
    obs.count("hires", value)
    assert open_run.take().summary()["counters"][0]["value"] == 3


def test_a_counter_does_not_go_down(open_run):
    """A negative value is counted as invalid."""
    obs.count("hires", 5)
    obs.count("hires", -1)
    assert open_run.take().summary()["counters"] == [{"name": "hires", "labels": {}, "value": 5, "invalid": 1}]


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_name_that_is_no_text_is_refused_at_once(name):
    """Wrong use raises, also without a run, and names the value."""
    with pytest.raises(UsageError, match=repr(name) if name is not None else "None"):
        obs.count(name)


def test_series_are_bounded_and_the_overflow_is_counted():
    """What comes after the last series goes to the overflow series, also over several takings."""
    accumulator = Accumulator(max_series=6)
    whole = Metrics()
    for employee in range(10):
        accumulator.count("raises", 1, {"employee": employee})
        whole.merge(accumulator.take())
    counters = {(item["name"], *item["labels"].values()): item["value"] for item in whole.summary()["counters"]}
    assert counters == {("raises", "0"): 1, ("raises", "1"): 1, ("raises", "2"): 1, (OVERFLOW,): 7}
    assert whole.overflow == 7


def test_a_metric_with_labels_without_end_leaves_room_for_others():
    """It takes half of the room; what comes later has series of its own, and their number stays bounded."""
    accumulator = Accumulator(max_series=100)
    for employee in range(10_000):
        accumulator.count("raises", 1, {"employee": employee})
    for month in range(12):
        accumulator.observe("payroll", month, {"month": month})
    for year in range(1_000):
        accumulator.gauge(f"headcount {year}", 1, {})
    taken = accumulator.take()
    assert [name for name, _ in taken.counters].count("raises") == 50
    assert taken.counters[OVERFLOW, ()].total.value == 9_950
    assert len(taken.distributions) == 12
    assert len(taken.gauges) == 100 - 50 - 12 + 1


def test_a_path_with_years_without_end_is_told_in_all_and_leaves_room_for_others():
    """What finds no room for its year counts for the path alone; operations that come later have their own."""
    with closing(OpenRun(max_series=20)) as opened:
        for year in range(100):
            with obs.context(year=year), obs.operation("simulate", log=False):
                pass
        for name in ("report", "archive"):
            with obs.operation(name, log=False):
                pass
        taken = opened.take()
    assert {path: stats.count for path, stats in taken.operations.items()} == {
        "simulate": 100,
        "report": 1,
        "archive": 1,
    }
    assert len(taken.operations["simulate"].by["year"]) == 11
    assert taken.overflow == 89


def test_an_operation_with_names_without_end_inside_leaves_room_for_others():
    """The names inside one take half of the room, and share one series beyond."""
    with closing(OpenRun(max_series=20)) as opened:
        for number in range(100):
            with obs.operation("load", log=False), obs.operation(f"file {number}", log=False):
                pass
        with obs.operation("report", log=False), obs.operation("write", log=False):
            pass
        taken = opened.take().operations
    assert sum(path.startswith("load/") for path in taken) == 10
    assert taken[OVERFLOW].count == 90
    assert {"load", "report", "report/write"} <= taken.keys()


def test_what_most_series_are_of_is_told(open_run):
    """A metric with many labels, a path in many years, an operation with many others inside; nothing without two."""
    accumulator = open_run.accumulator
    assert accumulator.crowded_by() is None
    accumulator.count("payroll", 1, {})
    assert accumulator.crowded_by() is None
    for employee in range(3):
        accumulator.count("raises", 1, {"employee": employee})
    assert accumulator.crowded_by() == "raises"
    for year in range(4):
        with obs.context(year=year), obs.operation("simulate"):
            pass
    assert accumulator.crowded_by() == "simulate"
    with obs.operation("outer"):
        for step in range(5):
            with obs.operation(f"step {step}"):
                pass
    assert accumulator.crowded_by() == "outer"


def test_names_of_metrics_are_bounded(open_run):
    """A statement that was taken for a name is cut, without the secret that it begins with."""
    obs.count("select 1 from 'postgres://ann:hunter2@db/x' " + "x" * 100_000)
    [counter] = open_run.accumulator.take().summary()["counters"]
    assert len(counter["name"]) == 200
    assert "hunter2" not in counter["name"]


def test_operation_paths_are_bounded():
    """Names without end go to the overflow series, whose total is never more than the time that passed."""
    accumulator = Accumulator(max_series=4)
    for step in range(5):
        accumulator.add(
            OperationRecord(
                name=f"step {step}",
                path=f"step {step}",
                status="success",
                start_time="2025-01-01T00:00:00Z",
                end_time="2025-01-01T00:00:01Z",
                duration_seconds=1.0,
                self_seconds=1.0,
            )
        )
    assert {path: stats.count for path, stats in accumulator.take().operations.items()} == {
        "step 0": 1,
        "step 1": 1,
        OVERFLOW: 3,
    }


def test_what_on_logged_raises_goes_no_further():
    """A journal that breaks is counted, and the operation with it."""

    def fail(record):
        raise OSError(28, "No space left on device")

    accumulator = Accumulator(on_logged=fail)
    accumulator.add(
        OperationRecord(
            name="x",
            path="x",
            status="success",
            start_time="2025-01-01T00:00:00Z",
            end_time="2025-01-01T00:00:01Z",
            duration_seconds=1.0,
            self_seconds=1.0,
            logged=True,
        )
    )
    assert accumulator.broken == 1
    assert accumulator.take().operations["x"].count == 1


class Hostile:
    """An object that refuses whatever it is asked."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __float__ = __index__ = __repr__


def test_series_hold_no_secrets():
    """Secrets in names, labels and label keys go when a series is made, also from a label that is cut."""
    accumulator = Accumulator()
    url = "https://u:" + "hunter2" * 20 + "@host"
    for add in (accumulator.count, accumulator.gauge, accumulator.observe):
        add("m password=hunter2", 1, {"password": "hunter2", "url": "https://u:hunter2@h", "long": url})
        add("n", 1, {"token=hunter2": "x", "year": 2025})
    taken = accumulator.take()
    assert "hunter2" not in repr(taken.to_dict())
    assert taken.counters[("n", (("token=[redacted]", "[redacted]"), ("year", "2025")))].total.value == 1


def test_series_that_differ_by_a_secret_are_one():
    """What differs only in a secret adds up, and takes the room of one series."""
    accumulator = Accumulator(max_series=2)
    for number in range(10):
        accumulator.count("m", 1, {"password": f"hunter{number}"})
    taken = accumulator.take()
    assert [counter.total.value for counter in taken.counters.values()] == [10]
    assert taken.overflow == 0


def test_the_accumulators_redactor_is_asked():
    """Keys that a run takes for secret are so in its labels."""
    accumulator = Accumulator(redactor=Redactor(keys=["salary"], allow=["token"]))
    accumulator.count("m", 1, {"salary": 5, "token": "abc"})
    assert list(accumulator.take().counters) == [("m", (("salary", "[redacted]"), ("token", "abc")))]


def test_a_broken_series_costs_only_its_own_figures():
    """One series that can't be added up leaves the others their figures, and is counted."""
    accumulator = Accumulator()
    for path in ("bad", "good"):
        series, _ = accumulator.series(path, {}, {})
        series.leaves.append(5 if path == "good" else "five")
    taken = accumulator.take()
    assert list(taken.operations) == ["good"]
    assert accumulator.broken == 1
    assert accumulator.take().operations == {}


def test_values_that_answer_nothing_are_counted_as_invalid(open_run):
    """A value or label that raises whatever it is asked raises nothing out of the call."""
    obs.count("m", Hostile(), kind=Hostile())
    (counter,) = open_run.take().counters.values()
    assert counter.invalid == 1
    with pytest.raises(UsageError, match="Hostile: has no text"):
        obs.count(Hostile())


def test_a_unit_is_given_or_the_last_word_of_the_name(open_run):
    """It stands beside the value; p90 stands among the quantiles; a unit that is no word is refused."""
    obs.count("payroll", 3, unit="dollars", year=2025)
    obs.gauge("memory_mb", 4)
    for value in range(1, 101):
        obs.observe("batch", value)
    summary = open_run.take().summary()
    assert summary["counters"] == [{"name": "payroll", "labels": {"year": "2025"}, "unit": "dollars", "value": 3}]
    assert summary["gauges"] == [{"name": "memory_mb", "labels": {}, "unit": "mb", "value": 4}]
    [batch] = summary["distributions"]
    assert "unit" not in batch
    assert batch["p90"] == pytest.approx(90, rel=0.01)
    with pytest.raises(UsageError, match="unit must be a word"):
        obs.count("payroll", 3, unit=7)


def test_a_gauge_is_what_was_set_last_though_the_clock_was_set_back(open_run, fake_clock, monkeypatch):
    """An hour back on the wall makes no later value an older one, also across ticks."""
    obs.gauge("headcount", 1)
    total = open_run.take()
    wall = fake_clock.time_ns
    monkeypatch.setattr(fake_clock, "time_ns", lambda: wall() - 3_600_000_000_000)
    fake_clock.advance(1)
    obs.gauge("headcount", 2)
    total.merge(open_run.take())
    assert [gauge.value for gauge in total.gauges.values()] == [2]
