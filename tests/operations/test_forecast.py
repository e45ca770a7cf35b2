"""The fit of what steps cost: the simplest model that the evidence supports, and what it foretells."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from navigator_obs.operations.forecast import MODELS, MOST_VALUES, fit

VALUES = st.floats(0, 1e6)


def test_without_values_nothing_is_foretold():
    """And with one, that one."""
    assert fit([]) is None
    assert fit([7.5]).at(1) == 7.5


@pytest.mark.parametrize(
    ("model", "curve"),
    [
        ("constant", lambda step: 12.0),
        ("linear", lambda step: 5.0 + 0.5 * step),
        ("quadratic", lambda step: 3.0 + 0.1 * step + 0.25 * step**2),
    ],
)
def test_a_clean_curve_is_recognised_and_continued(model, curve):
    """Each of the three, from eight steps on."""
    found = fit([curve(step) for step in range(8)])
    assert found.model == model
    assert found.at(20) == pytest.approx(curve(20), rel=1e-6)


def test_a_first_step_that_warms_up_does_not_count():
    """Cold caches foretell nothing."""
    assert fit([30.0, 10.0, 10.0, 10.0]).at(9) == 10.0


@pytest.mark.parametrize(
    ("costs", "model", "later"),
    [
        ([5.0, 3.0, 1.0, 1.0, 1.0, 1.0], "constant", 1.0),
        ([9.0, 2.0, 3.0, 4.0, 5.0, 6.0], "linear", 20.0),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 60.0, 7.0, 8.0], "linear", 20.0),
        ([1.0, 1.0, 1.0, 30.0, 1.0, 1.0], "constant", 1.0),
    ],
)
def test_steps_that_warm_up_or_are_held_up_foretell_nothing(costs, model, later):
    """Nor do they hide what grows, or make a parabola that turns upwards."""
    found = fit(costs)
    assert found.model == model
    assert found.at(19) == pytest.approx(later, rel=0.05)


def test_what_ever_faster_growth_begins_with_is_no_warming_up():
    """Costs that multiply are not taken for steps that were held up: each is followed by a greater one."""
    assert fit([1.5**step for step in range(10)]).model == "quadratic"


@given(st.lists(st.floats(0, 100), min_size=6, max_size=20))
def test_a_parabola_has_grown(values):
    """One that has fallen, and would rise for ever after the last value, is not continued, nor one that will fall."""
    found = fit(values)
    if found.model == "quadratic":
        later = [found.at(step) for step in range(len(values), len(values) + 20)]
        assert later == sorted(later)


def test_what_shrinks_is_never_below_nothing():
    """A line that falls is not continued into negative time."""
    found = fit([10.0, 8.0, 6.0, 4.0])
    assert found.model == "linear"
    assert found.at(30) == 0.0


# No two so different that one of them would be taken for an accident.
@given(st.lists(st.floats(51, 100), min_size=6, max_size=MOST_VALUES))
def test_the_model_is_that_which_foretells_the_values_left_out(values):
    """As numpy finds it by fitting all others for each value in turn; a more complex one must be twice as good, and a
    parabola have grown from the first quarter on.
    """
    steps = np.arange(len(values), dtype=float)

    def error(degree):
        return sum(
            (values[out] - np.polyval(np.polyfit(np.delete(steps, out), np.delete(values, out), degree), out)) ** 2
            for out in range(len(values))
        )

    errors = [error(degree) for degree in range(3)]
    best = 1 if errors[1] < errors[0] / 2 else 0
    bend, slope, _ = np.polyfit(steps, values, 2)
    grown = slope + 2 * bend * (len(values) - 1) / 4
    best = 2 if errors[2] < errors[best] / 2 and bend > 0 and grown >= 0 else best
    assume(min(abs(bend), abs(grown)) > 1e-9)
    near = any(0.499 < errors[high] / (errors[low] or 1) < 0.501 for low, high in ((0, 1), (0, 2), (1, 2)))
    assume(errors[0] > 1e-6 and not near)
    found = fit(values)
    assert found.model == MODELS[best]
    if best:
        expected = np.polyval(np.polyfit(steps, values, best), len(values))
        assert found.at(len(values)) == pytest.approx(max(expected, 0.0), rel=1e-6, abs=1e-6)


@given(st.lists(VALUES, min_size=1, max_size=60))
def test_whatever_the_values_there_is_an_answer(values):
    """One of the three models, finite and never negative."""
    found = fit(values)
    assert found.model in MODELS
    assert 0 <= found.at(len(values)) < float("inf")


@given(st.lists(st.integers(1, 1000), min_size=4, max_size=20), st.integers(2, 9))
def test_units_do_not_matter(values, factor):
    """Minutes are foretold like seconds."""
    ours, theirs = fit([float(value) for value in values]), fit([float(value * factor) for value in values])
    if ours.model == theirs.model:
        assert theirs.at(len(values)) == pytest.approx(factor * ours.at(len(values)), rel=1e-4, abs=1e-4)


def test_only_the_newest_count():
    """Of a long loop whose steps have changed their ways."""
    found = fit([100.0] * 50 + [1.0] * MOST_VALUES)
    assert found.model == "constant"
    assert found.at(len([100.0] * 50) + MOST_VALUES) == 1.0


def test_time_left_is_foretold_better_than_by_the_mean():
    """Over curves that stay, grow, or shrink, at a quarter and half of the way, with noise of 10 %: the usual estimate
    of progress bars, the mean so far, is off by at least twice as much at the median.
    """
    rng = random.Random(7)
    curves = (
        lambda step: 10.0,
        lambda step: 5.0 + step,
        lambda step: 3.0 + 0.3 * step + 0.05 * step**2,
        lambda step: 20.0 if step == 0 else 10.0,
        lambda step: 12.0 - 0.4 * step,
    )
    ours, means = [], []
    for curve in curves * 20:
        costs = [max(curve(step) * (1 + rng.gauss(0, 0.1)), 0.01) for step in range(20)]
        for done in (5, 10):
            left = sum(costs[done:])
            found = fit(costs[:done])
            ours.append(abs(sum(found.at(step) for step in range(done, 20)) - left) / left)
            means.append(abs(statistics.fmean(costs[:done]) * (20 - done) - left) / left)
    assert statistics.median(ours) * 2 < statistics.median(means)
