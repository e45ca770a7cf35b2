"""Bars as high as numbers are large."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.outputs.sparkline import sparkline

BARS = "▁▂▃▄▅▆▇█"


def test_noise_looks_like_noise():
    """Bars are measured from zero, so that small differences stay small; what is no number makes a blank."""
    assert sparkline([100, 99.5, 98]) == "███"
    assert sparkline([100, 100, 160]) == "▅▅█"
    assert sparkline([1, None, float("nan"), -1, 4]) == "▂   █"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""


@given(st.lists(st.floats(1e-3, 1e9), min_size=2, max_size=30))
def test_higher_bars_are_larger_values(values: list[float]):
    """No bar is higher than that of a larger value."""
    bars = [BARS.index(bar) for bar in sparkline(values)]
    assert len(bars) == len(values)
    for one, bar in zip(values, bars, strict=True):
        assert all(bar <= other for larger, other in zip(values, bars, strict=True) if larger >= one)
