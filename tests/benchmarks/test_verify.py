from __future__ import annotations

import pytest

from benchmarks import verify, workloads
from benchmarks.plan import Plan

PLAN = Plan(events=40, batch=20)
TRACEBACK = "PromotionError: no salary band for employee {} in _new_salary"


def record(case, number):
    """An event as it should be read back."""
    own = dict(zip(workloads.FIELDS, workloads.row(number), strict=True))
    record = {"timestamp": "2025-08-18T14:30:22Z", "level": case.upper(), "message": verify.MESSAGES[case]}
    record |= {"run_id": workloads.RUN_ID, **workloads.CONTEXT, **own, "module": "m", "function": case, "line": 7}
    return record | ({"exception": TRACEBACK.format(number)} if case == "error" else {})


def everything():
    return [record(case, number) for case in ("info", "error") for number in PLAN.numbers(case)]


def examine(records):
    return verify.examine(records, PLAN, caller=True, levels=True)


def test_everything_as_told_is_kept():
    """All events once, in any order, are found to be kept."""
    verdict = examine(reversed(everything()))
    assert verdict.kept
    assert str(verdict) == "all"
    assert verdict.told == len(everything())


def test_a_missing_event_is_lost():
    """An event that is in no file is counted as lost."""
    verdict = examine(everything()[1:-1])
    assert (verdict.lost, verdict.doubled, verdict.mangled) == (2, 0, 0)
    assert str(verdict) == f"lost 2 of {verdict.told}"


def test_an_event_written_twice_is_doubled():
    """An event that is there twice is counted as doubled, and the twin does not make up for a lost one."""
    verdict = examine([*everything()[1:], record("info", 5)])
    assert (verdict.lost, verdict.doubled) == (1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"salary": 1.0},
        {"employee": None},
        {"sequence": 1, "eligible": True},
        {"message": "something else"},
        {"run_id": "another"},
        {"phase": "hiring"},
        {"level": "DEBUG"},
        {"timestamp": ""},
        {"line": "7"},
        {"function": "open"},
        {"module": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_changed_field_is_mangled(changed):
    """Any own field, context key, id, level, time or caller that is not as told makes the event a mangled one."""
    records = everything()
    records[1] |= changed
    verdict = examine(records)
    assert verdict.mangled == 1
    assert next(iter(changed)) in verdict.examples[0] or "sequence" in changed


@pytest.mark.parametrize("text", ["", "PromotionError: no salary band for employee 1 in _new_salary", "ValueError"])
def test_an_error_must_tell_its_own_failure(text):
    """An ERROR whose traceback is missing, or another event's, is mangled."""
    records = everything()
    records[-1]["exception"] = text
    assert examine(records).mangled == 1


def test_a_torn_line_and_an_event_below_the_level_are_unexpected():
    """What was never told, or should have been kept out by the level, is counted and shown."""
    below = record("info", PLAN.numbers("below")[0]) | {"message": workloads.BELOW}
    verdict = examine([*everything(), {"torn": '{"mess'}, below])
    assert (verdict.unexpected, verdict.lost) == (2, 0)
    assert "torn" in verdict.examples[0]


def test_caller_and_level_are_asked_only_where_offered():
    """A library without levels or caller is not blamed for their absence."""
    bare = [{key: value for key, value in one.items() if key not in ("level", "line")} for one in everything()]
    assert verify.examine(bare, PLAN, caller=False, levels=False).kept


def test_operations_are_counted():
    """For records without numbers, too few are lost and too many unexpected."""
    assert verify.count([{}, {}], 2).kept
    assert verify.count([{}], 3).lost == 2
    assert verify.count([{}, {}], 1).unexpected == 1


def test_rounds_add_up():
    """The verdict of several rounds is the sum of theirs, with a few examples."""
    total = verify.Verdict()
    for _round in range(4):
        total.merge(verify.Verdict(told=10, lost=1, examples=["gone"]))
    assert (total.told, total.lost, total.examples) == (40, 4, ["gone"] * verify.EXAMPLES)
