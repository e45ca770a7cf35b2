"""What is different between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from navigator_obs.errors import RunNotFound, UsageError
from navigator_obs.history.compare import compare
from navigator_obs.history.store import History
from tests.history.summaries import operation, summary, write

some_operations = st.dictionaries(
    st.sampled_from(["load", "year", "year/hiring", "year/promotions", "report"]),
    st.builds(operation, st.floats(0.01, 100), rows=st.none() | st.integers(0, 10**6), peak=st.floats(10, 1000)),
    min_size=1,
)
some_summaries = st.builds(
    summary,
    seconds=st.floats(0.1, 1000),
    rows=st.integers(0, 10**6),
    years=st.integers(0, 10),
    status=st.sampled_from(["success", "failed"]),
    memory_mb=st.floats(10, 1000),
    operations=some_operations,
)


def told(before: dict[str, Any], after: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(found.kind, found.subject): found.verdict for found in compare(before, after).findings}


def statements(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [found.statement for found in compare(before, after).findings]


@given(some_summaries)
def test_a_run_does_not_differ_from_itself(run: dict[str, Any]):
    """compare(A, A) is empty."""
    assert compare(run, run).findings == ()


@given(some_summaries, some_summaries)
@example(
    # A parent that is renamed, and has children of its old name on the other side.
    summary(operations={"year/hiring": operation(2.0), "load": operation(2.0), "year": operation(1.0)}),
    summary(operations={"year/promotions": operation(2.0), "report": operation(1.0)}),
)
def test_the_other_way_round_better_is_worse(one: dict[str, Any], other: dict[str, Any]):
    """What moved, moved back when the two are exchanged; what appeared, vanished."""
    there, back = told(one, other), told(other, one)
    mirror = {"worse": "better", "better": "worse", "changed": "changed"}
    measured = {"duration", "memory", "rows", "throughput", "operation", "operation memory", "operation rows", "status"}
    same_names = {key for key in there if key[0] in measured and ("operation renamed", key[1]) not in there}
    for key in same_names & back.keys():
        assert back[key] == mirror[there[key]]
    assert {key for key in there if key[0] in {"duration", "memory", "status", "rows", "throughput"}} == {
        key for key in back if key[0] in {"duration", "memory", "status", "rows", "throughput"}
    }
    appeared = {subject for kind, subject in there if kind == "operation appeared"}
    assert appeared == {subject for kind, subject in back if kind == "operation vanished"}


@given(some_summaries, some_summaries)
def test_findings_are_ranked(one: dict[str, Any], other: dict[str, Any]):
    """What matters most comes first, always in the same order."""
    found = compare(one, other).findings
    assert [finding.rank for finding in found] == sorted((finding.rank for finding in found), reverse=True)
    assert compare(one, other).findings == found


def test_an_operation_that_moved_is_told_with_both_times():
    """Before, after and the change stand in the statement."""
    before = summary(operations={"load": operation(2.0), "year": operation(8.0)})
    after = summary(seconds=14.0, operations={"load": operation(2.0), "year": operation(12.0)})
    assert "year took 8.00 s → 12.00 s (+50%)" in statements(before, after)
    assert "took 10.00 s → 14.00 s (+40%)" in statements(before, after)


def test_a_bigger_run_is_no_regression():
    """Twice the rows in twice the time: nothing became slower."""
    before = summary(operations={"year": operation(8.0)})
    after = summary(seconds=20.0, rows=2000, operations={"year": operation(16.0)})
    kinds = {kind for kind, _ in told(before, after)}
    assert not kinds & {"duration", "operation", "throughput"}
    assert compare(before, after).scaled_by == "row"


def test_an_operation_that_silently_left_is_bad_news():
    """An operation of the run before that is not there any more is worse, whatever the rest does."""
    before = summary(operations={"load": operation(1.0), "year": operation(8.0), "report": operation(0.5)})
    after = summary(operations={"load": operation(1.0), "year": operation(8.0)})
    assert told(before, after)["operation vanished", "report"] == "worse"


def test_a_renamed_operation_neither_vanished_nor_appeared():
    """An operation of the same place, count and time under a similar name is told as renamed, and compared."""
    before = summary(operations={"load": operation(1.0), "year/hire": operation(6.0)})
    after = summary(operations={"load": operation(1.0), "year/hiring": operation(7.0)})
    found = told(before, after)
    assert found["operation renamed", "year/hiring"] == "changed"
    assert found["operation", "year/hiring"] == "worse"
    assert not {kind for kind, _ in found} & {"operation vanished", "operation appeared"}


def test_causes_are_told_with_their_sources():
    """Configuration, code, packages, Python and the host."""
    before = summary(configuration={"params": {"rate": 0.1}, "sources": {"rate": "default"}})
    after = summary(
        configuration={"params": {"rate": 0.2}, "sources": {"rate": "environment"}, "fingerprint": "sha256:2"},
        environment={"python": "3.12.1", "packages": {"duckdb": "1.1.0"}, "git": {"commit": "a" * 40, "dirty": True}},
        run_metadata={"host": "laptop"},
    )
    assert set(statements(before, after)) == {
        "rate 0.1 (default) → 0.2 (environment)",
        "commit none → aaaaaaaaaa",
        "duckdb 1.0.0 → 1.1.0",
        "python 3.11.7 → 3.12.1",
        "host server → laptop",
    }


def test_errors_new_and_gone():
    """An error that was not there is worse, one that has gone better, by fingerprint."""
    one = {"fingerprint": "a", "message": "disk full", "type": "OSError", "count": 1}
    other = {"fingerprint": "b", "message": "no such column", "type": "KeyError", "count": 2}
    before = summary(issues={"errors": [one], "warnings": []})
    after = summary(issues={"errors": [other], "warnings": []})
    assert statements(before, after) == ["new error: KeyError: no such column", "gone error: OSError: disk full"]


def test_a_check_that_fails_now_is_told():
    """The outcome before and after."""
    passed = {"name": "headcount", "year": 2025, "outcome": "pass"}
    after = summary(checks=[{**passed, "outcome": "fail"}])
    assert statements(summary(checks=[passed]), after) == ["check headcount 2025: pass → fail"]


def test_where_the_results_part_is_told():
    """The first digest that differs, with its year and operation."""
    digests = [{"name": "workforce", "year": year, "operation_path": "year", "digest": "aa"} for year in (2025, 2026)]
    after = summary(digests=[digests[0], {**digests[1], "digest": "bb"}])
    assert statements(summary(digests=digests), after) == [
        "the results part: workforce differs first in year 2026, in year"
    ]


def test_the_counterpart_of_a_run_is_like_it(tmp_path: Path):
    """The newest earlier success of the same name, years and size; with the same configuration where there is one."""
    write(
        tmp_path,
        [
            summary(1),
            summary(2, configuration={"fingerprint": "sha256:2"}),
            summary(3, rows=5000),
            summary(4, status="failed"),
            summary(5, name="other"),
            summary(6, seconds=20.0),
        ],
    )
    found = History(tmp_path).compare(after="last")
    assert found.before == summary(1)["run_metadata"]["run_id"]
    assert found.unlike == ()


def test_the_last_success_is_the_one_before(tmp_path: Path):
    """A run that succeeded is not held against itself; asked for by its id, that is refused."""
    write(tmp_path, [summary(1, seconds=10.0), summary(2, seconds=15.0)])
    history = History(tmp_path)
    found = history.compare("last-success", "last")
    assert found.before == "20250818_000001-1a2b3c4d"
    with pytest.raises(RunNotFound, match="no run succeeded before"):
        history.compare("last-success", found.before)
    with pytest.raises(UsageError, match="are the same run"):
        history.compare(found.after, "last")


def test_uncommitted_changes_are_told_by_their_digest():
    """In one line, not as the object of the summary."""
    git = {"commit": "a" * 40, "dirty": True, "diff": {"sha256": "7d99e0fb1c" + "0" * 54, "bytes": 405}}
    clean = summary(environment={"git": {"commit": "a" * 40, "dirty": False, "diff": None}})
    assert statements(clean, summary(environment={"git": git})) == ["uncommitted changes none → 7d99e0fb1c"]


def test_without_a_counterpart_it_says_so(tmp_path: Path):
    """No run like it: an error that says what is missing."""
    write(tmp_path, [summary(1, rows=10), summary(2)])
    with pytest.raises(RunNotFound, match="no earlier success has its name, years, rows and CPUs"):
        History(tmp_path).compare()


def secrets(**digests: str) -> dict[str, Any]:
    return summary(configuration={"redacted_digests": digests})


def test_another_secret_is_told_without_its_value():
    """By digests with one key; those of two folders of runs, which have two keys, tell nothing."""
    assert statements(secrets(a="k1:1", b="k1:2"), secrets(a="k1:1", b="k1:3")) == ["b is another secret"]
    assert statements(secrets(b="k1:2"), secrets(b="k2:3")) == []


def test_a_stage_that_left_makes_no_other_one_slower_by_row():
    """The run has fewer rows, but each operation that is still there has its own as before."""
    stages = {name: operation(3.0, rows=1000) for name in ("hiring", "raises", "promotions")}
    left = {name: stages[name] for name in ("hiring", "raises")}
    found = told(summary(rows=3000, operations=stages), summary(rows=2000, seconds=7.0, operations=left))
    assert [kind for kind in found if kind[0].startswith("operation")] == [("operation vanished", "promotions")]


def test_of_a_run_that_ended_early_each_call_is_held_against_each_call():
    """What it loaded before its first year was not less; its years are as slow as they were."""
    whole = summary(years=5, rows=5000, operations={"load": operation(2.0, count=1), "year": operation(8.0)})
    stages = {"load": operation(2.0, count=1), "year": operation(3.2, count=2)}
    early = summary(years=2, rows=2000, seconds=5.2, status="failed", operations=stages)
    assert [kind for kind in told(whole, early) if kind[0].startswith("operation")] == []
