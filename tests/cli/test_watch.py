"""`navigator-obs watch`: a run under way, on a terminal and in lines."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main

SIMULATION = """
import sys, time, navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("baseline", years=[2025, 2026]):
    for year in (2025, 2026):
        with obs.context(year=year), obs.operation("year_simulation"):
            obs.get_logger("planwise").warning("attrition above plan")
            print(year, flush=True)
            sys.stdin.readline()
    if "fail" in sys.argv:
        raise SystemExit(3)
"""


@pytest.fixture
def simulation(recorder):
    """A simulation in another process that waits for a line after each year's work."""
    started = []

    def start(*arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-c", SIMULATION, *arguments]
        process = subprocess.Popen(
            command, cwd=recorder.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        started.append(process)
        assert process.stdout.readline() == "2025\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def go_on(process: subprocess.Popen) -> None:
    process.stdin.write("\n")
    process.stdin.flush()


def watch(root: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "navigator_obs", "watch", "--interval", "0.1", *arguments]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("arguments", "code", "status"), [((), 0, "success"), (("fail",), 1, "failed")])
def test_lines_tell_what_is_new_and_how_it_ended(recorder, simulation, arguments, code: int, status: str):
    """One line for each year, problem and status; the exit code tells the verdict."""
    process = simulation(*arguments)
    watching = watch(recorder.root, "--json")
    first = json.loads(watching.stdout.readline())
    assert (first["status"], first["years_completed"]) == ("running", [])
    go_on(process)
    while (told := json.loads(watching.stdout.readline()))["years_completed"] != [2025]:
        assert told["status"] == "running"
    go_on(process)
    rest = watching.communicate(timeout=300)[0].splitlines()
    assert json.loads(rest[-1])["status"] == status
    assert watching.returncode == code


@pytest.mark.parametrize(("terminal", "problem"), [("xterm", "attrition above plan"), ("dumb", "1 warning")])
def test_a_terminal_shows_one_screen_that_changes(recorder, simulation, terminal: str, problem: str):
    """The verdict, the bar and the open operation stand on the terminal while the run goes on; one that can't be drawn
    anew gets lines.
    """
    process = simulation()
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "LINES": "40", "TERM": terminal}
    command = [sys.executable, "-m", "navigator_obs", "watch", "--interval", "0.1"]
    watching = subprocess.Popen(command, cwd=recorder.root, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    seen = ""

    def wait_for(text: str) -> None:
        nonlocal seen
        deadline = time.monotonic() + 300
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 65536).decode(errors="replace")

    try:
        wait_for("0 of 2 years completed")
        wait_for("year_simulation")
        wait_for(problem)
        go_on(process)
        wait_for("1 of 2 years completed")
        go_on(process)
        wait_for("success")
        assert watching.wait(300) == 0
        assert ("\x1b" in seen) is (terminal == "xterm")
    finally:
        watching.kill()
        watching.wait()
        os.close(ours)


def test_a_run_that_is_over_is_told_once(recorder, monkeypatch, capsys):
    """Without a living run it is the last one; a name that is not there is a mistake."""
    monkeypatch.chdir(recorder.root)
    with obs.start_run("baseline"):
        pass
    assert main(["watch"]) == 0
    assert "baseline success" in capsys.readouterr().out
    assert main(["watch", "nobody"]) == 2
    assert "'nobody'" in capsys.readouterr().err


def test_ctrl_c_ends_the_watching_alone(recorder, simulation):
    """The run goes on, and the exit code is 0."""
    process = simulation()
    watching = watch(recorder.root)
    assert "running" in watching.stdout.readline()
    watching.send_signal(2)
    assert watching.wait(300) == 0
    watching.communicate()
    assert process.poll() is None


def test_it_waits_for_a_run_to_begin(recorder, simulation):
    """Also where another one has ended just before, or does not say yet which it is: that is not the one."""
    with obs.start_run("what-if"):
        pass
    (recorder.runs_dir / "20250818_143022-1a2b3c4d").mkdir()
    watching = watch(recorder.root, "--wait", "--json")
    process = simulation()
    first = json.loads(watching.stdout.readline())
    assert (first["name"], first["status"]) == ("baseline", "running")
    go_on(process)
    go_on(process)
    watching.communicate(timeout=300)
    assert watching.returncode == 0
