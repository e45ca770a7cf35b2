"""A dead run gets its verdict from whoever meets it first, and a living one is left alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.clock import seconds_between
from navigator_obs.config import Config
from navigator_obs.encoding import to_json
from navigator_obs.events.salvage import recover_log
from navigator_obs.history.store import History
from navigator_obs.runs import folder
from navigator_obs.runs.clues import Exit
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read, read_run
from navigator_obs.runs.recovery import recover, recover_all, unfinished
from navigator_obs.runs.summary import fold
from tests.on_disk import VALIDATOR


@pytest.fixture
def dead(recorder, tmp_path):
    """A run's folder as a kill leaves it: a copy of a living run's."""
    copy = tmp_path / "dead" / "20250818_143022-1a2b3c4d"
    with obs.start_run("baseline", run_id=copy.name, years=[2025, 2026]) as run:
        with obs.context(year=2025), obs.operation("year_simulation"):
            pass
        with obs.context(year=2026), obs.operation("year_simulation"):
            run.summary
            shutil.copytree(run.directory, copy)
            append(copy, b'{"kind":"tick","time":')
    return copy


def append(directory, data):
    with (directory / "journal.jsonl").open("ab") as file:
        file.write(data)


def config(dead, **more):
    return Config(runs_dir=dead.parent, log_dir=dead.parent / "logs", **more)


def test_it_gets_a_final_summary(dead):
    """Valid, with what was known, what was open and the verdict; the journal ends with the same."""
    before = fold(read_run(dead))
    summary = recover(dead, config(dead))
    VALIDATOR.validate(summary)
    assert summary == json.loads((dead / "summary.json").read_bytes())
    metadata = summary["run_metadata"]
    assert (metadata["status"], metadata["final"]) == ("crashed", True)
    assert metadata["status_reason"].startswith("vanished")
    assert metadata["recovered_by"]["pid"] == os.getpid()
    assert metadata["duration_seconds"] >= before["run_metadata"]["duration_seconds"]
    assert summary["execution_summary"]["years_completed"] == [2025]
    assert [found["path"] for found in summary["resources"]["open_operations"]] == ["year_simulation"]
    assert summary["performance_metrics"] == before["performance_metrics"]
    assert summary["observability"]["torn_lines"] == 1
    assert fold(read_run(dead)) == summary


BEFORE_A_TICK = """
import os, signal, sys
import navigator_obs as obs

obs.configure(log_dir=sys.argv[1], runs_dir=sys.argv[2], console="off")
log = obs.get_logger("plan")
with obs.start_run("baseline"):
    for number in range(500):
        log.info("hired", number=number)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("log", ["there", "gone"])
def test_a_run_that_no_tick_tells_of_lasted_up_to_its_last_event(tmp_path, log):
    """What it had logged proves that it lived; without its log the journal's last record tells."""
    subprocess.run(
        [sys.executable, "-c", BEFORE_A_TICK, tmp_path / "logs", tmp_path / "runs"], check=False, timeout=120
    )
    found = Config(log_dir=tmp_path / "logs", runs_dir=tmp_path / "runs")
    recover_log(found.log_path, found)
    events = [json.loads(line) for line in found.log_path.read_bytes().splitlines()]
    assert events[-1]["number"] == 499
    if log == "gone":
        shutil.rmtree(found.log_dir)
    [summary] = recover_all(found.runs_dir, found)
    told = summary["run_metadata"]
    last = events[-1]["timestamp"] if log == "there" else told["start_time"]
    assert told["status"] == "crashed"
    assert told["end_time"] == last
    assert told["duration_seconds"] == seconds_between(told["start_time"], last)


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        bytes(4096),
        b"\xff\xfe\x00garbage\n",
        b"[1, 2]\n",
        b'{"kind":"tick"}\n',
        b'{"kind":"operation","logged":"x"}\n',
    ],
    ids=["half a record", "zeros", "garbage", "no record", "an empty tick", "a wrong value"],
)
def test_a_corrupted_last_line_is_tolerated_and_said(dead, damage, capsys):
    """What stands before it counts, the run gets its verdict, and summary and `show` tell of the line."""
    if damage:
        path = dead / "journal.jsonl"
        path.write_bytes(path.read_bytes().rpartition(b"\n")[0] + b"\n" + damage)
    summary = recover(dead, config(dead))
    VALIDATOR.validate(summary)
    assert summary["run_metadata"]["status"] == "crashed"
    assert summary["execution_summary"]["years_completed"] == [2025]
    assert summary["observability"]["torn_lines"] == 1
    assert main(["show", "--runs-dir", str(dead.parent), dead.name]) == 0
    assert "1 line of the journal unreadable" in " ".join(capsys.readouterr().out.split())


def test_a_torn_line_does_not_swallow_the_verdict(dead):
    """The end record stands on a line of its own."""
    recover(dead, config(dead))
    assert [record["kind"] for record in read(dead / "journal.jsonl")][-2:] == ["torn", "end"]


