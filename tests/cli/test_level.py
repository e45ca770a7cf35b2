"""`navigator-obs level`: a running simulation, in a process of its own, logs more or less when asked to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.runs import live_level
from tests.waiting import wait_for

SIMULATION = """
import multiprocessing, sys, time
import navigator_obs as obs

def work(_):
    while True:
        obs.get_logger("planwise.hiring").debug("considered", who="worker")
        time.sleep(0.02)

if __name__ == "__main__":
    obs.configure(console="off", run_report=False, levels={"mesa": "ERROR"})
    with obs.start_run("baseline", run_id="live"):
        pool = multiprocessing.get_context("spawn").Pool(1)
        pool.apply_async(obs.carry(work), (0,))
        print("started", flush=True)
        while not sys.stdin.closed:
            obs.get_logger("planwise").debug("considered", who="parent")
            obs.get_logger("mesa").debug("noise")
            obs.get_logger("planwise").info("simulated")
            time.sleep(0.02)
"""


@pytest.fixture
def simulation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "simulation.py").write_text(SIMULATION)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    process = subprocess.Popen(
        [sys.executable, "simulation.py"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == b"started\n"
        yield process
    finally:
        os.killpg(process.pid, 9)
        process.wait(timeout=300)
        process.stdin.close()
        process.stdout.close()


def logged(message, **fields):
    path = Path("logs/navigator.log")
    # A line may be under way.
    lines = path.read_bytes().rpartition(b"\n")[0].splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [e for e in found if e["message"] == message and fields.items() <= e.items()]


def test_a_running_simulation_logs_what_it_is_asked_to(simulation, capsys):
    """DEBUG comes from the run and its worker once it is asked for, from the loggers that it was asked of, and ends
    when it is taken back; the log says when.
    """
    wait_for(lambda: logged("simulated"))
    assert not logged("considered")
    assert main(["level", "live", "debug", "--logger", "planwise.hiring"]) == 0
    assert "live: logger planwise.hiring DEBUG" in capsys.readouterr().out
    wait_for(lambda: logged("considered", who="worker"))
    assert not logged("considered", who="parent")
    assert main(["level", "live", "DEBUG"]) == 0
    wait_for(lambda: logged("considered", who="parent"))
    assert logged("log levels changed", file_level="DEBUG")
    capsys.readouterr()
    assert main(["level", "live"]) == 0
    assert capsys.readouterr().out == "all loggers: DEBUG\nplanwise.hiring: DEBUG\n"
    assert main(["level", "live", "--json"]) == 0
    told = {"run_id": "live", "level": "DEBUG", "loggers": {"planwise.hiring": "DEBUG"}}
    assert json.loads(capsys.readouterr().out) == told
    assert main(["level", "live", "reset"]) == 0
    wait_for(lambda: len(logged("log levels changed", file_level="INFO", levels={})) >= 2)
    before = len(logged("considered"))
    mark = len(logged("simulated"))
    wait_for(lambda: len(logged("simulated")) > mark + 20)
    assert len(logged("considered")) == before
    assert not logged("noise")


def test_the_level_ends_with_the_run(recorder):
    """What was asked for holds for the run alone: afterwards the configured levels are back, and the file is gone."""
    log = obs.get_logger("planwise")
    with obs.start_run("baseline") as run:
        live_level.write(run.directory, {"": "DEBUG"})
        wait_for(lambda: log.is_enabled_for(10))
    assert not log.is_enabled_for(10)
    assert not (run.directory / live_level.NAME).exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["done", "DEBUG"], "only the level of a running one"),
        (["done", "DEBUGG"], "did you mean 'DEBUG'?"),
        (["nowhere", "DEBUG"], "nowhere"),
    ],
)
def test_what_cannot_be_is_refused(recorder, monkeypatch, capsys, arguments, complaint):
    """A run that has ended, a level that there is none of, and a run that does not exist: one line, exit code 2."""
    monkeypatch.chdir(recorder.root)
    obs.start_run("done", run_id="done").finish()
    assert main(["level", *arguments]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"": "LOUD"}', b'{"": 3}', b"\xff" * 100_000])
def test_nonsense_in_the_file_is_nothing(tmp_path, content):
    """Whatever stands in the file, no level comes of it that there is none of, and nothing raises."""
    (tmp_path / live_level.NAME).write_bytes(content)
    assert live_level.read(tmp_path) == {}
