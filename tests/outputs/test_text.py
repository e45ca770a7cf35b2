"""The human summary: what it says of any summary, in any width, and that it says it harmlessly."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.history.live import Look
from navigator_obs.outputs.columns import width_of
from navigator_obs.outputs.failed_checks import all_checks
from navigator_obs.outputs.files import Places
from navigator_obs.outputs.live import line
from navigator_obs.outputs.slow import bar
from navigator_obs.outputs.text import render, render_sections, sections
from navigator_obs.runs.stalls import write_stacks

YEARS = [str(year) for year in range(2025, 2030)]


def stats(seconds: float, **more: object) -> dict:
    return {
        "count": 5,
        "failed": 0,
        "total_seconds": seconds,
        "self_seconds": seconds,
        "rows_per_second": 1200.0,
    } | more


SUMMARY = {
    "schema_version": 1,
    "run_metadata": {
        "run_id": "20250818_143022-1a2b3c4d",
        "name": "baseline",
        "status": "failed",
        "status_reason": "duckdb.ConstraintException: Duplicate key",
        "start_time": "2025-08-18T14:30:22.123456Z",
        "end_time": "2025-08-18T14:30:34.523456Z",
        "duration_seconds": 12.4,
        "exit_code": 1,
        "host": "srv-12",
        "user": "ann",
        "pid": 4711,
        "tags": ["nightly"],
    },
    "configuration": {"params": {"seed": 42}},
    "environment": {"python": "3.11.7", "git": {"commit": "1a2b3c4d5e6f7a8b", "dirty": True, "branch": "main"}},
    "execution_summary": {
        "errors": 1,
        "warnings": 0,
        "checks": {"pass": 24, "warn": 0, "fail": 1, "error": 0, "skipped": 0},
        "operations": 1240,
        "rows": 45210,
        "years_planned": [2025, 2026, 2027, 2028, 2029],
        "years_completed": [2025, 2026],
    },
    "performance_metrics": {
        "year_simulation": stats(11.9),
        "year_simulation/hiring": stats(8.1, by={"year": {"2027": {"count": 1, "failed": 1}}}),
    },
    "breakdown": {
        "coverage_percent": 97.2,
        "unattributed_seconds": 0.35,
        "by": {
            "year": {
                year: {
                    "duration_seconds": 2.4,
                    "rows": 9000,
                    "operations": {"year_simulation": 2.4, "year_simulation/hiring": 1.6},
                }
                for year in YEARS
            }
        },
    },
    "bottlenecks": [
        {"operation_path": "year_simulation/hiring", "self_seconds": 8.1, "percent": 65.3, "count": 5,
         "p95_seconds": 1.9, "worst": {"year": "2027"}}
    ],
    "resources": {"peak_memory_mb": 425.0, "start_memory_mb": 83.0, "cpu_seconds": 31.2, "open_operations": []},
    "metrics": {"counters": [{"name": "hires", "labels": {"plan": "A"}, "value": 1204}], "gauges": []},
    "checks": [
        {"name": "total_payroll", "outcome": "fail", "severity": "error", "value": 2.1e9, "max": 2e9, "min": None,
         "equals": None, "unit": "USD", "dataset": None, "year": 2027, "count": 1, "failures": 1},
        {"name": "headcount", "outcome": "pass", "value": 5000},
    ],
    "issues": {
        "errors": [
            {"type": "duckdb.ConstraintException", "message": "Duplicate key", "category": "data", "count": 1,
             "first_time": "2025-08-18T14:30:30.000000Z", "last_time": "2025-08-18T14:30:30.000000Z",
             "operation_path": "year_simulation/hiring", "context": {"year": 2027},
             "first": {"exception": {
                 "frames": [
                     {"file": "sim.py", "line": 12, "function": "hire", "source": "insert(batch)", "module": "sim"},
                     {"file": "/x/site-packages/duckdb/__init__.py", "line": 3, "function": "execute", "source": "…"},
                 ],
                 "causes": [{"type": "KeyError", "message": "'id'", "link": "cause"}],
             }}}
        ],
        "warnings": [],
    },
    "artifacts": [{"path": "out/results.parquet", "kind": "output", "bytes": 12_300_000}],
    "observability": {"seconds": 0.05, "percent": 0.4, "bytes": 2_100_000, "dropped": {"disk_full": 3}},
}  # fmt: skip


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


def test_operations_stand_by_year():
    """Each operation has a row, indented below the one it ran in, each year a column, a failure its mark."""
    (table,) = [section for section in sections(SUMMARY) if section.title == "Years"]
    assert [column.title for column in table.columns] == ["", *YEARS, "total"]
    assert [row[0].text for row in table.rows] == ["year_simulation", "  hiring", "rows"]
    assert [row[3].text for row in table.rows] == ["2.40 s", "1.60 s ✗", "9,000"]
    assert table.rows[1][3].tone == "bad"
    assert [row[-1].text for row in table.rows] == ["12.00 s", "8.00 s", "45,000"]


def test_many_years_turn_the_table():
    """Where the years don't fit side by side, each has a row of its own."""
    summary = copy.deepcopy(SUMMARY)
    entry = summary["breakdown"]["by"]["year"]["2025"]
    summary["breakdown"]["by"]["year"] = {str(year): entry for year in range(2025, 2075)}
    (table,) = [section for section in sections(summary) if section.title == "Years"]
    assert [column.title for column in table.columns][:2] == ["year", "time"]
    assert [cell.text for cell in table.rows[0]] == ["2025", "2.40 s", "9,000", "3,750", "hiring 1.60 s"]
    assert "more" in table.note
    assert len(table.rows) == 40


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


