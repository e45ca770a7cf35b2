from __future__ import annotations

import json

import pytest

from benchmarks import __main__ as command
from benchmarks import roster

SMALL = ["event", "--rounds", "1", "--events", "100", "--batch", "50"]


def test_the_event_benchmark_measures_verifies_and_compares(tmp_path, capfd):
    """A tiny run measures each peer in a process of its own, finds every event kept and compares with itself."""
    saved = tmp_path / "old.json"
    assert command.main([*SMALL, "--peer", "recipe", "--json", str(saved)]) == 0
    report = json.loads(saved.read_text())
    assert [result["peer"] for result in report["results"]] == [
        "floor",
        "structlog, recipe",
        "structlog, recipe + caller",
    ]
    for result in report["results"]:
        assert result["verdict"]["kept"], result["verdict"]["examples"]
        assert set(result["figures"]) == {"info", "below", "error"}
    assert command.main([*SMALL, "--peer", "recipe", "--compare", str(saved)]) == 0
    assert "against 20" in capfd.readouterr().out


def test_a_peer_that_is_not_installed_is_skipped_with_a_line(monkeypatch, capfd):
    """The rest is measured, and the table says what was left out and why."""
    monkeypatch.setattr(roster.find("loguru"), "modules", ("no_such_library",))
    assert command.main([*SMALL, "--peer", "loguru"]) == 0
    assert "skipped: loguru (not installed: no_such_library)" in capfd.readouterr().out


def test_a_peer_that_fails_is_named_with_its_error(tmp_path, monkeypatch, capfd):
    """A peer whose process dies does not take the benchmark with it."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    broken = tmp_path / "structlog.py"
    broken.write_text("raise ImportError('planted')")
    monkeypatch.setattr("benchmarks.runner.environment", lambda: _environment_with(tmp_path))
    assert command.main([*SMALL, "--peer", "recipe"]) == 0
    assert "failed: structlog, recipe (ImportError: planted)" in capfd.readouterr().out


def _environment_with(folder):
    import os

    from benchmarks.runner import ROOT

    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


def test_a_file_to_compare_that_is_none_of_ours_ends_in_one_line(tmp_path, capfd):
    """A wrong file is a user's mistake: one line on stderr, exit code 2, nothing measured."""
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[]")
    with pytest.raises(SystemExit) as ended:
        command.main([*SMALL, "--compare", str(wrong)])
    assert ended.value.code == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_the_design_that_this_was_started_from_is_measured_beside(tmp_path):
    """Each of its operations is found with its figures, in a file that the benchmark reads back."""
    saved = tmp_path / "operation.json"
    assert command.main(["operation", *SMALL[1:], "--peer", "PerformanceMonitor", "--json", str(saved)]) == 0
    base, seed = json.loads(saved.read_text())["results"]
    assert base["peer"] == "perf_counter pair"
    assert seed["verdict"]["kept"]
    assert seed["figures"]["operation"]["cheapest_us"] > base["figures"]["operation"]["cheapest_us"]
