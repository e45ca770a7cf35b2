"""Quantiles within one percent, whatever the distribution, and sums that never round."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from navigator_obs.operations.sketch import MAX_BUCKETS, RELATIVE_ERROR, ExactSum, Sketch

RANDOM = np.random.default_rng(20250818)
SIZE = 20_000
DISTRIBUTIONS = {
    "uniform": RANDOM.uniform(1e-3, 10.0, SIZE),
    "exponential": RANDOM.exponential(0.02, SIZE),
    "lognormal": RANDOM.lognormal(-4.0, 2.5, SIZE),
    "pareto": RANDOM.pareto(1.1, SIZE) + 1e-6,
    "normal with negatives": RANDOM.normal(0.5, 3.0, SIZE),
    "two peaks, nanoseconds": np.concatenate([RANDOM.normal(800, 20, SIZE // 2), RANDOM.normal(3e9, 1e8, SIZE // 2)]),
    "few whole values": RANDOM.integers(0, 5, SIZE),
}
finite = st.floats(allow_nan=False, allow_infinity=False)
numbers = finite | st.integers(-(2**53), 2**53)


def sketch_of(values):
    sketch = Sketch()
    sketch.add_all(values)
    return sketch


@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_are_within_one_percent_of_numpys(name, share):
    """Each quantile lies within the promised relative error of the one that numpy takes from all values."""
    values = DISTRIBUTIONS[name]
    exact = float(np.quantile(values, share, method="inverted_cdf"))
    assert abs(sketch_of(values.tolist()).quantile(share) - exact) <= RELATIVE_ERROR * abs(exact)


@given(
    st.lists(finite.filter(lambda value: value == 0 or abs(value) > 1e-300), min_size=1, max_size=50), st.floats(0, 1)
)
def test_any_finite_values_keep_the_error(values, share):
    """The promise holds for few values of any size and sign."""
    ordered = sorted(values)
    exact = ordered[max(int(np.ceil(share * len(ordered))), 1) - 1]
    assert abs(sketch_of(values).quantile(share) - exact) <= RELATIVE_ERROR * abs(exact)


@given(st.lists(numbers, max_size=40))
def test_one_by_one_is_the_same_as_many_at_once(values):
    """The quick way for many values puts each into the same bucket as the way for one."""
    single = Sketch()
    for value in values:
        single.add(value)
    assert single == sketch_of(values)


@given(st.lists(numbers, max_size=30), st.lists(numbers, max_size=30))
def test_merging_is_the_same_as_adding_everything_to_one(left, right):
    """A merged sketch equals the sketch of all values."""
    merged = sketch_of(left)
    merged.merge(sketch_of(right))
    assert merged == sketch_of(left + right)


def test_it_is_bounded_and_the_highest_values_stay_exact():
    """Beyond its buckets the lowest values merge, in whatever order they came, and the high quantiles keep."""
    values = [1.021**power for power in range(-5_000, 5_000)]
    forth, back = Sketch(), Sketch()
    for half, sketch in ((values, forth), (values[::-1], back)):
        for start in range(0, len(half), 1_000):
            sketch.add_all(half[start : start + 1_000])
    assert len(forth.buckets) <= MAX_BUCKETS
    assert forth == back
    assert forth.buckets.total() == len(values)
    assert forth.quantile(0.95) == pytest.approx(values[int(0.95 * len(values)) - 1], rel=RELATIVE_ERROR)


def test_an_empty_sketch_has_no_quantile():
    """Where nothing was added there is nothing to say."""
    assert Sketch().quantile(0.5) is None


@given(st.lists(numbers, max_size=40))
def test_a_sketch_comes_back_from_a_list_as_it_was(values):
    """`from_list` undoes `to_list`."""
    sketch = sketch_of(values)
    assert Sketch.from_list(sketch.to_list()) == sketch


@given(st.lists(numbers, max_size=40))
def test_a_sum_is_exact_and_comes_back_from_text(values):
    """It equals the sum of fractions, and `from_text` undoes `to_text`."""
    total = ExactSum()
    for value in values:
        total.add(value)
    exact = sum(map(Fraction, values), Fraction())
    assert Fraction(total.numerator, 1 << total.shift) == exact
    assert ExactSum.from_text(total.to_text()) == total


def test_a_sum_beyond_all_floats_does_not_raise():
    """The largest floats may be added; the sum is then shown as the largest there is."""
    total = ExactSum()
    for _ in range(3):
        total.add(1.7e308)
    total.add(0.5)
    assert total.value == pytest.approx(1.797e308, rel=1e-3)


@given(
    st.lists(st.integers(0, 20_000) | st.integers(0, 2**63))
    | st.integers(0, 2**63).flatmap(lambda low: st.lists(st.integers(low, low + low // 50 + 3), min_size=100))
)
@example([2**63] * 20)
def test_whole_numbers_count_as_any(values):
    """A look for each bucket gives the same buckets as one for each value, whether values are much alike or not."""
    quick = Sketch()
    quick.add_ascending(sorted(values))
    assert quick == sketch_of(values)


@pytest.mark.parametrize("octave", range(64))
def test_buckets_end_where_the_logarithm_says(octave):
    """The whole numbers around each bucket's edge are counted in the bucket that they have one by one."""
    for sixteenth in range(16):
        near = (16 + sixteenth) * 2**octave // 16
        values = sorted(near + offset for offset in range(-20, 20) if near + offset >= 0)
        quick = Sketch()
        quick.add_ascending(values)
        assert quick == sketch_of(values)
