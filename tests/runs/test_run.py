"""One execution: its folder, its summary from the first moment to the end, and what it takes from the program."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import threading
import time

import pytest

import navigator_obs as obs
from navigator_obs.clock import clock
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read_run
from navigator_obs.runs.summary import fold
from navigator_obs.testing import FakeClock
from tests.on_disk import VALIDATOR, kinds, on_disk


def test_the_summary_stands_from_the_first_moment(recorder):
    """While the run is open it says "running", with all that is known; afterwards the verdict, for good."""
    with obs.start_run("baseline", params={"seed": 42}, years=range(2025, 2027), tags=["nightly"]) as run:
        early = on_disk(run)
        assert early["run_metadata"]["status"] == run.status == "running"
        assert early["run_metadata"]["final"] is False
        assert early["configuration"]["params"] == {"seed": 42}
        for year in range(2025, 2027):
            with obs.context(year=year), obs.operation("year_simulation"):
                pass
    final = on_disk(run)
    assert (final["run_metadata"]["status"], final["run_metadata"]["final"]) == ("success", True)
    assert final["run_metadata"]["tags"] == ["nightly"]
    assert final["execution_summary"]["years_completed"] == [2025, 2026]
    assert final == json.loads(json.dumps(run.summary))
    assert status_of(run.directory)["status"] == "success"


def test_its_folder_is_named_by_its_id(recorder):
    """The id is the folder's name, and only the user may look inside."""
    with obs.start_run("baseline", run_id="scenario-7") as run:
        assert run.directory == recorder.runs_dir / "scenario-7"
        assert run.run_id == "scenario-7"
        assert {path.stat().st_mode & 0o077 for path in [run.directory, *run.directory.iterdir()]} == {0}
    left = {path.name for path in run.directory.iterdir()}
    assert left == {"summary.json", "journal.jsonl", "run.lock", "seal.jsonl"}


def test_every_event_of_the_run_carries_its_id(recorder):
    """From "Run started" to "Run completed", also from threads, and none after."""
    with obs.start_run("baseline") as run:
        obs.get_logger("sim").info("loaded")
        thread = threading.Thread(target=lambda: obs.get_logger("sim").info("from a thread"))
        thread.start()
        thread.join()
    obs.get_logger("sim").info("after")
    events = recorder.events()
    assert [event["message"] for event in events] == [
        "Run started",
        "loaded",
        "from a thread",
        "Run completed",
        "after",
    ]
    assert [event["run_id"] for event in events] == [run.run_id] * 4 + [None]
    assert run.summary["execution_summary"]["events_written"] == 4
    end = events[3]
    assert (end["run_name"], end["status"], end["errors"], end["warnings"]) == ("baseline", "success", 0, 0)
    assert end["duration_seconds"] > 0


def test_checks_are_in_the_summary(recorder):
    """By name, year and dataset, with outcome, value and bounds."""
    with obs.start_run("baseline") as run, obs.context(year=2025):
        obs.check("payroll", 3e9, max=2e9, unit="USD", dataset="workforce", severity="error")
        obs.check("headcount", 10, min=1)
    summary = on_disk(run)
    assert summary["execution_summary"]["checks"] == {"pass": 1, "warn": 0, "fail": 1, "error": 0, "skipped": 0}
    payroll, headcount = summary["checks"]
    assert (payroll["outcome"], payroll["value"], payroll["max"], payroll["unit"], payroll["year"]) == (
        "fail",
        3e9,
        2e9,
        "USD",
        2025,
    )
    assert (headcount["outcome"], headcount["count"], headcount["failures"]) == ("pass", 1, 0)


def test_a_secret_stays_out_of_the_record(recorder, monkeypatch):
    """Neither parameters, command line, checks, reasons nor issues hold it."""
    monkeypatch.setattr("sys.argv", ["sim.py", "--token", "hunter2-hunter2"])
    params = argparse.Namespace(token="hunter2-hunter2", seed=1)
    with pytest.raises(ValueError, match="hunter2"), obs.start_run("baseline", params=params) as run:
        obs.check("token", "hunter2-hunter2", equals="x")
        run.add_artifact("x", password="hunter2-hunter2")
        raise ValueError("password='hunter2-hunter2'")
    for path in run.directory.iterdir():
        assert b"hunter2" not in path.read_bytes(), path
    assert on_disk(run)["configuration"]["redacted"] == ["token"]


