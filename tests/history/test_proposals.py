"""Bounds for checks are proposed from what earlier runs found."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.history.proposals import LEAST_VALUES, propose


def summaries(*values, **more):
    return [{"checks": [{"name": "headcount", "outcome": "pass", "value": value, **more}]} for value in values]


@given(st.lists(st.floats(-1e12, 1e12), min_size=LEAST_VALUES, max_size=40))
def test_bounds_hold_the_middle_half_of_what_was_seen(values):
    """Whatever was seen, low is below high, and most values pass."""
    [found] = propose(summaries(*values))
    assert found.min <= found.max
    assert sum(found.min <= value <= found.max for value in values) >= len(values) / 2
    assert not (min(values) >= 0 and found.min < 0)


def test_an_outlier_moves_no_bound():
    """One run that went wrong does not make room for the next."""
    usual = [5000 + number for number in range(20)]
    [with_one], [without] = propose(summaries(*usual, 900_000)), propose(summaries(*usual))
    assert with_one.max < 2 * without.max
    assert with_one.highest == 900_000


def test_few_values_and_those_that_are_no_numbers_give_none():
    """Seven are too few; texts, verdicts, NaN and broken checks do not count."""
    [found] = propose(summaries(*range(LEAST_VALUES - 1)))
    assert (found.values, found.min, found.max) == (LEAST_VALUES - 1, None, None)
    assert propose(summaries("final", True, None, float("nan"))) == []
    assert propose([{"checks": [{"name": "x", "outcome": "error", "value": 3}]}, {}, {"checks": None}]) == []


def test_years_are_taken_together_unless_asked_for():
    """By year, each has its own."""
    found = [one for year in (2025, 2026) for one in summaries(*range(10), year=year)]
    assert [(one.year, one.values) for one in propose(found)] == [(None, 20)]
    assert [(one.year, one.values) for one in propose(found, by_year=True)] == [(2025, 10), (2026, 10)]
    assert propose(found, "payroll") == []


@pytest.fixture
def runs(recorder):
    for number in range(3):
        with obs.start_run("baseline"):
            for year in range(2025, 2029):
                obs.check("headcount", 5000 + 10 * number, min=1, year=year, unit="people")


def test_the_command_proposes(runs, capsys):
    """From the successful runs of that name."""
    assert main(["checks", "--propose"]) == 0
    out = capsys.readouterr().out
    assert "headcount" in out
    assert "12 in 3 runs" in out
    assert main(["checks", "--propose", "--json"]) == 0
    [found] = json.loads(capsys.readouterr().out)
    assert (found["values"], found["runs"], found["lowest"], found["highest"]) == (12, 3, 5000, 5020)
    assert found["min"] < 5000
    assert found["max"] > 5020
