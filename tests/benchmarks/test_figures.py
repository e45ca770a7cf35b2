from __future__ import annotations

import pytest

from benchmarks import figures


def test_cheapest_median_and_mean_over_all_batches():
    """The calling thread's figures are taken over the batches of all rounds, the process's from its cheapest round."""
    found = figures.summarize([3.0, 1.0, 2.0, 10.0], [7.0, 5.0])
    assert found == figures.Figures(cheapest_us=1.0, median_us=2.5, mean_us=4.0, process_us=5.0)


def test_nothing_measured_is_an_error():
    """Without a batch there is no figure to be had."""
    with pytest.raises(ValueError, match="no batch"):
        figures.summarize([], [1.0])


def test_a_ratio_needs_a_base():
    """A figure whose base is missing or zero has no ratio."""
    assert figures.ratios({"a": 3.0, "b": 1.0, "c": 1.0}, {"a": 2.0, "b": 0.0}) == {"a": 1.5}
