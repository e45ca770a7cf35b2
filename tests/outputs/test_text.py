"""The human summary: what it says of any summary, in any width, and that it says it harmlessly."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.outputs.columns import width_of
from navigator_obs.outputs.files import Places
from navigator_obs.outputs.text import render
from tests.outputs.summaries import SUMMARY


def test_all_that_an_operator_asks_first_is_there():
    """Status, duration, errors, years, slowest operations, coverage, memory and files, in plain words."""
    shown = render(SUMMARY, places=Places(Path("runs/x"), Path("logs/navigator.log")))
    for words in (
        "✗ baseline  failed after 12.40 s",
        "duckdb.ConstraintException: Duplicate key",
        "in year_simulation/hiring · year 2027 · category: data",
        "sim.py:12 in hire: insert(batch)",
        "caused by KeyError: 'id'",
        "1 error · no warnings · checks: 24 passed, 1 failed",
        "2 of 5 years completed · 45,210 rows · 1,240 operations",
        "named operations cover 97% · 350 ms outside them · CPU 31.20 s · 2.5 cores busy",
        "peak 425 MB",
        "srv-12 by ann, process 4711",
        "git        1a2b3c4d5e (main) with uncommitted changes",
        "python     3.11.7",
        "events dropped: 3 (disk_full)",
        "total_payroll  fail     2,100,000,000 USD  ≤ 2,000,000,000  year 2027",
        "hires  plan=A  1,204",
        "runs/x/summary.json",
        "logs/navigator.log",
        "out/results.parquet",
        "12.3 MB",
    ):
        assert words in shown, words
    assert "headcount" not in shown
    # The reason is told once, where the error stands.
    assert shown.count("Duplicate key") == 1


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_lines_fit_the_width(width: int, color: bool):
    """No line is wider than asked, with colours or without."""
    plain = re.sub(r"\x1b\[\d+m", "", render(SUMMARY, width=width, color=color))
    assert max(map(width_of, plain.splitlines())) <= width
    assert all(line == line.rstrip() for line in plain.splitlines())


def test_colour_changes_nothing_but_colour():
    """Without its codes the coloured text is the plain one."""
    assert re.sub(r"\x1b\[\d+m", "", render(SUMMARY, color=True)) == render(SUMMARY)


EVIL = "a\x1b[2J\x9b31m\r\n\u202e\x00b"


def poisoned(value: object) -> object:
    """Replace every text, and add to every key, what would drive a terminal."""
    if isinstance(value, dict):
        return {(key if key in KNOWN else key + EVIL): poisoned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return value + EVIL if isinstance(value, str) else value


KNOWN = set(re.findall(r"[a-z0-9_]+", repr(SUMMARY))) - {"seed", "plan", "hiring", "2025"}


def test_nothing_in_a_summary_drives_the_terminal():
    """Wherever a control character stands in a summary, it is shown as text."""
    shown = render(poisoned(SUMMARY), places=Places(Path(EVIL.replace("\x00", "")), Path("l" + EVIL)))
    assert all(line.isprintable() for line in shown.splitlines())
    # A line break inside a value makes no line of its own.
    assert not any(line.startswith(("\u202e", "b")) for line in shown.splitlines())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("wrong", [[], {}, None, 10**400, "x", True, [[]]], ids=lambda wrong: repr(wrong)[:9])
def test_no_value_of_another_type_is_a_crash(wrong: object):
    """Each key in turn may hold anything."""

    def visit(value: object, path: tuple) -> None:
        for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
            summary = copy.deepcopy(SUMMARY)
            target = summary
            for step in path:
                target = target[step]
            target[key] = wrong
            assert render(summary).splitlines()[0].isprintable()
            if isinstance(item, (dict, list)):
                visit(item, (*path, key))

    visit(SUMMARY, ())


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200)
@given(data=st.data())
def test_a_summary_of_any_shape_can_be_shown(data: st.DataObject):
    """Missing keys and values of another type, as other versions may have, are passed over."""
    summary = copy.deepcopy(SUMMARY)
    for _ in range(data.draw(st.integers(1, 4))):
        target = summary
        while isinstance(target, (dict, list)) and target:
            keys = list(target) if isinstance(target, dict) else list(range(len(target)))
            key = data.draw(st.sampled_from(keys))
            if data.draw(st.booleans()) or not isinstance(target[key], (dict, list)) or not target[key]:
                target[key] = data.draw(json_values)
                break
            target = target[key]
    shown = render(summary)
    assert all(line.isprintable() for line in shown.splitlines())


def test_an_empty_summary_can_be_shown():
    """Of a run that left nothing, its headline is shown."""
    assert "unknown" in render({})


def test_a_real_run_is_told_in_full(recorder):
    """What a run wrote comes out, with its numbers."""
    with obs.start_run("baseline", years=[2025, 2026]) as run:
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation") as op:
                op.add_rows(600)
                obs.count("hires", 12)
    shown = render(run.summary)
    assert "✓ baseline  success in" in shown
    assert "2 of 2 years completed · 1,200 rows · 2 operations" in shown
    assert re.search(r"hires +24", shown)
