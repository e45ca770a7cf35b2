"""`navigator-obs slow`: where the time went."""

from __future__ import annotations

import json

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main


@pytest.fixture
def slow(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def call(*arguments: str) -> tuple[str, str]:
        assert main(["slow", *arguments]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    return call


def test_operations_are_listed_with_their_figures(slow):
    """The table and the JSON list tell the same operations in the same order."""
    with obs.start_run("baseline"):
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation"), obs.operation("hiring") as op:
                op.add_rows(10)
    found = json.loads(slow("--by", "total", "--json")[0])
    assert [each["operation_path"] for each in found] == ["year_simulation", "year_simulation/hiring"]
    assert found[1]["rows"] == 20
    lines = slow("--by", "total")[0].splitlines()
    assert lines[0] == "Operations by total time"
    assert [line.split()[0] for line in lines[2:4]] == ["year_simulation", "year_simulation/hiring"]
    assert "1 more: --limit" in slow("-n", "1")[0]


def test_a_run_without_operations_says_so(slow):
    """Nothing on stdout, a word on stderr."""
    with obs.start_run("baseline"):
        pass
    out, err = slow()
    assert out == ""
    assert "no operations" in err
