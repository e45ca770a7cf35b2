"""`navigator-obs trends` and `capacity`: their screens, their JSON, their exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.history import lately
from tests.history.summaries import write
from tests.history.test_capacity import SIZES, history
from tests.history.test_trends import runs


def test_a_step_is_told_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The statement, the table, exit code 1."""
    write(tmp_path, runs(*[8.0] * 12, *[14.0] * 4))
    assert main(["trends", "--runs-dir", str(tmp_path)]) == 1
    # Wherever a narrow terminal breaks the lines.
    out = " ".join(capsys.readouterr().out.split())
    assert "16 comparable runs of baseline" in out
    assert "▲ year: 8." in out
    assert "step with 20250818_000013-1a2b3c4d, 3 runs ago" in out


def test_an_unconfirmed_run_is_no_finding_for_a_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """One slow run is shown, and ends with 0."""
    write(tmp_path, runs(*[8.0] * 12, 14.0))
    assert main(["trends", "--runs-dir", str(tmp_path)]) == 0
    assert "unconfirmed" in capsys.readouterr().out


def test_trends_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Every series with its values and its changes."""
    write(tmp_path, runs(*[8.0] * 12, *[14.0] * 4))
    assert main(["trends", "year", "--json", "--runs-dir", str(tmp_path)]) == 1
    found = json.loads(capsys.readouterr().out)
    seconds = found["series"][0]
    assert (seconds["operation_path"], seconds["figure"], seconds["state"]) == ("year", "seconds", "step")
    assert seconds["changes"][0]["first_run"] == "20250818_000013-1a2b3c4d"


def test_too_few_runs_are_no_trend(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It says how many it takes, and ends with 0."""
    write(tmp_path, runs(8.0, 8.0))
    assert main(["trends", "--runs-dir", str(tmp_path)]) == 0
    assert "a trend takes 5" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["trends", "capacity"])
def test_without_runs_they_end_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str):
    """One line that says that there is nothing."""
    assert main([verb, "--runs-dir", str(tmp_path)]) == 2
    assert "there are no runs" in capsys.readouterr().err


def test_capacity_tells_what_a_larger_run_needs(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The plan, what is known, the needs with their interval and how they grow."""
    write(tmp_path, history(SIZES))
    assert main(["capacity", "--years", "10", "--rows", "20000", "--runs-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "plan   baseline · 10 years · 20,000 rows a year" in out
    assert "known  18 runs · 2 to 6 years · 2,000 to 10,000 rows a year" in out
    assert "2.0 times beyond the largest run" in out
    assert "peak memory" in out


def test_too_few_runs_are_no_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """It says so, and ends with 1."""
    write(tmp_path, history([(5, 2000)] * 2))
    assert main(["capacity", "--json", "--runs-dir", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["estimates"] == []


def said_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: bool) -> tuple[str, list[dict]]:
    """What the log has of the trend of a slow run, with its id, however slow the machine of this test is."""
    monkeypatch.setattr(lately, "LEAST_SECONDS", 60.0)
    monkeypatch.setattr(lately, "MOST_SECONDS", 60.0)
    places = {"log_dir": tmp_path / "logs", "runs_dir": tmp_path / "runs"}
    config = obs.configure(**places, console="off", run_report=False, **settings)
    with obs.start_run("baseline") as run:
        pass
    taken = dict(run.summary)
    seconds = taken["run_metadata"]["duration_seconds"]
    for number in range(1, 9):
        earlier = {**taken["run_metadata"], "run_id": f"20200101_00000{number}", "duration_seconds": seconds / 1000}
        write(config.runs_dir, [{**taken, "run_metadata": earlier}])
    with obs.start_run("baseline") as slow:
        pass
    obs.shutdown()
    lines = [json.loads(line) for line in config.log_path.read_text().splitlines()]
    return slow.run_id, [line for line in lines if line["logger"] == "navigator_obs.trend"]


def test_a_slower_run_says_so_at_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without being asked: a warning in the log that names the run."""
    run_id, said = said_at_its_end(tmp_path, monkeypatch)
    assert said
    assert said[0]["level"] == "WARNING"
    assert said[0]["of_run"] == run_id
    assert "Worse than before: the run: " in said[0]["message"]


def test_a_setting_keeps_the_end_of_a_run_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With `trend_report` off, a slow run warns of nothing."""
    assert said_at_its_end(tmp_path, monkeypatch, trend_report=False)[1] == []
