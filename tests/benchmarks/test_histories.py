"""The benchmark of history: real runs, a real log, and whole commands over them."""

# ruff: noqa: RUF001 - a dash stands for nothing

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import histories, report, table
from navigator_obs.history.reader import read_events
from navigator_obs.history.store import History


def test_what_it_writes_is_what_the_package_reads(tmp_path: Path):
    """The runs are listed with their names and ends, and each line of the log is an event."""
    histories.write_runs(tmp_path / "runs", 20)
    runs = History(tmp_path / "runs").list()
    assert [run.status for run in runs].count("failed") == 2
    assert {run.name for run in runs} == {"baseline", "what-if", "stress"}
    histories.write_log(tmp_path / "logs", 2000)
    lines = [json.loads(line) for _, line in read_events(tmp_path / "logs" / "navigator.log")]
    assert len(lines) == 2000
    assert 0 < [line["level"] for line in lines].count("ERROR") < 20


@pytest.mark.skipif(not shutil.which("jq"), reason="needs jq")
def test_every_command_runs_and_is_told_beside_jq(monkeypatch):
    """No subject fails; those that read the log are set beside jq."""
    monkeypatch.setattr(histories, "RUNS", 5)
    monkeypatch.setattr(histories, "LINES", 3000)
    few = {name: histories.SUBJECTS[name] for name in (histories.BASE, histories.JQ, "navigator-obs logs, errors")}
    monkeypatch.setattr(histories, "SUBJECTS", few)
    results = histories.measure(1, lambda _: None)
    assert [result for result in results if "failure" in result] == []
    shown = table.render(report.build("history", {"rounds": 1}, results))
    line = next(line for line in shown.splitlines() if line.startswith("navigator-obs logs"))
    assert "–" not in line
