"""A warning or an error on its way to those who hear of it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import navigator_obs as obs
from navigator_obs.events import sinks
from navigator_obs.events.line import EventLine


def test_a_line_is_the_event_that_it_holds(recorder):
    """Whoever looks into it finds the event of the log, and beside it when it was and which run's."""
    heard = []
    sinks.add_tap(heard.append)
    with obs.start_run("baseline") as run:
        obs.get_logger("sim").error("no hires", year=2026)
    sinks.remove_tap(heard.append)
    [line] = heard
    [event] = recorder.events("no hires")
    assert isinstance(line, EventLine)
    assert line == event
    assert (line.time, line.run_id, line.words) == (event["timestamp"], run.run_id, "no hires")


def test_errors_of_a_run_are_counted_exactly(recorder):
    """Of an error that comes a hundred times the summary has the count, the wordings and the last one."""
    log = obs.get_logger("sim")
    with obs.start_run("baseline") as run:
        for number in range(100):
            try:
                raise ValueError(f"no band for employee {number}" if number % 4 else "no band at all")
            except ValueError:
                log.exception("failed", number=number)
            log.warning("odd %s", number, number=number)
    [error], [warning] = run.summary["issues"]["errors"], run.summary["issues"]["warnings"]
    assert (error["count"], error["first"]["number"], error["last"]["number"]) == (100, 0, 99)
    assert error["variants"] == {"no band at all": 25, "no band for employee #": 75}
    assert error["last"]["exception"]["frames"]
    assert (warning["count"], warning["variants"], warning["last"]["number"]) == (100, {"odd #": 100}, 99)


def test_threads_lose_no_error_of_a_run(recorder):
    """Errors that threads log at the same place are each in the log, under its thread's name, and all are counted."""
    log, names = obs.get_logger("sim"), {}

    def work(worker):
        names[worker] = threading.current_thread().name
        for number in range(50):
            try:
                raise ValueError(f"no band for employee {number}")
            except ValueError:
                log.exception("failed", worker=worker)

    with obs.start_run("baseline") as run, ThreadPoolExecutor(4) as pool:
        list(pool.map(obs.carry(work), range(8)))
    events = recorder.events("failed")
    [error] = run.summary["issues"]["errors"]
    assert error["count"] == len(events) == 400
    assert len({event["seq"] for event in events}) == 400
    assert {(event["worker"], event["thread"]) for event in events} == set(names.items())
