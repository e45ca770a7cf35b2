"""Warnings and errors are grouped by what they are, counted exactly, and kept bounded."""

from __future__ import annotations

import logging
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.encoding import to_json
from navigator_obs.events.line import EventLine
from navigator_obs.events.symptoms import shape
from navigator_obs.runs import catalogue
from navigator_obs.runs.catalogue import (
    FULL_OCCURRENCES,
    MAX_GROUPS,
    MAX_VARIANTS,
    OTHER_VARIANTS,
    Catalogue,
    Gate,
    identify,
    own_context,
    template,
)


def event(message, level="WARNING", **fields):
    return {
        "timestamp": "2025-01-01T00:00:00.000000Z",
        "level": level,
        "message": message,
        "logger": "planwise",
        **fields,
    }


def issue(found, time="2025-01-01T00:00:00.000000Z"):
    return {"time": time, "event": found, **identify(found)}


def told(events):
    """Feed events as a run does: through the gate, in full or counted at the end."""
    gate, book = Gate(), Catalogue()
    for found in events:
        record = issue(found)
        if gate.admit(record):
            book.add(record)
    for count in gate.take(whole=True):
        book.add_count(count)
    return book


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 rows lost in 2026", "17 rows lost in 2027"),
        ("plan 'gold' is empty", "plan 'silver' is empty"),
        ("object at 0x7f00aa is gone", "object at 0x7f11bb is gone"),
        ("took 1.5e-3 s", "took 20 s"),
    ],
)
def test_numbers_and_names_do_not_make_another_issue(one, other):
    """Two tellings of the same thing have the same fingerprint."""
    assert template(one) == template(other)
    assert identify(event(one))["fingerprint"] == identify(event(other))["fingerprint"]


def test_other_words_or_another_logger_make_another_issue():
    """What is said, and by whom, tells issues apart."""
    prints = {
        identify(found)["fingerprint"]
        for found in (event("no hires"), event("no raises"), event("no hires", logger="events"))
    }
    assert len(prints) == 3


def test_warnings_of_all_three_ways_are_catalogued(recwarn, recorder):
    """Logged ones, those of the standard library's `logging`, and Python's own, which have a type."""
    with obs.start_run("baseline") as run:
        for number in range(3):
            obs.get_logger("sim").warning(f"few hires in {number}")
            logging.getLogger("lib").warning("slow query %d", number)
            warnings.showwarning(DeprecationWarning(f"column {number} is deprecated"), DeprecationWarning, __file__, 7)
    found = [(group["type"], group["count"], *group["variants"]) for group in run.summary["issues"]["warnings"]]
    assert found == [
        (None, 3, "few hires in #"), (None, 3, "slow query #"), ("DeprecationWarning", 3, "column # is deprecated"),
    ]  # fmt: skip


def test_an_exception_is_what_it_is_wherever_it_is_told():
    """With an exception, its own fingerprint, category and message count, not the words around it."""
    exception = {"type": "ValueError", "message": "bad", "fingerprint": "abc", "category": "code"}
    one = identify(event("hiring failed", "ERROR", exception=exception))
    assert one == {
        "severity": "errors",
        "fingerprint": "abc",
        "category": "code",
        "category_rule": None,
        "fixed_by": "developer",
        "retry": "no",
        "type": "ValueError",
        "message": "bad",
        "event_message": "hiring failed",
    }


def test_the_first_occurrences_are_kept_in_full_and_all_are_counted():
    """A warning that comes a thousand times is one issue, with its first and last event."""
    book = told(event(f"{number} rows lost", year=number) for number in range(1000))
    [group] = book.summary()["warnings"]
    assert (group["count"], group["first"]["year"], group["last"]["year"]) == (1000, 0, 999)
    assert book.totals == {"errors": 0, "warnings": 1000}


def test_a_tick_carries_no_tracebacks():
    """Counts between ticks keep the last event small; at the end it is whole."""
    exception = {"type": "E", "message": "m", "fingerprint": "f", "category": "code", "traceback": "long", "frames": []}
    gate = Gate()
    for _ in range(FULL_OCCURRENCES + 1):
        gate.admit(issue(event("failed", "ERROR", exception=exception)))
    [count] = gate.take()
    assert "traceback" not in count["event"]["exception"]
    gate.admit(issue(event("failed", "ERROR", exception=exception)))
    assert gate.take(whole=True)[0]["event"]["exception"]["traceback"] == "long"
    assert gate.take() == []


