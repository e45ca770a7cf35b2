"""What lies ahead of a run: when its years will be done, and what stops it before."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

from navigator_obs import assembly
from navigator_obs.clock import format_timestamp, parse_timestamp
from navigator_obs.operations.record import OperationRecord
from navigator_obs.operations.stats import OperationStats
from navigator_obs.operations.totals import Metrics
from navigator_obs.runs import opening, schema
from navigator_obs.runs.summary import Fold
from tests.on_disk import VALIDATOR

BEGIN = "2025-01-01T00:00:00.000000Z"


def at(seconds):
    return format_timestamp(parse_timestamp(BEGIN) + round(seconds * 1e9))


def year_done(year, seconds):
    """What the figures gain when a year has ended."""
    metrics = Metrics()
    record = OperationRecord(
        name="year", path="year", status="success", start_time=BEGIN, end_time=BEGIN, duration_seconds=seconds,
        self_seconds=seconds, breakdown={"year": year}, outermost={"year": True},
    )  # fmt: skip
    metrics.operations.setdefault("year", OperationStats()).add(record)
    return metrics


def opened(year, seconds):
    return {"path": "year", "name": "year", "started": BEGIN, "seconds": seconds, "breakdown": {"year": year}}


def tick(seconds, metrics=None, open_operations=(), peaks=None, used=500, room=1_500):
    limits = {
        "memory_limit_mb": 2_000, "memory_limit_of": "control group", "memory_room_mb": room,
        "least_memory_room_mb": room, "disk_free_mb": None, "least_disk_free_mb": None,
    }  # fmt: skip
    return {
        "kind": "tick", "time": at(seconds), "seconds": seconds, "covered_seconds": seconds, "logged": 0,
        "metrics": (metrics or Metrics()).to_dict(), "open_operations": list(open_operations), "issues": [],
        "checks": [], "events": {"written": 0, "bytes": 0, "dropped": {}}, "cost": {"seconds": 0, "journal_bytes": 0},
        "resources": {"tree": {"memory_mb": used}, "limits": limits, "peaks": peaks or {}},
    }  # fmt: skip


def folded(costs, peaks=(), planned=10, deadline=None, gap=0.0, elapsed=0.0):
    """A run whose first years took *costs* seconds and *peaks* MB, with a *gap* after each."""
    years = list(range(2025, 2025 + planned))
    fold = Fold()
    fold.add({"kind": "start", "time": BEGIN, "years": years, "deadline": deadline, "run_id": "one"})
    now = 0.0
    for number, (year, cost) in enumerate(zip(years, costs, strict=False)):
        fold.add(tick(now + cost / 2, open_operations=[opened(year, cost / 2)]))
        now += cost + gap
        seen = {"year": {str(year): peaks[number]}} if peaks else None
        fold.add(tick(now, year_done(year, cost), peaks=seen))
    if elapsed:
        fold.add(tick(now + elapsed, open_operations=[opened(years[len(costs)], elapsed)]))
    summary = fold.summary()
    VALIDATOR.evolve(schema=schema.load()["properties"]["forecast"] | {"$defs": schema.load()["$defs"]}).validate(
        summary["forecast"]
    )
    return summary["forecast"]


def test_a_run_without_a_plan_foretells_by_the_loop_that_it_shows():
    """Its first one; a plan that the run was started with counts more, and what a worker goes through not at all."""
    fold = Fold()
    fold.add({"kind": "start", "time": BEGIN, "run_id": "one"})
    fold.add({"kind": "plan", "time": BEGIN, "years": [1990, 1991], "worker": "host-1"})
    fold.add({"kind": "plan", "time": BEGIN, "years": [2025, 2026, 2027]})
    fold.add({"kind": "plan", "time": BEGIN, "years": [2025, 2026]})
    fold.add(tick(60, year_done(2025, 60.0)))
    assert fold.summary()["forecast"]["years_left"] == 2
    assert fold.summary()["execution_summary"]["years_planned"] == []
    fold.add({"kind": "start", "time": BEGIN, "run_id": "one", "years": [2025, 2026]})
    assert fold.summary()["forecast"]["years_left"] == 1


def test_years_that_an_earlier_attempt_completed_are_not_ahead():
    """A run that resumed at 2027 has two of five years left after its first."""
    fold = Fold()
    fold.add({"kind": "start", "time": BEGIN, "years": list(range(2025, 2030)), "years_resumed": [2025, 2026]})
    fold.add(tick(60, year_done(2027, 60.0)))
    forecast = fold.summary()["forecast"]
    assert (forecast["years_done"], forecast["years_left"]) == (1, 2)
    assert forecast["eta_seconds"] == pytest.approx(120)


def test_constant_years_end_when_one_would_think():
    """Seven years of 60 s are left."""
    forecast = folded([60.0] * 3)
    assert forecast["years_left"] == 7
    assert forecast["eta_seconds"] == pytest.approx(420)
    assert forecast["expected_end_time"] == at(600)
    assert forecast["duration"]["model"] == "constant"
    assert forecast["warnings"] == []


def test_years_that_grow_take_longer_than_the_mean_says():
    """10, 20, 30, 40 s: six are left, which take 50 to 100 s."""
    forecast = folded([10.0, 20.0, 30.0, 40.0])
    assert forecast["duration"]["model"] == "linear"
    assert forecast["eta_seconds"] == pytest.approx(sum(range(50, 101, 10)))


def test_what_the_year_under_way_has_taken_is_not_to_come():
    """And one that takes longer than expected costs nothing more, as far as anybody knows."""
    assert folded([60.0] * 3, elapsed=45.0)["eta_seconds"] == pytest.approx(375)
    assert folded([60.0] * 3, elapsed=100.0)["eta_seconds"] < 7 * 60


def test_time_between_the_years_will_come_again():
    """A program that takes 30 s in no operation after each year of 60 s is not done sooner for that."""
    assert folded([60.0] * 3, gap=30.0)["eta_seconds"] == pytest.approx(7 * 90)


def test_a_year_that_ended_since_the_last_tick_makes_the_others_no_shorter():
    """The tick is of when it had hardly begun."""
    fold = Fold()
    fold.add({"kind": "start", "time": BEGIN, "years": list(range(2025, 2035)), "run_id": "one"})
    fold.add(tick(1.0, open_operations=[opened(2025, 0.05)]))
    ended = {
        "name": "year", "path": "year", "status": "success", "logged": True, "breakdown": {"year": 2025},
        "outermost": {"year": True}, "start_time": BEGIN, "end_time": at(2.95), "duration_seconds": 2.0,
        "self_seconds": 2.0,
    }  # fmt: skip
    fold.add({"kind": "operation", "time": at(2.95), "logged": 1, "record": ended})
    assert fold.summary()["forecast"]["eta_seconds"] == pytest.approx(18)


def test_nothing_is_foretold_without_a_plan_before_a_year_is_done_and_after_the_end():
    """Null, not a guess."""
    assert folded([], elapsed=5.0) is None
    assert folded([60.0] * 2, planned=0) is None
    assert folded([60.0] * 3, planned=3) is None


def test_memory_that_grows_reaches_the_limit_in_a_year_that_is_named():
    """400 MB more each year, 1,250 MB so far: the limit of 2,000 MB is passed in the second year from now."""
    forecast = folded([60.0] * 3, peaks=[450.0, 850.0, 1_250.0])
    assert forecast["memory"]["model"] == "linear"
    assert forecast["memory"]["limit_year"] == 2029
    message = "memory reaches the 2000 MB limit in year 2029"
    assert forecast["warnings"] == [{"kind": "memory", "message": message, "year": 2029, "years_before": 1}]


@pytest.mark.parametrize("peaks", [[1_900.0] * 4, [1_900.0, 1_800.0, 1_700.0, 1_600.0], [1_000.0, 1_600.0]])
def test_memory_that_does_not_grow_or_not_for_long_enough_warns_of_nothing(peaks):
    """Two years are no evidence."""
    assert folded([60.0] * len(peaks), peaks=peaks)["warnings"] == []


def test_the_first_year_that_ends_after_the_limit_is_named():
    """Years of 60 s, and 270 s in all: the fifth of them is not done by then."""
    forecast = folded([60.0] * 2, deadline=at(270))
    assert forecast["deadline_year"] == 2029
    message = "at this rate 2029 ends after the wall-time limit"
    assert forecast["warnings"] == [{"kind": "wall_time", "message": message, "year": 2029, "years_before": 2}]
    assert folded([60.0] * 2, deadline=at(601))["warnings"] == []


def test_the_deadline_is_the_earlier_of_setting_and_batch_system():
    """What is no time is none."""
    assert opening.deadline(None, {}) is None
    assert opening.deadline(None, {"SLURM_JOB_END_TIME": "soon"}) is None
    slurm = opening.deadline(None, {"SLURM_JOB_END_TIME": "1755527422"})
    assert slurm == "2025-08-18T14:30:22.000000Z"
    assert opening.deadline(1e9, {"SLURM_JOB_END_TIME": "1755527422"}) == slurm
    assert opening.deadline(60.0, {"SLURM_JOB_END_TIME": "99999999999"}) < opening.deadline(3600.0, {})


def test_a_run_warns_of_what_comes_once(tmp_path):
    """A real program that will not be done in time says so in its log and its summary before it happens."""
    program = """
        import time
        import navigator_obs as obs
        obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False, wall_time_limit_seconds=30)
        with obs.start_run("late", years=range(2025, 2125)) as run:
            warned, year = [], 2025
            while not warned or year < 2028:
                with obs.context(year=year), obs.operation("year"):
                    time.sleep(1.2)
                year += 1
                warned = run.summary["issues"]["warnings"]
                assert year < 2060
            for year in (year, year + 1):
                with obs.context(year=year), obs.operation("year"):
                    time.sleep(1.2)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    [path] = (tmp_path / "runs").glob("*/summary.json")
    [warning] = json.loads(path.read_text())["issues"]["warnings"]
    assert warning["count"] == 1
    assert warning["message"].endswith("ends after the wall-time limit")
    assert warning["message"].startswith("at this rate 20")


def foretold(recorder, *forecasts):
    """What a run has warned of, of what was foretold one after the other: years done, and years left before the end."""
    with assembly.start_run("late") as run:
        for done, ahead in forecasts:
            message = f"{done + ahead} ends after the wall-time limit"
            warning = {"kind": "wall_time", "message": message, "year": done + ahead, "years_before": ahead}
            left = {"years_left": 50 - done, "eta_seconds": 1.0, "expected_end_time": BEGIN, "deadline": None}
            run._recording._foretell({"years_done": done, "warnings": [warning], **left})
    return [int(event["message"].split()[0]) for event in recorder.events() if event["level"] == "WARNING"]


def test_an_end_that_comes_much_earlier_than_was_foretold_is_warned_of_anew(recorder):
    """Where a quarter of the way there has gone, and half of it is left at most; not for each year that it shifts."""
    assert foretold(recorder, (2, 16), (3, 14), (4, 9), (5, 7), (6, 5), (7, 5), (8, 1)) == [18, 12, 9]


def test_an_end_that_comes_as_foretold_is_warned_of_once(recorder):
    """Give or take a year."""
    assert foretold(recorder, (3, 10), (4, 9), (5, 9), (6, 6), (9, 3), (12, 1)) == [13]
