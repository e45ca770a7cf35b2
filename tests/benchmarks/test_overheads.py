"""`python -m benchmarks overhead`: whole simulations, bare and recorded, in pairs."""

from __future__ import annotations

import pytest

from benchmarks import overheads, report, table
from benchmarks.overheads import Program


@pytest.fixture
def small(monkeypatch):
    """Programs that a test has time for."""
    for name, program in list(overheads.PROGRAMS.items()):
        monkeypatch.setitem(overheads.PROGRAMS, name, Program(program.source, {**program.told, "paths": 2}))


def test_each_program_is_run_both_ways_and_its_own_figure_held_against_that(small):
    """A row per program: CPU bare, the ratio with its quartiles, the summary's own figure, start-up apart."""
    said = []
    names = ["demo", "monte_carlo_counted"]
    results = overheads.measure(2, 100, said.append, only=names)
    assert [result["peer"] for result in results] == [overheads.BARE, overheads.OURS]
    pairs = results[1]["pairs"]
    assert list(pairs) == names
    for found in pairs.values():
        assert found["cpu_seconds"] > 0
        assert found["own_ratio"] > 1
        assert found["cpu_ratio_low"] <= found["cpu_ratio"] <= found["cpu_ratio_high"]
        assert found["startup_ms"] > 0
    assert said == [f"pair {number} of 2: {name}" for number in (1, 2) for name in names]
    shown = table.render(report.build("overhead", {"pairs": 2, "run": "in turn"}, results))
    assert [line.split()[0] for line in shown.splitlines()[-2:]] == names


def test_both_ways_may_run_at_once(small):
    """Other work on the machine then weighs on both alike."""
    [_, ours] = overheads.measure(1, 100, lambda _: None, only=["monte_carlo"], side_by_side=True)
    assert ours["pairs"]["monte_carlo"]["own_ratio"] > 1


def test_loops_are_run_where_they_are_named(monkeypatch):
    """Each kind of thing that is recorded has one."""
    for name, program in list(overheads.LOOPS.items()):
        monkeypatch.setitem(overheads.LOOPS, name, Program(program.source, {**program.told, "times": 50}))
    [_, ours] = overheads.measure(1, 100, lambda _: None, only=list(overheads.LOOPS))
    assert set(ours["pairs"]) == set(overheads.LOOPS)


def told(cpu, own=0.0, startup=0.0):
    return {"cpu_seconds": cpu, "wall_seconds": cpu, "startup_seconds": startup, "observability": {"seconds": own}}


def test_the_own_figure_agrees_where_it_is_what_was_measured():
    """Two percent more where the summary says one percent is half of it; where nothing more was measured, no figure."""
    found = overheads.paired([(told(1.0), told(1.02, own=0.01, startup=0.3))] * 3)
    assert found["cpu_ratio"] == pytest.approx(1.02)
    assert found["own_to_measured"] == pytest.approx(0.5)
    assert found["startup_ms"] == pytest.approx(300)
    assert overheads.paired([(told(1.0), told(0.99, own=0.01))])["own_to_measured"] is None


def test_a_program_that_fails_is_told_with_its_last_word(monkeypatch):
    """And makes the command fail."""
    monkeypatch.setitem(overheads.PROGRAMS, "broken", Program("raise ValueError('no room')", {}))
    results = overheads.measure(1, 100, lambda _: None, only=["broken"])
    assert "ValueError: no room" in results[1]["failure"]
