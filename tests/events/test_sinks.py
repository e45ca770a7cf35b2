"""Taps, memory, and the accounts of what was written."""

from __future__ import annotations

import contextlib

import pytest

import navigator_obs as obs
from navigator_obs import assembly
from navigator_obs.events import sinks
from navigator_obs.events.sinks import MemorySink, outlet


def test_taps_hear_warnings_and_errors(recorder):
    """A tap is called with each finished event from WARNING up, redacted; what it raises is swallowed and counted."""
    heard = []

    def broken(event):
        raise RuntimeError

    sinks.add_tap(broken)
    sinks.add_tap(heard.append)
    before = outlet.broken
    log = obs.get_logger("sim")
    log.info("quiet")
    log.warning("w", token="hunter2")
    log.error("e")
    sinks.remove_tap(heard.append)
    sinks.remove_tap(broken)
    sinks.remove_tap(broken)
    log.error("later")
    assert [(event["level"], event["message"]) for event in heard] == [("WARNING", "w"), ("ERROR", "e")]
    assert heard[0]["token"] == "[redacted]"
    assert heard[0]["seq"] < heard[1]["seq"]
    assert outlet.broken == before + 2


def test_counts_are_those_of_the_file(recorder):
    """Written and bytes equal what stands in the file, also across a second configure."""
    log = obs.get_logger("sim")
    for number in range(100):
        log.info("m", number=number)
        log.warning("w")
    recorder.configure()
    log.info("again")
    counts = sinks.counts()
    size = (recorder.log_dir / "navigator.log").stat().st_size
    assert counts == {"written": 201, "bytes": size, "dropped": {}, "sampled_out": 0, "held_back": 0}


def test_counts_without_a_file():
    """Before configure nothing was written."""
    assert sinks.counts() == {"written": 0, "bytes": 0, "dropped": {}, "sampled_out": 0, "held_back": 0}
    sinks.flush()


def test_memory_keeps_the_newest():
    """The memory sink is bounded, and keeps copies."""
    sink = MemorySink(limit=2)
    event = {"message": "m"}
    for number in range(3):
        event["number"] = number
        sink.write(event, 20)
    assert [event["number"] for event in sink.events] == [1, 2]


def test_a_line_larger_than_the_staging_area_is_written(recorder):
    """An event that no staging area could hold goes straight to the file, in its place, and is counted."""
    recorder.configure(max_event_bytes=5_000_000, log_max_bytes=50_000_000)
    log = obs.get_logger("sim")
    log.info("before")
    log.info("huge", text="x" * 2_000_000)
    log.info("after")
    assert [event["message"] for event in recorder.events()] == ["before", "huge", "after"]
    assert sinks.counts()["written"] == 3


def test_durabilities_all_write(recorder):
    """Each durability writes the same events; "full" has them in the file when the call returns."""
    for durability in ("buffered", "process", "group", "full"):
        recorder.configure(durability=durability)
        obs.get_logger("sim").info(durability)
    assert b'"message":"full"' in (recorder.log_dir / "navigator.log").read_bytes()
    assert [event["message"] for event in recorder.events()] == ["buffered", "process", "group", "full"]


def recurse(depth):
    return depth and recurse(depth - 1)


@obs.operation
def recurse_in_operations(depth):
    return depth and recurse_in_operations(depth - 1)


@pytest.mark.parametrize("function", [recurse, recurse_in_operations])
def test_an_error_that_uses_up_the_stack_is_told_once_there_is_room_again(recorder, function):
    """The log has it once, and so has the run, with its traceback, whether what was recorded used the stack or not."""
    with pytest.raises(RecursionError), assembly.start_run("deep") as run, obs.operation("outer"):
        function(1_000_000)
    [issue] = run.summary["issues"]["errors"]
    assert (issue["type"], issue["count"], issue["category"]) == ("RecursionError", 1, "code")
    told = [event for event in recorder.events() if "exception" in event]
    assert [event["exception"]["type"] for event in told] == ["RecursionError"]


def test_an_event_at_the_end_of_the_stack_reaches_the_run_at_its_end(recorder):
    """Though the program goes on and logs nothing more."""
    log = obs.get_logger("planwise")

    def warn_deep_down():
        try:
            warn_deep_down()
        except RecursionError:
            log.warning("deep down")
            raise

    with assembly.start_run("deep") as run, contextlib.suppress(RecursionError):
        warn_deep_down()
    assert "deep down" in [issue["message"] for issue in run.summary["issues"]["warnings"]]
