"""A value is held against bounds; the outcome is recorded, a violation is logged."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
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
