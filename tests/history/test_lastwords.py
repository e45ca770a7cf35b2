"""What a run that never said how it ended was doing, by the last that it logged."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from navigator_obs.cli.main import main

KILLED_AT_ONCE = """
import os, signal
import navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("baseline"), obs.operation("simulate"), obs.operation("load_census", log=False):
    {last}
    os.kill(os.getpid(), signal.SIGKILL)
"""
LAST = {
    "an event": ("obs.get_logger().info('parsing', rows=3)", "simulate/load_census", "parsing"),
    "a warning": ("obs.get_logger().warning('odd row')", "simulate/load_census", "odd row"),
    "an operation": ("with obs.operation('parse'): pass", "simulate/load_census", "parse completed"),
}


@pytest.fixture(params=LAST)
def killed(request, tmp_path, monkeypatch):
    """A run that was killed before its first tick, the operation it was in and its last words."""
    act, path, words = LAST[request.param]
    code = KILLED_AT_ONCE.format(last=act)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False, capture_output=True)
    monkeypatch.chdir(tmp_path)
    return request.param, path, words


def test_a_run_that_was_killed_at_once_tells_what_it_was_doing(killed, capsys):
    """No tick had told what was open: the last event did, and `show` and `diagnose` do."""
    _, path, words = killed
    assert main(["diagnose"]) == 1
    told = capsys.readouterr().out
    assert f"crashed · in {path} · after" in told
    assert words in told
    assert main(["show"]) == 0
    shown = capsys.readouterr().out.partition("Last events\n")[2]
    assert words in shown.partition("\n\n")[0].splitlines()[-1]


def test_without_the_log_the_journal_tells_as_far_as_it_can(killed, capsys):
    """It has warnings and operations that were logged, and no plain events."""
    what, path, words = killed
    shutil.rmtree("logs")
    assert main(["diagnose"]) == 1
    told = capsys.readouterr().out
    is_known = what != "an event"
    assert (f"crashed · in {path} · after" in told, words in told) == (is_known, is_known)
