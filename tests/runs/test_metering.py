"""What recording takes is measured in every run, and too much of it is left out step by step, in plain words."""

from __future__ import annotations

import json
import multiprocessing
import time

import pytest

import navigator_obs as obs
from navigator_obs.events import named
from navigator_obs.operations.accumulator import Accumulator
from navigator_obs.operations.stats import OperationStats
from navigator_obs.operations.totals import Metrics
from navigator_obs.runs import current, metering
from navigator_obs.runs.metering import Budget, Prices


def test_steps_come_one_by_one_while_the_cost_stays_above_the_budget():
    """Each at most once, each only when the seconds since the last look cost too much as well."""
    budget = Budget(5.0)
    assert budget.due(4.0, 4.0, 4.0) is None
    assert budget.due(5.0, 0.5, 5.0) == ("debug events", 10.0)
    assert budget.due(9.0, 5.0, 9.0) is None
    assert budget.due(10.0, 0.6, 10.0) is None
    assert budget.due(15.0, 1.1, 15.0) == ("operation samples", 10.0)
    assert budget.due(20.0, 2.1, 20.0) == ("operation events", 20.0)
    assert budget.due(25.0, 7.1, 25.0) is None


def test_what_two_threads_take_at_once_is_a_share_of_what_they_worked():
    """Never more than all of it, also where threads that wait for each other look at the wall clock."""
    assert Budget(5.0).due(10.0, 12.0, 20.0) == ("debug events", 60.0)
    assert Budget(5.0).due(10.0, 15.0, 10.0) == ("debug events", 100.0)
    assert Budget(5.0).due(10.0, 1.0, 2.0) == ("debug events", 10.0)
    assert Budget(5.0).due(10.0, 0.9, 20.0) is None


class Told:
    """The one number that a meter asks of a run."""

    written = 0


def metered(count, seconds, fake_clock, slow=0, slow_ns=0):
    """The cost of *count* operations that were only counted, over *seconds*, beside *slow* ones that were measured."""
    accumulator = Accumulator()
    accumulator.slow, accumulator.slow_ns = slow, slow_ns
    meter = metering.Meter(accumulator, Told(), lambda: Prices(1_000.0, 4_000.0, 3_000.0, 2_000.0))
    before = meter.seconds()
    gained, stats = Metrics(), OperationStats()
    stats.count = count + slow
    gained.operations["step"] = stats
    fake_clock.advance(seconds)
    meter.count(gained)
    return meter.seconds() - before


def test_recording_costs_no_more_than_the_process_worked(places):
    """Threads that waited for each other while they recorded, an hour in all, have not worked meanwhile."""
    obs.configure(**places)
    before = time.process_time()
    with obs.start_run("baseline") as run:
        run._recording.figures.slow_ns = 3_600_000_000_000
    cost = run.summary["observability"]
    assert 0 < cost["seconds"] <= time.process_time() - before
    assert cost["cpu_percent"] <= 100


def test_what_comes_often_costs_what_it_costs_in_a_trial(fake_clock):
    """A million operations of a microsecond each."""
    assert metered(1_000_000, 5, fake_clock) == pytest.approx(1.0, rel=0.01)


def test_what_comes_seldom_costs_as_many_times_more_as_the_measured_ends_did(fake_clock):
    """Ends that took 20 µs instead of 4 say that a thousand operations in five seconds cost 5 µs each; what comes all
    the time costs no more for that.
    """
    assert metered(1_000, 5, fake_clock, 100, 100 * 20_000) == pytest.approx(1_000 * 5e-6, rel=0.01)
    assert metered(1_000_000, 5, fake_clock, 100, 100 * 20_000) == pytest.approx(1.0, rel=0.01)
    assert metered(1_000, 5, fake_clock, 100, 100 * 4_000) == pytest.approx(1_000 * 1e-6, rel=0.01)


def test_a_handful_is_priced_without_a_trial(fake_clock):
    """Which would cost a hundred times what it prices; with the next thousand, it is tried out."""

    def tried():
        trials.append(1)
        return Prices(1_000.0, 4_000.0, 3_000.0, 2_000.0)

    trials: list[int] = []
    meter = metering.Meter(Accumulator(), Told(), tried)
    for count, expected in ((5, 0), (1_000, 1)):
        gained, stats = Metrics(), OperationStats()
        stats.count = count
        gained.operations["step"] = stats
        before = meter.seconds()
        meter.count(gained)
        assert len(trials) == expected
        assert meter.seconds() - before == pytest.approx(count * 1e-6, rel=1.0)