@pytest.mark.parametrize(
    ("status", "mark"),
    [("success", "✓"), ("running", "●"), ("partial", "■"), ("terminated", "■"), ("crashed", "✗"), ("unheard-of", "✗")],
)
def test_each_status_has_its_mark(status: str, mark: str):
    """Good, living, cut short and bad are told apart at the first character, also without colour."""
    assert render({"run_metadata": {"status": status}})[0] == mark


def test_a_success_with_failed_checks_is_not_shown_as_a_good_one():
    """The status stays, and its mark is that of something to look into; a check that only warned changes nothing."""
    summary = {"run_metadata": {"status": "success", "duration_seconds": 2.0}}
    assert render({**summary, "checks": [violation(2027, 0.9, "fail")]}).startswith("■ ?  success in 2.00 s")
    assert render({**summary, "checks": [violation(2027, 0.9)]}).startswith("✓ ?  success in 2.00 s")


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


@pytest.mark.parametrize(
    ("percent", "shown"), [(0, ""), (100, "████"), (50, "██"), (3.2, "▏"), (250, "████"), (-1, "")]
)
def test_a_bar_is_as_long_as_its_share(percent: float, shown: str):
    """An eighth of a column fine, never longer than its room."""
    assert bar(percent, width=4) == shown


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


def issue(message: str, **more: object) -> dict:
    event = {"message": message, "logger": "planwise", "module": "sim", "function": "hire", "line": 12}
    found = {"message": message, "category": "unknown", "count": 1, "first_time": "2025-08-18T14:30:30Z"}
    return {**found, "first": {**event, **more.pop("event", {})}, **more}


def with_issues(*, errors: list[dict] = (), warnings: list[dict] = (), **more: object) -> dict:
    counts = {
        severity: sum(found["count"] for found in groups)
        for severity, groups in (("errors", errors), ("warnings", warnings))
    }
    return {"issues": {"errors": list(errors), "warnings": list(warnings)}, "execution_summary": counts, **more}


@pytest.mark.parametrize("kept", ["entry", "event"])
def test_what_the_program_said_stands_before_the_exception(kept: str):
    """A warning that was logged with an exception shows its own message, then the exception."""
    exception = {"type": "KeyError", "message": "'x'", "frames": []}
    said = "the plan is missing; using the default"
    told = {"event_message": said} if kept == "entry" else {}
    event = {"message": said, "exception": exception}
    found = issue("'x'", type="KeyError", category="code", event=event, **told)
    lines = render(with_issues(warnings=[found])).splitlines()
    at = lines.index(f"  {said}")
    assert lines[at + 1].strip() == "KeyError: 'x'"
    assert lines[at + 2].endswith("category: code")


