"""`navigator-obs recover`, and the commands that meet a dead run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

SIMULATION = """
import os, signal
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
with obs.start_run("baseline"):
    obs.get_logger("sim").info("acknowledged")
    os.kill(os.getpid(), signal.SIGKILL)
"""
PLACES = ("--runs-dir", "runs", "--log-dir", "logs")


@pytest.fixture
def killed(tmp_path):
    environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    done = subprocess.run([sys.executable, "-c", SIMULATION], cwd=tmp_path, check=False, env=environ)
    assert done.returncode == -signal.SIGKILL
    [directory] = (tmp_path / "runs").iterdir()
    return directory


def command(directory, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "navigator_obs", *arguments, *PLACES],
        cwd=directory.parent.parent, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout


def metadata(directory):
    return json.loads((directory / "summary.json").read_bytes())["run_metadata"]


def test_it_tells_what_it_found_and_finds_nothing_afterwards(killed):
    """A line for each dead run with its verdict, its confidence and why."""
    told = command(killed, "recover").splitlines()
    assert told[0].split() == ["RUN", "NAME", "STATUS", "CONFIDENCE", "REASON"]
    assert told[1].split()[:5] == [killed.name, "baseline", "crashed", "certain", "vanished:"]
    assert metadata(killed)["final"] is True
    assert command(killed, "recover") == "no dead runs in runs\n"
    assert json.loads(command(killed, "recover", "--json")) == []


@pytest.mark.parametrize("verb", [["runs"], ["show"], ["show", "baseline", "--json"]])
def test_the_first_command_that_meets_it_finalises_it(killed, verb):
    """And shows it as it stands then."""
    assert metadata(killed)["final"] is False
    assert "crashed" in command(killed, *verb)
    assert metadata(killed)["status"] == "crashed"


def test_what_it_had_staged_is_in_the_log(killed):
    """The events that it had acknowledged are written where they belong."""
    command(killed, "recover")
    lines = (killed.parent.parent / "logs" / "navigator.log").read_bytes().splitlines()
    messages = [json.loads(line)["message"] for line in lines]
    assert messages == ["Run started", "acknowledged"]
