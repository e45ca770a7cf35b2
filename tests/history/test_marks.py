"""Which runs of a list are slower than the ones before them."""

from __future__ import annotations

from pathlib import Path

from navigator_obs.history.lately import degradations
from navigator_obs.history.marks import Mark, marks
from navigator_obs.history.store import History
from tests.history.summaries import summary, write
from tests.history.test_trends import runs


def marked(folder: Path) -> list[str]:
    """The marks of the runs, the oldest first."""
    listed = History(folder).list()
    found = marks(listed, listed)
    return [str(found.get(run.run_id, "")) for run in reversed(listed)]


def test_the_runs_of_a_rise_are_marked(tmp_path: Path):
    """From its first run on, by how much; the runs before are not."""
    write(tmp_path, runs(*[8.0] * 12, *[14.0] * 4))
    found = marked(tmp_path)
    assert found[:12] == [""] * 12
    assert all(mark.startswith("▲ +6") for mark in found[12:])


def test_a_newest_slow_run_is_marked_as_unconfirmed(tmp_path: Path):
    """One run alone has another mark."""
    write(tmp_path, runs(*[8.0] * 12, 14.0))
    assert marked(tmp_path)[-1].startswith("△ +6")


def test_other_sizes_and_failed_runs_mark_nothing(tmp_path: Path):
    """A bigger run and one that failed early are no comparison."""
    odd = [summary(14, seconds=40.0, rows=4000), summary(15, seconds=90.0, status="failed")]
    write(tmp_path, [*runs(*[8.0] * 12), *odd])
    assert set(marked(tmp_path)) == {""}


def test_at_its_end_a_run_hears_of_a_step(tmp_path: Path):
    """The run and the operation, from the folders beside it; a failed run hears nothing."""
    history = runs(*[8.0] * 12, *[14.0] * 3)
    write(tmp_path, history)
    newest = history[-1]
    folder = tmp_path / newest["run_metadata"]["run_id"]
    assert {found.subject for found in degradations(newest, folder, budget_seconds=60)} == {"run", "year"}
    assert degradations({**newest, "run_metadata": {"status": "failed"}}, folder) == []
    assert degradations(newest, tmp_path / "nowhere" / "run") == []


def test_a_long_history_is_read_for_a_bounded_time(tmp_path: Path):
    """Without any time left, nothing is read and nothing told."""
    history = runs(*[8.0] * 12, *[14.0] * 3)
    write(tmp_path, history)
    folder = tmp_path / history[-1]["run_metadata"]["run_id"]
    assert degradations(history[-1], folder, budget_seconds=-1) == []


def test_a_run_is_held_against_those_before_it_alone(tmp_path: Path):
    """What came later, however slow, says nothing of a run that was as fast as those before it."""
    history = runs(*[8.0] * 9, *[14.0] * 9)
    write(tmp_path, history)
    fast, slow = history[8], history[11]
    folder = tmp_path / slow["run_metadata"]["run_id"]
    assert {found.subject for found in degradations(slow, folder, budget_seconds=60)} == {"run", "year"}
    assert degradations(fast, tmp_path / fast["run_metadata"]["run_id"], budget_seconds=60) == []


def test_a_mark_is_plain_values_for_programs():
    """What it is, and by how many percent."""
    assert Mark("unconfirmed", 1.318).to_dict() == {"state": "unconfirmed", "change_percent": 31.8}
    assert (str(Mark("drift", 1.32)), str(Mark("unconfirmed", 1.32))) == ("▲ +32%", "△ +32%")
