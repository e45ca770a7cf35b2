"""A machine that slept, or whose clock was set, is noticed: in the log and in the summary."""

from __future__ import annotations

import time

import pytest

import navigator_obs as obs
from navigator_obs.clock import SystemClock, clock
from navigator_obs.runs.clockwatch import ClockWatch


@pytest.fixture
def set_clock():
    """Set the system clock by so many seconds, as far as the toolkit can see."""
    source = SystemClock()
    previous = clock.use(source)

    def set_by(seconds):
        moved = SystemClock()
        moved.time_ns = lambda: time.time_ns() + round(seconds * 1e9)
        clock.use(moved)

    yield set_by
    clock.use(previous)


def test_a_clock_that_was_set_is_noticed_once(set_clock):
    """By how much, with its sign; what is below a second is an adjustment."""
    watch = ClockWatch()
    set_clock(0.5)
    assert watch.look() == []
    set_clock(-3600)
    assert watch.look() == [("clock set", pytest.approx(-3600, abs=20))]
    assert watch.look() == []


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="needs Linux")
def test_a_sleep_is_told_from_a_clock_that_was_set(set_clock, monkeypatch):
    """While the machine sleeps, the system clock goes on; only what is beyond that was set."""
    watch, real = ClockWatch(), time.clock_gettime
    monkeypatch.setattr(time, "clock_gettime", lambda which: real(which) + 600 * (which == time.CLOCK_BOOTTIME))
    set_clock(600)
    assert watch.look() == [("suspended", pytest.approx(600, abs=20))]
    set_clock(700)
    assert watch.look() == [("clock set", pytest.approx(100, abs=20))]


def test_a_run_says_so(set_clock, tmp_path):
    """As a warning of its own, and under `observability`."""
    obs.configure(log_dir=tmp_path / "logs", runs_dir=tmp_path / "runs", console="off", run_report=False)
    try:
        with obs.start_run("baseline") as run:
            set_clock(7200)
        [found] = run.summary["observability"]["clock"]
        assert (found["what"], found["seconds"]) == ("clock set", pytest.approx(7200, abs=20))
        [warning] = run.summary["issues"]["warnings"]
        assert "set forward by 2h 00m" in warning["message"]
    finally:
        obs.shutdown()
