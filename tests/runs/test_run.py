"""One execution: its folder, its summary from the first moment to the end, and what it takes from the program."""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import threading
import time
import weakref

import jsonschema
import numpy as np
import pytest

import navigator_obs as obs
from navigator_obs.clock import clock
from navigator_obs.errors import ConfigError, UsageError
from navigator_obs.runs import schema
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read, read_run
from navigator_obs.runs.summary import fold
from navigator_obs.testing import FakeClock

VALIDATOR = jsonschema.Draft202012Validator(schema.load())


def on_disk(run):
    summary = json.loads((run.directory / "summary.json").read_bytes())
    VALIDATOR.validate(summary)
    return summary


def kinds(run):
    return [record["kind"] for record in read(run.directory / "journal.jsonl")]


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


def hire():
    with obs.context(year=2026), obs.operation("simulate"), obs.operation("hiring"):
        raise ValueError("salary is negative")


def test_an_exception_is_one_error_of_the_run(recorder):
    """It leaves the block as it came, and is in the catalogue once, with its context."""
    with pytest.raises(ValueError, match="negative"), obs.start_run("baseline") as run:
        hire()
    summary = on_disk(run)
    assert (summary["run_metadata"]["status"], summary["run_metadata"]["exit_code"]) == ("failed", 1)
    assert summary["run_metadata"]["status_reason"] == "ValueError: salary is negative"
    [issue] = summary["issues"]["errors"]
    assert (issue["count"], issue["operation_path"], issue["context"]) == (1, "simulate/hiring", {"year": 2026})
    assert issue["first"]["exception"]["traceback"].startswith("Traceback")
    assert summary["execution_summary"]["errors"] == 1


@pytest.mark.parametrize("way", ["fast", "chain"])
def test_an_exception_counts_once(recorder, way):
    """That an operation failed with it and that the program logged it is one error; the log says what is told again."""
    if way == "chain":
        recorder.configure(processors=[lambda _, __, event: event])
    log = obs.get_logger("sim")
    with obs.start_run("baseline") as run:
        try:
            with obs.operation("hiring"):
                raise ValueError("no hires")
        except ValueError:
            log.exception("scenario failed")
            log.warning("it goes on", exc_info=True)
        try:
            raise KeyError("salary")
        except KeyError:
            log.warning("tried again", exc_info=True)
            log.exception("given up")
    found = {
        severity: [issue["count"] for issue in on_disk(run)["issues"][severity]] for severity in ("errors", "warnings")
    }
    assert found == {"errors": [1, 1], "warnings": [1]}
    told = [(event["message"], event["exception"].get("retold")) for event in recorder.events() if "exception" in event]
    assert told == [("hiring failed", None), ("scenario failed", True), ("it goes on", True), ("tried again", None),
                    ("given up", None)]  # fmt: skip


def test_the_batch_hears_of_what_its_scenario_was_told(recorder):
    """A run within a run has its own errors; those that leave it are the outer one's as well."""
    with (
        pytest.raises(ValueError, match="no hires"),
        obs.start_run("batch") as batch,
        obs.operation("scenario"),
        obs.start_run("high") as high,
        obs.operation("hiring"),
    ):
        raise ValueError("no hires")
    assert [len(on_disk(run)["issues"]["errors"]) for run in (high, batch)] == [1, 1]
    assert [event["level"] for event in recorder.events("scenario failed")] == ["ERROR"]


def test_an_exception_that_nothing_reported_is_an_error_too(recorder):
    """Raised outside of any operation it is told by the run's own end, once."""
    with pytest.raises(KeyError), obs.start_run("baseline") as run:
        raise KeyError("census")
    assert on_disk(run)["execution_summary"]["errors"] == 1
    [event] = [event for event in recorder.events() if "exception" in event]
    assert (event["message"], event["level"], event["errors"]) == ("Run failed", "ERROR", 1)


def test_the_end_s_own_event_is_no_further_issue(recorder):
    """A partial run ends with a WARNING that is not counted among the warnings of the simulation."""
    with obs.start_run("baseline", years=[2025]) as run:
        obs.get_logger("sim").warning("few hires")
    summary = on_disk(run)
    assert summary["run_metadata"]["status"] == "partial"
    assert summary["execution_summary"]["warnings"] == len(summary["issues"]["warnings"]) == 1


