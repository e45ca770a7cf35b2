"""The recipes for grep and jq do what they are for, as they are written, on the log of a real run."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "grep-and-jq.md").read_text(encoding="utf-8")
ERRORS = """grep '"level":"ERROR"' logs/navigator.log | jq '.message'"""
ONE_RUN = """grep '"run_id":"<id>"' logs/navigator.log | jq '.'"""
DURATIONS = """grep '"operation":"year_simulation"' logs/navigator.log | jq '.duration_seconds'"""
LIVE = """tail -f logs/navigator.log | jq '.'"""
STEADY = """
import itertools, time
import navigator_obs as obs

obs.configure(console="off")
for number in itertools.count():
    obs.get_logger("planwise").info("still running", number=number)
    time.sleep(0.05)
"""


@pytest.fixture(scope="module", autouse=True)
def _tools():
    """Leave the tests out where a tool is not installed, but not where all of them have to be."""
    missing = ", ".join(tool for tool in ("bash", "grep", "jq", "tail") if not shutil.which(tool))
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {missing}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the log of a demo that failed in 2027."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "navigator_obs", "demo", "--employees", "300", "--fail-in", "2027", "--quiet"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    return folder


def environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def shell(command: str, folder: Path) -> str:
    strict = ["bash", "-euo", "pipefail", "-c", command]
    return subprocess.run(strict, cwd=folder, capture_output=True, text=True, check=True).stdout


def log(folder: Path) -> list[dict]:
    lines = (folder / "logs" / "navigator.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("recipe", [ERRORS, ONE_RUN, DURATIONS, LIVE])
def test_the_page_has_the_recipe_as_it_is_tested(recipe: str):
    """What is tested here stands on the page, letter for letter."""
    assert f"```sh\n{recipe}\n```" in PAGE


def test_the_errors(demo: Path):
    """The messages of the ERROR events, and of no others."""
    found = [json.loads(line) for line in shell(ERRORS, demo).splitlines()]
    assert found == [event["message"] for event in log(demo) if event["level"] == "ERROR"] != []


def test_one_run(demo: Path):
    """All events of the run, whole."""
    [run_id] = os.listdir(demo / "artifacts" / "runs")
    printed = shell(ONE_RUN.replace("<id>", run_id), demo)
    assert len(re.findall(r"^{$", printed, flags=re.MULTILINE)) == len(log(demo))


def test_the_durations(demo: Path):
    """Numbers only: one for each simulated year, the failed one too."""
    assert [float(line) > 0 for line in shell(DURATIONS, demo).splitlines()] == [True, True, True]


def test_the_log_as_it_grows(tmp_path: Path):
    """New events appear while the program goes on."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "navigator.log").touch()
    ours, theirs = pty.openpty()
    running = [
        subprocess.Popen(command, cwd=tmp_path, env=environment(), start_new_session=True, stdout=output)
        for command, output in (
            (shlex.split(f"bash -c {shlex.quote(LIVE)}"), theirs),
            ([sys.executable, "-c", STEADY], None),
        )
    ]
    try:
        seen = ""
        while seen.count("still running") < 20:
            seen += os.read(ours, 65536).decode()
        assert running[1].poll() is None
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(ours)
        os.close(theirs)
