"""Whatever stands in a journal, its run can be judged, listed and shown, and so can those beside it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.config import Config
from navigator_obs.history.diagnose import diagnose
from navigator_obs.history.store import History
from navigator_obs.outputs.text import render
from navigator_obs.runs.leavings import left_by
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read
from navigator_obs.runs.recovery import recover
from navigator_obs.runs.shapes import is_record
from navigator_obs.runs.verification import verify
from tests.damage import damage
from tests.on_disk import VALIDATOR


def told():
    """The records of a run that did a little of everything, and what else one may say."""
    log = obs.get_logger("planwise")
    with obs.start_run("baseline", params={"seed": 42}, years=[2025, 2026], tags=["nightly"], promise=30) as run:
        with obs.context(year=2025), obs.operation("year_simulation") as operation:
            operation.add_rows(5)
            obs.count("hires", 3, plan="A")
            log.warning("careful")
            obs.check("rows", 3, min=5)
            run.add_artifact("census.parquet", "backup")
            run.checkpoint(2025)
        with obs.operation("year_simulation"):
            run.summary
            records = [*read(run.directory / "journal.jsonl")]
    time = records[-1]["time"]
    more = [{"kind": "signal", "signal": "SIGTERM"}, {"kind": "fail", "reason": "no"}, {"kind": "torn?", "a": 1}]
    more += [{"kind": "degraded", "step": "debug events", "percent": 3.0}, {"kind": "stalled", "since": time}]
    return [*records, *({"time": time, **record} for record in more)]


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    root = tmp_path_factory.mktemp("told")
    obs.configure(log_dir=root / "logs", runs_dir=root / "runs", console="off", run_report=False)
    return told()


def test_what_the_toolkit_writes_is_a_record(records):
    """Each kind that a run writes has the shape that readers rely on."""
    assert {record["kind"] for record in records} > {"start", "issue", "check", "artifact", "tick", "operation"}
    assert all(map(is_record, records))


def look_at_all(directory, config):
    """As the commands do, one after the other; each reads the journal in its own way."""
    status_of(directory)
    left_by(directory)
    summary = recover(directory, config)
    history = History(directory.parent)
    assert [run.directory for run in history.list()] == [directory]
    render(history.get(directory.name).summary)
    diagnose(history.get(directory.name), history)
    verify(directory)
    return summary


# The same ones each time: who changes what reads records looks for more.
@settings(max_examples=150, derandomize=True)
@given(data=st.data())
def test_a_record_with_a_wrong_part_keeps_nobody_from_the_rest(records, data):
    """It counts as torn where nothing could be made of it; the run has a verdict."""
    found = list(records)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(found) - 1))
        found[at] = damage(data, found[at], times=1)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "runs" / "20250818_143022-1a2b3c4d"
        directory.mkdir(parents=True)
        lines = [json.dumps(record).encode() + b"\n" for record in found]
        (directory / "journal.jsonl").write_bytes(b"".join(lines))
        summary = look_at_all(directory, Config(runs_dir=directory.parent, log_dir=Path(folder) / "logs"))
    assert summary is None or summary["run_metadata"]["final"] is True


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("artifact", {"artifact": "census.parquet"}),
        ("signal", {"signal": 15}),
        ("start", {"evidence": {"oom_file": [1]}}),
        ("start", {"environment": {"git": [1]}}),
        ("start", {"tags": "nightly"}),
        ("tick", {"events": {"written": "x", "bytes": 0, "dropped": {}}}),
        ("tick", {"evidence": {"oom_kills": {"group": "7"}}}),
        ("tick", {"worker": 7}),
    ],
)
def test_a_record_of_which_nothing_can_be_made_is_counted_as_torn(records, tmp_path, kind, wrong):
    """The others tell what they tell."""
    directory = tmp_path / "runs" / "20250818_143022-1a2b3c4d"
    directory.mkdir(parents=True)
    found = [{**record, **wrong} if record["kind"] == kind else record for record in records]
    (directory / "journal.jsonl").write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in found))
    summary = look_at_all(directory, Config(runs_dir=directory.parent, log_dir=tmp_path / "logs"))
    VALIDATOR.validate(summary)
    assert summary["observability"]["torn_lines"] == sum(record["kind"] == kind for record in records)
    assert summary["run_metadata"]["status"] == ("crashed" if kind == "signal" else "terminated")
