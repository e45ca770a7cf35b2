"""The long run is measured by decade, with everything accounted for."""

from __future__ import annotations

from benchmarks import flat, report, table


def test_events_are_measured_by_decade():
    """Up to 10,000, to 100,000, and what is left."""
    assert [(part.start, part.stop) for part in flat.decades(250_000)] == [
        (0, 10_000),
        (10_000, 100_000),
        (100_000, 250_000),
    ]


def test_a_long_run_is_measured_and_accounted_for():
    """A real process logs through rotations; each row has its cost, its memory, and what became of the events."""
    results = flat.measure(30_000, 30, lambda _: None)
    assert [result["peer"] for result in results] == ["10,000 events", "30,000 events"]
    assert results[1]["files"] >= 1
    assert results[1]["verdict"]["text"].startswith("30,00")
    shown = table.render(report.build("flat", {"events": 30_000}, results))
    assert "30,000 events" in shown
    assert "0 dropped" in shown
