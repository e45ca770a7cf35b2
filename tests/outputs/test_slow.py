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


@pytest.mark.parametrize(("own", "said"), [(4.0, "≤ 20%"), (6.0, "about 20%")])
def test_it_is_a_bound_only_where_the_operation_was_alone(own, said):
    """Half of a share; beside others it is an estimate, and said to be one."""
    found = {"operation_path": "hiring", "self_seconds": own, "weighted_self_seconds": 4.0, "percent": 40.0}
    [row] = slowest({"bottlenecks": [{**found, "saves_at_most_percent": 20.0}]}).rows
    assert said in [cell.text for cell in row]
