"""A run that lives and is not heard of says so, wherever one looks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from navigator_obs.cli.main import main
from navigator_obs.history import silence

SIMULATION = """
import time
import navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("baseline", years=range(2025, 2100)):
    for year in obs.track(range(2025, 2100), "year_simulation"):
        print(year, flush=True)
        time.sleep(0.2)
"""


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """The process of a run that was stopped, as by Ctrl-Z, longer ago than a silence takes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(silence, "LEAST_SECONDS", 0.3)
    with subprocess.Popen([sys.executable, "-c", SIMULATION], stdout=subprocess.PIPE, text=True) as process:
        while process.stdout.readline() != "2028\n":
            pass
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(0.5)
        yield process
        process.kill()


def test_a_stopped_process_is_not_said_to_run_well(stopped, capsys):
    """Nor is any time left told, which goes by as it stands; what to look at is."""
    assert main(["show"]) == 0
    shown = capsys.readouterr().out
    assert "s, not even a tick: its process is stopped, or C code keeps Python" in " ".join(shown.split())
    assert " left" not in shown
    assert main(["diagnose"]) == 1
    told = capsys.readouterr().out
    assert told.startswith("? baseline  running · for ")
    assert "reason    no word for " in told
    assert f"next      ps -o pid,stat,etime,args -p {stopped.pid}\n" in told


def test_one_that_is_heard_of_runs(stopped, capsys, monkeypatch):
    """A tick is a second old at most; a busy machine may delay some."""
    monkeypatch.setattr(silence, "LEAST_SECONDS", 60.0)
    assert main(["diagnose"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("✓ baseline  running · for ")
    assert "no word" not in told