def test_artifacts_are_told_by_size_and_digest(recorder, tmp_path):
    """A backup is one of them; what is missing is told as missing."""
    (tmp_path / "sim.duckdb").write_bytes(b"data")
    with obs.start_run("baseline") as run:
        run.add_artifact(tmp_path / "sim.duckdb", "backup", year=2025)
        run.add_artifact("missing.csv")
        run.checkpoint(2025, tmp_path / "sim.duckdb")
    summary = on_disk(run)
    backup, missing, checkpoint = summary["artifacts"]
    assert (backup["bytes"], backup["kind"], backup["year"]) == (4, "backup", 2025)
    assert backup["sha256"] == hashlib.sha256(b"data").hexdigest()
    assert (missing["bytes"], missing["sha256"], missing["missing"]) == (None, None, True)
    assert "missing" not in backup
    [warning] = recorder.events("an artifact is missing")
    assert (warning["level"], warning["path"], warning["run_id"]) == ("WARNING", "missing.csv", run.run_id)
    assert checkpoint["kind"] == "checkpoint"
    assert summary["execution_summary"]["backup_created"] is True
    assert summary["execution_summary"]["years_completed"] == [2025]


def test_failed_checks_are_said_of_a_success(recorder):
    """They are errors of the catalogue; the run is a success all the same, and says so."""
    with obs.start_run("baseline") as run:
        for year in range(2025, 2028):
            obs.check("total_payroll", 2_100_000_000, max=2_000_000_000, severity="error", year=year)
        obs.check("headcount", 3, min=5)
    summary = on_disk(run)
    metadata, counts = summary["run_metadata"], summary["execution_summary"]
    assert (metadata["status"], metadata["status_reason"]) == ("success", "3 checks failed")
    assert (counts["errors"], counts["warnings"], counts["checks"]["fail"]) == (3, 1, 3)


def test_an_empty_run_is_covered_by_nothing(recorder):
    """Without operations the share that they cover is 0, and the rest is what they do not."""
    with obs.start_run("baseline") as run:
        pass
    assert on_disk(run)["breakdown"]["coverage_percent"] == 0
    fake = FakeClock()
    previous = clock.use(fake)
    try:
        with obs.start_run("baseline") as run:
            fake.advance(100)
            with obs.operation("most", log="never"):
                fake.advance(300)
    finally:
        clock.use(previous)
    breakdown = on_disk(run)["breakdown"]
    assert (breakdown["coverage_percent"], breakdown["unattributed_seconds"]) == (75, 100)


def test_a_stall_that_was_found_a_moment_before_the_end_is_told(recorder):
    """Though the ticker had no time to: the warning is in the log and in the summary."""
    fake = FakeClock()
    previous = clock.use(fake)
    try:
        with obs.start_run("baseline", promise=10) as run:
            fake.advance(60)
            assert run.summary["execution_summary"]["stalls"] == 1
    finally:
        clock.use(previous)
    [issue] = on_disk(run)["issues"]["warnings"]
    assert issue["message"] == "Run stalled"
    assert recorder.events("Run stalled")


def test_cpu_time_is_the_run_s_own(recorder):
    """What the process had used before the run is not the run's."""
    until = time.process_time() + 0.4
    while time.process_time() < until:
        pass
    before = time.process_time()
    with obs.start_run("baseline") as run:
        pass
    used = on_disk(run)["resources"]["cpu_seconds"]
    assert 0 <= used <= time.process_time() - before


def test_a_run_shows_its_user_what_is_the_user_s():
    """What the endings and the checks tell a run is not among its public methods."""
    public = {name for name in vars(obs.Run) if not name.startswith("_")}
    assert public == {
        "add_artifact", "bind", "checkpoint", "child_environ", "digest", "fail", "finish", "run_id", "status",
        "summary", "tag",
    }  # fmt: skip


def test_a_run_ends_once(recorder):
    """What comes after the end changes nothing and raises nothing."""
    with obs.start_run("baseline") as run:
        run.finish("partial", "stopped early")
        before = on_disk(run)
        run.finish("failed")
        run.fail("late")
        run.add_artifact("late.csv")
        run.checkpoint(2025)
        run.tag("late")
    assert on_disk(run) == before
    assert (run.status, before["run_metadata"]["status_reason"]) == ("partial", "stopped early")
    assert kinds(run)[-1] == "end"


def test_the_current_summary_is_of_this_moment(recorder):
    """Asked in the middle it knows all that has happened, also what logs nothing."""
    with obs.start_run("baseline") as run:
        for _ in range(3):
            with obs.operation("step", log="never"):
                pass
        obs.count("hires", 12, level="L1")
        summary = run.summary
        VALIDATOR.validate(summary)
        assert summary["performance_metrics"]["step"]["count"] == 3
        assert summary["metrics"]["counters"] == [{"name": "hires", "labels": {"level": "L1"}, "value": 12}]


