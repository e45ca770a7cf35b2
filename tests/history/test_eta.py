"""When a run will end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.eta import seconds_left


def run(planned: list[int], years: dict[int, float], elapsed: float, completed: list[int] | None = None) -> dict:
    return {
        "run_metadata": {"duration_seconds": elapsed},
        "execution_summary": {
            "years_planned": planned,
            "years_completed": list(years) if completed is None else completed,
        },
        "breakdown": {"by": {"year": {str(year): {"duration_seconds": took} for year, took in years.items()}}},
    }


YEARS = [2025, 2026, 2027]
EARLIER = run(YEARS, {2025: 10.0, 2026: 20.0, 2027: 40.0}, 70.0)


@pytest.mark.parametrize(
    ("now", "earlier", "left"),
    [
        # Each year as the ones before, without earlier runs; what has passed of the year under way is taken off.
        (run(YEARS, {2025: 10.0}, 10.0), [], 20.0),
        (run(YEARS, {2025: 10.0}, 16.0), [], 14.0),
        # By the shape of earlier runs, at the speed of this one.
        (run(YEARS, {2025: 10.0}, 10.0), [EARLIER], 60.0),
        (run(YEARS, {2025: 20.0}, 20.0), [EARLIER], 120.0),
        (run(YEARS, {}, 0.0), [EARLIER], 70.0),
        # A year that takes longer than it should leaves the others.
        (run(YEARS, {2025: 10.0}, 500.0), [EARLIER], 40.0),
        (run(YEARS, {2025: 10.0, 2026: 20.0, 2027: 40.0}, 70.0), [EARLIER], 0.0),
        # A year whose checkpoint is written while its operation is open is done and has no time yet.
        (run(YEARS, {2025: 10.0, 2026: 0.0}, 31.0, [2025, 2026]), [EARLIER], 39.0),
        (run(YEARS, {2025: 10.0, 2026: 0.0}, 20.0, [2025, 2026]), [], 10.0),
        (run(YEARS, {2025: 0.0}, 4.0, [2025]), [EARLIER], 60.0),
        # Without years, by what earlier runs took.
        (run([], {}, 30.0), [EARLIER], 40.0),
        (run([], {}, 300.0), [EARLIER], 0.0),
        # By what the run foretells of its own loop rather than that.
        ({**run([], {2025: 10.0}, 30.0), "forecast": {"eta_seconds": 33.0}}, [EARLIER], 33.0),
    ],
)
def test_what_is_left(now: dict, earlier: list, left: float):
    """From the years of earlier runs and the speed of this one."""
    assert seconds_left(now, earlier) == pytest.approx(left)


@pytest.mark.parametrize("now", [{}, run(YEARS, {}, 5.0), run([], {}, 5.0), {"run_metadata": 7, "breakdown": []}])
def test_nothing_is_made_up(now: dict):
    """Where nothing tells, there is no figure."""
    assert seconds_left(now) is None


def test_an_earlier_run_with_other_years_says_nothing_of_these():
    """Only runs that have all years are taken for the shape."""
    other = run([2030], {2030: 999.0}, 999.0)
    assert seconds_left(run(YEARS, {2025: 10.0}, 10.0), [other]) == pytest.approx(20.0)


def test_years_of_an_earlier_attempt_are_not_left():
    """A run that resumed at 2026 has 2027 left after it."""
    now = run(YEARS, {2026: 20.0}, 20.0)
    now["execution_summary"]["years_resumed"] = [2025]
    assert seconds_left(now, [EARLIER]) == pytest.approx(40.0)


def test_without_earlier_runs_the_forecast_of_the_run_itself_holds():
    """The run fits its own years, which knows more than their mean."""
    now = {**run(YEARS, {2025: 10.0}, 10.0), "forecast": {"eta_seconds": 33.0}}
    assert seconds_left(now) == 33.0
    assert seconds_left(now, [EARLIER]) == pytest.approx(60.0)


@given(
    st.lists(st.floats(0.1, 1e4), min_size=2, max_size=10),
    st.floats(0.2, 5.0),
    st.data(),
)
def test_a_run_of_the_same_shape_is_foretold_exactly(took: list[float], speed: float, data: st.DataObject):
    """At any year's end, a run that is as a whole faster or slower than the earlier one leaves no error."""
    years = list(range(2025, 2025 + len(took)))
    done = data.draw(st.integers(1, len(took)))
    earlier = run(years, dict(zip(years, took, strict=True)), sum(took))
    own = [seconds * speed for seconds in took]
    if sum(took[:done]) < 0.02 * sum(took):
        return
    now = run(years, dict(zip(years[:done], own[:done], strict=True)), sum(own[:done]))
    assert seconds_left(now, [earlier]) == pytest.approx(sum(own[done:]), rel=1e-6, abs=1e-6)


def test_of_years_side_by_side_nothing_is_told_but_by_earlier_runs():
    """Workers that simulate several years at once would make the time left that of the last year to begin."""
    finished = run(YEARS, {2025: 10.0, 2026: 12.0}, 12.0)
    under_way = run(YEARS, {2025: 10.0}, 12.0)
    under_way["resources"] = {
        "open_operations": [{"worker": worker, "breakdown": {"year": 2026}} for worker in ("vm-7", "vm-8")]
    }
    for now in (finished, under_way):
        assert seconds_left(now) is None
        assert seconds_left({**now, "forecast": {"eta_seconds": 0.1}}) is None
        assert seconds_left(now, [EARLIER]) == 58.0
