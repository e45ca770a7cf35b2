"""Summaries of earlier schema versions are read as those of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from navigator_obs.history.store import History
from navigator_obs.outputs.text import render
from navigator_obs.runs.files import SCHEMA_VERSION
from navigator_obs.runs.migration import migrated, version_of
from navigator_obs.runs.summary import fold

FIRST = {
    "run_metadata": {
        "run_id": "20240101_120000-old",
        "start_time": "2024-01-01T12:00:00Z",
        "end_time": "2024-01-01T12:01:00Z",
        "duration_seconds": 60.0,
        "status": "completed",
    },
    "configuration": {"seed": 42},
    "execution_summary": {"total_errors": 1, "backup_created": True},
    "performance_metrics": {
        "hiring": {"duration": 2.5, "memory_delta": 3.0, "status": "success", "timestamp": "2024-01-01T12:00:30Z"}
    },
    "issues": {"errors": [{"message": "no salary", "timestamp": "2024-01-01T12:00:10Z"}], "warnings": ["attrition"]},
}


@pytest.fixture
def history(tmp_path: Path) -> History:
    for name, indent in (("pretty", 2), ("dense", None)):
        directory = tmp_path / name
        directory.mkdir()
        told = {**FIRST, "run_metadata": {**FIRST["run_metadata"], "run_id": name}}
        (directory / "summary.json").write_text(json.dumps(told, indent=indent))
    return History(tmp_path)


def test_a_run_of_the_first_version_is_listed_and_shown(history: History):
    """Its status is one of today's, its figures are there, and its file stays as it was."""
    before = (history.runs_dir / "pretty" / "summary.json").read_bytes()
    for run in history.list():
        assert (run.status, run.final, run.duration_seconds, run.errors) == ("success", True, 60.0, 1)
        assert run.summary["performance_metrics"]["hiring"]["total_seconds"] == 2.5
        assert run.summary["configuration"]["params"] == {"seed": 42}
        assert [issue["message"] for issue in run.summary["issues"]["warnings"]] == ["attrition"]
        assert "hiring" in json.dumps(run.summary)
        assert "no salary" in render(run.summary)
    assert (history.runs_dir / "pretty" / "summary.json").read_bytes() == before


def test_todays_summary_is_passed_on_as_it_is():
    """Nothing is copied or changed."""
    summary = fold([])
    assert migrated(summary) is summary
    assert version_of(summary) == SCHEMA_VERSION


@pytest.mark.parametrize("version", [SCHEMA_VERSION + 1, 99])
def test_a_later_version_is_read_as_far_as_it_is_known(version: int):
    """What this version does not know is passed over, not refused."""
    summary = {**fold([]), "schema_version": version, "something_new": 1}
    assert migrated(summary) is summary
    assert render(summary)


@pytest.mark.parametrize(
    "damaged",
    [{}, {"run_metadata": 7}, {"performance_metrics": []}, {"issues": {"errors": 3}}, {"schema_version": "x"}],
)
def test_whatever_is_missing_or_odd_does_not_raise(damaged: dict):
    """As much as there is."""
    assert migrated(damaged)["schema_version"] == 1


@pytest.mark.parametrize(
    ("told", "status"), [("COMPLETED", "success"), ("failed", "failed"), ("exploded", "failed"), (None, "running")]
)
def test_statuses_become_those_of_today(told: str | None, status: str):
    """A word that is not known is no success."""
    assert migrated({"run_metadata": {"status": told}})["run_metadata"]["status"] == status