def test_warnings_of_another_run_are_the_other_run_s(recorder):
    """Two runs at once keep their catalogues, operations and checks apart."""
    with obs.start_run("one") as one:
        with obs.start_run("two") as two:
            obs.get_logger("sim").warning("few hires")
            obs.check("headcount", 0, min=1)
            with obs.operation("hiring"):
                pass
        obs.get_logger("sim").error("no hires")
    assert [run.summary["execution_summary"]["warnings"] for run in (one, two)] == [0, 2]
    assert [run.summary["execution_summary"]["errors"] for run in (one, two)] == [1, 0]
    assert [run.summary["execution_summary"]["checks"]["warn"] for run in (one, two)] == [0, 1]
    assert list(two.summary["performance_metrics"]) == ["hiring"]
    assert one.summary["performance_metrics"] == {}
    assert two.summary["run_metadata"]["parent_run_id"] == one.run_id


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


def test_a_program_can_say_that_it_failed(recorder):
    """`fail` makes an orderly end a failure; the first reason counts."""
    with obs.start_run("baseline") as run:
        run.fail("headcount does not add up")
        run.fail("later")
        run.tag("bad", "bad")
    metadata = on_disk(run)["run_metadata"]
    assert (metadata["status"], metadata["status_reason"]) == ("failed", "headcount does not add up")
    assert metadata["tags"] == ["bad"]
    [error] = on_disk(run)["issues"]["errors"]
    assert (error["type"], error["message"], error["count"]) == ("fail", "headcount does not add up", 1)
    assert on_disk(run)["execution_summary"]["errors"] == 1


def test_a_failure_by_hand_is_an_error_with_its_reason(recorder):
    """`finish("failed", reason)` says the same as `fail`."""
    run = obs.start_run("baseline")
    run.finish("failed", "no hires")
    summary = on_disk(run)
    assert (summary["run_metadata"]["status_reason"], summary["issues"]["errors"][0]["message"]) == ("no hires",) * 2


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


def test_a_logged_exception_keeps_the_words_around_it(recorder):
    """The issue has the exception's message and the log call's."""
    with obs.start_run("baseline") as run:
        try:
            raise ValueError("salary is negative")
        except ValueError:
            obs.get_logger("sim").warning("employee skipped", exc_info=True)
    [issue] = on_disk(run)["issues"]["warnings"]
    assert (issue["message"], issue["event_message"]) == ("salary is negative", "employee skipped")


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


class Watcher:
    def __init__(self):
        self.told = []

    def run_started(self, run):
        self.told.append(("started", run.status, (run.directory / "summary.json").exists()))

    def run_finished(self, summary, directory):
        final = json.loads((directory / "summary.json").read_bytes())
        self.told.append(("finished", summary["run_metadata"]["status"], final == json.loads(json.dumps(summary))))


class Broken:
    def run_started(self, run):
        raise OSError("no exporter")

    def run_finished(self, summary, directory):
        raise OSError("no exporter")


def test_observers_are_told_and_can_break_nothing(recorder):
    """Each hears of start and end; one that raises is said in the log, and the others still hear."""
    watcher = Watcher()
    with obs.start_run("baseline", observers=[Broken(), watcher]) as run:
        pass
    assert watcher.told == [("started", "running", True), ("finished", "success", True)]
    assert [event["observer"] for event in recorder.events("a run's observer failed")] == ["Broken", "Broken"]
    assert run.status == "success"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": 7},
        {"name": "x" * 201},
        {"params": 42},
        {"years": 2025},
        {"years": ["2025"]},
        {"run_id": "../../x"},
        {"tags": "nightly"},
        {"tags": [7]},
        {"observers": [object()]},
    ],
)
def test_a_wrong_argument_is_refused_before_anything_is_made(recorder, wrong):
    """It raises at once, and leaves no folder behind."""
    with pytest.raises(UsageError):
        obs.start_run(**{"name": "baseline", **wrong})
    assert not recorder.runs_dir.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda run: run.finish("done"),
        lambda run: run.finish("crashed"),
        lambda run: run.checkpoint("2025"),
        lambda run: run.checkpoint(True),
        lambda run: run.add_artifact(None),
        lambda run: run.add_artifact("x", kind=""),
        lambda run: run.tag(7),
    ],
)
def test_a_wrong_use_of_a_run_is_refused(recorder, wrong):
    """It raises at once and the run goes on."""
    with obs.start_run("baseline") as run:
        with pytest.raises(UsageError):
            wrong(run)
        assert run.status == "running"
    assert run.status == "success"


