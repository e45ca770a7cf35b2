"""Which operations have an event, and what it says."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

import navigator_obs as obs
from navigator_obs.events import scope
from navigator_obs.operations import metrics
from tests.operations.here import here


def test_the_event_has_the_figures_the_place_and_the_path_once(open_run, recorder):
    """The end of an operation is one line with `operation`, its duration and where in the code it stands."""
    with obs.context(year=2025), obs.operation("load_census") as op:
        op.add_rows(5_000)
        op.set(source="census.parquet", status="mine")
    (line,) = recorder.lines()
    (event,) = recorder.events()
    assert event["message"] == "load_census completed"
    assert event["operation"] == event["operation_path"] == "load_census"
    assert (event["status"], event["field_status"], event["source"]) == ("success", "mine", "census.parquet")
    assert (event["rows"], event["year"], event["run_id"]) == (5_000, 2025, "a-run")
    assert event["duration_seconds"] >= event["self_seconds"] >= 0
    assert event["peak_memory_mb"] > 0
    assert event["cpu_seconds"] >= 0
    assert event["module"] == event["logger"] == __name__
    assert event["function"] == "test_the_event_has_the_figures_the_place_and_the_path_once"
    assert line.count(b'"operation_path"') == 1


def test_an_ordinary_event_inside_has_the_path_alone(recorder):
    """`operation` marks the events that have a duration."""
    with obs.operation("load_census"):
        obs.get_logger("planwise").info("reading")
    (event,) = recorder.events("reading")
    assert event["operation_path"] == "load_census"
    assert "operation" not in event


@pytest.mark.parametrize(
    ("log", "messages"),
    [
        ("end", ["step completed", "step failed"]),
        (True, ["step completed", "step failed"]),
        ("both", ["step started", "step completed", "step started", "step failed"]),
        ("failure", ["step failed"]),
        ("never", []),
        (False, []),
        (1000, ["step failed"]),
        (0.0, ["step completed", "step failed"]),
    ],
)
def test_log_says_when_there_is_an_event(open_run, recorder, log, messages):
    """At the end, at both ends, on failure, never, or when it took so many seconds; the figures have it anyway."""
    with obs.operation("step", log=log):
        pass
    with pytest.raises(ValueError, match="bad"), obs.operation("step", log=log):
        raise ValueError("bad")
    assert [event["message"] for event in recorder.events()] == messages
    stats = open_run.take().operations["step"]
    assert (stats.count, stats.failed) == (2, 1)


def test_a_path_that_repeats_is_no_longer_logged_and_says_so_once(recorder):
    """Beyond the limit each is counted, and failures are still logged."""
    tag, accumulator = scope.RunTag("busy"), metrics.Accumulator(log_limit=3)
    metrics.install(tag, accumulator)
    token = scope.enter(run=tag)
    for _ in range(10):
        with obs.operation("batch"):
            pass
    with pytest.raises(ValueError, match="bad"), obs.operation("batch"):
        raise ValueError("bad")
    scope.leave(token)
    metrics.remove(tag)
    messages = [event["message"] for event in recorder.events()]
    assert messages[:3] == ["batch completed"] * 3
    assert messages[3].startswith("batch repeats")
    assert messages[4:] == ["batch failed"]
    assert accumulator.take().operations["batch"].count == 11


def test_without_run_and_configuration_it_only_runs_the_code():
    """A library's decorated function needs no application."""

    @obs.operation
    def load():
        return here()

    assert load() == "load"
    with pytest.raises(ZeroDivisionError), obs.operation("x"):
        1 / 0


def test_a_block_ended_by_an_exit_stack_is_placed_in_the_program(recorder):
    """The event names the code that uses the stack, not the library that ends it."""
    with ExitStack() as stack:
        stack.enter_context(obs.operation("stacked"))
    assert recorder.events("stacked completed")[0]["module"] == __name__
