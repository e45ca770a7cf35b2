"""What recording costs a whole simulation: two programs, each bare and recorded, in pairs that take turns.

A program tells its own CPU and wall time from `start_run` to the run's end (bare: of the same calls), all threads, and
apart from it what starting up took: imports and `configure`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BARE, OURS = "bare", "navigator-obs"
EMPLOYEES = 400_000

DEMO = """
import duckdb
from pathlib import Path
from navigator_obs.demo.workforce import Plan, Workforce
plan = Plan(employees=int(sys.argv[3]))
if recorded:
    from navigator_obs.demo.recorded import simulate
    work = lambda: simulate(plan, duckdb.connect())
else:
    work = lambda: Workforce(duckdb.connect(), plan, Path(folder) / "checkpoints").simulate()
"""
MONTE_CARLO = """
import numpy as np

def step(random, state):
    # About 2.5 ms of a random walk with reinsurance.
    moves = random.normal(0.03, 0.2, (90, 1000))
    return np.maximum(state * np.exp(moves).mean(axis=0), 0.1)

def bare():
    for path in range(100):
        random, state = np.random.default_rng(path), np.ones(1000)
        for year in range(2025, 2035):
            state = step(random, state)

def observed():
    with obs.start_run("monte_carlo", years=range(2025, 2035)):
        for path in range(100):
            random, state = np.random.default_rng(path), np.ones(1000)
            for year in range(2025, 2035):
                with obs.context(year=year, path=path), obs.operation("step", log=LOG) as op:
                    state = step(random, state)
                    op.add_rows(1000)

work = observed if recorded else bare
"""
HEAD = """
import json, sys, time
before = time.process_time()
folder, recorded = sys.argv[1], sys.argv[2] == "recorded"
if recorded:
    import navigator_obs as obs
    obs.configure(log_dir=folder + "/logs", runs_dir=folder + "/runs", console="off", run_report=False)
startup = time.process_time() - before
"""
TAIL = """
cpu, wall = time.process_time(), time.perf_counter()
work()
took = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - wall}
told = {"startup_seconds": startup, **took}
if recorded:
    from navigator_obs.history.store import History
    told["observability"] = History(folder + "/runs").get("last").summary["observability"]
print("TOLD", json.dumps(told))
"""
PROGRAMS = {
    "demo": DEMO,
    "monte_carlo": MONTE_CARLO.replace("LOG", '"end"'),
    "monte_carlo_counted": MONTE_CARLO.replace("LOG", '"never"'),
}


def measure(pairs: int, employees: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Both programs both ways; the first of the two results is the base that ratios are taken to."""
    told: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {name: [] for name in PROGRAMS}
    try:
        for number in range(pairs):
            for name in PROGRAMS:
                say(f"pair {number + 1} of {pairs}: {name}")
                told[name].append(_pair(name, employees, bare_first=number % 2 == 1))
    except RuntimeError as error:
        return [{"peer": BARE, "figures": {}}, {"peer": OURS, "failure": str(error)}]
    return [
        {"peer": BARE, "figures": {name: _figures(bare for bare, _ in found) for name, found in told.items()}},
        {
            "peer": OURS,
            "figures": {name: _figures(ours for _, ours in found) for name, found in told.items()},
            "pairs": {name: paired(found) for name, found in told.items()},
        },
    ]


def _pair(name: str, employees: int, *, bare_first: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    ways = ("bare", "recorded") if bare_first else ("recorded", "bare")
    found = {way: _run(name, way, employees) for way in ways}
    return found["bare"], found["recorded"]


def _run(name: str, way: str, employees: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", HEAD + PROGRAMS[name] + TAIL, folder, way, str(employees)],
            cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOLD ")), None)
    if done.returncode or line is None:
        raise RuntimeError(f"{name}, {way}: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    told: dict[str, Any] = json.loads(line.removeprefix("TOLD "))
    return told


def _figures(found: Iterator[dict[str, Any]]) -> dict[str, float]:
    used = [told["cpu_seconds"] * 1e6 for told in found]
    return figures.summarize(used, used).to_dict()


def paired(found: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, float]:
    """Ratios pair by pair: median and quartiles; what the summaries say themselves; what starting up took more."""
    cpu = [ours["cpu_seconds"] / bare["cpu_seconds"] for bare, ours in found]
    low, middle, high = statistics.quantiles(cpu, n=4, method="inclusive") if len(cpu) > 1 else cpu * 3
    own = [
        ours["observability"]["seconds"] / (ours["cpu_seconds"] - ours["observability"]["seconds"]) for _, ours in found
    ]
    more = [ours["startup_seconds"] - bare["startup_seconds"] for bare, ours in found]
    return {
        "cpu_ratio": middle,
        "cpu_ratio_low": low,
        "cpu_ratio_high": high,
        "wall_ratio": statistics.median(ours["wall_seconds"] / bare["wall_seconds"] for bare, ours in found),
        "own_ratio": 1 + statistics.median(own),
        "startup_ms": 1000 * statistics.median(more),
        "wall_seconds": statistics.median(bare["wall_seconds"] for bare, _ in found),
    }
