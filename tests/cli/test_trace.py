"""`navigator-obs trace`: a run's operations for trace viewers and flame graphs."""

from __future__ import annotations

import json
import stat

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main


@pytest.fixture
def root(recorder, monkeypatch):
    monkeypatch.chdir(recorder.root)
    with obs.start_run("baseline"):
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation"):
                for _ in range(3):
                    with obs.operation("counted", log="never"):
                        pass
    return recorder.root


def test_chrome_is_the_default_and_goes_to_stdout(root, capsys):
    """A JSON object with trace events; what was not logged is said beside it."""
    assert main(["trace"]) == 0
    printed = capsys.readouterr()
    events = json.loads(printed.out)["traceEvents"]
    assert [event["name"] for event in events if event["ph"] == "X"] == ["year_simulation"] * 2
    assert "6 operations were counted and not logged" in printed.err


def test_a_file_is_for_its_owner_and_its_viewer_is_named(root, capsys):
    """Nobody else may read it, as with all that a run leaves."""
    assert main(["trace", "last", "--format", "speedscope", "-o", "trace.json"]) == 0
    assert json.loads((root / "trace.json").read_text())["exporter"] == "navigator-obs"
    assert stat.S_IMODE((root / "trace.json").stat().st_mode) == 0o600
    assert "trace.json: open it in https://www.speedscope.app" in capsys.readouterr().err


def test_folded_stacks_have_all_operations(root, capsys):
    """A line for each path, also of those that were only counted."""
    assert main(["trace", "--format", "folded"]) == 0
    printed = capsys.readouterr()
    stacks = dict(line.rsplit(" ", 1) for line in printed.out.splitlines())
    assert set(stacks) == {"year_simulation", "year_simulation;counted"}
    assert printed.err == ""


def test_the_longest_are_kept_and_the_rest_is_said(root, capsys):
    """Bounded by --limit."""
    assert main(["trace", "--limit", "1"]) == 0
    printed = capsys.readouterr()
    assert sum(event["ph"] == "X" for event in json.loads(printed.out)["traceEvents"]) == 1
    assert "left out the 1 shortest operations" in printed.err


@pytest.mark.parametrize("arguments", [["nope"], ["--format", "svg"], ["-o", "missing/trace.json"], ["--limit", "0"]])
def test_a_mistake_is_one_line(root, capsys, arguments):
    """It names the value, and nothing is written to stdout."""
    assert main(["trace", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 1
    assert arguments[-1] in printed.err
