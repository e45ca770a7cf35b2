"""`navigator-obs diagnose`: why a run failed, in one screen."""

from __future__ import annotations

import contextlib
import json
import re
import time

import pytest

import navigator_obs as obs
from navigator_obs.cli.diagnose import lines_of
from navigator_obs.cli.main import main
from navigator_obs.history.diagnose import diagnose
from navigator_obs.history.store import History


@pytest.fixture(autouse=True)
def _wide(monkeypatch):
    """Workers of the tests are told of a terminal of 80 columns."""
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def failed(recorder):
    for growth in (0.03, 0.3):
        try:
            with (
                obs.start_run("baseline", params={"growth": growth}, years=[2026]),
                obs.context(year=2026),
                obs.operation("year"),
            ):
                if growth > 0.1:
                    for number in range(30):
                        obs.get_logger().error("odd", number=number)
                    raise ValueError("x" * 900)
        except ValueError:
            pass
    return ["--runs-dir", str(recorder.runs_dir), "--log-dir", str(recorder.log_dir)]


def test_it_fits_one_screen(failed, recorder):
    """At most 25 lines of at most 100 columns, whatever the messages are."""
    history = History(recorder.runs_dir)
    lines = lines_of(diagnose(history.get("last"), history))
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("✗ baseline  failed")


def test_a_failure_is_a_finding(failed, capsys):
    """The exit code is 1, and the cause and the change are told."""
    assert main(["diagnose", *failed]) == 1
    told = capsys.readouterr().out
    assert "ValueError: xxx" in told
    assert "config growth: 0.03 → 0.3 (1 of 1 run with it failed, 0 of 1 without)" in told


def test_a_healthy_run_is_fine(failed, capsys):
    """The exit code is 0."""
    assert main(["diagnose", "last-success", *failed]) == 0
    assert "✓ baseline" in capsys.readouterr().out


def test_json(failed, capsys):
    """All of it as one document."""
    assert main(["diagnose", "--json", *failed]) == 1
    assert json.loads(capsys.readouterr().out)["causes"][0]["type"] == "ValueError"


def test_an_unknown_run_is_the_users_mistake(failed, capsys):
    """One line on stderr, exit code 2."""
    assert main(["diagnose", "nobody", *failed]) == 2
    assert "no run 'nobody'" in capsys.readouterr().err


def succeed(payroll=1.5e9, *, error=False):
    with obs.start_run("growth", years=[2026]), obs.context(year=2026), obs.operation("year"):
        obs.check("total_payroll", payroll, max=2e9)
        if error:
            obs.get_logger().error("the ledger did not close")


def told_of(recorder, capsys):
    code = main(["diagnose", "--runs-dir", str(recorder.runs_dir), "--log-dir", str(recorder.log_dir)])
    return code, capsys.readouterr().out


def test_the_first_run_is_not_called_healthy(recorder, capsys):
    """What is known is said, and what cannot be judged yet; after enough runs like it it can."""
    succeed()
    code, told = told_of(recorder, capsys)
    assert (code, "healthy" in told) == (0, False)
    assert "so far    it succeeded without errors, and all its checks passed" in told
    assert "not yet   whether it was slow, or its figures look wrong: that takes 3 earlier successes" in told
    assert "there are none" in " ".join(told.split())
    for _ in range(3):
        succeed()
    code, told = told_of(recorder, capsys)
    assert (code, "not yet" in told) == (0, False)
    assert "healthy   it succeeded, and its figures are where they were in the 3 runs before" in told


@pytest.mark.parametrize("before", [0, 3])
def test_failed_checks_are_never_healthy(recorder, capsys, before):
    """Whether or not they failed before as well: each is told, and how to see more of it."""
    for _ in range(before + 1):
        succeed(payroll=2.1e9)
    code, told = told_of(recorder, capsys)
    assert (code, "healthy" in told, told[0]) == (1, False, "?")
    assert "checks    did not pass: total_payroll: 2,100,000,000, valid: max 2,000,000,000 · year 2026" in told
    assert "navigator-obs checks 2" in told


def test_errors_of_a_first_success_are_told(recorder, capsys):
    """It went on after them; whether that is usual nobody knows yet."""
    succeed(error=True)
    code, told = told_of(recorder, capsys)
    assert (code, "healthy" in told) == (1, False)
    assert "errors    it went on after 1 error\n          the ledger did not close" in told
    assert "navigator-obs errors 2" in told


@pytest.mark.parametrize("width", [60, 80, 100])
def test_what_is_to_be_copied_stays_in_one_piece(failed, recorder, monkeypatch, capsys, width):
    """Prose keeps to the terminal's width; a command, a path and an id are never broken."""
    monkeypatch.setenv("COLUMNS", str(width))
    path = f"{recorder.root}/a-long-name-of-a-folder/with-a-file-in-it.parquet"
    for good in (True, False):
        with contextlib.suppress(FileNotFoundError), obs.start_run("paths"):
            if not good:
                raise FileNotFoundError(path)
    monkeypatch.chdir("/")
    assert main(["diagnose", *failed]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(path in line for line in lines)
    history = History(recorder.runs_dir)
    commands = [line[10:] for line in lines if "navigator-obs" in line]
    assert commands == list(diagnose(history.get("last"), history).next)
    pieces = (str(recorder.root)[1:], __file__)
    assert [line for line in lines if len(line) > width and not any(each in line for each in pieces)] == []


def test_times_are_those_of_the_readers_clock(recorder, monkeypatch, capsys):
    """As in the log on a console, and not those of UTC that stand in the files."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        with contextlib.suppress(KeyError), obs.start_run("clock"):
            obs.get_logger().info("hiring")
            raise KeyError("x")
        now = time.strftime("%H:", time.localtime())
        code, told = told_of(recorder, capsys)
        assert code == 1
        assert re.search(rf"trail +{now}\d\d:\d\d Run started\n", told)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_warning_that_comes_far_more_often_is_told_in_words(recorder, capsys):
    """How often, how often before, and how to see them."""
    for often in (1, 1, 1, 30):
        with obs.start_run("growth"):
            for _ in range(often):
                obs.get_logger("planwise").warning("attrition above plan")
    code, told = told_of(recorder, capsys)
    assert code == 1
    assert "suspect   30 times, and 1 in 3 runs before: attrition above plan" in told
    assert re.search(r"next      navigator-obs logs \S+ --level WARNING", told)
