"""Whether something that is counted has become more frequent."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.rates import rise


def test_three_runs_with_errors_after_many_without_are_a_rise():
    """Where there were none, five a run are no chance."""
    found = rise([0.0] * 10 + [5.0, 4.0, 6.0])
    assert found is not None
    assert (found.runs, found.before, found.after) == (3, 0.0, 5.0)


def test_one_run_with_a_burst_is_not():
    """A thousand errors in one run say nothing of the others."""
    assert rise([0.0] * 10 + [1000.0]) is None
    assert rise([0.0] * 10 + [1000.0, 0.0, 0.0]) is None


def test_fewer_errors_are_no_rise():
    """Better is not worse."""
    assert rise([5.0] * 10 + [0.0, 0.0, 0.0]) is None


def test_more_calls_may_fail_more_often():
    """Ten times the calls with ten times the failures: the same rate."""
    assert rise([2.0] * 10 + [20.0] * 4, [100.0] * 10 + [1000.0] * 4) is None
    assert rise([2.0] * 10 + [20.0] * 4, [100.0] * 14) is not None


def test_chance_seldom_raises_an_alarm():
    """Of 200 histories of a constant rate, a few at most are taken for a rise with their last run."""
    source = random.Random(3)
    histories = [[float(sum(source.random() < 0.2 for _ in range(10))) for _ in range(30)] for _ in range(200)]
    assert sum(rise(history) is not None for history in histories) <= 4


@given(st.lists(st.integers(0, 10**6).map(float), max_size=30))
def test_any_counts_are_taken(counts: list[float]):
    """A rise, where there is one, is one."""
    found = rise(counts)
    assert found is None or found.after > found.before


@pytest.mark.parametrize("counts", [[], [1.0], [0.0] * 7])
def test_too_few_runs_tell_nothing(counts: list[float]):
    """Eight runs are the fewest: five before, three after."""
    assert rise(counts) is None
