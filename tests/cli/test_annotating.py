"""`navigator-obs tag`, `pin`, `baseline`, `note` and `ack`."""

from __future__ import annotations

import json
import re

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.runs.annotations import read_records


@pytest.fixture
def call(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def run(*arguments: str, code: int = 0) -> str:
        assert main(list(arguments)) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    return run


@pytest.fixture
def failed(recorder) -> str:
    run = obs.start_run("baseline", tags=["nightly"])
    with pytest.raises(ValueError, match="empty"), run:
        raise ValueError("the workforce is empty")
    return run.run_id


def test_tags_are_added_taken_away_and_listed(call, failed: str, recorder):
    """The list of runs and the run itself tell them at once; those of the run itself can be taken away, too."""
    assert call("tag", "last", "slow", "census-2025") == f"{failed}: nightly, slow, census-2025\n"
    assert json.loads(call("runs", "--tag", "slow", "--json"))[0]["tags"] == ["nightly", "slow", "census-2025"]
    assert call("tag", "last", "nightly", "--remove") == f"{failed}: slow, census-2025\n"
    assert json.loads(call("tag", "baseline", "--json")) == ["slow", "census-2025"]
    assert json.loads(call("runs", "--tag", "nightly", "--json")) == []


def test_a_run_is_made_the_baseline_of_its_name(call, recorder):
    """Whatever ran since, a run is compared with that one, until it is a run like others again."""
    first, second, third = (obs.start_run("what-if") for _ in range(3))
    for run in (first, second, third):
        run.finish()
    assert call("baseline", first.run_id) == f"{first.run_id}: the baseline of what-if\n"
    history = obs.History(recorder.runs_dir)
    assert history.compare().before == first.run_id
    assert call("runs", "--columns", "marks").split() == ["MARKS", "baseline"]
    call("baseline", first.run_id, "--remove")
    assert history.compare().before == second.run_id


def test_a_failure_is_acknowledged_and_a_run_pinned(call, failed: str, recorder):
    """Both are told in the list and by `show`; nothing that the run recorded has changed."""
    directory = recorder.runs_dir / failed
    before = {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}
    call("ack", "last", "known:", "an", "empty", "census")
    call("pin", "last")
    run = json.loads(call("runs", "--json"))[0]
    assert (run["pinned"], run["acknowledged"]) == (True, True)
    shown = call("show")
    assert re.search(r"acknowledged it: known: an empty census", shown)
    assert "pinned, acknowledged" in shown
    call("pin", "last", "--remove")
    assert json.loads(call("runs", "--json"))[0]["pinned"] is False
    after = {path.name: path.read_bytes() for path in directory.iterdir() if path.name in before}
    assert after == before


def test_notes_are_told_with_time_and_author(call, failed: str, recorder):
    """Without a text, `note` prints what was said so far."""
    assert "nothing was said" in call("note", "last")
    told = call("note", "last", "rerun", "with", "the", "new", "census")
    assert told.endswith(": rerun with the new census\n")
    (record,) = json.loads(call("note", "last", "--json"))
    assert record["kind"] == "note"
    assert record["by"]
    assert read_records(recorder.runs_dir / failed) == [record]
    assert "rerun with the new census" in call("runs", "--columns", "run,note")


def test_only_failures_that_are_over_are_acknowledged(call, recorder):
    """A success has none, and a living run may yet end well."""
    with obs.start_run("baseline") as run:
        assert "is running" in call("ack", "last", code=2)
    assert f"run {run.run_id} succeeded" in call("ack", "last", code=2)
    assert read_records(recorder.runs_dir / run.run_id) == []