def test_why_a_program_failed_stands_in_a_line_of_its_own():
    """In the place of all that dbt printed, of which the exception's message has the beginning; and only once."""
    message = "dbt run failed\n10:15:42  Running\nFailure in model hires (hires.sql)\n  Binder Error: no column grade"
    printed = "model hires (hires.sql): Binder Error: no column grade"
    failed = issue(message, type="DbtError", event={"exception": {"message": message, "printed": printed}})
    metadata = {"status": "failed", "status_reason": f"DbtError: dbt run failed: {printed}"}
    shown = render(with_issues(errors=[issue("cleaned up"), failed], run_metadata=metadata)).splitlines()
    at = next(at for at, line in enumerate(shown) if line.strip() == "DbtError: dbt run failed")
    assert shown[at + 1].strip() == f"it printed: {printed}"
    assert at < next(at for at, line in enumerate(shown) if "cleaned up" in line)
    assert "Running" not in "".join(shown)
    assert not [line for line in shown if line.strip().startswith("reason")]


@pytest.mark.parametrize(
    "event",
    [
        {"message": "hiring failed", "operation": "hiring", "duration_seconds": 1.0},
        {"message": "Run failed", "logger": "navigator_obs.run"},
    ],
)
def test_what_the_toolkit_itself_said_is_left_out(event: dict):
    """Of an operation that failed the exception alone is shown: its place says the rest."""
    found = issue("'x'", type="KeyError", event={**event, "exception": {"type": "KeyError", "message": "'x'"}})
    assert event["message"] not in render(with_issues(errors=[found]))


def test_an_error_without_an_exception_has_its_fields_and_its_place():
    """What the program logged with it is shown, and where."""
    shown = render(
        with_issues(errors=[issue("the plan is empty", event={"plan": "B", "budget": 2.4e10, "rate": None})])
    )
    assert "plan=B · budget=24,000,000,000 · rate=none" in shown
    assert "sim:12 in hire · logger planwise" in shown


def test_the_members_of_a_group_are_told_and_repeated_words_are_not():
    """A group shows what is in it; a cause in the same words as what it caused, as of pandas, is not told again."""
    causes = [{"type": "KeyError", "message": "'x'", "link": link} for link in ("member", "cause", "member")]
    exception = {"type": "ExceptionGroup", "message": "two", "causes": causes}
    shown = render(with_issues(errors=[issue("two", type="ExceptionGroup", event={"exception": exception})]))
    assert shown.count("among them KeyError: 'x'") == 2
    assert "caused by" not in shown


def test_a_check_without_bounds_tells_what_it_asked_for():
    """Where a predicate gave its reason, that stands in the place of the bounds."""
    found = {**violation(2027, 1491), "max": None, "reason": "pay is missing"}
    assert re.search(r"rate +warn +1,491 +pay is missing +year 2027", render({"checks": [found]}))


def test_a_check_tells_how_many_violate_it_and_the_first_of_them():
    """All checks have the first example beside them, the summary how many there are; those that passed have neither."""
    found = violation(2027, 0.9, violations=12, checked=4000, examples=[{"id": 7, "pay": -10.5}, {"id": 8, "pay": -1}])
    summary = {"checks": [found, violation(2028, 0.7, "pass", examples=[{"id": 9}])]}
    shown = render_sections([all_checks(summary)])
    assert "year 2027 · 12 of 4,000 violate it · such as id=7 pay=-10.5" in shown
    assert "id=9" not in shown
    assert "12 of 4,000 violate it" in render(summary)


def test_no_check_loses_its_year_in_a_narrow_terminal():
    """What tells rows of a table apart takes lines more where there is no room."""
    found = {**violation(2027, 0.405282), "dataset": "the_busy_scenario"}
    words = " ".join(render({"checks": [found]}, width=60).split())
    assert words.endswith("year 2027 · dataset the_busy_scenario")


def test_what_stands_out_is_told_in_full():
    """A sentence is never cut: it takes lines more."""
    call = {"operation_path": "year_simulation/price/paths/draw", "duration_seconds": 0.123, "median_seconds": 0.04}
    rate = {"operation_path": "hiring", "rows_per_second": 3370.2, "usual_rows_per_second": 8341.0}
    hotspots = {"calls": [{**call, "breakdown": {"year": 2027}}], "throughput": [rate]}
    shown = render({"hotspots": hotspots}, width=80)
    assert "3,370 rows/s, else 8,341" in shown
    assert "one call took 123 ms, half of them less than 40 ms" in " ".join(shown.split())


