"""The language of gates, and when one is exceeded."""

from __future__ import annotations

import pytest

from navigator_obs.errors import UsageError
from navigator_obs.history.compare import compare
from navigator_obs.history.thresholds import FIGURES, Threshold, parse_all
from tests.history.summaries import operation, summary


@pytest.mark.parametrize(
    ("text", "figure", "path", "percent", "amount"),
    [
        ("duration:5%", "duration", None, 5.0, 0.0),
        ("p95:10%+0.5s", "p95", None, 10.0, 0.5),
        ("total@year/hiring:250ms", "total", "year/hiring", 0.0, 0.25),
        ("memory:1GB", "memory", None, 0.0, 1000.0),
        ("errors:0", "errors", None, 0.0, 0.0),
        ("duration:5%+1min+1%", "duration", None, 6.0, 60.0),
    ],
)
def test_thresholds_are_read(text: str, figure: str, path: str | None, percent: float, amount: float):
    """A figure, a path perhaps, and limits that add up."""
    read = Threshold.parse(text)
    assert (read.figure, read.path, read.percent, read.amount) == (figure, path, percent, amount)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("duration", "must be a figure, a colon and a limit"),
        ("durations:5%", "did you mean 'duration'"),
        ("duration:fast", "'fast' has no unit|'fast' is no limit"),
        ("duration:5MB", "'5MB' has no unit that fits; valid are 5% or 5ms or 5s or 5min or 5h"),
        ("duration:-5%", "'-5%' is no limit"),
        ("duration@load:5%", "only figures of operations take @PATH"),
        ("duration:", "'' is no limit"),
        ("duration:5%+", "'' is no limit"),
    ],
)
def test_a_wrong_threshold_is_refused_by_naming_what_is_wrong(text: str, named: str):
    """The message holds the text, the part, and what would be valid."""
    with pytest.raises(UsageError, match=named):
        Threshold.parse(text)


def exceeded(*texts: str, **after: object) -> list[str]:
    found = compare(summary(), summary(**after), parse_all(texts)).exceeded  # type: ignore[arg-type]
    return [finding.evidence["figure"] for finding in found]


def test_percent_and_amount_add_up():
    """10 s may become 11.5 s, and not more."""
    assert exceeded("duration:10%+0.5s", seconds=11.4) == []
    assert exceeded("duration:10%+0.5s", seconds=11.6) == ["duration"]


def test_getting_better_exceeds_nothing():
    """Half of everything is within any limit."""
    limits = [f"{name}:0%" for name in FIGURES if name not in {"rows", "throughput"}]
    assert exceeded(",".join(limits), seconds=5.0, memory_mb=100.0) == []


def test_rows_must_not_fall():
    """Fewer rows exceed, more do not."""
    assert exceeded("rows:5%", rows=900) == ["rows"]
    assert exceeded("rows:5%", rows=1200) == []


def test_a_path_looks_at_one_operation_only():
    """Another operation may do as it likes."""
    slow = {"load": operation(9.0), "year": operation(8.0)}
    assert exceeded("total@year:5%", operations=slow) == []
    assert exceeded("total@load:5%", operations=slow) == ["total"]
    assert exceeded("total:5%", operations=slow) == ["total"]


def test_a_bigger_run_may_take_longer():
    """Time is held against what as many rows would have taken."""
    assert exceeded("duration:5%", seconds=20.0, rows=2000) == []
    assert exceeded("duration:5%", seconds=22.0, rows=2000) == ["duration"]


def test_no_gate_is_passed_by_an_operation_that_left():
    """Neither that of its own, nor the one that counts those that left."""
    left = {"load": operation(2.0)}
    found = compare(
        summary(), summary(operations=left), parse_all(["total@year:5%", "vanished:0", "total:5%"])
    ).exceeded
    assert {finding.statement for finding in found} == {
        "total of year: the operation is not there any more, allowed total@year:5%",
        "vanished: 0 → 1, allowed vanished:0",
    }


def test_a_gate_about_an_operation_that_never_was_is_wrong_use():
    """It would never close; what is like it is named."""
    with pytest.raises(UsageError, match="neither run has an operation 'yaer', did you mean 'year'"):
        exceeded("total@yaer:5%")


def test_a_gate_that_looks_at_nothing_says_so():
    """Of an operation that ran five times there is no 95th percentile."""
    assert compare(summary(), summary(), parse_all(["p95:5%", "total:5%"])).idle == ("p95:5%",)


def test_a_renamed_operation_is_held_against_what_it_was():
    """Under its old name and under its new one."""
    new = {"load": operation(2.0), "years": operation(9.0)}
    assert exceeded("total@year:5%", operations=new) == ["total"]
    assert exceeded("total@years:5%", operations=new) == ["total"]


def test_a_run_that_failed_passes_no_gate():
    """It was quick, for it did not get far."""
    found = compare(summary(), summary(status="failed", seconds=1.0), parse_all(["duration:5%"])).exceeded
    assert [finding.kind for finding in found] == ["status"]
