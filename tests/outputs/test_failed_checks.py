"""Checks that did not pass, as the report tells them."""

from __future__ import annotations

import re

from navigator_obs.outputs.failed_checks import all_checks
from navigator_obs.outputs.text import render, render_sections
from tests.outputs.summaries import issue, violation, with_issues


def test_a_check_without_bounds_tells_what_it_asked_for():
    """Where a predicate gave its reason, that stands in the place of the bounds."""
    found = {**violation(2027, 1491), "max": None, "reason": "pay is missing"}
    assert re.search(r"rate +warn +1,491 +pay is missing +year 2027", render({"checks": [found]}))


def test_a_check_tells_how_many_violate_it_and_the_first_of_them():
    """All checks have the first example beside them, the summary how many there are; those that passed have neither."""
    found = violation(2027, 0.9, violations=12, checked=4000, examples=[{"id": 7, "pay": -10.5}, {"id": 8, "pay": -1}])
    summary = {"checks": [found, violation(2028, 0.7, "pass", examples=[{"id": 9}])]}
    shown = render_sections([all_checks(summary)])
    assert "year 2027 · 12 of 4,000 violate it · such as id=7 pay=-10.5" in shown
    assert "id=9" not in shown
    assert "12 of 4,000 violate it" in render(summary)


def test_no_check_loses_its_year_in_a_narrow_terminal():
    """What tells rows of a table apart takes lines more where there is no room."""
    found = {**violation(2027, 0.405282), "dataset": "the_busy_scenario"}
    words = " ".join(render({"checks": [found]}, width=60).split())
    assert words.endswith("year 2027 · dataset the_busy_scenario")


def test_a_check_is_told_once_and_the_numbers_add_up():
    """A violation stands among the checks alone, and how many errors and warnings are checks is said."""
    checked = {"check": "rate", "logger": "navigator_obs.checks"}
    summary = with_issues(
        errors=[issue("check rate: broke", event=checked, count=2), issue("the plan is empty")],
        warnings=[issue("check rate: 0.9 is above 0.8", event=checked)],
        checks=[violation(2027, 0.9), violation(2028, None, "error", unit="USD")],
    )
    shown = render(summary)
    assert "3 errors (2 from checks) · 1 warning (from a check)" in shown
    assert "check rate" not in shown
    assert re.search(r"rate +error +none +≤ 0.8 +year 2028", shown)


def test_a_field_called_check_hides_nothing():
    """An event of the program's own that has such a field is a warning like others."""
    found = issue("could not check the plan", event={"check": "rate"})
    assert "could not check the plan" in render(with_issues(warnings=[found], checks=[violation(2027, 0.9)]))


def test_a_check_that_fails_every_year_takes_one_line():
    """Beyond a few, the same violations are told by their range, in values and years."""
    few = render({"checks": [violation(2025 + at, 0.81 + at / 100) for at in range(5)]})
    assert few.count("≤ 0.8 ") == 5
    many = render({"checks": [violation(2025 + at, 0.81 + at / 100) for at in range(16)]})
    assert re.search(r"rate +warn +0.81 to 0.96 +≤ 0.8 +16 times from year 2025 to 2040", many)
