"""What recording costs a whole simulation: programs that run bare and recorded, in pairs that take turns.

A program tells its own CPU and wall time from `start_run` to the run's end (bare: of the same calls), all threads, and
apart from it what starting up took: imports and `configure`. Beside the difference stands what the run's summary says
that recording took, which must agree with it.

Two things would make a difference that is not recording's. The C library gives memory back to the system, and takes it
again page by page, or keeps it, by where in the heap the program's own objects happen to lie; with numpy that decides
about a tenth of the time. So both ways keep it. And DuckDB's threads wait for each other busily, for as long as
the machine pleases; both ways it has one.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks import figures, runner
from navigator_obs.overhead import KEEP_MEMORY

Told = dict[str, Any]
BARE, OURS = "bare", "navigator-obs"
EMPLOYEES = 600_000
STEP_MS = 2.5
_CALIBRATION_ROWS = 200

STEP = """
import numpy as np

def step(random, state):
    # A random walk with reinsurance.
    moves = random.normal(0.03, 0.2, (rows, 1000))
    return np.maximum(state * np.exp(moves).mean(axis=0), 0.1)
"""
CALIBRATION = (
    STEP
    + """
random, state, took = np.random.default_rng(1), np.ones(1000), []
for _ in range(120):
    before = time.thread_time()
    state = step(random, state)
    took.append(time.thread_time() - before)
