"""What recording a run costs: its start and end, one record in between, and recovering one that was killed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks import figures, runner

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "navigator-obs"
RECORDS = 100_000
FRAME = """
import contextlib, io, json, os, sys, time
times = {"first": [], "run": [], "record": []}

@contextlib.contextmanager
def timed(case, times_over=1):
    began, thread = time.process_time(), time.thread_time()
    yield
    used = time.thread_time() - thread, time.process_time() - began
    times[case].append([seconds * 1e6 / times_over for seconds in used])
"""
NAVIGATOR = """
import navigator_obs as obs
open("seal.key", "w").write("0123456789abcdef" * 4)
obs.configure(console="off", run_report=False, breakdown=(), **SETTINGS)
for number in range(RUNS):
    with timed("run" if number else "first"):
        with obs.start_run("baseline", params={"seed": 42}):
            pass
with obs.start_run("baseline") as run:
    for batch in range(BATCHES):
        with timed("record", POINTS):
            for step in range(POINTS):
                run.checkpoint(step)
"""
# What a record costs that is linked to nothing: the same line, and the same write.
UNLINKED = """
from navigator_obs.encoding import to_json
from navigator_obs.runs.listening import now
file = os.open("journal.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for batch in range(BATCHES):
    with timed("record", POINTS):
        for step in range(POINTS):
            os.write(file, to_json({"kind": "checkpoint", "time": now(), "year": step, "path": None}) + b"\\n")
"""
MLFLOW = """
import logging
logging.disable()
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
import mlflow
mlflow.set_tracking_uri(URI)
mlflow.set_experiment("benchmark")
for number in range(RUNS):
    with timed("run" if number else "first"):
        with mlflow.start_run(run_name="baseline"):
            mlflow.log_param("seed", 42)
with mlflow.start_run(run_name="baseline"):
    for batch in range(BATCHES):
        with timed("record", POINTS):
            for step in range(POINTS):
                mlflow.log_metric("headcount", step, step=batch * POINTS + step)
"""
SACRED = """
import logging
logging.disable()
from sacred import Experiment, SETTINGS
from sacred.observers import FileStorageObserver
SETTINGS.CAPTURE_MODE = "no"

def experiment(main):
    made = Experiment("baseline", save_git_info=False, interactive=True)
    made.observers.append(FileStorageObserver("sacred"))
    made.add_config(seed=42)
    made.main(main)
    return made

def nothing(_run):
    pass

def points(_run):
    for batch in range(BATCHES):
        with timed("record", POINTS):
            for step in range(POINTS):
                _run.log_scalar("headcount", step, batch * POINTS + step)

for number in range(RUNS):
    with timed("run" if number else "first"):
        experiment(nothing).run()
experiment(points).run()
"""
SUBJECTS: dict[str, tuple[str, str, int]] = {
    BASE: ("navigator_obs", NAVIGATOR.replace("SETTINGS", "{}"), 1000),
    "navigator-obs, with a key": (
        "navigator_obs",
        NAVIGATOR.replace("SETTINGS", "{'seal_key_file': 'seal.key'}"),
        1000,
    ),
    "the line and its write alone": ("navigator_obs", UNLINKED, 1000),
    "Sacred, files": ("sacred", SACRED, 1000),
    "MLflow, files": ("mlflow", MLFLOW.replace("URI", "'file:' + os.getcwd() + '/mlruns'"), 50),
    "MLflow, SQLite": ("mlflow", MLFLOW.replace("URI", "'sqlite:///mlflow.db'"), 50),
}
"""By name: what must be importable, the program, and how many records make a batch."""
RUNS, BATCHES = 6, 5

KILLED = """
import os, sys
import navigator_obs as obs
obs.configure(console="off", run_report=False, operation_log_limit=10**9, log_backups=50, overhead_budget_percent=1e9)
with obs.start_run("baseline", years=[2025]):
    with obs.context(year=2025):
        for _ in range(int(sys.argv[1])):
            with obs.operation("step"):
                pass
    os._exit(9)
"""
RECOVERING = """
import json, sys, time
from pathlib import Path
from navigator_obs.config import resolve
from navigator_obs.runs.recovery import recover
[directory] = [path for path in Path("artifacts/runs").iterdir() if path.is_dir()]
lines = sum(1 for _ in (directory / "journal.jsonl").open("rb"))
began, thread = time.process_time(), time.thread_time()
summary = recover(directory, resolve())
used = time.thread_time() - thread, time.process_time() - began
assert summary["performance_metrics"]["step"]["count"] == int(sys.argv[1]), "records were lost"
print("TIMES", json.dumps({"recovery": [[seconds * 1e6 for seconds in used]], "lines": lines}))
"""


def measure(rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All that are installed, a process each per round."""
    times: dict[str, dict[str, list[list[float]]]] = {name: {} for name in SUBJECTS if _installed(name)}
    failures: dict[str, str] = {}
    for number in range(rounds):
        for name in [name for name in times if name not in failures]:
            say(f"round {number + 1} of {rounds}: {name}")
            try:
                for case, measured in _round(name).items():
                    times[name].setdefault(case, []).extend(measured)
            except (runner.WorkerError, subprocess.TimeoutExpired) as error:
                failures[name] = str(error)
    return [_result(name, times.get(name), failures.get(name)) for name in SUBJECTS]


def _round(name: str) -> dict[str, list[list[float]]]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        found = _run(_program(name), folder)
    if name == BASE:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            _call([sys.executable, "-c", KILLED, str(RECORDS)], folder, code=9)
            found["recovery"] = _run(RECOVERING, folder, str(RECORDS))["recovery"]
    return found


def _program(name: str) -> str:
    _, body, points = SUBJECTS[name]
    sizes = f"RUNS, BATCHES, POINTS = {RUNS}, {BATCHES}, {points}"
    return f'{FRAME}\n{sizes}\n{body}\nprint("TIMES", json.dumps(times))'


def _run(program: str, folder: str, *arguments: str) -> dict[str, list[list[float]]]:
    said = _call([sys.executable, "-c", program, *arguments], folder)
    line = next(line for line in said.splitlines() if line.startswith("TIMES "))
    found: dict[str, list[list[float]]] = json.loads(line.removeprefix("TIMES "))
    return found


def _call(command: list[str], folder: str, code: int = 0) -> str:
    done = subprocess.run(command, cwd=folder, env=runner.environment(), capture_output=True, check=False, timeout=900)
    if done.returncode != code:
        raise runner.WorkerError((done.stderr.decode(errors="replace").strip() or "no word").splitlines()[-1])
    return done.stdout.decode()


def _result(name: str, times: dict[str, list[list[float]]] | None, failure: str | None) -> dict[str, Any]:
    result: dict[str, Any] = {"peer": name, "version": _version(name)}
    if times is None:
        return result | {"skipped": f"not installed: {SUBJECTS[name][0]}"}
    if failure is not None:
        return result | {"failure": failure}
    measured = {case: figures.summarize(*map(list, zip(*taken, strict=True))) for case, taken in times.items() if taken}
    return result | {"figures": {case: found.to_dict() for case, found in measured.items()}}


def _installed(name: str) -> bool:
    return find_spec(SUBJECTS[name][0]) is not None


def _version(name: str) -> str:
    try:
        return version(SUBJECTS[name][0].replace("_", "-"))
    except PackageNotFoundError:
        return ""
