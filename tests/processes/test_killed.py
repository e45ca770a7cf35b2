"""What a run that was killed has left, and what one says that still runs."""

from __future__ import annotations

import signal

import pytest

from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read_run
from navigator_obs.runs.summary import fold
from tests.on_disk import VALIDATOR
from tests.processes.running import WITHIN_A_BLOCK


@pytest.mark.parametrize("how", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(9)"])
def test_a_killed_run_reads_as_crashed_and_its_journal_folds(program, how):
    """Nothing is left undone but the end: what was recorded is in the journal, and folds into a valid summary."""
    ended = program(WITHIN_A_BLOCK.format(last=f"log.error('no hires'); obs.check('headcount', 0, min=1); {how}"))
    ended.end()
    assert status_of(ended.directory)["status"] == "crashed"
    assert ended.summary["run_metadata"]["status"] == "running"
    recovered = fold(read_run(ended.directory))
    VALIDATOR.validate(recovered)
    assert recovered["run_metadata"]["final"] is False
    assert recovered["performance_metrics"]["year_simulation"]["count"] == 1
    assert recovered["execution_summary"]["years_completed"] == [2025]
    assert (recovered["execution_summary"]["errors"], recovered["execution_summary"]["checks"]["warn"]) == (1, 1)


def test_what_was_open_when_it_was_killed_is_in_the_journal(program):
    """The last tick holds the open operations and the figures of those that did not log their end."""
    ended = program("""
    with obs.start_run("baseline") as run:
        for _ in range(7):
            with obs.operation("step", log="never"):
                pass
        with obs.context(year=2026), obs.operation("year_simulation"), obs.operation("hiring"):
            run.summary
            ready()
            time.sleep(60)
    """)
    ended.send(signal.SIGKILL)
    ended.end()
    recovered = fold(read_run(ended.directory))
    VALIDATOR.validate(recovered)
    assert recovered["performance_metrics"]["step"]["count"] == 7
    paths = [operation["path"] for operation in recovered["resources"]["open_operations"]]
    assert paths == ["year_simulation", "year_simulation/hiring"]
    assert recovered["execution_summary"]["years_completed"] == []


def test_what_ended_after_the_last_tick_is_not_open(program):
    """Killed between two ticks: a year whose end is in the journal is done, though the last tick has it open."""
    ended = program("""
    with obs.start_run("baseline", years=[2025, 2026]) as run, obs.operation("simulate"):
        with obs.context(year=2025), obs.operation("year_simulation"):
            with obs.operation("hiring"):
                run.summary
        with obs.context(year=2026), obs.operation("year_simulation"):
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    ended.end()
    recovered = fold(read_run(ended.directory))
    VALIDATOR.validate(recovered)
    assert [operation["path"] for operation in recovered["resources"]["open_operations"]] == ["simulate"]
    assert recovered["execution_summary"]["years_completed"] == [2025]


def test_a_running_run_has_a_summary_that_says_so(program):
    """From its first moment on, and valid."""
    ended = program("with obs.start_run('baseline', params={'seed': 42}):\n    forever()")
    ended.wait_until_ready()
    assert ended.summary["run_metadata"]["status"] == "running"
    assert ended.summary["configuration"]["params"] == {"seed": 42}
    found = status_of(ended.directory)
    assert (found["status"], found["status_reason"], found["confidence"]) == ("running", None, None)
