"""What a series of noisy figures tells: steps, drifts, outliers, and when there is nothing to tell."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.detector import FEWEST, Change, read

series_of_runs = st.lists(st.floats(0.01, 1e6), min_size=FEWEST, max_size=50)


def noisy(count: int, sigma: float = 0.03, level: float = 10.0, seed: int = 1) -> list[float]:
    source = random.Random(seed)
    return [level * math.exp(source.gauss(0, sigma)) for _ in range(count)]


def alike(one: Change, other: Change) -> bool:
    return (one.kind, one.first, one.seen, one.withdrawn) == (other.kind, other.first, other.seen, other.withdrawn)


def test_fewer_than_five_runs_are_no_series():
    """Nothing is said of four runs."""
    assert read([1.0, 1.0, 1.0, 9.0]) is None


def test_figures_that_never_change_tell_nothing():
    """A constant series has no change, no outlier and no suspicion."""
    found = read([3.0] * 20)
    assert found is not None
    assert (found.changes, found.outliers, found.suspected) == ((), (), False)
    assert found.level == pytest.approx(3.0)


def test_a_step_is_suspected_at_its_first_run_and_confirmed_at_its_third():
    """One slow run raises a suspicion; the third confirms the step and names the first."""
    quiet = noisy(20)
    slow = noisy(3, level=14.0, seed=2)
    first = read(quiet + slow[:1])
    third = read(quiet + slow)
    assert first is not None
    assert third is not None
    assert first.suspected
    assert first.changes == ()
    assert [(change.kind, change.first, change.seen) for change in third.changes] == [("step", 20, 22)]
    assert third.rise is not None
    assert third.rise.ratio == pytest.approx(1.4, rel=0.05)


def two_speeds(seed: int, share: float = 0.3) -> list[float]:
    """Runs of which some, by chance, take 30 % longer."""
    source = random.Random(seed)
    return [math.exp(source.gauss(0, 0.03) + (math.log(1.3) if source.random() < share else 0)) for _ in range(40)]


def test_two_speeds_by_chance_are_seldom_taken_for_steps():
    """Runs that find a cold cache now and then raise few alarms; a level that was never there is one by its third."""
    readings = [read(two_speeds(seed)) for seed in range(100)]
    assert sum(found is not None and any(change.is_rise for change in found.changes) for found in readings) <= 25
    slower = read([*two_speeds(7), *(2.0 * value for value in noisy(3, level=1.0))])
    assert slower is not None
    assert slower.rise is not None
    assert slower.rise.seen == 42


def test_one_outlier_is_an_outlier():
    """A single run three times as long changes nothing, and is named."""
    found = read([*noisy(20), 30.0, *noisy(6, seed=3)])
    assert found is not None
    assert found.changes == ()
    assert found.outliers == (20,)
    assert not found.suspected


def test_two_outliers_side_by_side_are_no_step():
    """Two slow runs in a row, then the old level, confirm nothing."""
    found = read([*noisy(20), 30.0, 28.0, *noisy(6, seed=3)])
    assert found is not None
    assert found.changes == ()


def test_a_slope_is_a_drift():
    """Two percent more with each run is told as a drift, once."""
    drifting = [value * 1.02 ** (run + 1) for run, value in enumerate(noisy(18, sigma=0.02, seed=5))]
    found = read(noisy(20, sigma=0.02) + drifting)
    assert found is not None
    assert [change.kind for change in found.changes] == ["drift"]
    assert found.rise is not None


def test_a_level_that_was_left_and_soon_taken_again_is_withdrawn():
    """Some fast runs, then the old level: that is no regression."""
    found = read(noisy(15) + noisy(5, level=7.0, seed=2) + noisy(6, seed=3))
    assert found is not None
    assert not any(change.is_rise for change in found.changes)


def test_the_best_level_is_remembered():
    """After a step up, the best sustained level is the one before it."""
    found = read(noisy(15) + noisy(10, level=14.0, seed=2))
    assert found is not None
    assert found.best == pytest.approx(10.0, rel=0.02)
    assert found.level == pytest.approx(14.0, rel=0.02)


def test_more_series_need_more_evidence():
    """What convinces in one series does not in one of a thousand."""
    values = noisy(20, sigma=0.1) + noisy(3, sigma=0.02, level=13.5, seed=2)
    alone, among = read(values), read(values, series=100_000)
    assert alone is not None
    assert among is not None
    assert alone.changes
    assert not among.changes


@given(series_of_runs, st.integers(-20, 20))
def test_units_do_not_matter(values: list[float], power: int):
    """Seconds or minutes: the same runs, the same changes."""
    one, other = read(values), read([value * 2.0**power for value in values])
    assert one is not None
    assert other is not None
    assert all(map(alike, one.changes, other.changes))
    assert len(one.changes) == len(other.changes)
    assert one.outliers == other.outliers


@given(series_of_runs)
def test_faster_is_the_mirror_of_slower(values: list[float]):
    """The inverse figures have the same changes, downwards."""
    one, other = read(values), read([1 / value for value in values])
    assert one is not None
    assert other is not None
    assert [(change.first, change.seen) for change in one.changes] == [
        (change.first, change.seen) for change in other.changes
    ]
    for up, down in zip(one.changes, other.changes, strict=True):
        assert up.ratio == pytest.approx(1 / down.ratio)


@given(series_of_runs, st.integers(1, 45))
def test_a_run_is_judged_by_what_came_before_it(values: list[float], less: int):
    """Later runs add changes; they take none back, and move none."""
    prefix = values[: max(FEWEST, len(values) - less)]
    early, late = read(prefix), read(values)
    assert early is not None
    assert late is not None
    seen = {change.first for change in late.changes}
    steps = [replace(change, kind="") for change in early.changes if change.kind == "step"]
    assert all(change.first in seen or _was_joined(change, late.changes) for change in steps)


def _was_joined(change: Change, changes: tuple[Change, ...]) -> bool:
    return any(drift.kind == "drift" and drift.first < change.first for drift in changes)


@given(series_of_runs)
def test_every_change_lies_in_the_series(values: list[float]):
    """A change has a first run, is confirmed by the third or later, and has finite levels."""
    found = read(values)
    assert found is not None
    for change in found.changes:
        assert 0 < change.first <= change.seen - 2 < len(values)
        assert math.isfinite(change.ratio)
        assert change.ratio > 0
