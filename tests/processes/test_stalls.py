"""A run that misses its promise is stalled, and says where it stood, before anybody looks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from navigator_obs.history.store import History
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read
from tests.on_disk import VALIDATOR
from tests.waiting import wait_for

HEAD = """
import itertools, os, sys, threading, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
log = obs.get_logger("sim")

def wait_for_a_lock():
    while not os.path.exists("go"):
        time.sleep(0.01)

def hold_the_gil():
    sum(itertools.repeat(1, 10**15))
"""
STALLING = """
with obs.start_run("baseline", promise=1) as run:
    with obs.context(year=2026), obs.operation("year_simulation"):
        print("ready", flush=True)
        {what}()
    with obs.operation("after"):
        pass
"""


@pytest.fixture
def simulation(tmp_path):
    started = []

    def start(what):
        environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
        process = subprocess.Popen(
            [sys.executable, "-c", HEAD + STALLING.format(what=what)],
            cwd=tmp_path, env=environ, text=True, stdout=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        [directory] = (tmp_path / "runs").iterdir()
        return process, directory

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_stacks_and_open_operations_are_written_when_it_stalls(tmp_path, simulation):
    """The status says so while it lasts; once there is progress, it runs again, and the summary has counted it."""
    process, directory = simulation("wait_for_a_lock")
    wait_for(lambda: (status_of(directory)["status_reason"] or "").startswith("no progress since "))
    assert status_of(directory)["status"] == "stalled"
    assert "in wait_for_a_lock" in (directory / "stacks.log").read_text()
    [told] = [record for record in read(directory / "journal.jsonl") if record["kind"] == "stalled"]
    assert [found["path"] for found in told["open_operations"]] == ["year_simulation"]
    assert told["stacks"][0]["thread"] == "MainThread"
    assert History(tmp_path / "runs").list(status="stalled")[0].directory == directory
    (tmp_path / "go").touch()
    process.communicate(timeout=300)
    summary = json.loads((directory / "summary.json").read_bytes())
    VALIDATOR.validate(summary)
    assert (summary["run_metadata"]["status"], summary["execution_summary"]["stalls"]) == ("success", 1)
    assert summary["execution_summary"]["stalled_seconds"] >= 1
    [issue] = summary["issues"]["warnings"]
    assert issue["message"] == "Run stalled"


def test_c_code_that_holds_the_gil_does_not_hide_a_stall(simulation):
    """The interpreter's own timer writes the stacks; a reader sees that not even a tick has come."""
    process, directory = simulation("hold_the_gil")
    stacks = directory / "stacks.log"
    wait_for(lambda: stacks.exists() and "in hold_the_gil" in stacks.read_text())
    wait_for(lambda: status_of(directory)["status"] == "stalled")
    assert "C code" in status_of(directory)["status_reason"]
    assert process.poll() is None
