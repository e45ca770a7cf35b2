"""A run takes up another one's work at its last checkpoint, and says so."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.history.store import History
from navigator_obs.runs.lineage import ResumePoint
from tests.on_disk import VALIDATOR


def metadata(run):
    summary = json.loads((run.directory / "summary.json").read_bytes())
    VALIDATOR.validate(summary)
    return summary["run_metadata"]


def simulate(years, *, fail_in=None, **settings):
    """Simulate *years*, each with a checkpoint; fail in one."""
    with obs.start_run("baseline", years=years, **settings) as run:
        for year in years:
            if year == fail_in:
                run.fail("no hires")
                break
            run.checkpoint(year, f"state-{year}")
    return run


def test_a_first_run_is_its_own_root(recorder):
    """It continues nothing."""
    run = simulate([2025])
    found = metadata(run)
    assert (found["root_run_id"], found["attempt"], found["resumed_from"]) == (run.run_id, 1, None)
    assert run.resume_point is None


@pytest.mark.parametrize("as_what", ["id", "path", "run", "entry"])
def test_a_run_resumes_at_the_last_checkpoint(recorder, as_what):
    """The one before may be given by its id, its folder, or as a run."""
    first = simulate(range(2025, 2030), fail_in=2027)
    entry = History(recorder.runs_dir).get(first.run_id)
    given = {"id": first.run_id, "path": first.directory, "run": first, "entry": entry}[as_what]
    second = simulate(range(2027, 2030), resume_from=given)
    assert second.resume_point == ResumePoint(first.run_id, 2026, os.fspath("state-2026"))
    found = metadata(second)
    assert (found["resumed_from"], found["root_run_id"], found["attempt"]) == (first.run_id, first.run_id, 2)
    assert (found["resumed_at"]["year"], found["resumed_at"]["path"]) == (2026, "state-2026")


def test_attempts_form_a_chain(recorder):
    """The third one's root is the first; one that came to no checkpoint hands on the one that it began at."""
    first = simulate([2025, 2026], fail_in=2026)
    second = simulate([2026], fail_in=2026, resume_from=first)
    third = simulate([2026], resume_from=second)
    assert third.resume_point == ResumePoint(second.run_id, 2025, "state-2025")
    found = metadata(third)
    assert (found["root_run_id"], found["attempt"], found["resumed_from"]) == (first.run_id, 3, second.run_id)


def test_a_dead_run_is_finalised_before_it_is_resumed(recorder, tmp_path):
    """It was killed, and its checkpoints are in its journal."""
    with obs.start_run("baseline", run_id="killed") as run:
        run.checkpoint(2025, "state-2025")
        shutil.copytree(run.directory, tmp_path / "copy")
    shutil.rmtree(run.directory)
    shutil.move(tmp_path / "copy", run.directory)
    second = simulate([2026], resume_from="killed")
    assert second.resume_point == ResumePoint("killed", 2025, "state-2025")
    assert metadata(run)["status"] == "crashed"


def test_years_of_earlier_attempts_are_not_left(recorder):
    """All years are planned in each attempt, and the last one completes those that its predecessors had not."""
    first = simulate(range(2025, 2030), fail_in=2027)
    with obs.start_run("baseline", years=range(2025, 2030), resume_from=first) as second:
        second.checkpoint(2027)
    with obs.start_run("baseline", years=range(2025, 2030), resume_from=second) as third:
        third.checkpoint(2028)
        third.checkpoint(2029)
    assert (second.status, second.summary["run_metadata"]["status_reason"]) == ("partial", "years 2028, 2029 left")
    assert third.status == "success"
    assert third.summary["execution_summary"]["years_resumed"] == [2025, 2026, 2027]


@pytest.mark.parametrize("given", ["nosuch", "", 7, ".", ["a"]])
def test_what_names_no_run_can_t_be_resumed(recorder, given):
    """The message names it."""
    recorder.runs_dir.mkdir(parents=True)
    with pytest.raises(UsageError, match="resume_from="):
        obs.start_run("baseline", resume_from=given)
    assert list(recorder.runs_dir.iterdir()) == []


def test_a_living_run_can_t_be_resumed(recorder):
    """Two programs would do the same work."""
    with obs.start_run("baseline") as run, pytest.raises(UsageError, match="is running"):
        obs.start_run("baseline", resume_from=run)


def test_foreign_ids_are_bound(recorder, monkeypatch):
    """Those of the scheduler by themselves, others by the program; the last word on one holds."""
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    with obs.start_run("baseline") as run:
        run.bind(dbt_invocation_id="a-b-c", ticket=7)
        run.bind(ticket="OPS-7")
    assert metadata(run)["foreign_ids"] == {
        "SLURM_JOB_ID": "4711",
        "dbt_invocation_id": "a-b-c",
        "ticket": "OPS-7",
    }


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_id_is_refused(recorder, value):
    """Nobody knows the run by it."""
    with obs.start_run("baseline") as run, pytest.raises(UsageError, match="ticket="):
        run.bind(ticket=value)


def test_processes_that_are_given_the_environment_run_children(recorder):
    """The runs of a batch know the run that started them."""
    code = "import navigator_obs as obs\nwith obs.start_run('scenario') as run: print(run.run_id)"
    places = {"NAVIGATOR_OBS_RUNS_DIR": str(recorder.runs_dir), "NAVIGATOR_OBS_LOG_DIR": str(recorder.log_dir),
              "NAVIGATOR_OBS_CONSOLE": "off", "NAVIGATOR_OBS_RUN_REPORT": "off"}  # fmt: skip
    with obs.start_run("batch") as run:
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **places, **run.child_environ}, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
    child = History(recorder.runs_dir).get(done.stdout.strip())
    assert child.summary["run_metadata"]["parent_run_id"] == run.run_id


def test_the_last_checkpoints_are_in_the_summary(recorder):
    """A hundred of them, and all years."""
    run = simulate(range(1900, 2030))
    summary = json.loads((run.directory / "summary.json").read_bytes())
    assert [found["year"] for found in summary["checkpoints"]] == list(range(1930, 2030))
    assert len(summary["execution_summary"]["years_completed"]) == 130


def scenario(name):
    with obs.start_run(name), obs.operation("year_simulation"):
        obs.get_logger("planwise").info("simulated", scenario=name)


def test_the_operations_of_a_run_are_its_own_wherever_it_runs(recorder):
    """Neither begin their paths with the operation around a run within a run: called, in a thread, or in a pool."""
    with obs.start_run("batch") as batch, obs.operation("scenarios"):
        scenario("called")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(obs.carry(scenario), "thread").result()
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            pool.submit(obs.carry(scenario), "process").result()
        obs.get_logger("planwise").info("all simulated")
    paths = {run.name: list(run.summary["performance_metrics"]) for run in obs.History(recorder.runs_dir).list()}
    assert paths.pop("batch") == ["scenarios"]
    assert set(paths) == {"called", "thread", "process"}
    assert all(found == ["year_simulation"] for found in paths.values())
    assert {event["operation_path"] for event in recorder.events("simulated")} == {"year_simulation"}
    assert recorder.events("all simulated")[0]["operation_path"] == "scenarios"
    assert [("operation_path" in event) for event in recorder.events("Run started")] == [False] * 4
    assert batch.status == "success"


def test_a_word_for_a_run_is_told_where_it_is_understood(recorder):
    """`last-failed` is none of an id and a folder; the one that knows all runs finds it."""
    with pytest.raises(UsageError, match=r"resume_from='last-failed': .*History\(\)\.get\('last-failed'\)"):
        obs.start_run("baseline", resume_from="last-failed")
