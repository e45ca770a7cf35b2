"""What a program printed that failed: why, and which models and tests of dbt did, by what the real dbt said."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.events.exceptions import describe, fingerprint
from navigator_obs.events.programs import brief, failed_nodes, head, why

RECORDED = json.loads((Path(__file__).parents[1] / "runs/corpus/dbt_recorded.json").read_text(encoding="utf-8"))
MODEL = "model snapshot (models/snapshot.sql)"
SAID = {
    "missing_column": f'{MODEL}: Binder Error: Referenced column "salary" not found in FROM clause!',
    "memory_limit": f"{MODEL}: Out of Memory Error: failed to allocate data of size 16.0 MiB (16.0 MiB/19.0 MiB used)",
    "failing_test": "test accepted_values_snapshot_pay__1 (models/schema.yml): "
    "Got 1 result, configured to fail if != 0",
    "seed_without_numbers": "seed census (seeds/census.csv): Conversion Error: CSV Error on Line: 3",
    "missing_profile": "Runtime Error: Could not find profile named 'workforce'",
    "unknown_option": "Error: No such option '--yaer'. (Did you mean one of: '--defer', '--state', '--vars'?)",
}


class DbtError(RuntimeError):
    """As a program raises it that puts the output into its message."""


def stamped(output):
    """As dbt prints it on a terminal: with the time, and in colours."""
    return "\n".join(f"16:36:10  \x1b[31m{line}\x1b[0m" for line in output.splitlines())


@pytest.mark.parametrize("name", SAID)
@pytest.mark.parametrize("dressed", [str, stamped])
def test_why_dbt_failed_is_one_line(name, dressed):
    """With the name of the model, test or seed, whether the exception has the output or its message quotes it."""
    output = dressed(RECORDED[name]["output"])
    assert why(subprocess.CalledProcessError(1, "dbt", output=output), "exit status 1") == SAID[name]
    if name != "unknown_option":
        message = f"dbt run failed:\n{output}"
        assert why(DbtError(), message) == SAID[name]
        assert head(message) == "dbt run failed"
        assert brief(DbtError(), message) == f"dbt run failed: {SAID[name]}"


def test_many_failures_are_counted():
    """The first three are told; that one is said to have failed twice does not make two of it."""
    failures = "\n".join(f"Failure in test t{number} (t.yml)\n  Got {number} results" for number in range(1, 6))
    found = why(DbtError(), f"dbt failed\n{failures}\n{failures}")
    assert found == "; ".join(f"test t{number} (t.yml): Got {number} results" for number in (1, 2, 3)) + "; and 2 more"
    assert len(failed_nodes(DbtError(), failures)) == 5


def test_other_messages_stay_as_they_are():
    """Of several lines or one, with words that dbt uses as well."""
    for message in ("no hires", "Invalid Input Error: Error in file\nOriginal Line: 2", "Failure in the plan\nagain"):
        assert head(message) == brief(ValueError(), message) == message
        assert why(ValueError(), message) == ""


def test_any_program_that_failed_says_why():
    """The last line with an error in it, of stderr first."""
    command = [sys.executable, "-c", "print('working'); import no_such_package"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    error = subprocess.CalledProcessError(1, command, done.stdout, done.stderr)
    assert why(error, str(error)) == "ModuleNotFoundError: No module named 'no_such_package'"


def test_another_model_is_another_error():
    """The same model with other words is the same one, as is any number of ordinary errors raised at one place."""

    def raised(message):
        try:
            raise DbtError(message)
        except DbtError as error:
            return error

    fails = "dbt failed\nFailure in model {} ({}.sql)\n  {} Error: no"
    marks = [
        fingerprint(raised(fails.format(*how))) for how in (("a", "a", "IO"), ("a", "a", "Lock"), ("b", "b", "IO"))
    ]
    assert marks[0] == marks[1] != marks[2]
    assert fingerprint(raised("one")) == fingerprint(raised("two"))


def test_the_run_tells_it(recorder):
    """In the log, as the reason of the run, and of the chain it is the root's."""
    output = RECORDED["missing_column"]["output"]
    with pytest.raises(DbtError), obs.start_run("baseline") as run, obs.operation("dbt run"):
        try:
            raise subprocess.CalledProcessError(1, "dbt", output=output)
        except subprocess.CalledProcessError as error:
            raise DbtError("the models failed") from error
    (event,) = recorder.events("dbt run failed")
    assert event["exception"]["printed"] == SAID["missing_column"]
    with pytest.raises(DbtError), obs.start_run("baseline") as run:
        raise DbtError(f"dbt run failed with exit code 1\n{output}")
    reason = run.summary["run_metadata"]["status_reason"]
    assert reason.endswith(f"DbtError: dbt run failed with exit code 1: {SAID['missing_column']}")
    assert describe(ValueError("no"))["message"] == "no"
    assert "printed" not in describe(ValueError("no"))
