"""Why a run failed, from the folders alone."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

import navigator_obs as obs
from navigator_obs.history.diagnose import diagnose
from navigator_obs.history.store import History
from navigator_obs.runs import current


@pytest.fixture
def history(recorder):
    return History(recorder.runs_dir)


class LedgerError(Exception):
    pass


def simulate(growth=0.03, *, fail=False, rows=100):
    try:
        with obs.start_run("baseline", params={"growth": growth}, years=range(2025, 2028)) as run:
            for year in range(2025, 2028):
                with obs.context(year=year), obs.operation("year_simulation") as op:
                    obs.get_logger("planwise").info("hiring", year=year)
                    if fail and year == 2026:
                        raise LedgerError("ledger 17 is closed")
                    op.add_rows(rows)
                run.checkpoint(year)
    except LedgerError:
        pass
    return run


def test_a_failure_is_explained(recorder, history):
    """Verdict, cause, novelty, what changed since the last success, what led to it, what is left and what to do."""
    simulate()
    good = simulate()
    bad = simulate(growth=0.3, fail=True)
    found = diagnose(history.get("last"), history)
    assert found.verdict.startswith("failed · in 2026, 2nd of 3 years · in year_simulation · after ")
    assert (found.causes[0].category, found.causes[0].message) == ("model", "ledger 17 is closed")
    assert "test_diagnose.py" in found.causes[0].place
    assert (found.novelty.runs, found.novelty.seen) == (2, 0)
    assert found.last_success == good.run_id
    assert [one.change for one in found.changed] == [("config", "growth", 0.03, 0.3)]
    assert found.trail[-1].endswith("hiring year=2026")
    assert found.state[0] == "1 of 3 years completed, the last one 2025"
    assert any(bad.run_id in line for line in found.next)
    assert not found.is_healthy
    json.dumps(found.to_dict())


def test_a_failure_that_came_before_is_not_new(recorder, history):
    """How often it was seen, and whether a retry with the same settings helped."""
    for fail in (False, True, False, True, True):
        simulate(fail=fail)
    simulate(fail=True)
    found = diagnose(history.get("last"), history).novelty
    assert (found.runs, found.seen, found.retries, found.helped) == (5, 3, 2, 1)


def test_later_runs_are_not_held_against_it(recorder, history):
    """A diagnosis of an old run says what could be said then."""
    first = simulate(fail=True)
    simulate()
    found = diagnose(history.get(first.run_id), history)
    assert (found.novelty.runs, found.last_success, found.changed) == (0, None, ())


def test_a_success_that_looks_wrong_is_suspect(recorder, history):
    """Half of the rows are gone: the run succeeded, and is no good."""
    for _ in range(4):
        simulate()
    simulate(rows=20)
    found = diagnose(history.get("last"), history)
    assert found.causes == ()
    assert [(one.what, one.value, one.usual) for one in found.suspicions] == [("rows of year_simulation", 60, 300)]
    assert not found.is_healthy


def test_a_good_run_is_healthy(recorder, history):
    """Nothing to look into, and nothing to do."""
    simulate()
    found = diagnose(history.get("last"), history)
    assert (found.is_healthy, list(found.next)) == (True, [])


def test_what_no_rule_speaks_of_is_the_same_only_in_the_same_words(recorder, history):
    """Two programs that left with codes of their own have not failed of one cause."""
    for code in (3, 4, 4):
        with pytest.raises(SystemExit), obs.start_run("baseline"):
            raise SystemExit(code)
    assert diagnose(history.list()[1], history).novelty.seen == 0
    assert diagnose(history.list()[0], history).novelty.seen == 1


def test_errors_of_checks_are_told_as_checks(recorder, history):
    """They are not counted among the errors that the run went on after."""
    with obs.start_run("baseline"):
        obs.check("headcount", 0, min=1, severity="error")
        obs.get_logger().error("the ledger did not close")
    found = diagnose(history.get("last"), history)
    assert (found.errors, [check.fingerprint for check in found.unmet]) == (1, ["check:headcount"])


def killed(scenario):
    with obs.operation("simulate"), obs.operation("hiring"):
        # The share of a worker has it open from its next tick on.
        next(iter(current.listeners())).tick()
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_was_killed_is_named(recorder, history):
    """With the operation that it was in: the pool's error says only that some process has gone."""
    fork = multiprocessing.get_context("fork")
    with pytest.raises(BrokenProcessPool), obs.start_run("batch"), ProcessPoolExecutor(1, mp_context=fork) as pool:
        pool.submit(obs.carry(killed), "high").result()
    found = diagnose(history.get("last"), history)
    assert found.causes[0].category == "worker"
    (line,) = found.evidence
    assert " ended without a word in simulate/hiring, which was open for " in line
    with obs.start_run("batch"), ProcessPoolExecutor(1, mp_context=fork) as pool:
        pool.submit(obs.carry(len), "high").result()
    assert diagnose(history.get("last"), history).evidence == []
