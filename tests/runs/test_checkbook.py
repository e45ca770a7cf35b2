"""Outcomes of checks are grouped by name, year and dataset, counted exactly, and kept bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.runs.checkbook import FULL_OCCURRENCES, MAX_GROUPS, OUTCOMES, CheckBook, Gate


def found(name="payroll", outcome="pass", year=2025, value=1, **more):
    return {"name": name, "outcome": outcome, "severity": "warning", "value": value, "year": year, "time": "t", **more}


def told(outcomes):
    gate, book, written = Gate(), CheckBook(), 0
    for outcome in outcomes:
        if gate.admit(outcome):
            book.add(outcome)
            written += 1
    for counted in gate.take():
        book.add(counted)
    return book, written


def test_a_group_shows_its_worst_outcome():
    """Of a check that failed once among many, what failed is shown, with how often it was made."""
    outcomes = [found(value=1), found(outcome="fail", value=99), found(value=2)]
    [group] = told(outcomes)[0].summary()
    assert (group["outcome"], group["value"], group["count"], group["failures"]) == ("fail", 99, 3, 1)


def test_years_and_datasets_are_groups_of_their_own():
    """The same name for another year is another check."""
    book, _ = told([found(year=2025), found(year=2026), found(dataset="census")])
    assert len(book.summary()) == 3


def test_few_are_written_and_all_are_counted():
    """A check in a hot loop costs the journal a handful of records."""
    book, written = told(found(value=number) for number in range(10_000))
    assert written == FULL_OCCURRENCES
    assert book.outcomes["pass"] == 10_000
    assert book.summary()[0]["count"] == 10_000
    assert book.summary()[0]["value"] == 9_999


def test_groups_are_bounded():
    """Names without end are counted as overflow, and the counts by outcome still hold them."""
    total = MAX_GROUPS * len(OUTCOMES) + MAX_GROUPS * 2 + 7
    book, _ = told(found(name=f"check {number}") for number in range(total))
    assert len(book.summary()) == MAX_GROUPS
    assert book.outcomes["pass"] == total
    assert sum(group["count"] for group in book.summary()) + book.overflow == total


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(OUTCOMES), st.sampled_from([2025, 2026])), max_size=60)
)
def test_no_outcome_is_lost_or_doubled(outcomes):
    """Whatever comes in whatever order, counts by group and by outcome are what came."""
    book, _ = told(found(name, outcome, year) for name, outcome, year in outcomes)
    assert sum(group["count"] for group in book.summary()) == len(outcomes) == sum(book.outcomes.values())
    failures = sum(1 for _, outcome, _ in outcomes if outcome not in {"pass", "skipped"})
    assert sum(group["failures"] for group in book.summary()) == failures
