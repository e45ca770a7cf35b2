"""`navigator-obs compare`: its screen, its JSON, its exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from tests.history.summaries import operation, summary, write


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    slow = {"load": operation(2.0), "year": operation(12.0)}
    write(tmp_path, [summary(1), summary(2), summary(3, seconds=14.0, operations=slow)])
    return tmp_path


def run(runs_dir: Path, *arguments: str) -> int:
    return main(["compare", *arguments, "--runs-dir", str(runs_dir)])


def test_what_is_worse_is_told_and_ends_with_1(runs_dir: Path, capsys: pytest.CaptureFixture[str]):
    """The last run against its counterpart: the operation that moved, exit code 1."""
    assert run(runs_dir) == 1
    assert "▲  year took 8.00 s → 12.00 s (+50%)" in capsys.readouterr().out


def test_alike_runs_end_with_0(runs_dir: Path, capsys: pytest.CaptureFixture[str]):
    """Nothing is different, exit code 0."""
    assert run(runs_dir, "20250818_000001", "20250818_000002") == 0
    assert "nothing is different" in capsys.readouterr().out


def test_thresholds_decide_the_exit_code(runs_dir: Path, capsys: pytest.CaptureFixture[str]):
    """A wide threshold lets the regression pass, a narrow one names it."""
    assert run(runs_dir, "-t", "duration:50%") == 0
    assert run(runs_dir, "-t", "duration:5%,total@load:0%") == 1
    assert "duration: 10.00 s → 14.00 s (+40%), allowed duration:5%" in capsys.readouterr().out


def test_json_has_every_finding(runs_dir: Path, capsys: pytest.CaptureFixture[str]):
    """The same findings as plain values."""
    assert run(runs_dir, "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["before"] == "20250818_000002-1a2b3c4d"
    assert {"duration", "operation", "throughput"} <= {finding["kind"] for finding in found["findings"]}


@pytest.mark.parametrize("arguments", [("a", "b", "c"), ("nowhere",), ("-t", "speed:5%"), ("last", "nowhere")])
def test_wrong_use_ends_with_2(runs_dir: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]):
    """One line on stderr."""
    assert run(runs_dir, *arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_that_a_secret_changed_is_told_without_it(recorder, capsys):
    """Two runs with another password are not alike; two with the same one are."""
    ids = []
    for password in ("hunter2", "hunter2", "hunter3"):
        with obs.start_run("baseline", params={"db": {"password": password}, "seed": 1}) as made:
            pass
        ids.append(made.run_id)
    run(recorder.runs_dir, *ids[:2])
    assert "db.password" not in capsys.readouterr().out
    run(recorder.runs_dir, *ids[1:])
    out = capsys.readouterr().out
    assert "db.password is another secret" in out
    assert "hunter" not in out
