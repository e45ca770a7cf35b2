"""`navigator-obs lineage`: the attempts of a simulation, and what runs within them."""

from __future__ import annotations

import pytest

import navigator_obs as obs
from navigator_obs.cli.lineage import lines
from navigator_obs.cli.main import main
from navigator_obs.history.lineage import lineage
from navigator_obs.history.store import History


@pytest.fixture
def attempts(recorder, monkeypatch):
    """A simulation that failed in its second year and was resumed; a stage ran within it."""
    monkeypatch.chdir(recorder.root)
    with pytest.raises(ValueError, match="no hires"), obs.start_run("baseline", years=[2025, 2026]) as first:
        obs.start_run("stage").finish()
        first.checkpoint(2025)
        raise ValueError("no hires are left in any of the departments that were asked for")
    with obs.start_run("baseline", years=[2025, 2026], resume_from=first.run_id) as second:
        second.checkpoint(2026)
    return History(recorder.runs_dir)


def test_attempts_and_the_runs_within_them_are_told(attempts, capsys):
    """A line for each attempt with where it went on and why it ended, then the sum, then the runs within."""
    assert main(["lineage"]) == 0
    title, first, second, told, _, heading, _, stage = capsys.readouterr().out.splitlines()
    assert title.split() == ["ATTEMPT", "RUN", "STATUS", "DURATION", "LOST", "YEARS", "RESUMED", "AT", "REASON"]
    assert first.endswith("ValueError: no hires are left in any of the departments that were asked for")
    assert second.endswith("after 2025")
    assert told.startswith("2 attempts: success; ")
    assert heading == "1 run within"
    assert "stage" in stage


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_wraps_in_a_terminal(attempts, width):
    """Columns go, and reasons are cut, until each attempt has a line of its own."""
    told = list(lines(lineage(attempts, "last"), width))
    assert max(map(len, told)) <= width
    assert told[0].split()[:3] == ["ATTEMPT", "RUN", "STATUS"]


def test_an_attempt_that_lost_nothing_says_so(recorder, monkeypatch, capsys):
    """One that was never resumed has thrown nothing away."""
    monkeypatch.chdir(recorder.root)
    obs.start_run("baseline").finish()
    assert main(["lineage"]) == 0
    assert "nothing lost" in capsys.readouterr().out
