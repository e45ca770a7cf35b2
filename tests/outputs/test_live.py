"""What people look at while a run is under way."""

from __future__ import annotations

import json

import pytest

from navigator_obs.history.live import Look
from navigator_obs.outputs.live import line, sections, to_dict
from navigator_obs.outputs.text import render_sections

SUMMARY = {
    "run_metadata": {"run_id": "r", "name": "baseline", "status": "running", "duration_seconds": 83.0},
    "execution_summary": {"years_planned": [2025, 2026], "years_completed": [2025], "errors": 1, "warnings": 2},
    "environment": {"memory_mb": 1000, "memory_limit_mb": 500},
    "resources": {
        "end_memory_mb": 480.0,
        "peak_memory_mb": 490.0,
        "open_operations": [{"path": "year_simulation", "seconds": 2.0}],
    },
    "issues": {
        "errors": [{"message": "no salary", "last_time": "2025-08-18T10:00:01Z", "count": 3}],
        "warnings": [{"message": "attrition\x1b[2J above plan", "last_time": "2025-08-18T10:00:00Z", "count": 1}],
    },
}
LOOK = Look(SUMMARY, lives=True, seconds_left=40.0, rows_per_second=1200.0, events_per_second=3.0, cores_busy=1.5)


def test_a_screen_tells_progress_memory_rates_and_problems():
    """How far, until when, how near the limit, and what went wrong last, the newest below."""
    shown = render_sections(sections(LOOK, width=78), width=80)
    assert "1 of 2 years completed · about 40 s left" in shown
    assert "480 MB of 500 MB (96%)" in shown
    assert "1.5 cores busy · 1,200 rows/s · 3" in shown
    assert shown.index("attrition") < shown.index("no salary")
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_years_of_a_loop_count_where_none_were_planned():
    """By what the run foretells of them."""
    ahead = {"execution_summary": {"years_completed": [2025]}, "forecast": {"years_done": 1, "years_left": 3}}
    assert "1 of 4 years completed" in line(Look({**SUMMARY, **ahead}, lives=True, seconds_left=None))


def test_memory_near_the_limit_is_a_warning():
    """The limit is that of the process, which may be less than the machine has."""
    (facts, *_) = sections(LOOK)
    tones = {label.text: told.tone for label, told in facts.rows}
    assert tones["memory"] == "warn"


def test_a_line_says_the_same():
    """For logs: one line, whatever the texts hold."""
    told = line(LOOK)
    assert "\n" not in told
    for words in ("baseline running for 1m 23s", "1 of 2 years", "in year_simulation", "1 error · 2 warnings"):
        assert words in told


def test_plain_values_are_json():
    """Numbers stay numbers."""
    told = json.loads(json.dumps(to_dict(LOOK)))
    assert (told["seconds_left"], told["memory_limit_mb"], told["status"]) == (40.0, 500, "running")


@pytest.mark.parametrize("summary", [{}, {"resources": 7, "issues": {"errors": "x"}, "execution_summary": []}])
def test_a_summary_that_lacks_all_is_shown_as_little(summary: dict):
    """Nothing is made up, and nothing raises."""
    look = Look(summary, lives=False, seconds_left=None)
    assert line(look)
    assert sections(look) == [] or sections(look)[0].rows
