"""A summary that is damaged, or of another version, keeps nobody from the runs beside it."""

from __future__ import annotations

import contextlib
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.errors import ObsError
from navigator_obs.history.diagnose import diagnose
from navigator_obs.history.lately import degradations
from navigator_obs.history.lineage import lineage
from navigator_obs.history.store import History
from navigator_obs.outputs.text import render
from navigator_obs.runs.liveness import status_of
from tests.damage import damage


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of six runs of one program."""
    root = tmp_path_factory.mktemp("six")
    obs.configure(log_dir=root / "logs", runs_dir=root / "runs", console="off", run_report=False, trend_report=False)
    for number in range(6):
        with obs.start_run("baseline", params={"seed": number}, years=[2025], tags=["nightly"]) as run:
            with obs.context(year=2025), obs.operation("year_simulation") as operation:
                operation.add_rows(500 + number)
                obs.count("hires", 3, plan="A")
                obs.gauge("share", 0.5 + number)
                obs.observe("wait", 3.0)
            obs.check("rows", 3, min=5)
            run.add_artifact(root / "census.parquet", "input")
            obs.get_logger("planwise").error("the plan is empty", plan="B")
    obs.shutdown()
    return root / "runs"


def directories(runs):
    """The runs' folders, by the time of their start."""
    return sorted(path for path in runs.iterdir() if path.name[0].isdecimal())


def look_at_all(folder, directory):
    """As the commands do, one after the other; what can't be answered may be said to be so."""
    with contextlib.suppress(FileNotFoundError):
        (folder / ".index.sqlite").unlink()
    history = History(folder)
    assert len(history.list()) == 6
    for look in (
        lambda: status_of(directory),
        lambda: render(history.get(directory.name).summary),
        lambda: diagnose(history.get(directory.name), history).to_dict(),
        lambda: history.compare().to_dict(),
        lambda: history.trends().to_dict(),
        lambda: history.capacity(years=5),
        lambda: list(history.summaries()),
        lambda: lineage(history, directory.name),
        history.reindex,
    ):
        with contextlib.suppress(ObsError):
            look()


# The same ones each time: who changes what reads summaries looks for more.
@settings(max_examples=100, derandomize=True)
@given(data=st.data())
def test_a_summary_with_wrong_parts_keeps_nobody_from_the_rest(runs, data):
    """Whether it is the newest, the first, or one in between; all are listed."""
    directory = directories(runs)[data.draw(st.sampled_from([0, 3, 5]))]
    path, kept = directory / "summary.json", directory / "summary.kept"
    shutil.copy(path, kept)
    try:
        summary = damage(data, json.loads(kept.read_bytes()))
        path.write_text(json.dumps(summary))
        look_at_all(runs, directory)
        degradations(summary, directory, budget_seconds=5.0)
    finally:
        kept.replace(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\xff", b"null", b"{}"], ids=repr)
def test_a_summary_that_is_none_keeps_nobody_from_the_rest(runs, content):
    """A file that is empty, torn or something else."""
    path = directories(runs)[-1] / "summary.json"
    kept = path.read_bytes()
    try:
        path.write_bytes(content)
        look_at_all(runs, path.parent)
    finally:
        path.write_bytes(kept)
