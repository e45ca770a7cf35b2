"""What questions to history cost: whole commands over 10,000 runs, and over 1,000,000 log lines beside grep and jq."""

from __future__ import annotations

import compileall
import json
import os
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import figures, runner

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = 10_000
LINES = 1_000_000
BASE = "python -c 'import sqlite3, json'"
JQ = "jq, errors"
OURS = f"{shlex.quote(sys.executable)} -m navigator_obs"
SUBJECTS: dict[str, str] = {
    BASE: f"{shlex.quote(sys.executable)} -c 'import sqlite3, json'",
    "navigator-obs runs, all": f"{OURS} runs --runs-dir runs",
    "navigator-obs runs, all, after reindex": f"{OURS} runs --runs-dir runs --limit 0",
    "navigator-obs runs --limit 30": f"{OURS} runs --runs-dir runs --limit 30",
    "navigator-obs runs, by status and name": f"{OURS} runs --runs-dir runs --status failed --name baseline --limit 30",
    "navigator-obs runs --since": f"{OURS} runs --runs-dir runs --since 2024-09-01 --limit 30",
    "navigator-obs show last": f"{OURS} show last --runs-dir runs --log-dir logs",
    "navigator-obs show, by prefix": f"{OURS} show 20240301_0000 --runs-dir runs --log-dir logs",
    "navigator-obs sql, runs by status": f"{OURS} sql --runs-dir runs 'select status, count(*) from runs group by all'",
    "grep, errors": 'grep \'"level":"ERROR"\' logs/navigator.log | cat',
    JQ: "jq -c 'select(.level == \"ERROR\")' logs/navigator.log",
    "navigator-obs logs, errors": f"{OURS} logs --level ERROR --json --runs-dir runs",
    "navigator-obs logs, newest 10 errors": f"{OURS} logs --level ERROR -n 10 --json --runs-dir runs",
    "navigator-obs sql, errors": f"{OURS} sql --json \"select timestamp, message from events where level='ERROR'\"",
    "navigator-obs sql, one event by number": f"{OURS} sql --json 'select * from events where seq = 777777'",
    "navigator-obs sql, errors by a number": f"{OURS} sql --json 'select seq, rate from events where rate < 0.001'",
    "navigator-obs sql, count by level": f"{OURS} sql --json 'select level, count(*) from events group by all'",
}
"""By name: what the shell is given, in a folder with `runs` and `logs`. The first is the base; the first of ours finds
no index and makes it.
"""
_ONCE = frozenset({"navigator-obs runs, all"})
_LOG_NAME = "navigator.log"


def measure(rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All subjects, a process each per round; CPU of the process and its wall time."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        say(f"writing {RUNS:,} runs")
        write_runs(Path(folder) / "runs", RUNS)
        say(f"writing {LINES:,} lines")
        write_log(Path(folder) / "logs", LINES)
        compileall.compile_dir(runner.ROOT / "navigator_obs", quiet=1)
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in SUBJECTS if _installed(name)}
        failures: dict[str, str] = {}
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            for name, times in taken.items():
                if name not in failures and (number == 1 or name not in _ONCE):
                    try:
                        times.append(_run(SUBJECTS[name], folder))
                    except runner.WorkerError as error:
                        failures[name] = str(error)
    results = [_result(name, taken.get(name), failures.get(name)) for name in SUBJECTS]
    return [_beside_jq(result, results) for result in results]


def _installed(name: str) -> bool:
    return shutil.which(SUBJECTS[name].split()[0]) is not None


def _run(command: str, folder: str) -> tuple[float, float]:
    """Return CPU and wall seconds of a command and what it started."""
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(
        command, shell=True, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        check=False, timeout=600,
    )  # fmt: skip
    wall, after = time.perf_counter() - began, os.times()
    if done.returncode:
        raise runner.WorkerError(done.stderr.decode(errors="replace").strip()[-300:])
    children = (after.children_user + after.children_system) - (before.children_user + before.children_system)
    return children, wall


def _environment() -> dict[str, Any]:
    """As of an installed package, whose modules are compiled once."""
    found = runner.environment()
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