def test_a_small_part_of_a_year_is_not_most_of_it():
    """A row of a year names the operations that took a tenth of its time, and none where it took the time itself."""
    years = {
        str(year): {"duration_seconds": 2.0, "operations": {"simulate": 2.0, "simulate/serve": serve}}
        for year, serve in zip(range(2000, 2040), [0.02, 1.5] * 20, strict=True)
    }
    shown = render({"breakdown": {"by": {"year": years}}})
    assert re.search(r"2000 +2.00 s\n", shown)
    assert re.search(r"2001 +2.00 s +serve 1.50 s\n", shown)


def test_nothing_is_foretold_of_a_run_that_stands_still():
    """The time that is left is told of a run that goes on, and not of a stalled one."""
    summary = {"run_metadata": {"status": "running"}, "forecast": {"eta_seconds": 60.0}}
    assert "about 1m 00s left" in render(summary)
    assert "left" not in render({**summary, "run_metadata": {"status": "stalled"}})


@pytest.mark.parametrize(
    ("module", "shown"), [("sim", True), ("navigator_obs.runs.listening", False), ("threading", False)]
)
def test_what_the_toolkit_says_by_itself_has_no_place(module: str, shown: bool):
    """A warning about a call of the program names that call; one that came at a tick names no code of ours."""
    event = {"logger": "navigator_obs.run", "module": module, "path": "x" * 100}
    told = render(with_issues(warnings=[issue("an artifact is missing", event=event)]))
    assert (f"{module}:12" in told) is shown
    assert "x" * 100 in told.replace("\n", "").replace(" ", "")


def test_a_python_warning_has_its_class_and_its_place():
    """What came through `warnings.warn` is told as Python tells it."""
    event = {"logger": "py.warnings", "warning": "UserWarning", "file": "/x/sim.py", "line": 5, "function": ""}
    lines = render(with_issues(warnings=[issue("careful", event=event)])).splitlines()
    at = lines.index("  UserWarning: careful")
    assert lines[at + 1].strip().startswith("at ")
    assert "·" not in lines[at + 1]
    assert lines[at + 2].strip() == "/x/sim.py:5"


def test_a_run_without_operations_says_so():
    """Nothing is covered where nothing was named."""
    assert "no named operations" in render({"breakdown": {"coverage_percent": 0.0, "unattributed_seconds": 4.0}})


def test_the_error_that_ended_the_run_stands_first():
    """However many came before it, the last one is what the reader looks for."""
    fatal = issue("the workforce is empty", type="ValueError", event={"exception": {"type": "ValueError"}})
    errors = [*(issue(f"{kind} trouble") for kind in ("small", "little", "tiny", "minor", "slight", "odd")), fatal]
    ended = {"status": "failed", "status_reason": "ValueError: the workforce is empty"}
    lines = render(with_issues(errors=errors, run_metadata=ended)).splitlines()
    assert lines[2:4] == ["Errors", "  ValueError: the workforce is empty"]


def violation(year: int, value: float | None, outcome: str = "warn", **more: object) -> dict:
    return {"name": "rate", "outcome": outcome, "value": value, "max": 0.8, "year": year, "count": 1, **more}


def test_a_check_is_told_once_and_the_numbers_add_up():
    """A violation stands among the checks alone, and how many errors and warnings are checks is said."""
    checked = {"check": "rate", "logger": "navigator_obs.checks"}
    summary = with_issues(
        errors=[issue("check rate: broke", event=checked, count=2), issue("the plan is empty")],
        warnings=[issue("check rate: 0.9 is above 0.8", event=checked)],
        checks=[violation(2027, 0.9), violation(2028, None, "error", unit="USD")],
    )
    shown = render(summary)
    assert "3 errors (2 from checks) · 1 warning (from a check)" in shown
    assert "check rate" not in shown
    assert re.search(r"rate +error +none +≤ 0.8 +year 2028", shown)


def test_a_field_called_check_hides_nothing():
    """An event of the program's own that has such a field is a warning like others."""
    found = issue("could not check the plan", event={"check": "rate"})
    assert "could not check the plan" in render(with_issues(warnings=[found], checks=[violation(2027, 0.9)]))


def test_a_check_that_fails_every_year_takes_one_line():
    """Beyond a few, the same violations are told by their range, in values and years."""
    few = render({"checks": [violation(2025 + at, 0.81 + at / 100) for at in range(5)]})
    assert few.count("≤ 0.8 ") == 5
    many = render({"checks": [violation(2025 + at, 0.81 + at / 100) for at in range(16)]})
    assert re.search(r"rate +warn +0.81 to 0.96 +≤ 0.8 +16 times from year 2025 to 2040", many)


