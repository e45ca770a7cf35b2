"""Where the report says that the record and the results are."""

from __future__ import annotations

import re
from pathlib import Path

import navigator_obs as obs
from navigator_obs.outputs.files import Places
from navigator_obs.outputs.text import render


def test_an_artifact_that_is_missing_is_said_to_be():
    """A file that was not there when it was recorded has no size, and the word for it."""
    summary = {"artifacts": [{"path": "out.parquet", "kind": "output", "bytes": None, "missing": True}]}
    assert re.search(r"output  out.parquet  missing", render(summary))


def test_the_report_lists_no_file_that_is_not_there(recorder, capsys):
    """A run for which no folder can be made says so at its end, and how its events can be had; so does one without a
    log.
    """
    (recorder.root / "taken").write_text("")
    for log_dir in ("logs", "taken/logs"):
        recorder.configure(run_report=True, runs_dir="taken/runs", log_dir=log_dir)
        with obs.start_run("baseline") as run:
            pass
        told = capsys.readouterr().err.partition("\nFiles\n")[2].splitlines()
        assert told[0] == f"  summary  none: nothing could be written in taken/runs/{run.run_id}"
        has_log = [["log", "logs/navigator.log"], ["events", f"navigator-obs logs --where run_id={run.run_id}"]]
        assert [line.split(maxsplit=1) for line in told[1:]] == (has_log if log_dir == "logs" else [])


def test_paths_and_commands_stay_in_one_piece():
    """However narrow the terminal is, they can be copied; other words that are too long are broken."""
    path = "/srv/data/planning/scenarios/baseline/2026/ledger-of-the-third-quarter.parquet"
    for reason in ("failed", "crashed"):
        metadata = {"status": reason, "status_reason": f"cannot open {path} for writing"}
        issue = {"message": f"cannot open {path} for writing {'x' * 90}", "first_time": "2025-08-18T14:30:22.123456Z"}
        found = {"run_metadata": metadata, "issues": {"errors": [issue] if reason == "failed" else []}}
        lines = render(found, width=60, places=Places(Path(path).parent / "runs" / "x")).splitlines()
        assert any(path in line for line in lines)
        assert all(path in line for line in lines if "ledger" in line)
        assert any(line.endswith("/baseline/2026/runs/x/summary.json") for line in lines)
        assert max(len(line) for line in lines if "/" not in line) <= 60


def test_a_run_that_went_wrong_says_how_to_learn_why(tmp_path):
    """Whoever finds the report in a log or a mail need not know the commands; a good run has nothing to tell."""
    for status, is_told in (("failed", True), ("crashed", True), ("partial", True), ("success", False)):
        shown = render({"run_metadata": {"name": "baseline", "status": status}}, places=Places(tmp_path / "r"))
        assert ("navigator-obs diagnose " in shown) is is_told
