"""Errors and warnings, as the report tells them."""

from __future__ import annotations

import pytest

from navigator_obs.outputs.text import render
from tests.outputs.summaries import issue, with_issues


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


def test_the_error_that_ended_the_run_stands_first():
    """However many came before it, the last one is what the reader looks for."""
    fatal = issue("the workforce is empty", type="ValueError", event={"exception": {"type": "ValueError"}})
    errors = [*(issue(f"{kind} trouble") for kind in ("small", "little", "tiny", "minor", "slight", "odd")), fatal]
    ended = {"status": "failed", "status_reason": "ValueError: the workforce is empty"}
    lines = render(with_issues(errors=errors, run_metadata=ended)).splitlines()
    assert lines[2:4] == ["Errors", "  ValueError: the workforce is empty"]


def test_what_the_program_said_with_fail_is_no_exception():
    """A failure that the program itself declared is told in its own words."""
    found = issue("too many checks failed", type="fail", event={"logger": "navigator_obs.run"})
    summary = with_issues(errors=[found], run_metadata={"status": "failed", "status_reason": "too many checks failed"})
    lines = render(summary).splitlines()
    assert lines[2:4] == ["Errors", "  too many checks failed"]
    assert "said with run.fail" in lines[4]
    assert sum("too many checks" in line for line in lines) == 1


def test_workers_are_told_apart_by_what_they_have_open():
    """Of several operations of one path each names its worker."""
    opened = [{"path": "scenarios/simulate", "worker": f"vm-{pid}", "seconds": 2.0} for pid in (7, 8)]
    shown = render({"run_metadata": {"status": "running"}, "resources": {"open_operations": opened}})
    assert [line.rpartition("worker ")[2] for line in shown.splitlines()[-2:]] == ["vm-7", "vm-8"]