def _result(name: str, taken: list[tuple[float, float]] | None, failure: str | None) -> dict[str, Any]:
    if taken is None:
        return {"peer": name, "skipped": f"not installed: {SUBJECTS[name].split()[0]}"}
    if failure is not None:
        return {"peer": name, "failure": failure}
    found = figures.summarize([cpu * 1e6 for cpu, _ in taken], [wall * 1e6 for _, wall in taken])
    return {"peer": name, "figures": {"history": found.to_dict()}}


def _beside_jq(result: dict[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Add how many times as fast as jq it is, by CPU and by wall time, where it reads the same log."""
    jq = next((each.get("figures") for each in results if each["peer"] == JQ), None)
    own = result.get("figures")
    if jq is None or own is None or result["peer"] not in _READ_THE_LOG:
        return result
    keys = {"cpu": "cheapest_us", "wall": "process_us"}
    return result | {"jq": {name: jq["history"][key] / own["history"][key] for name, key in keys.items()}}


_READ_THE_LOG = frozenset(
    name for name in SUBJECTS if any(word in name for word in ("errors", "by level", "by number"))
)


def write_runs(folder: Path, count: int) -> None:
    """Write the folders of *count* runs, each with the summary of a real one under another id, name, time and end."""
    summary = _recorded()
    generator = random.Random(1)
    for number in range(count):
        started = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=40 * number)
        run_id = f"{started:%Y%m%d_%H%M%S}-{number:08x}"
        failed = number % 17 == 0
        summary["run_metadata"] |= {
            "run_id": run_id,
            "name": ("baseline", "what-if", "stress")[number % 3],
            "start_time": f"{started:%Y-%m-%dT%H:%M:%S.%f}Z",
            "duration_seconds": generator.gauss(60, 3),
            "status": "failed" if failed else "success",
            "status_reason": "ValueError: the workforce is empty" if failed else None,
        }
        directory = folder / run_id
        directory.mkdir(parents=True)
        (directory / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
        (directory / "run.lock").touch()
    # An index leaves out what was written just now.
    time.sleep(2.5)


def _recorded() -> dict[str, Any]:
    """The summary that a small simulation leaves."""
    code = """
import navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("baseline", params={"seed": 42}, years=range(2025, 2030)):
    for year in range(2025, 2030):
        with obs.context(year=year), obs.operation("year_simulation"):
            for name in ("hiring", "terminations", "raises", "promotions"):
                with obs.operation(name) as op:
                    op.add_rows(1000)
            obs.check("total_payroll", 1e9, max=2e9)
"""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        subprocess.run([sys.executable, "-c", code], cwd=folder, env=runner.environment(), check=True, timeout=60)
        (path,) = Path(folder, "artifacts", "runs").glob("*/summary.json")
        found: dict[str, Any] = json.loads(path.read_bytes())
        return found


def write_log(folder: Path, count: int) -> None:
    """Write a log of *count* events, one error among a thousand, as a simulation of many runs leaves it."""
    folder.mkdir(parents=True)
    generator = random.Random(3)
    error = '"exception":{"type":"ValueError","message":"no salary","traceback":"Traceback (most recent call last)"}'
    with (folder / _LOG_NAME).open("w", encoding="utf-8") as file:
        for number in range(count):
            share = generator.random()
            level = "ERROR" if share < 0.001 else "WARNING" if share < 0.01 else "INFO"
            at = datetime(2025, 8, 18, tzinfo=UTC) + timedelta(milliseconds=10 * number)
            file.write(
                f'{{"timestamp":"{at:%Y-%m-%dT%H:%M:%S.%f}Z","level":"{level}","message":"batch simulated",'
                f'"run_id":"20250818_{number // 50_000:06d}-1a2b3c4d","logger":"planwise","module":"workforce",'
                f'"function":"simulate_step","line":113,"process":4711,"thread":"MainThread","seq":{number},'
                f'"operation_path":"year_simulation/hiring","year":{2025 + number % 5},"scenario":"baseline",'
                f'"batch":"2025-hire-{number}","event_type":"hire","events":{number % 977},"rate":{share}'
                f"{',' + error if level == 'ERROR' else ''}}}\n"
            )