def test_the_status_does_not_change_by_it(dead):
    """What a reader derives and what recovery writes is one judgement."""
    derived = status_of(dead)
    recover(dead, config(dead))
    written = status_of(dead)
    assert {**derived, "final": True} == written


def test_it_happens_once(dead):
    """Of many who meet it at the same instant, one finalises it; those who come later leave it alone."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(recover(dead, config(dead)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(summary is not None for summary in found) == 1
    assert recover(dead, config(dead)) is None
    assert sum(record["kind"] == "end" for record in read(dead / "journal.jsonl")) == 1
    assert sorted(path.name for path in dead.iterdir()) == ["journal.jsonl", "run.lock", "seal.jsonl", "summary.json"]


def test_a_living_run_is_left_alone(dead):
    """As long as the lock is held, nothing is written."""
    lock = folder.Lock(dead)
    before = (dead / "journal.jsonl").read_bytes(), (dead / "summary.json").read_bytes()
    assert recover(dead, config(dead)) is None
    assert ((dead / "journal.jsonl").read_bytes(), (dead / "summary.json").read_bytes()) == before
    lock.close()


def test_a_run_that_ended_without_a_summary_keeps_its_own_verdict(dead):
    """The journal has the end, and only the summary could not be written: it is written now."""
    end = {"kind": "end", "time": "2025-08-18T14:30:22.000000Z", "seconds": 5.0, "status": "success",
           "status_reason": None, "exit_code": 0, "signal": None,
           "events": {"written": 1, "bytes": 10, "dropped": {}}}  # fmt: skip
    append(dead, b"\n" + to_json(end) + b"\n")
    summary = recover(dead, config(dead), Exit(signal="SIGKILL"))
    VALIDATOR.validate(summary)
    assert (summary["run_metadata"]["status"], summary["run_metadata"]["recovered_by"]) == ("success", None)


def test_whoever_may_not_write_derives(dead):
    """Where the folder can't be written to, the status is the same and nothing changes."""
    (dead / ".recovering").mkdir()
    assert recover(dead, config(dead)) is None
    assert status_of(dead)["status"] == "crashed"
    assert History(dead.parent).get().status == "crashed"


def test_another_user_s_run_is_left_alone(dead, monkeypatch):
    """What is written would not be its owner's."""
    monkeypatch.setattr(os, "geteuid", lambda: dead.stat().st_uid + 1)
    assert recover(dead, config(dead)) is None


def test_a_run_that_a_living_parent_watches_is_left_to_it(dead):
    """`navigator-obs exec` is about to know how it ended."""
    lines = (dead / "journal.jsonl").read_bytes().splitlines(keepends=True)
    start = json.loads(lines[0])
    start["evidence"]["watched_by"] = os.getpid()
    (dead / "journal.jsonl").write_bytes(b"".join([to_json(start) + b"\n", *lines[1:]]))
    assert recover(dead, config(dead)) is None
    summary = recover(dead, config(dead), Exit(exit_code=9))
    assert summary["run_metadata"]["exit_code"] == 9


def test_all_dead_runs_are_found(dead):
    """By the space that they have set aside, or thoroughly by their summaries; folders of other kinds are no runs."""
    shutil.copytree(dead, dead.parent / "another")
    (dead.parent / "another" / ".reserve").unlink()
    (dead.parent / "logs").mkdir()
    assert unfinished(dead.parent) == [dead]
    assert len(list(recover_all(dead.parent, config(dead)))) == 1
    assert len(list(recover_all(dead.parent, config(dead), thorough=True))) == 1
    assert list(recover_all(dead.parent, config(dead), thorough=True)) == []


def test_a_worker_s_share_is_merged(dead):
    """What a worker has told counts in the recovered summary."""
    (dead / "workers").mkdir()
    told = next(record for record in read(dead / "journal.jsonl") if record["kind"] == "operation")
    (dead / "workers" / "here-7.jsonl").write_bytes(to_json({**told, "worker": "here-7", "logged": 1}) + b"\n")
    assert recover(dead, config(dead))["performance_metrics"]["year_simulation"]["count"] == 2


def test_a_run_that_starts_finalises_the_dead(dead):
    """Beside the program, which hears of it in the log."""
    obs.configure(log_dir=dead.parent / "logs", runs_dir=dead.parent, console="off", run_report=False)
    with obs.start_run("next"):
        for thread in threading.enumerate():
            if thread.name == "navigator-obs-housekeeping":
                thread.join()
    assert status_of(dead)["final"] is True
    obs.shutdown()
    events = [json.loads(line) for line in (dead.parent / "logs" / "navigator.log").read_bytes().splitlines()]
    [found] = [event for event in events if event["message"] == "A dead run was found"]
    assert (found["found_run_id"], found["status"]) == (dead.name, "crashed")