def test_an_operation_in_a_context_of_its_own_costs_more(fake_clock):
    """What binds a context around each step is priced with it; what stays in one is not."""
    accumulator = Accumulator()
    meter = metering.Meter(accumulator, Told(), lambda: Prices(1_000.0, 4_000.0, 3_000.0, 2_000.0, 2_500.0))
    accumulator.contexts = 1_000
    fake_clock.advance(0.01)
    meter.count(Metrics())
    assert meter.seconds() == pytest.approx(1_000 * 2.5e-6, rel=0.01)


def test_contexts_are_counted_where_operations_open_in_them(places):
    """The first of its kind is none, and neither are those that stay in one."""
    obs.configure(**places)
    with obs.start_run("baseline") as run:
        for number in range(500):
            with obs.context(path=number):
                for _ in range(3):
                    with obs.operation("step", log=False):
                        pass
        assert run._recording.figures.contexts == 499
        assert run.summary["observability"]["seconds"] > 0
        assert run._recording.meter._prices.context > 0


def test_values_and_checks_count(places):
    """Counters, gauges and distributions are priced, checks measured: each adds to what recording took."""
    obs.configure(**places)
    costs = []
    with obs.start_run("baseline") as run:
        costs.append(run.summary["observability"]["seconds"])
        for number in range(20_000):
            obs.count("hires", 1, level=number % 5)
        costs.append(run.summary["observability"]["seconds"])
        for number in range(2_000):
            obs.check("headcount", number, min=0)
        costs.append(run.summary["observability"]["seconds"])
    assert run._recording.figures.values == 20_000
    assert run._recording.meter._worked_ns > 0
    assert costs == sorted(set(costs))


@pytest.fixture
def places(tmp_path):
    yield {"log_dir": tmp_path / "logs", "runs_dir": tmp_path / "runs", "console": "off", "run_report": False}
    obs.shutdown()


def events_in(places):
    obs.shutdown()
    return [json.loads(line) for line in (places["log_dir"] / "navigator.log").read_text().splitlines()]


def test_the_cost_counts_operations_events_and_what_is_measured(places):
    """The summary has CPU time, its shares of time and CPU, bytes and memory; more work of ours costs more."""
    obs.configure(**places)
    log = obs.get_logger("sim")
    seen = []
    with obs.start_run("baseline") as run:
        for _ in range(3):
            for number in range(2_000):
                with obs.operation("step", log="never"):
                    pass
                log.info("stepped", number=number)
            seen.append(run.summary["observability"]["seconds"])
    cost = run.summary["observability"]
    assert 0 < seen[0] < seen[1] < seen[2] <= cost["seconds"]
    assert cost["percent"] > 0
    assert cost["cpu_percent"] > 0
    assert cost["memory_mb"] > 0.1
    assert cost["left_out"] == []


def test_a_run_that_costs_too_much_leaves_things_out_and_says_so(places, monkeypatch):
    """In the log, in the catalogue of warnings and in the summary; warnings, failures and all sums stay; afterwards
    everything is recorded again.
    """
    obs.configure(**places, overhead_budget_percent=1e-9, level="DEBUG")
    log = obs.get_logger("sim")

    def work(run, word):
        log.debug(word)
        for _ in range(20):
            with obs.operation(word):
                pass
        run._recording._keep_to_budget()

    with obs.start_run("baseline") as run:
        log.debug("first of all")
        monkeypatch.setattr(Budget, "SECONDS", 0.0)
        # The ticker may take a step at any time, but none twice.
        for word in ("first", "second", "third", "fourth"):
            work(run, word)
        with pytest.raises(ZeroDivisionError), obs.operation("broken"):
            raise ZeroDivisionError
        log.warning("few hires")
    log.debug("after")
    summary = run.summary
    assert [step["step"] for step in summary["observability"]["left_out"]] == list(Budget.STEPS)
    assert len(summary["issues"]["warnings"]) == 4
    assert {path: found["count"] for path, found in summary["performance_metrics"].items()} == {
        "first": 20, "second": 20, "third": 20, "fourth": 20, "broken": 1}  # fmt: skip
    events = events_in(places)
    told = [event["message"] for event in events]
    assert "first of all" in told
    assert "fourth" not in told
    assert "after" in told
    logged = [event["operation"] for event in events if "operation" in event]
    assert "fourth" not in logged
    assert "broken" in logged
    assert [event["left_out"] for event in events if "left_out" in event] == list(Budget.STEPS)


