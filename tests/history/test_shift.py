"""How well a new level explains runs, some of which may be outliers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.shift import most_gain, shift_of

scores = st.lists(st.floats(-6, 40), min_size=3, max_size=8).map(sorted)
noises = st.floats(0.01, 0.5)


def test_runs_that_agree_speak_for_a_new_level():
    """Three runs side by side are a level; three that are as far off, each elsewhere, are none to speak of."""
    shift, agreed = shift_of([7.5, 8.0, 8.4], 0.05, 1.0)
    assert 7.5 < shift < 8.4
    assert agreed > 10
    assert shift_of([4.0, 9.0, 15.0], 0.05, 1.0)[1] < agreed / 2


def test_an_outlier_among_them_takes_little_away():
    """One far above four that agree does not matter much; one that is back at the old level does."""
    level = [2.6, 3.0, 3.1, 3.3]
    alone, beside, against = (shift_of(sorted(level + more), 0.05, 1.0)[1] for more in ([], [25.0], [0.0]))
    assert beside > 0.8 * alone
    assert against < beside


def test_a_shift_that_is_too_small_is_none():
    """Below the least that is worth a word nothing is gained."""
    assert shift_of([0.9, 1.0, 1.1], 0.05, 1.2) == (0.0, 0.0)


@given(scores, noises)
def test_what_can_be_gained_at_most_is_never_exceeded(values: list[float], noise: float):
    """The bound that saves most looks is one."""
    shift, gain = shift_of(values, noise, 1.0)
    assert gain <= most_gain(values, noise) + 1e-9
    assert shift == 0.0 or shift >= 1.0
