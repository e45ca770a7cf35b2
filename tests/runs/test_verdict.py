"""How a run ended, judged from what left its block."""

from __future__ import annotations

import asyncio
import signal

import pytest

import navigator_obs as obs
from navigator_obs.runs.endings import Terminated
from navigator_obs.runs.verdict import by_exception, by_exit, orderly


@pytest.mark.parametrize(
    ("error", "status", "exit_code", "name"),
    [
        (ValueError("bad"), "failed", 1, None),
        (SystemExit(3), "failed", 3, None),
        (SystemExit("no census"), "failed", 1, None),
        (KeyboardInterrupt(), "interrupted", 130, "SIGINT"),
        (Terminated(signal.SIGTERM), "terminated", 143, "SIGTERM"),
        (Terminated(signal.SIGHUP), "terminated", 129, "SIGHUP"),
        (asyncio.CancelledError(), "interrupted", None, None),
        (GeneratorExit(), "interrupted", None, None),
        (MemoryError(), "failed", 1, None),
    ],
)
def test_an_exception_decides(error, status, exit_code, name):
    """Each way out has its status, its exit code and its signal."""
    verdict = by_exception(error)
    assert (verdict.status, verdict.exit_code, verdict.signal) == (status, exit_code, name)
    assert verdict.reason


@pytest.mark.parametrize("code", [None, 0, False])
def test_an_exit_without_complaint_is_orderly(code):
    """`sys.exit(0)` is not a failure."""
    assert by_exception(SystemExit(code)) is None
    assert by_exit(code) is None


def test_a_signal_that_came_before_explains_the_exit():
    """A handler of the user's that turns SIGTERM into `sys.exit(0)` or cancels the tasks ends a terminated run."""
    assert by_exception(SystemExit(0), signal="SIGTERM").status == "terminated"
    assert by_exception(asyncio.CancelledError(), signal="SIGTERM").status == "terminated"


@pytest.mark.parametrize(
    ("left", "failure", "name", "status"),
    [
        ((), None, None, "success"),
        ((2027,), None, None, "partial"),
        ((2027,), None, "SIGTERM", "terminated"),
        ((), None, "SIGTERM", "success"),
        ((), "checks failed", None, "failed"),
        ((2027,), "checks failed", None, "failed"),
    ],
)
def test_an_orderly_end_is_judged_by_what_is_left(left, failure, name, status):
    """Planned years that are left, or a word of the program, make an orderly end less than a success."""
    assert orderly(left, failure, name).status == status


def test_failed_checks_leave_a_success_which_says_so():
    """They are no failure of the run, and a failure needs no word about them."""
    assert (orderly(checks_failed=1).status, orderly(checks_failed=1).reason) == ("success", "1 check failed")
    assert orderly(checks_failed=1_200).reason == "1,200 checks failed"
    assert orderly(failure="no hires", checks_failed=3).reason == "no hires"


def test_a_reason_names_the_years_but_not_hundreds():
    """The reason is a line for people."""
    assert orderly([2027]).reason == "year 2027 left"
    assert orderly(range(2000, 2100)).reason.endswith("and 90 more left")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
@pytest.mark.parametrize(
    ("signal", "status"), [(None, "interrupted"), ("SIGINT", "interrupted"), ("SIGTERM", "terminated")]
)
def test_an_interrupted_query_is_judged_by_the_signal(error, signal, status):
    """DuckDB reports any signal that arrives in a query as an interruption: the signal that was noted says which."""
    verdict = by_exception(error, signal=signal)
    assert (verdict.status, verdict.signal) == (status, signal or "SIGINT")


@pytest.mark.parametrize("name", ["click", "typer"])
def test_the_ways_out_of_a_command_are_no_errors(name, recorder):
    """`Exit` is an exit with its code, `Abort` an interruption; wrong use is an error, with the code of one."""
    framework = pytest.importorskip(name)
    exits = framework.exceptions if name == "click" else framework
    raised = (exits.Exit(0), exits.Exit(3), exits.Abort(), framework.BadParameter("no"))
    verdicts = [by_exception(error) for error in raised]
    told = [(verdict.status, verdict.exit_code) for verdict in verdicts[1:]]
    assert verdicts[0] is None
    assert told == [("failed", 3), ("interrupted", 1), ("failed", 2)]
    for error, errors, status in ((exits.Exit(0), 0, "cancelled"), (framework.BadParameter("no"), 1, "failed")):
        with pytest.raises(type(error)), obs.start_run("baseline") as run, obs.operation("command"):
            raise error
        assert run.summary["execution_summary"]["errors"] == errors
        assert run.summary["performance_metrics"]["command"]["status"] == status