def worked(words):
    """Work in a worker process, which looks at what it costs after each word."""
    log = obs.get_logger("sim")
    (share,) = current.listeners()
    for word in words:
        log.debug(word)
        for _ in range(20):
            with obs.operation(word):
                pass
        share._keep_to_budget()
    assert share.meter.seconds() < 60


def test_a_worker_that_costs_too_much_leaves_things_out_as_well(places, monkeypatch):
    """Each process by what recording costs itself; the summary says which worker it was."""
    monkeypatch.setattr(Budget, "SECONDS", 0.0)
    obs.configure(**places, overhead_budget_percent=1e-9, level="DEBUG")
    with obs.start_run("baseline") as run:
        run._recording.budget.taken = len(Budget.STEPS)
        run._recording.figures.slow_ns = 3_600_000_000_000
        for words in (["first", "second", "third", "fourth"], ["again"]):
            worker = multiprocessing.get_context("fork").Process(target=obs.carry(worked), args=(words,))
            run._recording.budget.taken = 0 if words[1:] else 3
            worker.start()
            run._recording.budget.taken = 3
            worker.join()
            assert worker.exitcode == 0
    summary = run.summary
    left_out = summary["observability"]["left_out"]
    assert [step["step"] for step in left_out] == list(Budget.STEPS)
    assert len({step["worker"] for step in left_out}) == 1
    assert [warning["count"] for warning in summary["issues"]["warnings"]] == [1, 1, 1]
    counts = {path: found["count"] for path, found in summary["performance_metrics"].items()}
    assert counts == {"first": 20, "second": 20, "third": 20, "fourth": 20, "again": 20}
    told = [event["message"] for event in events_in(places)]
    assert "first" in told
    assert "fourth" not in told
    assert "again" in told


def test_a_run_within_a_run_gives_back_only_its_own(places):
    """DEBUG events stay left out while a run is open that costs too much."""
    obs.configure(**places, level="DEBUG")
    with obs.start_run("batch") as batch:
        metering.degrade("debug events", batch._recording.figures)
        with obs.start_run("scenario") as scenario:
            metering.degrade("debug events", scenario._recording.figures)
        assert named.outlet.floor == 20
    assert named.outlet.floor == 0


def test_what_a_trial_costs_is_nobodys(places):
    """The prices of an operation, an event and a value are found without a trace in log, figures or numbers."""
    obs.configure(**places)
    with obs.start_run("baseline") as run:
        before = run._recording.tag.written
        prices = metering.try_prices()
        assert run._recording.tag.written == before
    assert all(price > 0 for price in prices)
    assert run.summary["performance_metrics"] == {}
    assert run.summary["metrics"]["counters"] == []
    assert not [event for event in events_in(places) if "trial" in event["message"]]
    assert named.outlet.floor == 0


def test_more_series_than_are_kept_are_said_once(places):
    """The rest share one series, which the log says once and the summary counts."""
    obs.configure(**places, max_series=5)
    with obs.start_run("baseline") as run:
        for number in range(20):
            obs.count("hires", 1, employee=number)
        _ = run.summary
        for number in range(40):
            obs.count("hires", 1, employee=number)
    assert run.summary["observability"]["overflow"]["series"] > 0
    assert sum(found["value"] for found in run.summary["metrics"]["counters"]) == 60
    [warning] = [event for event in events_in(places) if "than are kept" in event["message"]]
    assert (warning["max_series"], warning["most_of"]) == (5, "hires")


def test_more_series_than_are_kept_at_the_very_end_are_a_warning_of_the_run(places):
    """A run that is over before its first tick counts the warning that its log has."""
    obs.configure(**places, max_series=5)
    with obs.start_run("baseline") as run:
        for number in range(20):
            obs.count("hires", 1, employee=number)
    [warning] = run.summary["issues"]["warnings"]
    assert "than are kept" in warning["message"]
    assert run.summary["execution_summary"]["warnings"] == 1
    assert len([event for event in events_in(places) if event["level"] == "WARNING"]) == 1