def test_an_id_is_taken_once(recorder):
    """A second run of the same id is a wrong use."""
    with obs.start_run("baseline", run_id="seven"):
        pass
    with pytest.raises(UsageError, match="taken"):
        obs.start_run("baseline", run_id="seven")


def test_an_outer_id_is_adopted(recorder, monkeypatch):
    """The first run takes the id that its caller gave in the environment; a second one belongs to it."""
    monkeypatch.setenv("NAVIGATOR_OBS_RUN_ID", "batch-7")
    with obs.start_run("one") as one:
        pass
    with obs.start_run("two") as two:
        pass
    assert one.run_id == "batch-7"
    assert two.run_id != "batch-7"
    assert two.summary["run_metadata"]["parent_run_id"] == "batch-7"


def test_an_outer_id_is_validated(recorder, monkeypatch):
    """An id that leaves the folder of runs is refused, naming the variable."""
    monkeypatch.setenv("NAVIGATOR_OBS_RUN_ID", "../x")
    with pytest.raises(ConfigError, match="NAVIGATOR_OBS_RUN_ID"):
        obs.start_run("one")


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


class Quitter:
    def run_started(self, run):
        """Hears of it."""

    def run_finished(self, summary, directory):
        raise SystemExit(3)


def test_a_run_lets_go_whatever_an_observer_raises(recorder):
    """An observer can't end the program, nor keep the run open."""
    run = obs.start_run("baseline", observers=[Quitter()])
    run.finish()
    assert (run.status, on_disk(run)["run_metadata"]["status"]) == ("success", "success")
    assert status_of(run.directory)["status"] == "success"
    assert [event["observer"] for event in recorder.events("a run's observer failed")] == ["Quitter"]


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


class Hostile:
    def __repr__(self):
        raise RuntimeError("no repr")

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __len__(self):
        raise RuntimeError("no length")

    def __iter__(self):
        raise RuntimeError("no items")


class BytesPath:
    def __fspath__(self):
        return b"census.parquet"


def dead_proxy():
    return weakref.proxy(Watcher())


def test_no_value_raises_out_of_a_call(recorder):
    """What can't be hashed, compared, shown or even asked for its class is recorded as well as can be."""
    values = [["a"], np.arange(3), Hostile(), dead_proxy(), {"a": {1}}, 10**5000]
    with obs.start_run("baseline", params={str(i): value for i, value in enumerate(values)}) as run:
        for value in values:
            obs.check("rows", 1, min=0, dataset=value, unit=value, year=value)
            obs.check("rows", value, min=0, equals=value)
            run.add_artifact("census.parquet", "output", note=value)
        run.add_artifact(BytesPath())
    summary = on_disk(run)
    assert sum(summary["execution_summary"]["checks"].values()) == 2 * len(values)
    assert summary["artifacts"][-1]["path"] == "census.parquet"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda run, value: obs.check(value, 1, min=0),
        lambda run, value: obs.check("rows", 1, min=0, severity=value),
        lambda run, value: obs.check("rows", 1, between=value),
        lambda run, value: obs.check("rows", value),
        lambda run, value: run.add_artifact(value),
        lambda run, value: run.add_artifact("x", value),
        lambda run, value: run.checkpoint(value),
        lambda run, value: run.checkpoint(2025, value),
        lambda run, value: run.tag(value),
        lambda run, value: run.finish(value),
        lambda run, value: obs.start_run(value),
        lambda run, value: obs.start_run("b", years=value),
        lambda run, value: obs.start_run("b", years=[value]),
        lambda run, value: obs.start_run("b", tags=[value]),
        lambda run, value: obs.start_run("b", observers=[value]),
        lambda run, value: obs.start_run("b", run_id=value),
    ],
)
def test_a_wrong_argument_is_named_whatever_it_is(recorder, wrong):
    """An object that can't be shown is refused as any other is."""
    with obs.start_run("baseline") as run, pytest.raises(UsageError):
        wrong(run, Unshown())


class Unshown:
    def __repr__(self):
        raise RuntimeError("no repr")
