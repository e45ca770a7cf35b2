"""What lies in a run's folder while it lives is the run's own, and goes when it has said how it ended."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from navigator_obs.config import Config
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.recovery import recover

HEAD = """
import asyncio, ctypes, faulthandler, os, signal, sys, threading, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
"""


def start(folder, body, *arguments, **settings):
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("NAVIGATOR_OBS", "PYTHONFAULT"))}
    return subprocess.Popen(
        [sys.executable, *arguments, "-c", HEAD + body], cwd=folder, env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings,
    )  # fmt: skip


def ended(folder, body, *arguments):
    process = start(folder, body, *arguments)
    output, errors = process.communicate(timeout=300)
    return process.returncode, output, errors


def only_run(folder):
    [directory] = (folder / "runs").iterdir()
    return directory


def finalised(folder):
    directory = only_run(folder)
    recover(directory, Config(runs_dir=folder / "runs", log_dir=folder / "logs"))
    return json.loads((directory / "summary.json").read_bytes())


def test_a_child_s_death_is_no_evidence_against_the_run(tmp_path):
    """A forked child that is hit by a signal or a fault writes nothing into the run's folder."""
    code, _, errors = ended(tmp_path, """
with obs.start_run("baseline") as run:
    for die in (lambda: os.kill(os.getpid(), signal.SIGTERM), lambda: ctypes.string_at(0)):
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGUSR1, lambda *_: None)
            os.kill(os.getpid(), signal.SIGUSR1)
            die()
            os._exit(1)
        os.waitpid(child, 0)
    assert (run.directory / "fault.log").read_bytes() == b""
    assert (run.directory / ".signals").read_bytes().strip(b"\\0") == b""
""")  # fmt: skip
    assert code == 0, errors
    assert not (only_run(tmp_path) / "fault.log").exists()
    assert not (only_run(tmp_path) / ".signals").exists()


def test_a_program_s_own_faulthandler_stays(tmp_path):
    """It has one file in a process; then a fault is told by nobody but the parent."""
    code, _, errors = ended(tmp_path, """
with obs.start_run("baseline"):
    ctypes.string_at(0)
""", "-X", "faulthandler")  # fmt: skip
    assert code == -signal.SIGSEGV
    assert "Segmentation fault" in errors
    assert finalised(tmp_path)["run_metadata"]["status_reason"].startswith("vanished")


def test_faulthandler_is_disabled_again_after_the_run(tmp_path):
    """The process is left as it was."""
    code, output, errors = ended(tmp_path, """
with obs.start_run("baseline"):
    print(faulthandler.is_enabled())
print(faulthandler.is_enabled(), signal.set_wakeup_fd(-1))
""")  # fmt: skip
    assert code == 0, errors
    assert output.split() == ["True", "False", "-1"]


def test_an_event_loop_is_woken_by_signals_all_the_same(tmp_path):
    """asyncio wants the interpreter's one place for itself, before the run or within it."""
    body = """
async def main():
    got = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, got.set)
    with obs.start_run("inside"):
        os.kill(os.getpid(), signal.SIGUSR1)
        await asyncio.wait_for(got.wait(), 300)
    got.clear()
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 300)
with obs.start_run("around"):
    asyncio.run(main())
asyncio.run(main())
"""
    code, _, errors = ended(tmp_path, body)
    assert code == 0, errors


def test_a_fault_within_an_inner_run_is_told_of_both(tmp_path):
    """The process has one fault.log, that of the outer run; the inner one knows where it is."""
    ended(tmp_path, """
with obs.start_run("outer"), obs.start_run("inner"):
    ctypes.string_at(0)
""")  # fmt: skip
    assert len(list((tmp_path / "runs").iterdir())) == 2
    for directory in (tmp_path / "runs").iterdir():
        assert status_of(directory)["status_reason"].startswith("segfault"), directory


@pytest.mark.torture
@pytest.mark.parametrize("attempt", range(8))
def test_what_was_acknowledged_survives_a_kill_at_any_instant(tmp_path, attempt):
    """Each checkpoint that was told to the parent is in the recovered summary."""
    process = start(tmp_path, """
told = os.open("told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with obs.start_run("baseline") as run:
    print("ready", flush=True)
    for year in range(9000):
        with obs.context(year=year), obs.operation("year_simulation", log=False):
            pass
        run.checkpoint(year)
        os.write(told, b"%d\\n" % year)
    time.sleep(60)
""")  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(attempt).uniform(0.0, 1.5))
    process.kill()
    process.communicate(timeout=300)
    told = [int(line) for line in (tmp_path / "told").read_bytes().splitlines()]
    kept = set(finalised(tmp_path)["execution_summary"]["years_completed"])
    assert set(told) <= kept
    assert len(kept - set(told)) <= 1
