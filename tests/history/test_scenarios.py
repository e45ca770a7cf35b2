"""The scenarios are real: each leaves the folder that it claims, and what is said to be its cause can be seen in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from navigator_obs.config import Config
from navigator_obs.history.diagnose import Diagnosis, diagnose
from navigator_obs.history.store import History
from navigator_obs.runs.folder import read_summary
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.recovery import recover
from tests.history import grading
from tests.history.scenarios import FIRST, SCENARIOS, SECOND, Scenario, Unavailable, World, common_history, provoked

ALWAYS = ("census_without_a_column", "package_crashes", "growth_of_the_wrong_sign")
ROOM = subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode == 0
DIAGNOSES: dict[str, Diagnosis] = {}
"""What was said of the scenarios that have been provoked so far."""


@pytest.fixture(scope="session")
def common(tmp_path_factory) -> World:
    return common_history(tmp_path_factory.mktemp("scenarios") / "common")


def hold(scenario: Scenario, world: World) -> None:
    """Hold the last run against what is expected of it."""
    expected, run = scenario.expected, world.last_run()
    status = status_of(run)
    assert status["status"] == expected.status, status
    assert expected.reason in (status["status_reason"] or ""), status
    earlier = [summary_of(other) for other in world.runs() if other != run]
    successes = sorted(
        (other for other in earlier if other["run_metadata"]["status"] == "success"),
        key=lambda other: other["run_metadata"]["start_time"],
    )
    assert len(successes) >= 3
    summary = summary_of(run)
    hold_changes((*expected.changed, *expected.beside), successes[-1], summary)
    if expected.status == "failed" and expected.words:
        hold_error(scenario, summary)
    elif expected.finding == "suspect":
        assert figures(summary) != figures(successes[-1]), figures(summary)
    elif expected.finding == "slower":
        before = max(seconds(other, expected.operation) for other in successes)
        assert seconds(summary, expected.operation) > 2 * before


def summary_of(run: Path) -> dict[str, Any]:
    """The summary, of a dead run that nobody has met yet as well."""
    status = status_of(run)
    if status["status"] in ("crashed", "terminated") and not status["final"]:
        recover(run, Config(log_dir=run.parents[1] / "logs", runs_dir=run.parent))
    found = read_summary(run)
    assert found
    return found


def hold_error(scenario: Scenario, summary: dict[str, Any]) -> None:
    """The words stand in one of the errors, or in what is behind it, at the place and in the year."""
    expected = scenario.expected
    found = [(error, str(error)) for error in summary["issues"]["errors"]]
    if not found:
        assert all(word in summary["run_metadata"]["status_reason"] for word in expected.words)
        return
    matching = [error for error, told in found if all(word in told for word in expected.words)]
    assert matching, found
    error = matching[0]
    assert (error.get("operation_path") or "") == expected.operation
    assert (error.get("context") or {}).get("year") == expected.year


def hold_changes(changed: tuple[tuple[str, str], ...], before: dict[str, Any], after: dict[str, Any]) -> None:
    """What is said to have changed did, and nothing else."""
    differing = set()
    old, new = flat(before["configuration"]["params"]), flat(after["configuration"]["params"])
    differing |= {("config", key) for key in {*old, *new} if old.get(key) != new.get(key)}
    old, new = before["environment"]["packages"], after["environment"]["packages"]
    differing |= {("package", name) for name in {*old, *new} if old.get(name) != new.get(name)}
    old, new = ({"commit": None, "dirty": None, **(one["environment"]["git"] or {})} for one in (before, after))
    if old["commit"] != new["commit"] or (new["dirty"] is not None and old["dirty"] != new["dirty"]):
        differing.add(("code", "rules"))
    old, new = inputs(before), inputs(after)
    differing |= {("input", name) for name in {*old} & {*new} if old[name] != new[name]}
    if before["environment"]["timezone"] != after["environment"]["timezone"]:
        differing.add(("computer", "timezone"))
    # A promise belongs to those that hang.
    differing -= {("config", "promise")}
    assert differing == set(changed)


def flat(params: dict[str, Any]) -> dict[str, Any]:
    """Those of a section under its name and theirs."""
    sections = {name: value for name, value in params.items() if isinstance(value, dict)}
    inner = {f"{name}.{key}": value for name, section in sections.items() for key, value in section.items()}
    return {**{name: value for name, value in params.items() if name not in sections}, **inner}


def inputs(summary: dict[str, Any]) -> dict[str, str]:
    """Of each input its digest, or that it is missing; one that could not be read may be the same as ever."""
    found = [artifact for artifact in summary["artifacts"] if artifact["kind"] == "input"]
    known = [one for one in found if one.get("sha256") or one.get("missing")]
    return {Path(one["path"]).name: one.get("sha256") or "missing" for one in known}


def figures(summary: dict[str, Any]) -> dict[str, Any]:
    """What a run that succeeded says of its result, and what it warned of."""
    gauges = {gauge["name"]: gauge["value"] for gauge in summary["metrics"]["gauges"]}
    counts = summary["execution_summary"]
    return {**gauges, "checks": counts["checks"], "warnings": counts["warnings"]}


def seconds(summary: dict[str, Any], operation: str) -> float:
    return float(summary["performance_metrics"].get(operation, {}).get("total_seconds", 0.0))


def possible(scenario: Scenario) -> bool:
    return not scenario.root or (os.geteuid() == 0 and ROOM and shutil.which("setpriv") is not None)


def check(name: str, tmp_path: Path, common: World) -> None:
    scenario = SCENARIOS[name]
    if not possible(scenario):
        pytest.skip("needs a superuser, who may make namespaces")
    try:
        with provoked(scenario, tmp_path / "world", common) as world:
            hold(scenario, world)
            history = History(world.runs_dir)
            DIAGNOSES[name] = diagnose(history.get("last"), history)
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("name", ALWAYS)
def test_some_scenarios_leave_what_they_claim(name: str, tmp_path: Path, common: World):
    """A failure, a crash and a success that looks wrong stand in their folders as their scenarios say."""
    check(name, tmp_path, common)


@pytest.mark.torture
@pytest.mark.parametrize("name", [name for name in SCENARIOS if name not in ALWAYS])
def test_each_scenario_leaves_what_it_claims(name: str, tmp_path: Path, common: World):
    """Status, reason, error, place, year and what changed are those of the scenario."""
    check(name, tmp_path, common)


@pytest.mark.torture
@pytest.mark.parametrize(
    ("origins", "held_out", "cause_percent", "changed_percent"),
    [(FIRST, False, 95, 95), (FIRST, True, 91, 94), (SECOND, False, 95, 95), (SECOND, True, 91, 92)],
)
def test_the_right_cause_comes_first(
    origins: tuple[str, ...], held_out: bool, cause_percent: int, changed_percent: int
):
    """Of the scenarios that were provoked before this: the cause first, and first of the changes what explains it."""
    of_set = [SCENARIOS[name] for name in DIAGNOSES if SCENARIOS[name].origin in origins]
    asked = {one.id: one.expected for one in of_set if one.held_out == held_out}
    if len(asked) < 10:
        pytest.skip("the scenarios were not provoked")
    wrong = [name for name, expected in asked.items() if not grading.names_the_cause(DIAGNOSES[name], expected)]
    changed = {name: expected for name, expected in asked.items() if expected.changed}
    unnamed = [name for name, expected in changed.items() if not grading.names_what_changed(DIAGNOSES[name], expected)]
    # What is held out stays so, also in the message of a failure.
    assert 100 * (1 - len(wrong) / len(asked)) >= cause_percent, len(wrong) if held_out else wrong
    assert 100 * (1 - len(unnamed) / len(changed)) >= changed_percent, len(unnamed) if held_out else unnamed


def test_there_are_many_and_a_third_is_held_out():
    """At least 40 scenarios, of each kind of finding, and about a third for the exam alone."""
    kinds = Counter(scenario.expected.finding for scenario in SCENARIOS.values())
    assert set(kinds) == {"failure", "suspect", "slower", "none"}
    assert kinds.total() >= 40
    assert 0.25 < sum(scenario.held_out for scenario in SCENARIOS.values()) / len(SCENARIOS) < 0.42
    assert all(scenario.why.endswith(".") for scenario in SCENARIOS.values())
    assert all(scenario.origin in (*FIRST, *SECOND) for scenario in SCENARIOS.values())
