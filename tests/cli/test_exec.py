"""`navigator-obs exec`: the parent that knows how a run's process ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from navigator_obs.history.store import History

SIMULATION = """
import os, signal, sys, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="elsewhere", console="off", run_report=False)
with obs.start_run("baseline"):
    with obs.operation("year_simulation"):
        print("ready", flush=True)
        {act}
"""


def start(folder, act, *, wrap=(), stdin=None):
    environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    command = [sys.executable, "-c", SIMULATION.format(act=act)]
    return subprocess.Popen(
        [sys.executable, "-m", "navigator_obs", "exec", "--", *wrap, *command], cwd=folder, env=environ, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(folder, act, **settings):
    process = start(folder, act, **settings)
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors, History(folder / "elsewhere").get()


@pytest.mark.parametrize(
    ("act", "code", "status", "reason"),
    [
        ("os._exit(9)", 9, "crashed", "exit: the process ended with exit code 9"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 137, "crashed", "killed: SIGKILL"),
        ("pass", 0, "success", ""),
        ("sys.exit(3)", 3, "failed", "sys.exit(3)"),
    ],
)
def test_it_tells_a_kill_from_an_exit(tmp_path, act, code, status, reason):
    """What nobody else can tell apart; the command's exit code is passed on, and a dead run is told on stderr."""
    seen, errors, run = ended(tmp_path, act)
    assert seen == code, errors
    assert (run.status, (run.status_reason or "").startswith(reason), run.final) == (status, True, True)
    assert (f"run {run.run_id} crashed: {reason}" in errors) is (status == "crashed")


def test_the_parent_of_a_parent_does_not_claim_to_know(tmp_path):
    """A shell in between sees the end of the run's process, and `exec` only that of the shell."""
    code, _, run = ended(tmp_path, "os._exit(9)", wrap=("sh", "-c", '"$@"; exit 0', "sh"))
    assert (code, run.status, run.status_reason.split(":")[0]) == (0, "crashed", "vanished")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(tmp_path, number):
    """The command is asked to end, and does in order; `exec` waits for it."""
    process = start(tmp_path, "time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert History(tmp_path / "elsewhere").get().status == {15: "terminated", 2: "interrupted"}[number]


def test_a_dead_watcher_watches_nobody(tmp_path):
    """Where `exec` itself was killed, the run is finalised by the next command, as any other."""
    process = start(tmp_path, "time.sleep(60)")
    assert process.stdout.readline() == "ready\n"
    directory = History(tmp_path / "elsewhere").get().directory
    pid = json.loads((directory / "summary.json").read_bytes())["run_metadata"]["pid"]
    for victim in (process.pid, pid):
        os.kill(victim, signal.SIGKILL)
    process.communicate(timeout=300)
    deadline = time.monotonic() + 300
    while History(tmp_path / "elsewhere").get().status == "running" and time.monotonic() < deadline:
        time.sleep(0.02)
    listed = subprocess.run(
        [sys.executable, "-m", "navigator_obs", "runs", "--json", "--runs-dir", "elsewhere"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    [run] = json.loads(listed.stdout)
    assert run["status"] == "crashed"
    assert json.loads((directory / "summary.json").read_bytes())["run_metadata"]["final"] is True


@pytest.mark.parametrize(("command", "code"), [(["no-such-command"], 127), (["/"], 126), ([], 2)])
def test_what_can_t_be_started_is_said_in_a_line(tmp_path, command, code):
    """With the exit codes of a shell."""
    done = subprocess.run(
        [sys.executable, "-m", "navigator_obs", "exec", *command], cwd=tmp_path, check=False, capture_output=True
    )
    assert done.returncode == code
    assert done.stderr.count(b"\n") == 1
