"""Figures that the program gave, as the report tells them."""

from __future__ import annotations

import re

from navigator_obs.outputs.text import render


def test_figures_are_readable():
    """Thousands apart, no exponents, no noise."""
    gauges = {"dollars": 36231800.25, "whole": 1000002028.0, "share": 0.8167, "sum": 0.1 + 0.2, "lost": None}
    shown = render({"metrics": {"gauges": [{"name": name, "value": value} for name, value in gauges.items()]}})
    lines = shown.splitlines()
    assert dict(line.split(maxsplit=1) for line in lines[lines.index("Figures") + 1 :]) == {
        "dollars": "36,231,800.25",
        "whole": "1,000,002,028",
        "share": "0.8167",
        "sum": "0.3",
        "lost": "not a number",
    }


def test_figures_have_their_unit():
    """Beside the number, unless the name ends in it; nothing stands beside what is no number."""
    named = [("hires_total", 12, "employees"), ("lost", None, "hours"), ("payroll_dollars", 8e9, "dollars")]
    counters = [{"name": name, "labels": {}, "value": value, "unit": unit} for name, value, unit in named]
    waits = {"name": "wait", "labels": {}, "unit": "minutes", "count": 3, "p50": 2.5, "p95": 4.0}
    shown = render({"metrics": {"counters": counters, "distributions": [waits]}})
    lines = [line.split() for line in shown.splitlines()[-4:]]
    assert lines[:3] == [
        ["hires_total", "12", "employees"],
        ["lost", "not", "a", "number"],
        ["payroll_dollars", "8,000,000,000"],
    ]
    assert lines[3][:3] == ["wait", "2.5", "minutes"]


def test_a_distribution_is_told_by_its_median_and_its_far_end():
    """What was observed stands among the figures, with how often."""
    waits = {"name": "wait", "labels": {"desk": 7}, "count": 1200, "p50": 5.4352542, "p95": 24.97, "max": None}
    shown = render({"metrics": {"distributions": [waits]}})
    assert re.search(r"wait  desk=7 +5.43525 +the median of 1,200 · p95 24.97$", shown)
    nothing = {"name": "wait", "labels": {}, "count": 0, "p50": None}
    assert render({"metrics": {"distributions": [nothing]}}).endswith("wait  not a number")
