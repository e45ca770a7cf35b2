"""`python -m benchmarks overhead`: whole simulations, bare and recorded, in pairs."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from benchmarks import overheads, report, table
from benchmarks.simulations import Program


@pytest.fixture
def small(monkeypatch):
    """Programs that a test has time for."""
    for name, program in list(overheads.PROGRAMS.items()):
        monkeypatch.setitem(overheads.PROGRAMS, name, replace(program, told={**program.told, "paths": 2}))


def test_each_program_is_run_both_ways_and_its_own_figure_held_against_that(small):
    """A row per program and way, the control first: CPU bare, the ratio with its quartiles, the summary's own figure,
    start-up apart.
    """
    said = []
    results = overheads.measure(2, 100, said.append, only=["demo", "monte_carlo"])
    assert [result["peer"] for result in results] == [overheads.BARE, "bare again", "floor", overheads.OURS]
    _, control, floor, ours = (result.get("pairs", {}) for result in results)
    assert (list(control), list(floor), list(ours)) == (
        ["demo", "monte_carlo"],
        ["monte_carlo"],
        ["demo", "monte_carlo"],
    )
    for found in (*control.values(), *floor.values(), *ours.values()):
        assert found["cpu_seconds"] > 0
        assert found["cpu_ratio_low"] <= found["cpu_ratio"] <= found["cpu_ratio_high"]
    assert control["demo"]["own_percent"] is None
    assert control["demo"]["alone_percent"] == control["demo"]["measured_percent"]
    assert ours["demo"]["own_percent"] > 0
    assert ours["demo"]["startup_ms"] > 0
    ways = ["demo, bare again", "demo, navigator-obs"]
    ways += ["monte_carlo, bare again", "monte_carlo, floor", "monte_carlo, navigator-obs"]
    assert sorted(said) == sorted(f"pair {number} of 2: {way}" for number in (1, 2) for way in ways)
    shown = table.render(report.build("overhead", {"pairs": 2}, results))
    assert [line.split("  ")[0] for line in shown.splitlines()[-5:]] == ways


SLEEP = """
import os, time
time.sleep(0.3 * recorded)
began = time.monotonic()
def work():
    time.sleep(0.05)
    told_to = os.environ["TOLD_TO"]
    open(told_to + "/" + way, "w").write(f"{began} {time.monotonic()} {len(os.sched_getaffinity(0))}")
    if recorded:
        with obs.start_run("sleep"):
            pass
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't be bound to a core here")
def test_both_ways_work_at_the_same_time_on_the_same_core(monkeypatch, tmp_path):
    """Neither sets to work before both have started up; the cores of the caller are as before."""
    monkeypatch.setenv("TOLD_TO", str(tmp_path))
    monkeypatch.setitem(overheads.PROGRAMS, "sleep", Program(SLEEP, {}, ("recorded",)))
    before = os.sched_getaffinity(0)
    overheads.measure(1, 100, lambda _: None, only=["sleep"])
    bare, recorded = ((tmp_path / way).read_text().split() for way in ("bare", "recorded"))
    assert float(bare[1]) > float(recorded[0])
    assert bare[2] == recorded[2] == "1"
    assert os.sched_getaffinity(0) == before


def test_loops_are_run_where_they_are_named(monkeypatch):
    """Each kind of thing that is recorded has one."""
    for name, program in list(overheads.LOOPS.items()):
        monkeypatch.setitem(overheads.LOOPS, name, replace(program, told={**program.told, "times": 50}))
    _, ours = overheads.measure(1, 100, lambda _: None, only=list(overheads.LOOPS))
    assert set(ours["pairs"]) == set(overheads.LOOPS)


def told(cpu, own=0.0, startup=0.0, ticker=0.0):
    return {
        "cpu_seconds": cpu,
        "wall_seconds": 2 * cpu,
        "startup_seconds": startup,
        "observability": {"seconds": own},
        "ticker_seconds": ticker,
    }


def test_the_own_figure_agrees_where_it_is_what_was_measured():
    """Two percent more where the summary says one percent is half of it; where no more was measured than the control
    differs by, no figure.
    """
    found = [(told(1.0), told(1.02, own=0.01, startup=0.3))] * 3
    figures = overheads.paired(found)
    assert figures["measured_percent"] == pytest.approx(2)
    assert figures["own_percent"] == pytest.approx(1)
    assert figures["own_to_measured"] == pytest.approx(0.5)
    assert figures["startup_ms"] == pytest.approx(300)
    noise = [(told(1.0), told(1.0 + by)) for by in (0.03, 0.03, -0.03)]
    assert overheads.paired(found, noise)["own_to_measured"] is None
    assert overheads.paired([(told(1.0), told(0.99, own=0.01))])["own_to_measured"] is None


def test_what_goes_by_the_clock_counts_once_on_a_core_of_ones_own():
    """Of one percent in the ticker's thread, while the core worked at something else for half of the time, half."""
    figures = overheads.paired([(told(1.0), told(1.02, ticker=0.01))])
    assert figures["alone_percent"] == pytest.approx(1.5)


def test_a_program_that_fails_is_told_with_its_last_word(monkeypatch):
    """And makes the command fail."""
    monkeypatch.setitem(overheads.PROGRAMS, "broken", Program("raise ValueError('no room')", {}))
    results = overheads.measure(1, 100, lambda _: None, only=["broken"])
    assert "ValueError: no room" in results[1]["failure"]
