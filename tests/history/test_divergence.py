"""Two runs of one simulation part at the first digest that differs."""

from __future__ import annotations

import navigator_obs as obs
from navigator_obs.history.divergence import first_divergence


def simulate(hires: dict[int, int], twice: bool = False) -> dict:
    workforce = [{"id": 0}]
    with obs.start_run("baseline") as run:
        for year in range(2025, 2029):
            with obs.context(year=year), obs.operation("year_simulation"), obs.operation("hiring"):
                workforce += [{"id": len(workforce) + number} for number in range(hires[year])]
                run.digest("workforce", workforce)
                if twice:
                    run.digest("workforce", workforce[:1])
            run.digest("payroll", sum(row["id"] for row in workforce), year=year)
    return run.summary


PLAN = {2025: 2, 2026: 3, 2027: 1, 2028: 0}


def test_runs_that_agree_part_nowhere(recorder):
    """Each digest is what it was."""
    assert first_divergence(simulate(PLAN), simulate(PLAN)) is None


def test_the_first_year_and_operation_are_named(recorder):
    """With the rows of both, and the last place at which they agreed."""
    found = first_divergence(simulate(PLAN), simulate({**PLAN, 2027: 4}))
    assert (found.name, found.year, found.operation_path) == ("workforce", 2027, "year_simulation/hiring")
    assert (found.rows, found.after, found.compared) == ((7, 10), ("payroll", 2026), 8)
    assert str(found) == "workforce differs first in year 2027, in year_simulation/hiring (7 rows, 10 rows)"


def test_several_of_one_name_in_a_year_are_held_against_each_other_in_their_order(recorder):
    """The first against the first, the second against the second."""
    assert first_divergence(simulate(PLAN, twice=True), simulate(PLAN, twice=True)) is None
    assert first_divergence(simulate(PLAN, twice=True), simulate(PLAN)) is None


def test_runs_without_digests_say_nothing():
    """Neither that they part nor that they agree."""
    assert first_divergence({}, {"digests": None}) is None
    assert first_divergence({}, {"digests": [{"name": "x"}]}) is None
