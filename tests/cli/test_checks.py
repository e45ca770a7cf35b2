"""`navigator-obs checks`: data quality."""

from __future__ import annotations

import json

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main


@pytest.fixture
def checks(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def call(*arguments: str, code: int = 0) -> tuple[str, str]:
        assert main(["checks", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out, captured.err

    return call


def test_all_checks_are_told_the_worst_first(checks):
    """A failed one makes exit code 1, and stands above those that passed."""
    with obs.start_run("baseline"):
        obs.check("headcount_gap", 0, max=0)
        obs.check("total_payroll", 3e9, max=2e9, severity="error")
    lines = checks(code=1)[0].splitlines()
    assert lines[2].split()[:2] == ["total_payroll", "fail"]
    assert lines[3].split()[:2] == ["headcount_gap", "pass"]
    assert [each["name"] for each in json.loads(checks("--failed", "--json", code=1)[0])] == ["total_payroll"]
    assert "headcount_gap" not in checks("--failed", code=1)[0]


def test_without_a_failure_there_is_no_finding(checks):
    """Exit code 0; a run without checks says so."""
    with obs.start_run("baseline"):
        obs.check("headcount_gap", 0, max=0)
    assert "headcount_gap" in checks()[0]
    assert "no checks that did not pass" in checks("--failed")[1]
    with obs.start_run("baseline"):
        pass
    assert "no checks" in checks()[1]
