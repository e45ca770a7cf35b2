"""`navigator-obs errors`: each error of a run, once."""

from __future__ import annotations

import json
import re

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main


def simulate(fails: bool = True) -> str:
    run = obs.start_run("baseline")
    try:
        with run, obs.context(year=2027), obs.operation("year_simulation"):
            obs.get_logger("planwise").warning("attrition above plan", rate=0.21)
            for employee in range(8):
                obs.get_logger("planwise").error("no salary", employee=employee)
            if fails:
                raise ValueError("the workforce is empty")
    except ValueError:
        pass
    return run.run_id


@pytest.fixture
def call(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def run(*arguments: str) -> tuple[int, str, str]:
        recorder.lines()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_each_error_is_told_once_with_its_place(call):
    """Eight of a kind are one entry with a count; the exception comes with its year and the code that raised it."""
    simulate()
    code, out, _ = call("errors")
    assert code == 1
    assert out.count("no salary") == 1
    assert "8 times" in out
    assert "ValueError: the workforce is empty" in out
    assert "year 2027" in out
    assert "attrition" not in out
    assert "attrition above plan" in call("errors", "--warnings")[1]


def test_the_event_that_is_told_can_be_shown(call):
    """The id below an error leads `logs` to the event, and to what came before it."""
    run_id = simulate()
    event = re.findall(r"event (\d+-\d+)", call("errors")[1])[-1]
    _, out, _ = call("logs", run_id, "--id", event, "--json")
    assert json.loads(out)["exception"]["message"] == "the workforce is empty"
    around = call("logs", run_id, "--id", event, "-C", "2", "--json")[1].splitlines()
    assert [json.loads(line)["message"] for line in around][:2] == ["no salary"] * 2


def test_json_is_what_the_summary_holds(call, recorder):
    """The groups are those of `summary.json`."""
    run_id = simulate()
    summary = json.loads((recorder.runs_dir / run_id / "summary.json").read_bytes())
    assert json.loads(call("errors", "--warnings", "--json")[1]) == summary["issues"]


def test_a_run_without_errors_says_so_and_is_no_finding(call):
    """The exit code is 0 and stdout empty."""
    with obs.start_run("baseline") as run:
        pass
    assert call("errors") == (0, "", f"{run.run_id}: no errors\n")


def pay(employee, token):
    return employee / (len(token) - 14)


def test_variables_are_shown_where_they_were_recorded(call, recorder):
    """All functions in `errors`, the innermost one in `show`; a secret in neither."""
    recorder.configure(capture_locals=True)
    with pytest.raises(ZeroDivisionError), obs.start_run("payroll"):
        pay(7, "hunter2" * 2)
    _, shown, _ = call("errors")
    assert " with employee=7 · token=[redacted]" in shown
    assert "test_variables_are_shown_where_they_were_recorded:" in shown
    _, shown, _ = call("show")
    assert "with employee=7 · token=[redacted]" in shown
    assert "test_variables_are_shown" not in shown