def test_the_reason_stands_on_the_first_lines():
    """What the program gave as its reason is read before anything else, also above errors."""
    failed = {"run_metadata": {"status": "failed", "status_reason": "checks"}}
    assert render(failed).splitlines()[2].split() == ["reason", "checks"]
    assert "none" not in render(failed)
    assert render({**failed, **with_issues(errors=[issue("odd")])}).splitlines()[2].split() == ["reason", "checks"]


def test_a_dead_run_tells_when_it_was_last_seen():
    """Without an end, the time of its last word is told."""
    run = {"status": "crashed", "start_time": "2025-08-18T14:30:22.123456Z", "duration_seconds": 3600}
    shown = render({"run_metadata": run})
    assert re.search(r"last seen  Mon 2025-08-18 \d\d:\d\d:22", shown)
    assert "last seen" not in render({"run_metadata": {**run, "status": "running"}})


def test_a_verdict_by_others_shows_what_it_stands_on():
    """How sure it is, and the facts; a run that ended by itself needs none."""
    found = copy.deepcopy(SUMMARY)
    found["run_metadata"] |= {"status": "crashed", "status_reason": "reboot: the computer has started anew"}
    found["run_metadata"] |= {"status_confidence": "likely", "evidence": ["another boot of the computer"]}
    assert "evidence   likely: another boot of the computer" in render(found, width=200)
    assert "evidence" not in render(SUMMARY, width=200)


def test_a_resumed_run_counts_what_earlier_attempts_had_done():
    """Its own years, and theirs."""
    found = copy.deepcopy(SUMMARY)
    found["execution_summary"] |= {"years_resumed": [2025, 2026, 2027], "years_completed": [2028]}
    found["run_metadata"] |= {"resumed_from": "first", "attempt": 2, "resumed_at": {"year": 2027}}
    shown = render(found, width=200)
    assert "1 of 5 years completed · 3 years by earlier attempts" in shown
    assert "attempt 2, resumed from first after 2027" in shown


def test_an_artifact_that_is_missing_is_said_to_be():
    """A file that was not there when it was recorded has no size, and the word for it."""
    summary = {"artifacts": [{"path": "out.parquet", "kind": "output", "bytes": None, "missing": True}]}
    assert re.search(r"output  out.parquet  missing", render(summary))


def test_what_the_program_said_with_fail_is_no_exception():
    """A failure that the program itself declared is told in its own words."""
    found = issue("too many checks failed", type="fail", event={"logger": "navigator_obs.run"})
    summary = with_issues(errors=[found], run_metadata={"status": "failed", "status_reason": "too many checks failed"})
    lines = render(summary).splitlines()
    assert lines[2:4] == ["Errors", "  too many checks failed"]
    assert "said with run.fail" in lines[4]
    assert sum("too many checks" in line for line in lines) == 1


def test_a_year_that_is_still_open_has_no_time_yet():
    """Rows without a time belong to an operation that has not ended: the table says so instead of 0 µs."""
    summary = copy.deepcopy(SUMMARY)
    entry = summary["breakdown"]["by"]["year"]["2025"]
    by_year = {str(year): entry for year in range(2025, 2055)}
    by_year["2054"] = {"duration_seconds": 0.0, "rows": 70, "operations": {"year_simulation/hiring": 0.5}}
    summary["breakdown"]["by"]["year"] = by_year
    (table,) = [section for section in sections(summary) if section.title == "Years"]
    assert [cell.text for cell in table.rows[-1]][:3] == ["2054", "open", "70"]


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


def test_the_report_lists_no_file_that_is_not_there(recorder, capsys):
    """A run for which no folder can be made says so at its end, and how its events can be had; so does one without a
    log.
    """
    (recorder.root / "taken").write_text("")
    for log_dir in ("logs", "taken/logs"):
        recorder.configure(run_report=True, runs_dir="taken/runs", log_dir=log_dir)
        with obs.start_run("baseline") as run:
            pass
        told = capsys.readouterr().err.partition("\nFiles\n")[2].splitlines()
        assert told[0] == f"  summary  none: nothing could be written in taken/runs/{run.run_id}"
        has_log = [["log", "logs/navigator.log"], ["events", f"navigator-obs logs --where run_id={run.run_id}"]]
        assert [line.split(maxsplit=1) for line in told[1:]] == (has_log if log_dir == "logs" else [])


