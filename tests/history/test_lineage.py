"""Attempts that were resumed from each other are one logical simulation, with one cost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time

import pytest

import navigator_obs as obs
from navigator_obs.history.lineage import lineage
from navigator_obs.history.store import History


def simulate(years, *, fail_in=None, resume_from=None):
    with obs.start_run("baseline", years=years, resume_from=resume_from) as run:
        for year in years:
            if year == fail_in:
                time.sleep(0.1)
                run.fail("no hires")
                break
            run.checkpoint(year)
    return run


@pytest.fixture
def attempts(recorder):
    """Three attempts: the second computes 2026 again, and the third 2026 and 2027."""
    first = simulate(range(2025, 2030), fail_in=2027)
    second = simulate([2026, 2027, 2028], fail_in=2028, resume_from=first)
    third = simulate([2026, 2027, 2028, 2029], resume_from=second)
    simulate([2025])
    return [first, second, third]


@pytest.mark.parametrize("ref", [0, 1, 2])
def test_any_attempt_tells_of_all(recorder, attempts, ref):
    """What they cost together, what was computed again and what was lost."""
    found = lineage(History(recorder.runs_dir), attempts[ref].run_id)
    assert [attempt.run_id for attempt in found.attempts] == [run.run_id for run in attempts]
    assert (found.root_run_id, found.status, found.missing) == (attempts[0].run_id, "success", ())
    assert found.years_completed == [2025, 2026, 2027, 2028, 2029]
    assert found.recomputed_years == [2026, 2027]
    durations = [run.summary["run_metadata"]["duration_seconds"] for run in attempts]
    assert found.duration_seconds == pytest.approx(sum(durations))
    assert all(0.09 <= attempt.lost_seconds <= attempt.duration_seconds for attempt in found.attempts[:2])
    assert found.attempts[2].lost_seconds == 0
    assert found.lost_seconds == pytest.approx(sum(attempt.lost_seconds for attempt in found.attempts))
    json.dumps(found.to_dict())


def test_an_attempt_that_is_gone_is_named(recorder, attempts):
    """Its folder was pruned; the others know of it."""
    shutil.rmtree(attempts[0].directory)
    assert lineage(History(recorder.runs_dir), attempts[2].run_id).missing == (attempts[0].run_id,)


def test_runs_within_are_listed(recorder):
    """The scenarios of a batch."""
    with obs.start_run("batch") as batch:
        scenarios = [obs.start_run(f"scenario-{number}") for number in range(3)]
        for scenario in scenarios:
            scenario.finish()
    found = lineage(History(recorder.runs_dir), batch.run_id)
    assert {child.run_id for child in found.children} == {scenario.run_id for scenario in scenarios}


def test_the_command_tells_it(recorder, attempts):
    """A line for each attempt, and one for their sum."""
    obs.shutdown()
    done = subprocess.run(
        [sys.executable, "-m", "navigator_obs", "lineage", attempts[2].run_id, "--runs-dir", str(recorder.runs_dir)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:4]] == [run.run_id for run in attempts]
    assert "after 2026" in lines[2]
    assert lines[4].startswith("3 attempts: success; ")
    assert lines[4].endswith("computed again: 2026, 2027")
