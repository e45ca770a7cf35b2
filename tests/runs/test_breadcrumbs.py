"""What led to an error is read back from the log when it happens."""

from __future__ import annotations

import json

import pytest

import navigator_obs as obs
from navigator_obs.runs import breadcrumbs
from navigator_obs.runs.breadcrumbs import MAX_BREADCRUMBS, MAX_FIELDS, MAX_VALUE, before


def line(seq, run_id="run", process=7, **fields):
    return {
        "timestamp": "2025-01-01T00:00:00.000000Z",
        "level": "INFO",
        "message": f"event {seq}",
        "run_id": run_id,
        "logger": "planwise",
        "process": process,
        "seq": seq,
        **fields,
    }


def written(path, lines):
    path.write_text("".join(json.dumps(found, separators=(",", ":")) + "\n" for found in lines))
    return path


def seqs(found):
    return [int(crumb["message"].removeprefix("event ")) for crumb in found]


def test_a_run_tells_what_led_to_an_error(recorder):
    """The summary has the last events before the first occurrence, with their context and fields, and no warning's."""
    log = obs.get_logger("planwise")
    with pytest.raises(ZeroDivisionError), obs.start_run("baseline") as run, obs.context(year=2026):
        log.info("census loaded", rows=5)
        log.warning("few hires", hires=0)
        1 / 0
    [error] = run.summary["issues"]["errors"]
    told = [(crumb["message"], crumb.get("year"), crumb.get("rows")) for crumb in error["breadcrumbs"]]
    assert told == [("Run started", None, None), ("census loaded", 2026, 5), ("few hires", 2026, None)]
    assert run.summary["issues"]["warnings"][0]["breadcrumbs"] == []


def test_a_journal_has_what_its_summary_has(recorder):
    """A dead run's error tells what led to it, for the journal holds it."""
    with obs.start_run("baseline") as run:
        obs.get_logger().info("hiring")
        obs.get_logger().error("hiring failed")
    records = [json.loads(found) for found in (run.directory / "journal.jsonl").read_text().splitlines()]
    [issue] = [record for record in records if record["kind"] == "issue"]
    assert [crumb["message"] for crumb in issue["breadcrumbs"]] == ["Run started", "hiring"]


def test_only_what_came_before_in_this_run_and_process(tmp_path):
    """Other runs, other processes and what came after lead to nothing here; the newest ten are told, oldest first."""
    lines = [found for seq in range(30) for found in (line(seq), line(seq, run_id="other"), line(seq, process=8))]
    path = written(tmp_path / "navigator.log", lines)
    assert seqs(before(line(25), path)) == list(range(25 - MAX_BREADCRUMBS, 25))


def test_a_rotation_in_between_does_not_matter(tmp_path):
    """Where the live file has just begun, the last rotated one is read as well."""
    written(tmp_path / "navigator.log.1", [line(seq) for seq in range(8)])
    path = written(tmp_path / "navigator.log", [line(seq) for seq in range(8, 10)])
    assert seqs(before(line(10), path)) == list(range(10))


def test_large_events_are_told_short(tmp_path, monkeypatch):
    """Long values and many fields are cut; a line that is read from its middle on is passed over."""
    monkeypatch.setattr(breadcrumbs, "_TAIL_BYTES", 3000)
    many = {f"field_{number}": number for number in range(99)}
    path = written(tmp_path / "navigator.log", [line(1, words="x" * 3000), line(2, words="x" * 500, **many)])
    [crumb] = before(line(3), path)
    assert (len(crumb), len(crumb["words"])) == (4 + MAX_FIELDS, MAX_VALUE)


def test_without_a_log_there_are_none(tmp_path):
    """A log that is missing, or is no file, leads to no breadcrumbs and to no exception."""
    assert before(line(1), tmp_path / "navigator.log") == []
    assert before(line(1), tmp_path) == []
