"""Runs as flat tables."""

from __future__ import annotations

import pytest

import navigator_obs as obs
from navigator_obs.history.store import History
from navigator_obs.history.tables import TABLES, rows_of


@pytest.fixture
def run(recorder):
    try:
        with obs.start_run("baseline", params={"seed": 42}, years=[2025, 2026]), obs.context(year=2025):
            with obs.operation("year_simulation"), obs.operation("hiring") as op:
                op.add_rows(10)
            obs.check("headcount_gap", 3, max=0, year=2025)
            obs.check("size", "many", equals="few")
            raise ValueError("the workforce is empty")
    except ValueError:
        pass
    return History(recorder.runs_dir).get("last")


def test_each_table_has_the_rows_of_its_kind(run):
    """Figures are those of the summary; what is nested stays whole."""
    summary = run.summary
    (told,) = rows_of("runs", run, summary)
    assert (told["status"], told["errors"], told["years_planned"]) == ("failed", run.errors, 2)
    assert told["params"] == {"seed": 42}
    operations = {row["operation_path"]: row for row in rows_of("operations", run, summary)}
    assert operations["year_simulation/hiring"]["operation"] == "hiring"
    assert operations["year_simulation/hiring"]["rows"] == 10
    assert "ValueError" in [row["type"] for row in rows_of("issues", run, summary)]
    assert {row["equals"] for row in rows_of("checks", run, summary)} == {None, "few"}


@pytest.mark.parametrize("table", TABLES)
def test_rows_have_the_columns_that_are_declared(run, table: str):
    """No more and no less, in their order, whatever the summary holds."""
    for summary in (run.summary, {}, {"issues": 7, "checks": "x", "performance_metrics": {"a": 1}}):
        for row in rows_of(table, run, summary):
            assert list(row) == list(TABLES[table])


def test_a_number_beyond_64_bits_is_told_as_a_float(run):
    """SQL has no column for it otherwise."""
    summary = {"performance_metrics": {"load": {"rows": 2**70}}}
    assert next(rows_of("operations", run, summary))["rows"] == float(2**70)
