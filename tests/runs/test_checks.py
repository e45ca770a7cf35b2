"""A value is held against bounds; the outcome is recorded, a violation is logged."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import navigator_obs as obs
from navigator_obs.errors import CheckFailed, UsageError
from navigator_obs.runs.checks import check


@pytest.mark.parametrize(
    ("value", "bounds", "passed"),
    [
        (5, {"min": 1, "max": 10}, True),
        (1, {"min": 1}, True),
        (0, {"min": 1}, False),
        (1, {"max": 0}, False),
        (0, {"max": 0}, True),
        (0.0, {"equals": 0}, True),
        (1, {"equals": 0}, False),
        (5, {"between": (5, 5)}, True),
        (6, {"between": [0, 5]}, False),
        (Decimal("1.5"), {"min": 1}, True),
        (np.float64(1.5), {"max": 1}, False),
        (True, {}, True),
        (False, {}, False),
        (np.bool_(False), {}, False),
        ("2025", {"equals": "2025"}, True),
    ],
)
def test_bounds_are_inclusive_and_zero_is_one(recorder, value, bounds, passed):
    """The check returns whether the value keeps its bounds, a threshold of zero included."""
    assert check("payroll", value, **bounds) is passed


@pytest.mark.parametrize("value", [None, float("nan"), np.nan, "many", object(), np.array([1, 2])])
def test_what_can_not_be_compared_does_not_pass(recorder, value):
    """A missing or senseless value is the check's own error, said as one, and raises nothing."""
    assert check("payroll", value, min=0) is False
    [event] = recorder.events()
    assert (event["level"], event["outcome"], event["check"]) == ("ERROR", "error", "payroll")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ({"between": (3, 1)}, "the minimum 3 is above the maximum 1"),
        ({"min": 2, "max": 0.5}, "the minimum 2 is above the maximum 0.5"),
        ({"max": float("nan")}, "a bound is NaN"),
        ({"equals": np.nan}, "a bound is NaN"),
    ],
)
def test_bounds_that_nothing_can_keep_break_the_check(recorder, bounds, words):
    """They are often worked out from data: the check's own error, and not one of the value."""
    assert check("payroll", 2, **bounds) is False
    [event] = recorder.events()
    assert (event["outcome"], event["message"]) == ("error", f"check payroll: {words}")


@pytest.mark.parametrize(("severity", "level", "outcome"), [("warning", "WARNING", "warn"), ("error", "ERROR", "fail")])
def test_a_violation_is_logged_with_its_severity(recorder, severity, level, outcome):
    """The event names the check, the value and the bound, and the code that checked."""
    with obs.context(year=2026):
        check("payroll", 7, max=5, severity=severity, unit="USD")
    [event] = recorder.events()
    assert event["message"] == "check payroll: 7 is above the maximum 5 USD"
    assert (event["level"], event["outcome"], event["value"], event["max"]) == (level, outcome, 7, 5)
    assert (event["year"], event["unit"]) == (2026, "USD")
    assert event["function"] == "test_a_violation_is_logged_with_its_severity"


@pytest.mark.parametrize(
    ("value", "bounds", "words"),
    [
        (2_100_000_000, {"max": 2_000_000_000}, "2,100,000,000 is above the maximum 2,000,000,000"),
        (2.1e9, {"max": 2e9}, "2,100,000,000 is above the maximum 2,000,000,000"),
        (0.0312, {"min": 0.05}, "0.0312 is below the minimum 0.05"),
        (0.4052819533261357, {"max": 0.35}, "0.405282 is above the maximum 0.35"),
        (0.3500000000001, {"max": 0.35}, "0.3500000000001 is above the maximum 0.35"),
        (1234378199.0900002, {"max": 1e9}, "1,234,378,199.09 is above the maximum 1,000,000,000"),
        ("draft", {"equals": "final"}, "'draft' is not the expected 'final'"),
        (False, {}, "it does not hold"),
        (1e300, {"max": 1}, "1e+300 is above the maximum 1"),
    ],
)
def test_a_violation_is_told_in_words(recorder, value, bounds, words):
    """The message is for people; the fields of the event keep the values."""
    check("total_payroll", value, **bounds)
    [event] = recorder.events()
    assert event["message"] == f"check total_payroll: {words}"
    assert event["value"] == value


def test_a_passing_check_is_not_logged(recorder):
    """What is as it should be stays quiet."""
    check("payroll", 1, min=0)
    assert recorder.events() == []


def test_a_failing_check_can_stop_the_run(recorder):
    """With stop=True it raises, after it was recorded."""
    with pytest.raises(CheckFailed, match="payroll"):
        check("payroll", 7, max=5, stop=True)
    assert len(recorder.events()) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"value": 5},
        {"value": 5, "between": 7},
        {"value": 5, "between": (1, 2, 3)},
        {"value": 5, "between": (1, 2), "min": 0},
        {"value": 5, "min": 1, "severity": "eror"},
        {"name": "", "value": 5, "min": 1},
    ],
)
def test_bounds_that_make_no_sense_are_refused(wrong):
    """A wrong use raises at once and says what is valid."""
    with pytest.raises(UsageError):
        check(**{"name": "payroll", **wrong})