def test_a_run_that_hangs_names_the_line_at_which_it_stands(tmp_path):
    """That of the main thread first, then those of the others."""
    frames = [{"file": "/srv/plan/run.py", "line": 1, "function": "<module>"}]
    stuck = [{"file": "/srv/plan/rules.py", "line": 7, "function": "settle"}]
    threads = [{"thread": "MainThread", "frames": [*frames, *stuck]}, {"thread": "pay", "frames": stuck}]
    write_stacks(tmp_path, "2025-01-01T00:00:00.000000Z", threads, 0o644)
    for status, is_told in (("stalled", True), ("running", False)):
        summary = {"run_metadata": {"name": "baseline", "status": status, "status_reason": "no progress since …"}}
        shown = render(summary, places=Places(tmp_path))
        assert ("stands at  /srv/plan/rules.py:7 in settle\n" in shown) is is_told
        assert ("pay at /srv/plan/rules.py:7 in settle" in shown) is is_told
    look = Look({"run_metadata": {"name": "baseline", "status": "stalled"}}, True, None, directory=tmp_path)
    assert line(look) == "baseline stalled · at /srv/plan/rules.py:7 in settle"


def test_time_left_that_is_no_time_is_not_told():
    """Nothing is better than "about 0 s left", and than the time left of one of several years at once."""
    forecast = {"eta_seconds": 90.0, "expected_end_time": "2025-08-18T14:30:22.123456Z"}
    summary = {"run_metadata": {"status": "running", "duration_seconds": 60.0}, "forecast": forecast}
    assert "about 1m 30s left, until" in render(summary)
    assert " left" not in render({**summary, "forecast": {**forecast, "eta_seconds": 0.3}})
    side_by_side = [{"path": "year", "worker": f"vm-{pid}", "breakdown": {"year": 2026}} for pid in (7, 8)]
    assert " left" not in render({**summary, "resources": {"open_operations": side_by_side}})


def test_paths_and_commands_stay_in_one_piece():
    """However narrow the terminal is, they can be copied; other words that are too long are broken."""
    path = "/srv/data/planning/scenarios/baseline/2026/ledger-of-the-third-quarter.parquet"
    for reason in ("failed", "crashed"):
        metadata = {"status": reason, "status_reason": f"cannot open {path} for writing"}
        issue = {"message": f"cannot open {path} for writing {'x' * 90}", "first_time": "2025-08-18T14:30:22.123456Z"}
        found = {"run_metadata": metadata, "issues": {"errors": [issue] if reason == "failed" else []}}
        lines = render(found, width=60, places=Places(Path(path).parent / "runs" / "x")).splitlines()
        assert any(path in line for line in lines)
        assert all(path in line for line in lines if "ledger" in line)
        assert any(line.endswith("/baseline/2026/runs/x/summary.json") for line in lines)
        assert max(len(line) for line in lines if "/" not in line) <= 60


def test_a_run_that_went_wrong_says_how_to_learn_why(tmp_path):
    """Whoever finds the report in a log or a mail need not know the commands; a good run has nothing to tell."""
    for status, is_told in (("failed", True), ("crashed", True), ("partial", True), ("success", False)):
        shown = render({"run_metadata": {"name": "baseline", "status": status}}, places=Places(tmp_path / "r"))
        assert ("navigator-obs diagnose " in shown) is is_told


def test_workers_are_told_apart_by_what_they_have_open():
    """Of several operations of one path each names its worker."""
    opened = [{"path": "scenarios/simulate", "worker": f"vm-{pid}", "seconds": 2.0} for pid in (7, 8)]
    shown = render({"run_metadata": {"status": "running"}, "resources": {"open_operations": opened}})
    assert [line.rpartition("worker ")[2] for line in shown.splitlines()[-2:]] == ["vm-7", "vm-8"]


def test_the_cpu_time_of_child_processes_is_told():
    """A parent that waits for dbt is not idle; a moment of git beside it is not worth a word."""
    metadata = {"status": "success", "duration_seconds": 80.0}
    for tree, told in (
        (0.9, "CPU 874 ms · 0.0 cores busy"),
        (32.0, "CPU 874 ms · 32.00 s with child processes · 0.4 cores"),
    ):
        resources = {"cpu_seconds": 0.874, "tree": {"cpu_seconds": tree}}
        assert told in render({"run_metadata": metadata, "resources": resources})
