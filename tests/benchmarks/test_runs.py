"""`python -m benchmarks run`: what a run costs, a record in it, and recovering one that was killed."""

from __future__ import annotations

import pytest

from benchmarks import report, runs, table


@pytest.fixture
def small(monkeypatch):
    """A roster that a test has time for: our own, and a library that nobody has."""
    monkeypatch.setattr(runs, "RECORDS", 300)
    monkeypatch.setattr(runs, "RUNS", 2)
    monkeypatch.setattr(runs, "BATCHES", 1)
    module, body, _ = runs.SUBJECTS[runs.BASE]
    unlinked = (module, runs.UNLINKED, 20)
    subjects = {runs.BASE: (module, body, 20), "alone": unlinked, "nobody's": ("no_such_library", "", 1)}
    monkeypatch.setattr(runs, "SUBJECTS", subjects)


def test_each_case_is_measured(small):
    """Start and end, a record, and the recovery of all records of a killed run; what is not installed is said."""
    results = runs.measure(1, lambda _: None)
    ours, alone, other = results
    assert set(ours["figures"]) == {"first", "run", "record", "recovery"}
    assert set(alone["figures"]) == {"record"}
    assert all(case["cheapest_us"] > 0 for case in ours["figures"].values())
    assert other["skipped"] == "not installed: no_such_library"
    shown = table.render(report.build("run", {"rounds": 1}, results))
    assert "recovery ms" in shown
    assert "skipped: nobody's" in shown


def test_a_program_that_fails_is_told_with_its_last_word(small, monkeypatch):
    """And the others are measured all the same."""
    monkeypatch.setitem(runs.SUBJECTS, "broken", ("json", "raise ValueError('no room')", 1))
    result = runs.measure(1, lambda _: None)[-1]
    assert result["failure"] == "ValueError: no room"
