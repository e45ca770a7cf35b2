"""dbt, started as a program: what it really said is recorded (see `record_dbt`) and said again here."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

from .case import case
from .record_dbt import RECORDED

FAILED = "subprocess.CalledProcessError"
TOLD = "tests.runs.corpus.dbt.DbtError"


def replayed(folder: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Run a program called `dbt` that says what the real one said, and ends as it did."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))[name]
    (folder / "said").write_text(recorded["output"], encoding="utf-8")
    program = folder / "dbt"
    program.write_text(f"#!/bin/sh\ncat {shlex.quote(str(folder / 'said'))}\nexit {recorded['status']}\n")
    program.chmod(0o755)
    command = [str(program), *recorded["arguments"]]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def checked(folder: Path, name: str) -> None:
    """As with `check=True`: the output stays with the exception."""
    replayed(folder, name).check_returncode()


class DbtError(RuntimeError):
    """dbt failed; the message has its last lines."""


def told(folder: Path, name: str) -> None:
    """As a program does that puts the output into its message."""
    done = replayed(folder, name)
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    raise DbtError(f"dbt {done.args[1]} failed with status {done.returncode}:\n" + "\n".join(lines[-15:]))


@case("database/lock", "Another process holds the database that dbt builds in.", raises=FAILED, says="exit status 2")
def dbt_locked(folder: Path) -> None:
    checked(folder, "locked")


@case("database/sql", "A model selects a column that its source has not.", raises=TOLD, says='"salary" not found')
def dbt_missing_column(folder: Path) -> None:
    told(folder, "missing_column")


@case("database/sql", "A model selects from a table that nobody built.", raises=FAILED, says="exit status 1")
def dbt_missing_table(folder: Path) -> None:
    checked(folder, "missing_table")


@case("data/format", "A model meets a text that is no number.", raises=TOLD, says="Could not convert string")
def dbt_conversion(folder: Path) -> None:
    told(folder, "conversion")


@case("environment/missing_file", "A model reads a file that is not there.", raises=FAILED, says="exit status 1")
def dbt_missing_file(folder: Path) -> None:
    checked(folder, "missing_file")


@case("resource/memory", "A model needs more memory than the database may have.", raises=FAILED, says="exit status 1")
def dbt_memory_limit(folder: Path) -> None:
    checked(folder, "memory_limit")


@case("data/quality", "A test on the data failed.", raises=FAILED, says="exit status 1")
def dbt_failing_test(folder: Path) -> None:
    checked(folder, "failing_test")


@case("data/schema", "A model's columns are not those of its contract.", raises=FAILED, says="exit status 1")
def dbt_contract(folder: Path) -> None:
    checked(folder, "contract")


@case("code", "A model refers to one that does not exist.", raises=TOLD, says="which was not found")
def dbt_missing_ref(folder: Path) -> None:
    told(folder, "missing_ref")


@case("code", "A model calls a macro that does not exist.", raises=FAILED, says="exit status 1")
def dbt_undefined_macro(folder: Path) -> None:
    checked(folder, "undefined_macro")


@case("config", "A variable that the caller has to give was not given.", raises=TOLD, says="Required var")
def dbt_missing_variable(folder: Path) -> None:
    told(folder, "missing_variable")


@case("code", "A model's template does not end.", raises=TOLD, says="Unexpected end of template")
def dbt_template_syntax(folder: Path) -> None:
    told(folder, "template_syntax")


@case("config", "The project's file is no YAML.", raises=FAILED, says="exit status 2")
def dbt_broken_project(folder: Path) -> None:
    checked(folder, "broken_project")


@case("config", "The profile that the project names is not there.", raises=TOLD, says="Could not find profile")
def dbt_missing_profile(folder: Path) -> None:
    told(folder, "missing_profile")


@case("environment/dependency", "The adapter is not installed.", raises=TOLD, says="Could not find adapter type")
def dbt_missing_adapter(folder: Path) -> None:
    told(folder, "missing_adapter")


@case("environment/missing_file", "The database's folder was never made.", raises=FAILED, says="exit status 2")
def dbt_missing_database_folder(folder: Path) -> None:
    checked(folder, "missing_database_folder")


@case("environment/dependency", "The project's packages are not installed.", raises=TOLD, says="only 0 package(s)")
def dbt_missing_packages(folder: Path) -> None:
    told(folder, "missing_packages")


@case("config", "dbt was called with an option that it does not know.", raises=FAILED, says="exit status 2")
def dbt_unknown_option(folder: Path) -> None:
    checked(folder, "unknown_option")


@case("data/format", "A seed holds a word where its column is of numbers.", raises=FAILED, says="exit status 1")
def dbt_seed_without_numbers(folder: Path) -> None:
    checked(folder, "seed_without_numbers")


@case("database/corruption", "The database that dbt builds in is damaged.", raises=FAILED, says="exit status 2")
def dbt_corrupt_database(folder: Path) -> None:
    checked(folder, "corrupt_database")
