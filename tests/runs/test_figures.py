"""Which years of a run are complete, scenario by scenario."""

from __future__ import annotations

import multiprocessing
import time

import pytest

import navigator_obs as obs
from tests.on_disk import on_disk


def test_years_are_complete_when_their_operations_succeeded(recorder):
    """A failed year is not complete, one that was tried again with success is."""
    with obs.start_run("baseline", years=[2025, 2026, 2027, 2028]) as run:
        for year, attempts in ((2025, "s"), (2026, "f"), (2027, "fs"), (2028, "")):
            for attempt in attempts:
                with obs.context(year=year), obs.operation("year_simulation") as operation:
                    if attempt == "f":
                        operation.fail("no")
    summary = on_disk(run)
    assert summary["execution_summary"]["years_completed"] == [2025, 2027]
    assert summary["run_metadata"]["status_reason"] == "years 2026, 2028 left"


@pytest.mark.parametrize(("plan", "completed"), [
    ("low:s high:f", []),
    ("low:f high:s", []),
    ("low:s high:fs", [2025]),
    ("low:fs high:s", [2025]),
    ("low:sf high:fs", []),
])  # fmt: skip
@pytest.mark.parametrize("log", [True, False])
def test_a_year_is_complete_when_it_is_in_each_scenario(recorder, plan, completed, log):
    """Whichever scenario came last, in whatever order years fail and are tried again; ticks change nothing."""
    with obs.start_run("batch", years=[2025]) as run:
        for scenario, attempts in (step.split(":") for step in plan.split()):
            for number, attempt in enumerate(attempts):
                keys = {"scenario": scenario, "attempt": number, "year": 2025}
                with obs.context(**keys), obs.operation("year_simulation", log=log) as operation:
                    time.sleep(0.006)
                    if attempt == "f":
                        operation.fail("no")
                run._recording.tick()
    assert on_disk(run)["execution_summary"]["years_completed"] == completed


def test_a_checkpoint_of_one_scenario_completes_no_year_of_another(recorder):
    """The year failed in the second of them; a single simulation's checkpoint does complete its year."""
    with obs.start_run("batch", years=[2025, 2026]) as run:
        for scenario in ("low", "high"):
            for year in (2025, 2026):
                with obs.context(scenario=scenario, year=year), obs.operation("year_simulation") as operation:
                    if (scenario, year) == ("high", 2025):
                        operation.fail("no")
                    elif scenario == "low":
                        run.checkpoint(year)
    assert on_disk(run)["execution_summary"]["years_completed"] == [2026]


def test_scenarios_in_worker_processes_are_told_apart(recorder):
    """A year that fails in one worker and succeeds in another is complete where that was another attempt, not where it
    was another scenario.
    """
    fork = multiprocessing.get_context("fork")
    with obs.start_run("batch", years=[2025, 2026]) as run:
        for plan in ((2025, "low", "s"), (2025, "high", "f"), (2026, "low", "f"), (2026, "low", "s")):
            worker = fork.Process(target=obs.carry(simulate_in_worker), args=plan)
            worker.start()
            worker.join()
    assert on_disk(run)["execution_summary"]["years_completed"] == [2026]


def simulate_in_worker(year, scenario, outcome):
    with obs.context(year=year, scenario=scenario), obs.operation("year_simulation") as operation:
        if outcome == "f":
            operation.fail("no")
