"""Cells: numbers of any meaning, as people read them."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.outputs.cells import Cell, Column, Section, figure, fitted, localized
from navigator_obs.runs.reading import number


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (12_345, "12,345"),
        (-1234.5, "-1,234.50"),
        (24_000_000_000.0, "24,000,000,000"),
        (999_999_999_999_999, "999,999,999,999,999"),
        (3.5e17, "3.5e+17"),
        (0.000123, "0.000123"),
        (None, "none"),
        (True, "True"),
        ("a b", "a b"),
    ],
)
def test_a_figure_is_readable(value: object, shown: str):
    """Thousands apart, as many digits as mean something, `none` for nothing."""
    assert figure(value) == shown


@given(st.floats(allow_nan=False, min_value=1e-4, max_value=9.9e14))
def test_no_figure_below_a_quadrillion_has_an_exponent(value: float):
    """What people may meet in a simulation is never written with an exponent, and stays the number that it was."""
    shown = figure(value)
    assert "e" not in shown
    assert math.isclose(float(shown.replace(",", "")), value, rel_tol=1e-5)


def test_a_number_too_large_for_a_float_is_none():
    """JSON can hold it; no figure can."""
    assert number(10**400) is None
    assert number(math.nan) is None


def test_optional_columns_give_way():
    """Where the room is short, the last optional column goes, and one that is empty goes always."""
    columns = (Column("name"), Column("count", optional=True), Column("note", optional=True), Column("empty"))
    section = Section("", columns, [(Cell("a name"), Cell("12"), Cell("a long note about it"), Cell(""))])
    assert [column.title for column in fitted(section, 40).columns] == ["name", "count", "note"]
    assert [column.title for column in fitted(section, 20).columns] == ["name", "count"]


def test_times_in_reasons_are_those_of_the_readers_clock(monkeypatch):
    """Of the day of the run the time is enough; what a simulation says of its own times stays as it is."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        told = "no progress since 2025-08-18T14:30:22.123456Z, promised every 1 s"
        assert localized(told, "2025-08-18T10:00:00.000000Z") == "no progress since 20:15:22, promised every 1 s"
        assert localized(told) == "no progress since 2025-08-18 20:15:22, promised every 1 s"
        for own in ("no rows at 2026-01-01T00:00:00Z", "opened 2025-08-18T14:30:22.123456Z", "at no time"):
            assert localized(own) == own
    finally:
        monkeypatch.undo()
        time.tzset()
