from __future__ import annotations

from itertools import pairwise

import pytest

from benchmarks.plan import Plan


def test_the_warm_up_comes_first_and_is_counted():
    """One batch more than was asked for, in one unbroken row of numbers."""
    plan = Plan(events=3_000, batch=1_000)
    assert plan.batches("info") == [range(1_000), range(1_000, 2_000), range(2_000, 3_000), range(3_000, 4_000)]
    assert plan.numbers("info") == range(4_000)


def test_errors_are_a_twentieth():
    """The ERROR case takes a twentieth of the events, in batches a twentieth as large."""
    assert [len(batch) for batch in Plan(events=2_000, batch=1_000).batches("error")] == [50, 50, 50]


def test_numbers_of_different_cases_never_meet():
    """An event's number alone tells its case."""
    plan = Plan(events=10_000_000)
    numbers = [plan.numbers(case) for case in ("info", "error", "below")]
    assert all(one.stop <= other.start for one, other in pairwise(numbers))


@pytest.mark.parametrize("events", [1, 7, 19, 20, 21])
def test_tiny_plans_still_measure_something(events):
    """However few events are asked for, each case has a warm-up and a batch that is not empty."""
    for case in ("info", "below", "error"):
        assert all(len(batch) >= 1 for batch in Plan(events=events).batches(case))
        assert len(Plan(events=events).batches(case)) >= 2
