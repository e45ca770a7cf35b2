"""The facts of a run at a glance, its verdict first."""

from __future__ import annotations

import copy
import re

import pytest

from navigator_obs.history.live import Look
from navigator_obs.outputs.files import Places
from navigator_obs.outputs.live import line
from navigator_obs.outputs.text import render
from navigator_obs.runs.stalls import write_stacks
from tests.outputs.summaries import SUMMARY, issue, violation, with_issues


@pytest.mark.parametrize(
    ("status", "mark"),
    [("success", "✓"), ("running", "●"), ("partial", "■"), ("terminated", "■"), ("crashed", "✗"), ("unheard-of", "✗")],
)
def test_each_status_has_its_mark(status: str, mark: str):
    """Good, living, cut short and bad are told apart at the first character, also without colour."""
    assert render({"run_metadata": {"status": status}})[0] == mark


def test_a_success_with_failed_checks_is_not_shown_as_a_good_one():
    """The status stays, and its mark is that of something to look into; a check that only warned changes nothing."""
    summary = {"run_metadata": {"status": "success", "duration_seconds": 2.0}}
    assert render({**summary, "checks": [violation(2027, 0.9, "fail")]}).startswith("■ ?  success in 2.00 s")
    assert render({**summary, "checks": [violation(2027, 0.9)]}).startswith("✓ ?  success in 2.00 s")


def test_nothing_is_foretold_of_a_run_that_stands_still():
    """The time that is left is told of a run that goes on, and not of a stalled one."""
    summary = {"run_metadata": {"status": "running"}, "forecast": {"eta_seconds": 60.0}}
    assert "about 1m 00s left" in render(summary)
    assert "left" not in render({**summary, "run_metadata": {"status": "stalled"}})


def test_a_run_without_operations_says_so():
    """Nothing is covered where nothing was named."""
    assert "no named operations" in render({"breakdown": {"coverage_percent": 0.0, "unattributed_seconds": 4.0}})


def test_the_reason_stands_on_the_first_lines():
    """What the program gave as its reason is read before anything else, also above errors."""
    failed = {"run_metadata": {"status": "failed", "status_reason": "checks"}}
    assert render(failed).splitlines()[2].split() == ["reason", "checks"]
    assert "none" not in render(failed)
    assert render({**failed, **with_issues(errors=[issue("odd")])}).splitlines()[2].split() == ["reason", "checks"]


def test_a_dead_run_tells_when_it_was_last_seen():
    """Without an end, the time of its last word is told."""
    run = {"status": "crashed", "start_time": "2025-08-18T14:30:22.123456Z", "duration_seconds": 3600}
    shown = render({"run_metadata": run})
    assert re.search(r"last seen  Mon 2025-08-18 \d\d:\d\d:22", shown)
    assert "last seen" not in render({"run_metadata": {**run, "status": "running"}})


def test_a_verdict_by_others_shows_what_it_stands_on():
    """How sure it is, and the facts; a run that ended by itself needs none."""
    found = copy.deepcopy(SUMMARY)
    found["run_metadata"] |= {"status": "crashed", "status_reason": "reboot: the computer has started anew"}
    found["run_metadata"] |= {"status_confidence": "likely", "evidence": ["another boot of the computer"]}
    assert "evidence   likely: another boot of the computer" in render(found, width=200)
    assert "evidence" not in render(SUMMARY, width=200)


def test_a_resumed_run_counts_what_earlier_attempts_had_done():
    """Its own years, and theirs."""
    found = copy.deepcopy(SUMMARY)
    found["execution_summary"] |= {"years_resumed": [2025, 2026, 2027], "years_completed": [2028]}
    found["run_metadata"] |= {"resumed_from": "first", "attempt": 2, "resumed_at": {"year": 2027}}
    shown = render(found, width=200)
    assert "1 of 5 years completed · 3 years by earlier attempts" in shown
    assert "attempt 2, resumed from first after 2027" in shown


def test_a_run_that_hangs_names_the_line_at_which_it_stands(tmp_path):
    """That of the main thread first, then those of the others."""
    frames = [{"file": "/srv/plan/run.py", "line": 1, "function": "<module>"}]
    stuck = [{"file": "/srv/plan/rules.py", "line": 7, "function": "settle"}]
    threads = [{"thread": "MainThread", "frames": [*frames, *stuck]}, {"thread": "pay", "frames": stuck}]
    write_stacks(tmp_path, "2025-01-01T00:00:00.000000Z", threads, 0o644)
    for status, is_told in (("stalled", True), ("running", False)):
        summary = {"run_metadata": {"name": "baseline", "status": status, "status_reason": "no progress since …"}}
        shown = render(summary, places=Places(tmp_path))
        assert ("stands at  /srv/plan/rules.py:7 in settle\n" in shown) is is_told
        assert ("pay at /srv/plan/rules.py:7 in settle" in shown) is is_told
    look = Look({"run_metadata": {"name": "baseline", "status": "stalled"}}, True, None, directory=tmp_path)
    assert line(look) == "baseline stalled · at /srv/plan/rules.py:7 in settle"


def test_time_left_that_is_no_time_is_not_told():
    """Nothing is better than "about 0 s left", and than the time left of one of several years at once."""
    forecast = {"eta_seconds": 90.0, "expected_end_time": "2025-08-18T14:30:22.123456Z"}
    summary = {"run_metadata": {"status": "running", "duration_seconds": 60.0}, "forecast": forecast}
    assert "about 1m 30s left, until" in render(summary)
    assert " left" not in render({**summary, "forecast": {**forecast, "eta_seconds": 0.3}})
    side_by_side = [{"path": "year", "worker": f"vm-{pid}", "breakdown": {"year": 2026}} for pid in (7, 8)]
    assert " left" not in render({**summary, "resources": {"open_operations": side_by_side}})


def test_the_cpu_time_of_child_processes_is_told():
    """A parent that waits for dbt is not idle; a moment of git beside it is not worth a word."""
    metadata = {"status": "success", "duration_seconds": 80.0}
    for tree, told in (
        (0.9, "CPU 874 ms · 0.0 cores busy"),
        (32.0, "CPU 874 ms · 32.00 s with child processes · 0.4 cores"),
    ):
        resources = {"cpu_seconds": 0.874, "tree": {"cpu_seconds": tree}}
        assert told in render({"run_metadata": metadata, "resources": resources})
