"""Which errors and failures are a run's, and how often each counts."""

from __future__ import annotations

import pytest

import navigator_obs as obs
from tests.on_disk import on_disk


def hire():
    with obs.context(year=2026), obs.operation("simulate"), obs.operation("hiring"):
        raise ValueError("salary is negative")


def test_an_exception_is_one_error_of_the_run(recorder):
    """It leaves the block as it came, and is in the catalogue once, with its context."""
    with pytest.raises(ValueError, match="negative"), obs.start_run("baseline") as run:
        hire()
    summary = on_disk(run)
    assert (summary["run_metadata"]["status"], summary["run_metadata"]["exit_code"]) == ("failed", 1)
    assert summary["run_metadata"]["status_reason"] == "ValueError: salary is negative"
    [issue] = summary["issues"]["errors"]
    assert (issue["count"], issue["operation_path"], issue["context"]) == (1, "simulate/hiring", {"year": 2026})
    assert issue["first"]["exception"]["traceback"].startswith("Traceback")
    assert summary["execution_summary"]["errors"] == 1


@pytest.mark.parametrize("way", ["fast", "chain"])
def test_an_exception_counts_once(recorder, way):
    """That an operation failed with it and that the program logged it is one error; the log says what is told again."""
    if way == "chain":
        recorder.configure(processors=[lambda _, __, event: event])
    log = obs.get_logger("sim")
    with obs.start_run("baseline") as run:
        try:
            with obs.operation("hiring"):
                raise ValueError("no hires")
        except ValueError:
            log.exception("scenario failed")
            log.warning("it goes on", exc_info=True)
        try:
            raise KeyError("salary")
        except KeyError:
            log.warning("tried again", exc_info=True)
            log.exception("given up")
    found = {
        severity: [issue["count"] for issue in on_disk(run)["issues"][severity]] for severity in ("errors", "warnings")
    }
    assert found == {"errors": [1, 1], "warnings": [1]}
    told = [(event["message"], event["exception"].get("retold")) for event in recorder.events() if "exception" in event]
    assert told == [("hiring failed", None), ("scenario failed", True), ("it goes on", True), ("tried again", None),
                    ("given up", None)]  # fmt: skip


def test_the_batch_hears_of_what_its_scenario_was_told(recorder):
    """A run within a run has its own errors; those that leave it are the outer one's as well."""
    with (
        pytest.raises(ValueError, match="no hires"),
        obs.start_run("batch") as batch,
        obs.operation("scenario"),
        obs.start_run("high") as high,
        obs.operation("hiring"),
    ):
        raise ValueError("no hires")
    assert [len(on_disk(run)["issues"]["errors"]) for run in (high, batch)] == [1, 1]
    assert [event["level"] for event in recorder.events("scenario failed")] == ["ERROR"]


def test_an_exception_that_nothing_reported_is_an_error_too(recorder):
    """Raised outside of any operation it is told by the run's own end, once."""
    with pytest.raises(KeyError), obs.start_run("baseline") as run:
        raise KeyError("census")
    assert on_disk(run)["execution_summary"]["errors"] == 1
    [event] = [event for event in recorder.events() if "exception" in event]
    assert (event["message"], event["level"], event["errors"]) == ("Run failed", "ERROR", 1)


def test_the_end_s_own_event_is_no_further_issue(recorder):
    """A partial run ends with a WARNING that is not counted among the warnings of the simulation."""
    with obs.start_run("baseline", years=[2025]) as run:
        obs.get_logger("sim").warning("few hires")
    summary = on_disk(run)
    assert summary["run_metadata"]["status"] == "partial"
    assert summary["execution_summary"]["warnings"] == len(summary["issues"]["warnings"]) == 1


def test_warnings_of_another_run_are_the_other_run_s(recorder):
    """Two runs at once keep their catalogues, operations and checks apart."""
    with obs.start_run("one") as one:
        with obs.start_run("two") as two:
            obs.get_logger("sim").warning("few hires")
            obs.check("headcount", 0, min=1)
            with obs.operation("hiring"):
                pass
        obs.get_logger("sim").error("no hires")
    assert [run.summary["execution_summary"]["warnings"] for run in (one, two)] == [0, 2]
    assert [run.summary["execution_summary"]["errors"] for run in (one, two)] == [1, 0]
    assert [run.summary["execution_summary"]["checks"]["warn"] for run in (one, two)] == [0, 1]
    assert list(two.summary["performance_metrics"]) == ["hiring"]
    assert one.summary["performance_metrics"] == {}
    assert two.summary["run_metadata"]["parent_run_id"] == one.run_id


def test_a_program_can_say_that_it_failed(recorder):
    """`fail` makes an orderly end a failure; the first reason counts."""
    with obs.start_run("baseline") as run:
        run.fail("headcount does not add up")
        run.fail("later")
        run.tag("bad", "bad")
    metadata = on_disk(run)["run_metadata"]
    assert (metadata["status"], metadata["status_reason"]) == ("failed", "headcount does not add up")
    assert metadata["tags"] == ["bad"]
    [error] = on_disk(run)["issues"]["errors"]
    assert (error["type"], error["message"], error["count"]) == ("fail", "headcount does not add up", 1)
    assert on_disk(run)["execution_summary"]["errors"] == 1


def test_a_failure_by_hand_is_an_error_with_its_reason(recorder):
    """`finish("failed", reason)` says the same as `fail`."""
    run = obs.start_run("baseline")
    run.finish("failed", "no hires")
    summary = on_disk(run)
    assert (summary["run_metadata"]["status_reason"], summary["issues"]["errors"][0]["message"]) == ("no hires",) * 2


def test_a_logged_exception_keeps_the_words_around_it(recorder):
    """The issue has the exception's message and the log call's."""
    with obs.start_run("baseline") as run:
        try:
            raise ValueError("salary is negative")
        except ValueError:
            obs.get_logger("sim").warning("employee skipped", exc_info=True)
    [issue] = on_disk(run)["issues"]["warnings"]
    assert (issue["message"], issue["event_message"]) == ("salary is negative", "employee skipped")
