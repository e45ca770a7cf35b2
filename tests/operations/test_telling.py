"""The event of an operation is the chain's, and its figures stand in the journal's record as they do in the event."""

from __future__ import annotations

import contextvars
import itertools

import pytest

import navigator_obs as obs
from navigator_obs import testing
from navigator_obs.encoding import from_json
from navigator_obs.events.chain import chain
from navigator_obs.operations import resources

NAMES = ["load_census", "größe", 'q"\\', "\ud800", "a/b", "password=hunter2", "x" * 600]


def told(recorder, open_run, name, rows, log, seconds, context):
    """Run one operation and return its event's line and its record."""
    with testing.fake_clock() as clock, obs.context(**context), obs.operation(name, log=log) as op:
        open_run.tag.sequence = itertools.count(7)
        clock.advance(seconds)
        if rows is not None:
            op.add_rows(rows)
    line = recorder.lines()[-1]
    return line, open_run.logged[-1]


@pytest.mark.parametrize("context", [{}, {"year": 2025}, {"status": "mine"}, {"nested": [1]}], ids=repr)
@pytest.mark.parametrize(("rows", "log", "seconds"), [(None, "end", 0), (5, 0.0, 2), (2**62, "both", 1e-9)])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_the_event_is_byte_for_byte_the_chains(open_run, recorder, monkeypatch, name, rows, log, seconds, context):
    """Whatever the name, the figures and the context."""
    monkeypatch.setattr(resources, "_reader", lambda: (1_000_000, 125_000_000, 130_000_000))
    for _ in range(2):
        quick, record = told(recorder, open_run, name, rows, log, seconds, context)
    with monkeypatch.context() as patch:
        patch.setattr(chain, "fast", None)
        slow, _ = told(recorder, open_run, name, rows, log, seconds, context)
    assert quick == slow
    event = from_json(quick)
    for key in ("duration_seconds", "self_seconds", "memory_delta_mb", "rows"):
        assert getattr(record, key) == event.get(key)
    assert (record.start_time <= record.end_time, record.weighted_self_seconds) == (True, None)


def test_ordinary_operations_are_rendered_once(open_run, recorder, monkeypatch):
    """No event of theirs is rendered by the way that looks at each of its fields."""
    with obs.operation("load"):
        pass
    monkeypatch.setattr("navigator_obs.operations.telling.emit", lambda *_, **__: pytest.fail("rendered twice"))
    for log in ("end", "both", 0.0):
        with obs.context(year=2025), obs.operation("load", log=log) as op:
            op.add_rows(3)
    assert len(recorder.events("load completed")) == 4


def test_what_an_operation_lost_to_others_is_in_its_record(open_run, fake_clock):
    """Weighted self time is told where it is not the self time."""
    open_run.accumulator.root.begin()
    first, second = obs.operation("first"), obs.operation("second")
    lanes = [contextvars.copy_context(), contextvars.copy_context()]
    lanes[0].run(first.__enter__)
    lanes[1].run(second.__enter__)
    fake_clock.advance(2)
    lanes[1].run(second.__exit__, None, None, None)
    lanes[0].run(first.__exit__, None, None, None)
    assert [(record.self_seconds, record.weighted_self_seconds) for record in open_run.logged] == [(2.0, 1.0)] * 2


def test_a_name_that_is_a_whole_statement_is_cut(open_run, recorder):
    """Path, event and record have the first 200 characters of a name, and no half of a secret in it."""
    secret = "postgres://ann:hunter2hunter2@db/sim"
    for name in ("select " + "x" * 10_000, f"{'y' * 180} {secret}"):
        with obs.operation(name):
            pass
    told = [record.path for record in open_run.logged]
    assert told == [event["operation"] for event in recorder.events() if "operation" in event]
    assert [len(path) for path in told] == [200, 200]
    assert not any("hunter2" in path or "ann:h" in path for path in told)
