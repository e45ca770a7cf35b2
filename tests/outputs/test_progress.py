"""`obs.track`: how far a loop is, on a terminal, in the log, or not at all."""

from __future__ import annotations

import re
import sys
import textwrap

import pytest

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.outputs import progress
from tests.terminal import on_a_terminal, plain

TERMINAL = """
import time
import navigator_obs as obs

obs.configure(console_level="WARNING", run_report=False, {settings})
with obs.start_run("baseline", years=range(2025, 2028)):
    for year in obs.track(range(2025, 2028), operation="year_simulation"):
        with obs.operation("hiring"):
            for month in obs.track(range(3), key="month"):
                time.sleep(0.3)
        print("said by the program")
"""


def sent(tmp_path, program, without_rich=False):
    """What a terminal of 120 columns shows."""
    if without_rich:
        (tmp_path / "rich.py").write_text("raise ImportError('not installed', name='rich')\n")
    command = [sys.executable, "-c", textwrap.dedent(program)]
    return plain(on_a_terminal(command, tmp_path, columns=120, PYTHONPATH=str(tmp_path)))


@pytest.fixture
def events(recorder):
    """What the log has by now."""
    recorder.configure(progress="log")
    return recorder.events


def told(events):
    return [event["message"] for event in events() if event["logger"] == "navigator_obs.progress"]


def test_a_terminal_has_one_line_with_year_bar_time_memory_and_operation(tmp_path):
    """It stays below what the program prints, which is not torn; loops inside have no line of their own."""
    seen = sent(tmp_path, TERMINAL.format(settings=""))
    assert seen.count("said by the program") == 3
    assert re.search(r"year 2026 .* 1 of 3 · .*left · \d+ MB · year_simulation/hiring", seen)
    assert re.search(r"year 2027 .* 3 of 3 · done · \d+ MB", seen)
    assert "month" not in seen


def test_a_terminal_without_rich_gets_events(tmp_path):
    """The loop goes on, and the log tells."""
    program = TERMINAL.format(settings="").replace('console_level="WARNING"', 'console_level="INFO"')
    seen = sent(tmp_path, program, without_rich=True)
    assert re.search(r"year 2025 done, 1 of 3, about .* left, \d+ MB", seen)
    assert "━" not in seen


@pytest.mark.parametrize("settings", ["progress='off'", "console='off', progress='off'"])
def test_nothing_is_shown_where_it_is_off(tmp_path, settings):
    """Neither a line nor an event."""
    seen = sent(tmp_path, TERMINAL.format(settings=settings))
    assert "of 3" not in seen
    assert "navigator_obs.progress" not in (tmp_path / "logs" / "navigator.log").read_text()


def test_the_log_has_an_event_after_each_step(events, fake_clock):
    """With the year, how many are done, and what is left."""
    for _ in obs.track(range(2025, 2035)):
        fake_clock.advance(11)
    assert [message.split(",")[0] for message in told(events)] == [f"year {year} done" for year in range(2025, 2035)]
    first = next(event for event in events() if event["logger"] == "navigator_obs.progress")
    assert (first["steps_done"], first["steps_total"], first["eta_seconds"]) == (1, 10, 99.0)
    assert "about 1m 39s left" in first["message"]


@pytest.mark.parametrize("steps", [range(101), (step for step in range(101))])
def test_of_many_steps_there_is_an_event_at_most_every_30_seconds(events, fake_clock, steps):
    """Or of who knows how many; the first and the last step are told in any case."""
    for _ in obs.track(steps, key="step"):
        fake_clock.advance(11)
    expected = [f"step {step} done" for step in range(0, 101, 3)]
    assert [message.split(",")[0] for message in told(events)] == [*expected, "step 100 done"]


def test_a_loop_that_is_left_tells_its_last_whole_step(events, fake_clock):
    """Whatever was not told yet, and of no time left: there is none."""
    for step in obs.track(range(1000), key="step"):
        fake_clock.advance(1)
        if step == 3:
            break
    assert [message.split(",")[0] for message in told(events)] == ["step 0 done", "step 2 done"]
    assert [" left" in message for message in told(events)] == [True, False]