print("TOLD", json.dumps({"milliseconds": 1000 * sorted(took)[len(took) // 2]}))
"""
)
DEMO = """
import duckdb
from pathlib import Path
from navigator_obs.demo.workforce import Plan, Workforce

def work():
    connection, plan = duckdb.connect(config={"threads": 1}), Plan(employees=employees)
    if recorded:
        from navigator_obs.demo.recorded import simulate
        simulate(plan, connection)
    else:
        Workforce(connection, plan, Path(folder) / "checkpoints").simulate()

if recorded:
    import navigator_obs.demo.recorded
"""
MONTE_CARLO = (
    STEP
    + """
def bare():
    for path in range(paths):
        random, state = np.random.default_rng(path), np.ones(1000)
        for year in range(2025, 2035):
            state = step(random, state)

def observed():
    with obs.start_run("monte_carlo", years=range(2025, 2035)):
        for path in range(paths):
            random, state = np.random.default_rng(path), np.ones(1000)
            for year in range(2025, 2035):
                with obs.context(year=year, path=path), obs.operation("step", log=log) as op:
                    state = step(random, state)
                    op.add_rows(1000)

work = observed if recorded else bare
"""
)
LOOP = """
def spend():
    return sum(range(20))

def bare():
    for _ in range(times):
        spend()

def observed():
    log = obs.get_logger("loop")
    operation, count, check = obs.operation, obs.count, obs.check
    with obs.start_run("loop"):
        if what == "operations":
            for _ in range(times):
                with operation("step", log="never"):
                    spend()
        elif what == "logged operations":
            for _ in range(times):
                with operation("step"):
                    spend()
        elif what == "events":
            for number in range(times):
                log.info("stepped", number=number, share=0.5)
                spend()
        elif what == "values":
            for number in range(times):
                count("steps", 1, level=number % 5)
                spend()
        else:
            for number in range(times):
                check("steps", number, min=0)
                spend()

work = observed if recorded else bare
"""
HEAD = """
import json, sys, time
before = time.process_time()
folder, recorded = sys.argv[1], sys.argv[2] == "recorded"
globals().update(json.loads(sys.argv[3]))
if recorded:
    import navigator_obs as obs
    obs.configure(
        log_dir=folder + "/logs", runs_dir=folder + "/runs", console="off", run_report=False,
        operation_log_limit=operation_log_limit, overhead_budget_percent=100,
    )
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
SAME_BOTH_WAYS = {**KEEP_MEMORY, "PYTHONHASHSEED": "0"}


@dataclass(frozen=True)
class Program:
    """One simulation, and what it is told: the values of some of its names."""

    source: str
    told: dict[str, Any]


PROGRAMS = {
    "demo": Program(DEMO, {}),
    "monte_carlo": Program(MONTE_CARLO, {"paths": 100, "log": "end"}),
    "monte_carlo_counted": Program(MONTE_CARLO, {"paths": 100, "log": "never"}),
    "monte_carlo_20_s": Program(MONTE_CARLO, {"paths": 800, "log": "end"}),
}
"""By name. Those of 100 paths are 1,000 operations; of the 8,000 of the long one 1,000 are logged, then counted."""

LOOPS = {
    f"loop_{what.replace(' ', '_')}": Program(LOOP, {"what": what, "times": times, "operation_log_limit": 10**9})
    for what, times in {
        "operations": 1_000_000, "logged operations": 100_000, "events": 400_000, "values": 400_000, "checks": 50_000,
    }.items()
}  # fmt: skip
"""Loops that do next to nothing but record: they tell whether the own figure is right. Run where they are named."""


def measure(
    pairs: int,
    employees: int,
    say: Callable[[str], None],
    *,
    only: Sequence[str] = (),
    side_by_side: bool = False,
) -> list[dict[str, Any]]:
    """Each simulation, or each program in *only*, both ways; the first of the two results is the base of the ratios.

    *side_by_side*: both ways at the same time instead of in turn. Then other work on the machine weighs on both alike.
    """
    programs = {name: program for name, program in (PROGRAMS | LOOPS).items() if name in (only or PROGRAMS)}
    found: dict[str, list[tuple[Told, Told]]] = {name: [] for name in programs}
    try:
        given = {"employees": employees, "operation_log_limit": 1_000, "rows": calibrated()}
        for number in range(pairs):
            for name, pairs_found in found.items():
                say(f"pair {number + 1} of {pairs}: {name}")
                ways = ("bare", "recorded") if number % 2 else ("recorded", "bare")
                told = _both(programs[name], given, ways, workers=2 if side_by_side else 1)
                pairs_found.append((told["bare"], told["recorded"]))
    except RuntimeError as error:
        return [{"peer": BARE, "figures": {}}, {"peer": OURS, "failure": str(error)}]
    return [
        {"peer": BARE, "figures": {name: _figures(bare for bare, _ in told) for name, told in found.items()}},
        {
            "peer": OURS,
            "figures": {name: _figures(ours for _, ours in told) for name, told in found.items()},
            "pairs": {name: paired(told) for name, told in found.items()},
        },
    ]


def calibrated() -> int:
    """How many rows make a step of `STEP_MS` on this machine."""
    told = _run(CALIBRATION, "bare", {"rows": _CALIBRATION_ROWS})
    return max(1, round(_CALIBRATION_ROWS * STEP_MS / told["milliseconds"]))


def _both(program: Program, given: dict[str, Any], ways: Sequence[str], *, workers: int) -> dict[str, Told]:
    with ThreadPoolExecutor(workers) as pool:
        told = pool.map(lambda way: _run(program.source + TAIL, way, given | program.told), ways)
        return dict(zip(ways, told, strict=True))


def _run(source: str, way: str, given: dict[str, Any]) -> Told:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        done = subprocess.run(
            [sys.executable, "-c", HEAD + source, folder, way, json.dumps(given)],
            cwd=folder, env=runner.environment() | SAME_BOTH_WAYS, capture_output=True, text=True, check=False,
        )  # fmt: skip
    line = next((line for line in done.stdout.splitlines() if line.startswith("TOLD ")), None)
    if done.returncode or line is None:
        raise RuntimeError(f"{way}: {done.stderr.strip().splitlines()[-1:] or done.returncode}")
    told: Told = json.loads(line.removeprefix("TOLD "))
    return told


def _figures(found: Iterator[Told]) -> dict[str, float]:
    used = [told["cpu_seconds"] * 1e6 for told in found]
    return figures.summarize(used, used).to_dict()


def paired(found: list[tuple[Told, Told]]) -> dict[str, float | None]:
    """Ratios pair by pair: median and quartiles; what the summaries say themselves, and how well that agrees; what
    starting up took more.
    """
    cpu = [ours["cpu_seconds"] / bare["cpu_seconds"] for bare, ours in found]
    low, middle, high = statistics.quantiles(cpu, n=4, method="inclusive") if len(cpu) > 1 else cpu * 3
    own = statistics.median(ours["observability"]["seconds"] / bare["cpu_seconds"] for bare, ours in found)
    more = [ours["startup_seconds"] - bare["startup_seconds"] for bare, ours in found]
    return {
        "cpu_ratio": middle,
        "cpu_ratio_low": low,
        "cpu_ratio_high": high,
        "wall_ratio": statistics.median(ours["wall_seconds"] / bare["wall_seconds"] for bare, ours in found),
        "own_ratio": 1 + own,
        "own_to_measured": own / (middle - 1) if middle > 1 else None,
        "startup_ms": 1000 * statistics.median(more),
        "cpu_seconds": statistics.median(bare["cpu_seconds"] for bare, _ in found),
        "wall_seconds": statistics.median(bare["wall_seconds"] for bare, _ in found),
    }
