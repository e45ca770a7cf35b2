"""An error that comes back from a worker process is the worker's, however it came back."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest

import navigator_obs as obs
from navigator_obs.events.exceptions import describe, fingerprint
from navigator_obs.history.places import root_place
from tests.events.raising import raised

FORK = multiprocessing.get_context("fork")


def bare(kind):
    raise kind("no hires")


@obs.operation
def recorded(kind):
    raise kind("no hires")


def through_executor(function, kind):
    with ProcessPoolExecutor(1, mp_context=FORK) as pool:
        return raised(pool.submit(obs.carry(function), kind).result)


def through_pool(function, kind):
    with FORK.Pool(1) as pool:
        return raised(lambda: pool.apply(obs.carry(function), (kind,)))


@pytest.mark.parametrize("function", [bare, recorded])
@pytest.mark.parametrize("through", [through_executor, through_pool])
def test_it_is_told_where_the_worker_raised_it(through, function):
    """Its frames end with the worker's own, its traceback has both, and the worker's traceback is no cause."""
    told = describe(through(function, ValueError))
    assert (told["type"], told["message"], told["causes"]) == ("ValueError", "no hires", [])
    last = told["frames"][-1]
    assert (last["function"], last["file"], last["source"]) == (function.__name__, __file__, 'raise kind("no hires")')
    assert "raised" in [frame["function"] for frame in told["frames"][:-1]]
    assert "Traceback\n" not in told["traceback"]
    assert 'raise kind("no hires")' in told["traceback"]
    worker, _, _ = told["traceback"].partition("The above exception was the direct cause")
    assert worker.startswith("Traceback (most recent call last):\n")
    assert [line for line in worker.splitlines() if "File " in line and __file__ not in line] == []
    assert root_place(told).endswith(f"in {function.__name__}")


def test_errors_of_workers_are_told_apart():
    """By type and by the function that raised them, wherever their results are asked for."""
    marks = [
        fingerprint(through(function, kind))
        for through in (through_executor, through_pool)
        for function, kind in ((bare, ValueError), (bare, KeyError), (recorded, ValueError))
    ]
    assert marks[:3] == marks[3:]
    assert len(set(marks)) == 3


def test_it_is_the_error_that_the_workers_operation_told(recorder):
    """One entry in the catalogue, and not told again by operations around the result."""
    log = obs.get_logger("planwise")
    with obs.start_run("batch") as run, obs.operation("pool"):
        error = through_executor(recorded, ValueError)
        with pytest.raises(ValueError, match="no hires"), obs.operation("result"):
            raise error
        log.error("scenario failed", exc_info=error)
    (issue,) = run.summary["issues"]["errors"]
    assert (issue["count"], issue["operation_path"]) == (1, "pool/recorded")
    assert [event["level"] for event in recorder.events("result failed")] == ["INFO"]


def test_a_chain_that_was_raised_in_a_worker_keeps_its_root():
    """The root cause's type makes the fingerprint, as it would without a pool."""
    assert fingerprint(through_executor(chained, KeyError)) != fingerprint(through_executor(chained, OSError))


def chained(kind):
    try:
        raise kind("no hires")
    except kind as error:
        raise RuntimeError("no scenario") from error
