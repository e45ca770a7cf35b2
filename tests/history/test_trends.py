"""How runs of one kind develop."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import pytest

from navigator_obs.errors import UsageError
from navigator_obs.history.finding import BETTER, WORSE
from navigator_obs.history.store import History
from navigator_obs.history.trends import Trends, comparable, trends
from tests.history.summaries import operation, summary, write


def runs(*levels: float, sigma: float = 0.02, **parts: Any) -> list[dict[str, Any]]:
    """One run for each level, whose `year` takes that and whose `load` takes 2 s, with noise."""
    source = random.Random(7)
    found = []
    for number, level in enumerate(levels, start=1):
        year, load = level * math.exp(source.gauss(0, sigma)), 2 * math.exp(source.gauss(0, sigma))
        operations = {"load": operation(load), "year": operation(year)}
        found.append(summary(number, seconds=year + load, operations=operations, **parts))
    return found


def verdicts(found: Trends) -> dict[tuple[str, str], str]:
    return {(finding.kind, finding.subject): finding.verdict for finding in found.findings}


def test_a_steady_history_has_no_finding():
    """Twenty runs with noise alone."""
    found = trends(runs(*[8.0] * 20))
    assert found.findings == ()
    assert {series.state for series in found.series} == {"steady"}


def test_a_step_names_the_operation_and_what_changed_with_it():
    """The run and the operation are slower since the run with which a package changed."""
    history = runs(*[8.0] * 15, *[12.0] * 4)
    for run in history[15:]:
        run["environment"]["packages"] = {"duckdb": "1.1.0"}
    found = trends(history)
    assert verdicts(found) == {("trend", "run"): WORSE, ("trend", "year"): WORSE}
    finding = next(finding for finding in found.findings if finding.subject == "year")
    assert finding.evidence["first_run"] == history[15]["run_metadata"]["run_id"]
    assert finding.evidence["causes"] == ["duckdb 1.0.0 → 1.1.0"]
    assert finding.evidence["ratio_to_best"] == pytest.approx(1.5, rel=0.1)


def test_one_slow_run_is_unconfirmed():
    """The newest run alone is told, and told to be unconfirmed."""
    found = trends(runs(*[8.0] * 15, 12.0))
    assert {finding.evidence["state"] for finding in found.findings} == {"unconfirmed"}


def test_faster_is_better():
    """A step down is good news."""
    assert set(verdicts(trends(runs(*[8.0] * 15, *[5.0] * 4))).values()) == {BETTER}


def test_rows_within_the_band_are_divided_out():
    """Seconds are told at the rows of the newest run: 20 % more rows in 20 % more time are steady."""
    history = [
        summary(number, seconds=10.0 * size, rows=round(1000 * size), operations={"year": operation(8.0 * size)})
        for number, size in enumerate([1.0] * 10 + [1.2] * 6, start=1)
    ]
    assert trends(history).findings == ()


def test_what_is_not_comparable_is_left_out_and_counted():
    """Failed runs, other years, other sizes: each by its reason."""
    heads = [
        *runs(*[8.0] * 3),
        summary(4, status="failed"),
        summary(5, years=10),
        summary(6, rows=5000),
        summary(7, name="other"),
        summary(8),
    ]
    kept, left_out = comparable(heads, heads[-1])
    assert kept == [0, 1, 2, 7]
    assert left_out == {"ended as failed": 1, "10 and 5 years": 1, "5,000 and 1,000 rows": 1}


def test_a_renamed_operation_goes_on():
    """Its history is one series, under the new name."""
    history = runs(*[8.0] * 16)
    for run in history[10:]:
        run["performance_metrics"]["year_simulation"] = run["performance_metrics"].pop("year")
    found = trends(history)
    assert found.findings == ()
    assert {series.path: len(series.values) for series in found.series if series.path} == {
        "load": 16,
        "year_simulation": 16,
    }


def test_an_operation_that_vanished_is_bad_news():
    """The newest run lacks what each run before had."""
    history = runs(*[8.0] * 8)
    del history[-1]["performance_metrics"]["load"]
    assert verdicts(trends(history))["operation vanished", "load"] == WORSE


def test_failures_of_an_operation_are_a_rate():
    """More of its calls fail than did."""
    history = runs(*[8.0] * 14)
    for run in history[10:]:
        run["performance_metrics"]["load"]["failed"] = 3
    assert verdicts(trends(history))["error rate", "load"] == WORSE


def test_memory_is_a_figure_too():
    """Half as much memory again is told."""
    history = runs(*[8.0] * 18)
    for run in history[12:]:
        run["resources"]["peak_memory_mb"] = 300.0
    assert "the run peak memory: 200 MB → 300 MB (+50%)" in trends(history).findings[0].statement


def test_fewer_than_five_runs_say_so():
    """No finding, and each series says why."""
    found = trends(runs(*[8.0] * 4))
    assert found.findings == ()
    assert {series.state for series in found.series} == {"too few runs"}


def test_history_tells_trends_from_the_folder(tmp_path: Path):
    """From the files of a folder, of one operation, with the errors of failed runs."""
    failed = summary(18, status="failed")
    write(tmp_path, [*runs(*[8.0] * 13, *[12.0] * 4), failed])
    history = History(tmp_path)
    assert {finding.subject for finding in history.trends().findings} == {"run", "year"}
    assert {series.path for series in history.trends("year").series} == {"year"}
    assert history.trends().left_out == {"ended as failed": 1}
    with pytest.raises(UsageError, match="no comparable run has an operation 'yaer', did you mean 'year'"):
        history.trends("yaer")


def test_a_stage_that_left_makes_no_other_one_slower():
    """The runs have a fifth fewer rows; what is still there works on as many as before, and takes as long."""
    before = runs(*[8.0] * 12, rows=1000)
    after = runs(*[8.0] * 16, rows=800)[12:]
    for run in (*before, *after):
        for stats in run["performance_metrics"].values():
            stats["rows"] = 400
    found = trends([*before, *after])
    assert {series.path: series.state for series in found.series if series.path and series.figure == "seconds"} == {
        "load": "steady",
        "year": "steady",
    }
