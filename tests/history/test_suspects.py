"""A success that is slow, or that looks wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.history.suspects import LEAST_RUNS, slower, suspects


def summary(rows=1000.0, seconds=10.0, hiring=4.0, check=0.5, years=(2025,), raises=6.0, cpu=9.0, **gauges):
    return {
        "resources": {"cpu_seconds": cpu},
        "run_metadata": {"duration_seconds": seconds},
        "execution_summary": {"years_planned": list(years)},
        "performance_metrics": {"hiring": {"rows": rows, "self_seconds": hiring}, "raises": {"self_seconds": raises}},
        "checks": [{"name": "share", "year": 2025, "value": check}],
        "metrics": {"gauges": [{"name": name, "labels": {}, "value": value} for name, value in gauges.items()]},
    }


def test_a_figure_outside_of_its_band_is_suspect():
    """Rows, checks and gauges that are far from where they were, the worst first."""
    past = [summary(rows=1000 + n, check=0.5 + n / 100, payroll=400.0) for n in range(5)]
    found = suspects(summary(rows=400, check=0.51, payroll=4000.0), past)
    assert [(one.what, one.value) for one in found] == [("payroll", 4000.0), ("rows of hiring", 400)]
    assert found[0].usual == 400.0


def test_what_is_gone_or_no_number_is_suspect():
    """A figure that was always there and is not, and a value that has become NaN."""
    past = [summary(payroll=400.0) for _ in range(4)]
    told = ["check share 2025 is not a finite number", "payroll is gone"]
    assert sorted(one.what for one in suspects(summary(check=None), past)) == told
    noted = [one.what for one in suspects(summary(payroll=None), past)]
    assert noted == ["payroll is not a finite number"]


def test_an_ordinary_run_is_not_suspect():
    """Noise as there always was is no news."""
    past = [summary(rows=1000 + 100 * (n % 3), payroll=400.0 + n) for n in range(9)]
    assert suspects(summary(rows=1150, payroll=404.0), past) == []


def test_other_years_are_not_held_against_it():
    """A run over more years has more rows by right; with too few runs like it nothing is said."""
    past = [summary(years=(2025, 2026), rows=9000) for _ in range(9)]
    assert suspects(summary(rows=100), past) == []
    assert suspects(summary(rows=100), [summary() for _ in range(LEAST_RUNS - 1)]) == []


def test_a_check_that_no_longer_passes_is_suspect():
    """However near the value is to what it was; one that never passed is no news."""
    good, bad = summary(check=0.5), summary(check=0.51)
    for outcome, of in (("pass", good), ("warn", bad)):
        of["checks"][0]["outcome"] = outcome
    assert [one.what for one in suspects(bad, [good] * 4)] == ["check share did not pass, as it always did"]
    assert suspects(bad, [bad] * 4) == []


def issue(message, **fields):
    return {"fingerprint": message, "message": message, "category": "unknown", "retry": "maybe", **fields}


def test_an_error_that_was_survived_is_suspect():
    """One that no run before had."""
    good, bad = summary(), summary()
    bad["issues"] = {"errors": [issue("3 rows lost")], "warnings": []}
    assert [one.what for one in suspects(bad, [good] * 4)] == ["new: 3 rows lost"]
    assert suspects(bad, [bad] * 4) == []


def test_a_warning_of_new_words_is_suspect():
    """It is told once, whoever gave it; not that something was tried again, nor that the code is of an old kind."""
    good, bad = summary(), summary()
    again = issue("no answer, once more", retry="yes")
    old = issue("will go in 3.0", type="DeprecationWarning")
    ours = issue("Run stalled", first={"logger": "navigator_obs.run"})
    by_two = [issue("paid too little", count=3, first={"logger": f"plan.{year}"}) for year in (2025, 2026)]
    bad["issues"] = {"errors": [], "warnings": [again, old, ours, *by_two]}
    assert [one.what for one in suspects(bad, [good] * 4)] == ["new: paid too little (6 times)"]
    assert suspects(bad, [bad] * 4) == []


def test_a_warning_that_comes_many_times_as_often_is_suspect():
    """Some more or less are no news."""
    past = [{**summary(), "issues": {"warnings": [issue("no band", count=2 + n)]}} for n in range(4)]
    often, few = ({**summary(), "issues": {"warnings": [issue("no band", count=n)]}} for n in (300, 9))
    [found] = suspects(often, past)
    assert (found.what, found.value, found.usual) == ("times: no band", 300, 3.5)
    assert suspects(few, past) == []


def test_an_output_that_is_much_smaller_is_suspect():
    """A report that was cut has other bytes than ever."""
    report = {"kind": "output", "path": "report.csv", "bytes": 1000}
    past = [{**summary(), "artifacts": [report]} for _ in range(4)]
    cut = {**summary(), "artifacts": [{**report, "bytes": 300}]}
    assert [one.what for one in suspects(cut, past)] == ["bytes of report.csv"]


def test_what_the_newest_runs_had_is_missed():
    """A figure that came with the newest three runs is gone, though older ones never had it."""
    past = [summary(payroll=400.0) for _ in range(3)] + [summary() for _ in range(9)]
    assert [one.what for one in suspects(summary(), past)] == ["payroll is gone"]
    assert suspects(summary(), past[::-1]) == []


def test_figures_that_say_the_same_are_one():
    """The rows of an operation may be counted elsewhere as well."""
    past = [summary(payroll=1000.0) for _ in range(4)]
    [found] = suspects(summary(rows=400.0, payroll=400.0), past)
    assert found.what == "payroll, rows of hiring"


def test_an_operation_that_is_new_took_no_time_before():
    """What it takes is told as its own."""
    new = summary(seconds=60.0, cpu=59.0)
    new["performance_metrics"]["audit"] = {"self_seconds": 50.0}
    found = slower(new, [summary(seconds=10 + n / 10) for n in range(4)])
    assert [(one.what, one.usual) for one in found][1] == ("audit", 0.0)


def test_an_operation_may_be_slow_in_a_run_that_is_not():
    """What it gained is a large part of the run, and something else was faster."""
    past = [summary(seconds=10 + n / 10, hiring=2.0) for n in range(5)]
    assert [one.what for one in slower(summary(seconds=11, hiring=6.0), past)] == ["hiring"]
    assert slower(summary(seconds=11, hiring=3.0), past) == []


def test_a_slow_run_names_what_was_slow():
    """The run first, then the operation that gained time; one that did not is left out."""
    past = [summary(seconds=10 + n / 10) for n in range(5)]
    whole, part = slower(summary(seconds=20, hiring=14.0), past)
    assert (whole.what, part.what, part.value, part.usual) == ("the run", "hiring", 14.0, 4.0)
    assert slower(summary(seconds=11), past) == []


def test_a_busy_machine_is_no_slow_run():
    """Everything took twice as long, and the processor no longer than before: something else was running."""
    past = [summary(seconds=10 + n / 10, hiring=2.0, raises=2.0) for n in range(5)]
    waited = summary(seconds=20, hiring=4.5, raises=4.5)
    assert slower(waited, past) == []
    assert slower(summary(seconds=20, hiring=4.5, raises=4.5, cpu=19.0), past)
    assert slower(summary(seconds=20, hiring=12.0, raises=2.0), past), "one operation waits: that is its own"


@given(st.lists(st.floats(1, 1e6), min_size=LEAST_RUNS, max_size=9), st.sampled_from([0.001, 1000.0]))
def test_the_unit_of_a_figure_makes_no_difference(rows, unit):
    """Seconds or milliseconds, heads or thousands: the same figures are suspect."""
    past, now = [summary(rows=one) for one in rows], summary(rows=3e6)
    scaled = [summary(rows=one * unit) for one in rows]
    assert bool(suspects(now, past)) == bool(suspects(summary(rows=3e6 * unit), scaled))


@pytest.mark.parametrize("odd", [{}, {"performance_metrics": {"x": 5}, "checks": "none", "metrics": {"gauges": [5]}}])
def test_foreign_summaries_are_not_suspect(odd):
    """What is not there can't be judged, and raises nothing."""
    assert suspects(odd, [odd] * 5) == []
    assert slower(odd, [odd] * 5) == []