def test_groups_are_bounded_and_totals_exact():
    """Beyond the limit issues are counted as overflow, and the totals still hold them."""
    words = [f"{chr(97 + number % 26) * (1 + number // 26)} happened" for number in range(MAX_GROUPS * 3)]
    book = told(event(message) for message in words)
    assert len(book.summary()["warnings"]) == MAX_GROUPS
    assert book.totals["warnings"] == MAX_GROUPS * 3
    assert book.overflow == MAX_GROUPS * 2


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["WARNING", "ERROR"]))))
def test_no_occurrence_is_lost_or_doubled(told_events):
    """Whatever comes in whatever order, the counts of the groups sum up to what came."""
    book = told(event(message, level) for message, level in told_events)
    summary = book.summary()
    for severity, level in (("errors", "ERROR"), ("warnings", "WARNING")):
        expected = sum(1 for _, found in told_events if found == level)
        assert sum(group["count"] for group in summary[severity]) == book.totals[severity] == expected


def test_the_context_is_what_the_code_around_had_bound():
    """Of an event's keys only those of the context, as the event has them after redaction."""
    found = event("no hires", year=2026, token="[redacted]", rows=0)
    assert own_context(found, {"year": 2026, "token": "s3cret", "gone": 1}) == {"year": 2026, "token": "[redacted]"}
    assert (
        len(own_context(dict.fromkeys(map(str, range(99)), 0), dict.fromkeys(map(str, range(99)))))
        == catalogue.MAX_CONTEXT_KEYS
    )


def line_of(found):
    """The event as the fast path hands it over."""
    exception, severe = found.get("exception"), found["level"] == "ERROR"
    words = exception["message"] if exception else found["message"]
    group = (exception["fingerprint"] if exception else found["logger"], severe, b"" if exception else shape(words))
    return EventLine(to_json(found), "run", group, words)


def told_by_lines(events):
    """As `told` does, with what repeats counted by its line alone."""
    gate, book = Gate(), Catalogue()
    for line in map(line_of, events):
        if not gate.count(line) and gate.admit(issue(line, line.time), line.group):
            book.add(issue(dict(line)))
    for count in gate.take(whole=True):
        book.add_count(count)
    return book


WORDS = st.sampled_from(["lost {} rows", "plan '{}' is empty", "at 0x{}f", "at {}x1f", "took {} s"])
OCCURRENCES = st.tuples(WORDS, st.sampled_from([0, 1, 27]), st.sampled_from(["WARNING", "ERROR"]), st.booleans())


@given(st.lists(OCCURRENCES, min_size=10))
def test_lines_are_counted_as_the_events_that_they_hold(occurrences):
    """What is counted without a look at it is counted as what it is: issues, variants and last events are equal."""
    events = []
    for words, number, level, is_exception in occurrences:
        message = words.format(number)
        exception = {"type": "E", "message": message, "fingerprint": "abc", "category": "code"}
        more = {"exception": exception} if is_exception else {}
        events.append(event("failed" if is_exception else message, level, number=len(events), **more))
    by_lines, expected = told_by_lines(events), told(events)
    assert by_lines.summary() == expected.summary()
    assert by_lines.totals == expected.totals


def test_groups_of_lines_are_bounded(monkeypatch):
    """A program whose errors are all others keeps no more of them than the limit."""
    monkeypatch.setattr(catalogue, "MAX_LINE_GROUPS", 10)
    gate = Gate()
    for number in range(100):
        for _ in range(FULL_OCCURRENCES + 1):
            line = line_of(event("lost " + "x" * number))
            if not gate.count(line):
                gate.admit(issue(line, line.time), line.group)
    assert len(gate._counted_as) <= 10


def failed(message):
    exception = {"type": "ValueError", "message": message, "fingerprint": "abc", "category": "code"}
    return event("failed", "ERROR", exception=exception)


@given(st.lists(st.sampled_from([f"{letter} is {number}" for letter in "abcdefghijklmnop" for number in (1, 2)])))
def test_wordings_of_one_issue_are_counted_and_bounded(messages):
    """However often and in however many words the same error is told, its variants add up to its count."""
    book = told(failed(message) for message in messages)
    for group in book.summary()["errors"]:
        assert sum(group["variants"].values()) == group["count"] == len(messages)
        assert len(group["variants"]) <= MAX_VARIANTS + 1
        assert (OTHER_VARIANTS in group["variants"]) == (len({message[0] for message in messages}) > MAX_VARIANTS)


def test_a_summary_stands_still():
    """What is counted after a summary was taken does not change it."""
    book = told([failed("a is 1")])
    before = book.summary()["errors"][0]
    book.add(issue(failed("a is 2")))
    assert (before["variants"], book.summary()["errors"][0]["variants"]) == ({"a is #": 1}, {"a is #": 2})