def test_a_folder_that_can_not_be_made_stops_no_simulation(recorder):
    """The run goes on, its events are logged, and its summary is there to be asked."""
    recorder.runs_dir.parent.mkdir(parents=True)
    recorder.runs_dir.write_text("in the way")
    with obs.start_run("baseline") as run:
        with obs.operation("step"):
            pass
        run.add_artifact("x.csv")
    assert run.status == "success"
    assert run.summary["performance_metrics"]["step"]["count"] == 1
    assert [event["message"] for event in recorder.events()][-1] == "Run completed"


def test_a_folder_that_disappears_stops_no_simulation(recorder):
    """Somebody deletes the run's folder while it runs: nothing raises, and the summary can still be asked."""
    with obs.start_run("baseline") as run:
        for path in list(run.directory.iterdir()):
            path.unlink()
        run.directory.rmdir()
        assert run.summary["run_metadata"]["status"] == "running"
    assert run.status == "success"


def test_what_is_in_the_journal_makes_the_summary(recorder):
    """The final summary is the fold of the run's records, and so is each in between."""
    with obs.start_run("baseline", params={"rate": float("nan")}, years=[2025]) as run:
        obs.get_logger("sim").warning("few hires", rate=float("inf"))
        with obs.context(year=2025), obs.operation("year_simulation") as operation:
            operation.add_rows(10)
            obs.observe("salary", 1.5)
        obs.check("rate", float("nan"), min=0)
        middle = run.summary
        assert fold(read_run(run.directory)) == json.loads(json.dumps(middle))
    assert fold(read_run(run.directory)) == on_disk(run)


def test_what_it_costs_is_said(recorder):
    """The summary says what recording took, in time and bytes."""
    before = time.perf_counter()
    with obs.start_run("baseline") as run, obs.operation("step"):
        pass
    elapsed = time.perf_counter() - before
    told = on_disk(run)["observability"]
    # Part of it is priced by a trial, and more than one thread may be at work.
    assert 0 < told["seconds"] < 10 * elapsed
    assert told["bytes"] > os.path.getsize(run.directory / "journal.jsonl") / 2
    assert told["dropped"] == {}


def test_what_was_left_out_on_purpose_is_counted(recorder):
    """The summary says how many events sampling did not choose and limits held back, those of this run alone."""
    recorder.configure(sampling={"considered": 0.1})
    log = obs.get_logger("sim")

    def speak():
        for number in range(20):
            log.info("considered", number=number)
            log.limited(most=1).info("promoted", number=number)

    speak()
    with obs.start_run("baseline") as run:
        speak()
    told = on_disk(run)["observability"]
    assert (told["sampled_out"], told["held_back"]) == (18, 20)


@pytest.mark.parametrize("rows", [10**400, 2**64, -(10**400), float("inf"), "7", None, object()])
def test_rows_beyond_any_number_end_no_run(recorder, rows):
    """A figure that the record can't hold is not known; all else is."""
    with obs.start_run("baseline", years=[2025]) as run:
        with obs.context(year=2025), obs.operation("year_simulation") as operation:
            operation.add_rows(rows)
        with obs.operation("hire") as operation:
            operation.add_rows(3)
    summary = on_disk(run)
    assert (run.status, summary["execution_summary"]["years_completed"]) == ("success", [2025])
    assert summary["execution_summary"]["operations"] == 2
    assert summary["performance_metrics"]["hire"]["rows"] == 3


def test_no_secret_reaches_the_journal_whatever_it_came_in(recorder, tmp_path):
    """Names, tags, checks, artifacts: each record is cleaned before it is written."""
    url = "postgres://ada:hunter2@db/sim"
    with obs.start_run(f"load {url}", tags=[url]) as run:
        obs.check(f"rows of {url}", 3, min=5, unit=url, dataset=url, year=url)
        obs.check("settings", {"password": "hunter2"}, equals={"password": "hunter2", "n": [("token", "hunter2")]})
        run.add_artifact(url, "output", password="hunter2")
        run.checkpoint(2025, url)
        run.tag(f"db={url}")
        with obs.context(year=url), obs.operation(f"read {url}"):
            obs.count(f"rows of {url}", 1, source=url, tenant_ref=url)
        run.fail(f"no {url}")
    kept = b"".join(path.read_bytes() for path in run.directory.iterdir())
    assert b"hunter2" not in kept
    assert b"hunter2" not in b"".join(recorder.lines())
    assert b"[redacted]" in kept