def test_it_needs_neither_settings_nor_a_run():
    """A library's check works in any program."""
    assert check("payroll", 1, min=0) is True


def last_check(run):
    return run.summary["checks"][-1]


def test_predicates_of_ones_own_are_counted(recorder):
    """Each `expect` is one thing that must hold; how many did not, and a few of them, are kept."""
    salaries = check("salaries", severity="error", dataset="workforce")
    with obs.start_run("baseline") as run, obs.context(year=2026), salaries as found:
        for number in range(20):
            assert found.expect(number % 2 == 0, example={"id": number}) is (number % 2 == 0)
    assert found.passed is False
    told = last_check(run)
    assert (told["outcome"], told["violations"], told["checked"], told["dataset"]) == ("fail", 10, 20, "workforce")
    assert told["examples"] == [{"id": 1}, {"id": 3}, {"id": 5}, {"id": 7}, {"id": 9}]
    [event] = recorder.events("check salaries: 10 of 20 do not hold")
    assert (event["level"], event["year"], event["violations"]) == ("ERROR", 2026, 10)


def test_a_predicate_may_be_an_assertion(recorder):
    """One that does not hold is a violation, with its words; it goes no further."""
    with check("managers") as found:
        assert 1 + 1 == 3, "two have none"
    assert found.passed is False
    assert recorder.events()[0]["message"].startswith("check managers: two have none")


def test_a_check_that_breaks_is_an_error_and_stops_nothing(recorder):
    """The exception is told as the check's own."""
    with obs.start_run("baseline") as run, check("managers") as found:
        {}["employee 17"]
    assert found.passed is False
    assert (last_check(run)["outcome"], last_check(run)["reason"]) == ("error", "KeyError: 'employee 17'")


def test_what_ends_the_program_goes_through(recorder):
    """Ctrl-C and exits are none of a check's business."""
    with pytest.raises(KeyboardInterrupt), check("managers") as found:
        raise KeyboardInterrupt
    assert found.passed is None


def test_a_context_holds_its_value_against_bounds(recorder):
    """What is computed inside, so that what breaks there is the check's."""
    with check("payroll", max=0, unit="USD") as found:
        found.value = 5
    assert found.passed is False
    assert recorder.events()[-1]["message"] == "check payroll: 5 is above the maximum 0 USD"
    with check("payroll", min=0) as found:
        pass
    assert found.passed is False
    assert recorder.events()[-1]["outcome"] == "error"
    with check("payroll", min=0) as found:
        found.value = 0
    assert found.passed is True


def test_a_skipped_check_is_neither_good_nor_bad(recorder):
    """Its reason is kept; nothing is logged, and nothing counts as failed."""
    with obs.start_run("baseline") as run:
        assert check("growth", skip="there is no earlier year", year=2025) is True
        with check("growth", year=2026) as found:
            found.skip("not asked for")
    assert found.passed is True
    assert run.status == "success"
    told = run.summary["checks"]
    assert [(one["outcome"], one["reason"], one["failures"]) for one in told] == [
        ("skipped", "there is no earlier year", 0),
        ("skipped", "not asked for", 0),
    ]
    assert run.summary["execution_summary"]["checks"]["skipped"] == 2


def test_a_context_stops_the_run_if_asked(recorder):
    """Whether it does not hold or breaks; what broke is the cause."""
    with (
        pytest.raises(CheckFailed, match="check 'salaries': 1 of 2 do not hold"),
        check("salaries", stop=True) as found,
    ):
        found.expect(True)
        found.expect(False)
    assert found.passed is False
    with pytest.raises(CheckFailed, match="KeyError") as caught, check("salaries", stop=True):
        {}["pay"]
    assert isinstance(caught.value.__cause__, KeyError)


def test_counts_and_examples_come_with_a_value(recorder):
    """Of a data frame its first rows; without secrets, and of anything five at most."""
    frame = pd.DataFrame({"id": range(9), "password": ["hunter2"] * 9})
    with obs.start_run("baseline") as run:
        check("orphans", 9, max=0, violations=9, checked=100, examples=frame)
        check("codes", 1, max=0, examples="x" * 1000)
        check("broken", 1, max=0, violations="many", examples=7)
    orphans, codes, broken = run.summary["checks"]
    assert (orphans["violations"], orphans["checked"], len(orphans["examples"])) == (9, 100, 5)
    assert "hunter2" not in str(orphans)
    assert [len(example) for example in codes["examples"]] == [200]
    assert (broken["violations"], broken["examples"]) == (None, [])
