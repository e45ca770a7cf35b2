"""All operations of a run in a table."""

from __future__ import annotations

import pytest

from navigator_obs.outputs.text import render_sections
from navigator_obs.outputs.timings import ORDERS, ranked, section

SUMMARY = {
    "run_metadata": {"duration_seconds": 10.0},
    "breakdown": {"unattributed_seconds": 2.5},
    "performance_metrics": {
        "load": {"self_seconds": 1.0, "total_seconds": 1.0, "count": 1, "failed": 0, "peak_memory_mb": 900.0},
        "year": {
            "self_seconds": 0.5,
            "total_seconds": 6.5,
            "count": 2,
            "by": {"year": {"2025": {"total_seconds": 2.0}, "2026": {"total_seconds": 4.5}}},
        },
        "year/hiring": {"self_seconds": 6.0, "total_seconds": 6.0, "count": 2, "failed": 1, "max_seconds": 4.0},
        "odd": "not a table",
    },
}


def test_operations_are_ranked_by_what_was_asked_for():
    """By self time where nothing was asked for; a figure that is missing counts as none."""
    assert [path for path, _ in ranked(SUMMARY)] == ["year/hiring", "load", "year"]
    assert ranked(SUMMARY, "total")[0][0] == "year"
    assert ranked(SUMMARY, "memory")[0][0] == "load"
    assert all(len(ranked(SUMMARY, by)) == 3 for by in ORDERS)


def test_the_table_tells_share_year_and_what_is_outside():
    """The share is that of the run; the year is that in which the operation took longest; no time is left untold."""
    lines = render_sections([section(SUMMARY, "self")], width=120).splitlines()
    assert lines[2].split()[:3] == ["year/hiring", "6.00", "s"]
    assert "60%" in lines[2]
    assert lines[4].endswith("2026")
    assert lines[5].split()[:5] == ["outside", "of", "any", "operation", "2.50"]


def test_what_a_limit_leaves_out_is_counted():
    """The note below says how many more there are."""
    assert section(SUMMARY, most=1).note == "2 more: --limit"


@pytest.mark.parametrize("summary", [{}, {"performance_metrics": {}}, {"performance_metrics": 7}])
def test_a_run_without_operations_has_no_rows(summary: dict):
    """Nothing is made up."""
    assert section(summary).rows == []