def test_years_that_grow_are_expected_to_grow(fake_clock):
    """The time left comes from the fit, less what the step has taken."""
    loop = obs.track(range(10), show=False)
    left = []
    for step in loop:
        fake_clock.advance(10 * (step + 1))
        left.append(loop.progress.eta_seconds())
    assert left[0] is None
    assert left[4] == pytest.approx(sum(range(60, 101, 10)))
    assert loop.progress.eta_seconds() == 0.0


def test_a_run_without_a_plan_knows_the_years_of_the_loop(events):
    """Its summary foretells the rest, without judging the run by years that the loop leaves out; a loop over something
    else is no plan.
    """
    with obs.start_run("baseline") as run:
        for _ in obs.track(["low", "high"], key="scenario", show=False):
            pass
        assert run.summary["forecast"] is None
        for year in obs.track(range(2025, 2030), operation="year_simulation", show=False):
            if year == 2027:
                ahead = run.summary["forecast"]
                break
    assert (ahead["years_done"], ahead["years_left"]) == (2, 3)
    assert run.summary["run_metadata"]["status"] == "success"


def test_items_are_bound_and_steps_are_operations(events):
    """Events and operations inside carry the year, and the figures are broken down by it."""
    with obs.start_run("baseline") as run:
        for _ in obs.track([2025, 2026], operation="year_simulation"):
            obs.get_logger("planwise").info("simulated")
        obs.get_logger("planwise").info("after")
    said = [event for event in events() if event["logger"] == "planwise"]
    assert [event.get("year") for event in said] == [2025, 2026, None]
    assert [event.get("operation_path") for event in said] == ["year_simulation", "year_simulation", None]
    assert run.summary["execution_summary"]["years_completed"] == [2025, 2026]


@pytest.mark.parametrize(("with_block", "status"), [(False, "cancelled"), (True, "failed")])
def test_how_a_loop_that_raises_ends_its_operation(events, with_block, status):
    """A ``for`` alone does not hear of the exception; a ``with`` around it does. It passes through either way."""

    def loop():
        if with_block:
            with obs.track([2025], operation="year_simulation") as years:
                for _ in years:
                    raise RuntimeError("disk full")
        for _ in obs.track([2025], operation="year_simulation"):
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"), obs.start_run("baseline"):
        loop()
    assert [event["status"] for event in events() if event.get("operation") == "year_simulation"] == [status]
    assert progress._shown == []


def test_an_iterator_without_length_is_shown_without_a_total(events):
    """Unless somebody says how many come."""
    assert list(obs.track(iter("ab"), key="scenario")) == ["a", "b"]
    assert told(events)[-1].startswith("scenario b done, 2, ")
    assert list(obs.track(iter("ab"), key=None, total=2)) == ["a", "b"]
    assert told(events)[-1].startswith("b done, 2 of 2, ")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"iterable": 2025}, "2025"),
        ({"iterable": [], "operation": 7}, "7"),
        ({"iterable": [], "key": ""}, "''"),
        ({"iterable": [], "total": -1}, "-1"),
        ({"iterable": [], "total": "ten"}, "ten"),
    ],
)
def test_wrong_use_is_refused_at_once(arguments, named):
    """With the value, before the loop begins."""
    with pytest.raises(UsageError, match=re.escape(named)):
        obs.track(**arguments)


def test_a_display_that_breaks_does_not_break_the_loop():
    """What is drawn is worth less than what is simulated."""

    class Broken(progress.Silent):
        def step_ends(self):
            raise OSError("terminal gone")

    loop = progress.Track([1, 2, 3], None, None, None, "end", lambda _: Broken())
    assert list(loop) == [1, 2, 3]


def test_items_cannot_drive_the_terminal():
    """What stands in a line stays in it."""
    found = progress.Progress("scenario", None)
    found.step_begins("a\x1b[2Jb\nc")
    assert "\x1b" not in found.item
    assert "\n" not in found.item
