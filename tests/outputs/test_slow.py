"""Where the time went, as the report tells it."""

from __future__ import annotations

import pytest

from navigator_obs.outputs.slow import bar, slowest
from navigator_obs.outputs.text import render


@pytest.mark.parametrize(
    ("percent", "shown"), [(0, ""), (100, "████"), (50, "██"), (3.2, "▏"), (250, "████"), (-1, "")]
)
def test_a_bar_is_as_long_as_its_share(percent: float, shown: str):
    """An eighth of a column fine, never longer than its room."""
    assert bar(percent, width=4) == shown


def test_what_stands_out_is_told_in_full():
    """A sentence is never cut: it takes lines more."""
    call = {"operation_path": "year_simulation/price/paths/draw", "duration_seconds": 0.123, "median_seconds": 0.04}
    rate = {"operation_path": "hiring", "rows_per_second": 3370.2, "usual_rows_per_second": 8341.0}
    hotspots = {"calls": [{**call, "breakdown": {"year": 2027}}], "throughput": [rate]}
    shown = render({"hotspots": hotspots}, width=80)
    assert "3,370 rows/s, else 8,341" in shown
    assert "one call took 123 ms, half of them less than 40 ms" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"saves_about_percent": 20.0, "saves_at_most_percent": 20.0}, "≤ 20%"),
        ({"saves_about_percent": 20.0, "saves_at_most_percent": 31.0}, "about 20%, ≤ 31%"),
        ({"saves_at_most_percent": 20.0}, "about 20%"),
    ],
)
def test_what_twice_as_fast_saves_is_told_with_its_range(told, said):
    """A bound alone where it is met, and the estimate beside it where others were active; of old records no bound."""
    [row] = slowest({"bottlenecks": [{"operation_path": "hiring", "percent": 40.0, **told}]}).rows
    assert said in [cell.text for cell in row]
