"""Run dbt on a small project that fails in many ways, and keep what it said.

``python -m tests.runs.corpus.record_dbt`` takes a `dbt` with the DuckDB adapter on the PATH. What it wrote and its exit
status go to `dbt_recorded.json`, without times, names of folders and the frames of tracebacks. The corpus replays
them, since dbt takes seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .limits import another_process

RECORDED = Path(__file__).with_name("dbt_recorded.json")
PROJECT = (
    "name: workforce\nversion: '1.0.0'\nprofile: workforce\nmodel-paths: [models]\n"
    "flags: {send_anonymous_usage_stats: false}\n"
)
PROFILE = "workforce:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: simulation.duckdb, threads: 1}\n"
MODEL = "{{ config(materialized='table') }}\nSELECT n AS employee_id, 50000 AS pay FROM range(10) AS a (n)\n"
TEST = (
    "models:\n  - name: snapshot\n    columns:\n      - {name: pay, data_tests: [{accepted_values: {values: [1]}}]}\n"
)
CONTRACT = (
    "models:\n  - name: snapshot\n    config: {contract: {enforced: true}}\n"
    "    columns:\n      - {name: employee_id, data_type: bigint}\n      - {name: salary, data_type: double}\n"
)
HOLDER = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def project(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "seeds").mkdir()
    (folder / "dbt_project.yml").write_text(PROJECT)
    (folder / "profiles.yml").write_text(PROFILE)
    (folder / "models" / "snapshot.sql").write_text(MODEL)


def writing(path: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_text(text)


def model(sql: str) -> Callable[[Path], object]:
    return writing("models/snapshot.sql", "{{ config(materialized='table') }}\n" + sql)


def adapter(name: str, path: str = "simulation.duckdb") -> Callable[[Path], object]:
    return writing("profiles.yml", PROFILE.replace("duckdb, path: simulation.duckdb", f"{name}, path: {path}"))


SCENARIOS: dict[str, tuple[list[str], Callable[[Path], object]]] = {
    "locked": (["run"], lambda folder: None),
    "missing_column": (["run"], model("SELECT salary FROM (SELECT 50000 AS pay)\n")),
    "missing_table": (["run"], model("SELECT * FROM stg_census\n")),
    "conversion": (["run"], model("SELECT pay::INTEGER AS pay FROM (VALUES ('50000'), ('n/a')) AS census (pay)\n")),
    "missing_file": (["run"], model("SELECT * FROM read_csv('census_2026.csv')\n")),
    "memory_limit": (
        ["run"],
        model(
            "{{ config(pre_hook=[\"SET memory_limit='20MB'\", \"SET temp_directory=''\"]) }}"
            "SELECT list(n ORDER BY n DESC) AS numbers FROM range(5000000) AS a (n)\n"
        ),
    ),
    "failing_test": (["build"], writing("models/schema.yml", TEST)),
    "contract": (["run"], writing("models/schema.yml", CONTRACT)),
    "missing_ref": (["run"], model("SELECT * FROM {{ ref('stg_census') }}\n")),
    "undefined_macro": (["run"], model("SELECT {{ simulation_year() }} AS year\n")),
    "missing_variable": (["run"], model("SELECT {{ var('simulation_year') }} AS year\n")),
    "template_syntax": (["run"], model("SELECT {% if target.name == 'dev' %} 1 AS year\n")),
    "broken_project": (["run"], writing("dbt_project.yml", "name: workforce\n  version: [1\n")),
    "missing_profile": (["run"], lambda folder: (folder / "profiles.yml").write_text("other: {}\n")),
    "missing_adapter": (["run"], adapter("postgres")),
    "missing_database_folder": (["run"], adapter("duckdb", "databases/simulation.duckdb")),
    "missing_packages": (
        ["run"],
        writing("packages.yml", "packages:\n  - {package: dbt-labs/dbt_utils, version: 1.1.1}\n"),
    ),
    "unknown_option": (["run", "--yaer", "2026"], lambda folder: None),
    "seed_without_numbers": (
        ["seed"],
        lambda folder: (
            (folder / "dbt_project.yml").write_text(
                PROJECT + "seeds: {workforce: {census: {+column_types: {pay: integer}}}}\n"
            ),
            (folder / "seeds" / "census.csv").write_text("employee_id,pay\n1,50000\n2,unknown\n"),
        ),
    ),
    "corrupt_database": (["run"], lambda folder: (folder / "simulation.duckdb").write_bytes(os.urandom(50_000))),
}


def run(name: str) -> dict[str, Any]:
    """Provoke one of the scenarios with the real dbt."""
    arguments, spoil = SCENARIOS[name]
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        project(folder)
        spoil(folder)
        command = ["dbt", "--no-use-colors", *arguments]
        clean = {**os.environ, "DBT_PROFILES_DIR": made, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        if name == "locked":
            with another_process(HOLDER, folder / "simulation.duckdb"):
                done = subprocess.run(command, cwd=made, env=clean, capture_output=True, text=True, check=False)
        else:
            done = subprocess.run(command, cwd=made, env=clean, capture_output=True, text=True, check=False)
    output = clean(done.stdout + done.stderr).replace(made, "/project")
    return {"arguments": arguments, "status": done.returncode, "output": output}


def clean(output: str) -> str:
    """Leave out what differs from run to run, from machine to machine, or is the source of others."""
    output = re.sub(r"^(\x1b\[0m)?\d\d:\d\d:\d\d  ?", "", output, flags=re.MULTILINE)
    output = re.sub(r"(^Traceback .*\n)(?: +.*\n|\n)+", r"\1", output, flags=re.MULTILINE)
    return output.replace(sys.prefix, "/python").replace(sys.base_prefix, "/python")


def main() -> None:
    """Record all scenarios."""
    found = {name: run(name) for name in SCENARIOS}
    RECORDED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
