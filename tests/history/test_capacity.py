"""What a larger run will need."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.errors import RunNotFound
from navigator_obs.history.capacity import Estimate, capacity
from navigator_obs.history.leastsquares import fit
from navigator_obs.history.store import History
from tests.history.summaries import operation, summary, write


def by_name(estimates: tuple[Estimate, ...]) -> dict[tuple[str, str], Estimate]:
    return {(one.path, one.figure): one for one in estimates}


def history(
    sizes: list[tuple[int, int]], *, fixed: float = 5.0, a_row: float = 0.001, sigma: float = 0.03, seed: int = 1
) -> list[dict[str, Any]]:
    """Runs of so many years and rows a year, whose time is a fixed part and a part that grows with all rows."""
    source = random.Random(seed)
    found = []
    for number, (years, rows) in enumerate(sizes, start=1):
        seconds = (fixed + a_row * years * rows) * math.exp(source.gauss(0, sigma))
        memory = (100 + rows * 0.01) * math.exp(source.gauss(0, 0.01))
        found.append(
            summary(
                number,
                seconds=seconds,
                rows=rows * years,
                years=years,
                memory_mb=memory,
                operations={"year": operation(seconds * 0.8)},
            )
        )
    return found


SIZES = [(years, rows) for years in (2, 4, 6) for rows in (2000, 5000, 10_000)] * 2


def test_time_and_memory_of_a_larger_run_lie_in_their_intervals():
    """Twice beyond what was seen, with a model that was found."""
    found = by_name(capacity(history(SIZES), years=10, rows=20_000).estimates)
    seconds, memory = found["", "seconds"], found["", "memory"]
    assert seconds.low is not None
    assert seconds.high is not None
    assert memory.low is not None
    assert memory.high is not None
    assert seconds.low <= 205 <= seconds.high
    assert memory.low <= 300 <= memory.high
    assert seconds.value == pytest.approx(205, rel=0.1)
    assert ("year", "seconds") in found


def test_the_interval_holds_nine_of_ten_runs():
    """Over 60 histories, runs half beyond the largest fall into the interval as often as it says, or nearly."""
    hits = 0
    for seed in range(60):
        found = by_name(capacity(history(SIZES, seed=seed), years=8, rows=15_000).estimates)["", "seconds"]
        truth = (5 + 0.001 * 8 * 15_000) * math.exp(random.Random(f"new {seed}").gauss(0, 0.03))
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert hits >= 50


def held_out(seed: int, sigma: float) -> tuple[int, int]:
    """How many runs of sizes that the history does not have fall into their interval, of how many."""
    hits = asked = 0
    for size in sorted(set(SIZES)):
        runs = history([one for one in SIZES * 2 if one != size], sigma=sigma, seed=seed)
        found = by_name(capacity(runs, years=size[0], rows=size[1]).estimates)["", "seconds"]
        for run in history([size] * 4, sigma=sigma, seed=hash((seed, *size))):
            seconds = run["run_metadata"]["duration_seconds"]
            hits += (found.low or 0) <= seconds <= (found.high or 0)
            asked += 1
    return hits, asked


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.3])
def test_runs_of_a_size_that_was_held_out_fall_into_the_interval(sigma: float):
    """Nine of ten, however noisy the machine is."""
    hits, asked = map(sum, zip(*(held_out(seed, sigma) for seed in range(6)), strict=True))
    assert hits >= 0.88 * asked


def test_many_runs_of_few_sizes_make_no_wrong_model_sure():
    """Time that grows in a way that no model knows: how well sizes predict each other tells, not how well runs do."""
    sizes = [(5, rows) for rows in (1000, 2000, 4000, 8000, 16_000)] * 6
    runs = history(sizes, sigma=0.001)
    for run in runs:
        rows = run["execution_summary"]["rows"] / 5
        run["run_metadata"]["duration_seconds"] = 5 + 30 * math.sqrt(rows) * (1.3 if rows in {2000, 8000} else 1.0)
    found = by_name(capacity(runs, rows=5600).estimates)["", "seconds"]
    assert found.low is not None
    assert found.high is not None
    assert found.high / found.low > 1.5


def test_memory_beyond_what_was_seen_need_not_grow_on():
    """The interval reaches down to what the largest run needed, and grows wider the further one asks."""
    near, far = (by_name(capacity(history(SIZES), rows=rows).estimates)["", "memory"] for rows in (12_000, 40_000))
    assert near.low is not None
    assert far.low is not None
    assert far.high is not None
    assert far.low <= 200 * 1.02
    assert far.high > 500 * 1.1


def test_growth_that_nobody_has_seen_is_assumed_and_has_no_interval():
    """All runs of one size: proportional, and said to be an assumption."""
    found = capacity(history([(5, 2000)] * 6), years=10, rows=20_000)
    estimate = by_name(found.estimates)["", "seconds"]
    assert estimate.assumed
    assert (estimate.low, estimate.high) == (None, None)
    assert estimate.value == pytest.approx(15 * 2 * 10, rel=0.1)
    assert any("assumed" in note for note in found.notes)


def test_the_same_size_again_needs_no_growth():
    """Without another size, what is asked for is what there was, with an interval."""
    estimate = by_name(capacity(history([(5, 2000)] * 8)).estimates)["", "seconds"]
    assert not estimate.assumed
    assert estimate.low is not None
    assert estimate.low < 15 < (estimate.high or 0)


def test_two_runs_are_too_few():
    """Nothing is told, and why."""
    found = capacity(history([(5, 2000)] * 2), years=10)
    assert found.estimates == ()
    assert "too few" in found.notes[0]


def test_far_beyond_is_called_an_order_of_magnitude():
    """A hundred times the rows of the largest run."""
    found = capacity(history(SIZES), rows=1_000_000)
    assert found.beyond == pytest.approx(100)
    assert "order of magnitude" in found.notes[0]


def test_an_outlier_does_not_bend_the_fit():
    """One run that took five times as long is left aside."""
    runs = history(SIZES)
    runs[4]["run_metadata"]["duration_seconds"] *= 5
    assert by_name(capacity(runs, years=6, rows=10_000).estimates)["", "seconds"].value == pytest.approx(65, rel=0.1)


@given(st.floats(0.1, 100), st.floats(0.001, 10), st.integers(-10, 10))
def test_units_do_not_matter_to_a_fit(fixed: float, slope: float, power: int):
    """Seconds or milliseconds: the same relative error, weights in proportion."""
    rows = [[1.0, float(size)] for size in (1, 2, 4, 8, 16)]
    values = [(fixed + slope * size) * (1 + 0.01 * (-1) ** at) for at, (_, size) in enumerate(rows)]
    one = fit(rows, values)
    other = fit(rows, [value * 2.0**power for value in values])
    assert (one is None) == (other is None)
    if one and other:
        assert other.error == pytest.approx(one.error, rel=1e-6)
        assert other.predict([1.0, 32.0]) == pytest.approx(one.predict([1.0, 32.0]) * 2.0**power, rel=1e-6)


def test_history_plans_from_the_folder(tmp_path: Path):
    """From the files of a folder; a name that is not there is named."""
    write(tmp_path, history(SIZES))
    found = History(tmp_path).capacity(years=10, rows=20_000)
    assert (found.runs, found.years, found.rows) == (18, (2, 6), (2000, 10_000))
    with pytest.raises(RunNotFound, match="no run 'other'"):
        History(tmp_path).capacity(name="other")


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(1e-6, 1e6)), min_size=3, max_size=12))
def test_whatever_is_measured_a_fit_is_above_zero_or_none(points: list[tuple[int, float]]):
    """On a machine that did other things meanwhile a larger run may have been a thousand times as fast."""
    rows = [[1.0, float(size)] for size, _ in points]
    found = fit(rows, [value for _, value in points])
    assert found is None or min(found.predict(row) for row in rows) > 0
