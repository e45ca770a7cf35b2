"""Programs that run bare and recorded: whole simulations, and loops that do nothing but record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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

def floor():
    descriptor = os.open(folder + "/floor.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for path in range(paths):
        random, state = np.random.default_rng(path), np.ones(1000)
        for year in range(2025, 2035):
            began = time.perf_counter()
            state = step(random, state)
            seconds = time.perf_counter() - began
            event = {"timestamp": datetime.now(UTC).isoformat(), "level": "INFO", "message": "step"}
            event |= {"year": year, "path": path, "operation": "step", "duration_seconds": seconds, "rows": 1000}
            os.write(descriptor, orjson.dumps(event) + b"\\n")

if way == "floor":
    import os, orjson
    from datetime import UTC, datetime
work = {"recorded": observed, "bare": bare, "floor": floor}[way]
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
        elif what == "contexts":
            context = obs.context
            for number in range(times):
                with context(year=2025 + number % 10, path=number), operation("step", log="never"):
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
folder, way = sys.argv[1:3]
recorded = way == "recorded"
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
if recorded:
    from navigator_obs.events import ticker
print("READY", flush=True)
sys.stdin.read()
cpu, wall = time.process_time(), time.perf_counter()
work()
told = {"cpu_seconds": time.process_time() - cpu, "wall_seconds": time.perf_counter() - wall}
told["startup_seconds"] = startup
if recorded:
    from navigator_obs.history.store import History
    told["observability"] = History(folder + "/runs").get("last").summary["observability"]
    told["ticker_seconds"] = ticker.cpu_ns() / 1e9
print("TOLD", json.dumps(told))
"""
"""What follows each program: it waits until its standard input ends, works, and tells what that took."""


@dataclass(frozen=True)
class Program:
    """One simulation, and what it is told: the values of some of its names."""

    source: str
    told: dict[str, Any]
    ways: tuple[str, ...] = ("bare", "recorded")
    """What is held against the bare program; the bare program itself is the control."""


PROGRAMS = {
    "demo": Program(DEMO, {}),
    "monte_carlo": Program(MONTE_CARLO, {"paths": 100, "log": "end"}, ("bare", "floor", "recorded")),
    "monte_carlo_counted": Program(MONTE_CARLO, {"paths": 100, "log": "never"}),
    "monte_carlo_20_s": Program(MONTE_CARLO, {"paths": 800, "log": "end"}),
}
"""By name. Those of 100 paths are 1,000 operations; of the 8,000 of the long one 1,000 are logged, then counted."""

LOOPS = {
    f"loop_{what.replace(' ', '_')}": Program(
        LOOP, {"what": what, "times": times, "operation_log_limit": 10**9}, ("recorded",)
    )
    for what, times in {
        "operations": 1_000_000, "contexts": 400_000, "logged operations": 100_000,
        "events": 400_000, "values": 400_000, "checks": 50_000,
    }.items()
}  # fmt: skip
"""Loops that do next to nothing but record: they tell whether the own figure is right. Run where they are named."""
