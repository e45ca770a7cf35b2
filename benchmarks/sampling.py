"""What the sampler costs: CPU of the thread it runs on, while a run is open, less what the run's ticks take there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

from benchmarks import figures, runner
from navigator_obs.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "ticks alone"
SECONDS = 4.0
DEFAULT = Config.sample_seconds
NEVER = 86_400.0
SUBJECTS: dict[str, tuple[float, int, bool]] = {
    BASE: (NEVER, 0, False),
    "default rate": (DEFAULT, 0, False),
    "four times the rate": (DEFAULT / 4, 0, False),
    "default rate, 4 children": (DEFAULT, 4, False),
    "four times the rate, 4 children": (DEFAULT / 4, 4, False),
    "default rate, a busy program": (DEFAULT, 0, True),
}
"""By name: seconds between two samples, child processes, and whether the program itself computes meanwhile."""

PROGRAM = """
import subprocess, sys, threading, time
import navigator_obs as obs

sample_seconds, children, busy = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "True"
seconds = float(sys.argv[4])
obs.configure(console="off", run_report=False, sample_seconds=sample_seconds)
sleepers = [subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) for _ in range(children)]


def spend(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        sum(range(1000)) if busy else time.sleep(max(until - time.monotonic(), 0))


with obs.start_run("benchmark"), obs.context(year=2025), obs.operation("outer"), obs.operation("inner"):
    spend(1)
    ticker = next(thread for thread in threading.enumerate() if thread.name == "navigator-obs-ticker")
    watch = time.pthread_getcpuclockid(ticker.ident)
    used, began = time.clock_gettime_ns(watch), time.monotonic_ns()
    spend(seconds)
    print("SHARE", (time.clock_gettime_ns(watch) - used) / (time.monotonic_ns() - began))
for sleeper in sleepers:
    sleeper.communicate(b"\\n")
"""


def measure(rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All subjects, a process each per round; the base is taken in each round, and off the others of that round."""
    spent: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    failures: dict[str, str] = {}
    for number in range(rounds):
        base = 0.0
        for name in [name for name in SUBJECTS if name not in failures]:
            say(f"round {number + 1} of {rounds}: {name}")
            try:
                share = _share(*SUBJECTS[name])
            except runner.WorkerError as error:
                failures[name] = str(error)
                continue
            spent[name].append(share - base)
            base = share if name == BASE else base
    return [_result(name, spent[name], failures.get(name)) for name in SUBJECTS]


def _result(name: str, shares: list[float], failure: str | None) -> dict[str, Any]:
    peer = name if name == BASE else f"navigator-obs, {name}"
    if failure is not None:
        return {"peer": peer, "failure": failure}
    per_second_us = [share * 1e6 for share in shares]
    return {"peer": peer, "figures": {"sampler": figures.summarize(per_second_us, per_second_us).to_dict()}}


def _share(sample_seconds: float, children: int, busy: bool) -> float:
    """The share of one core that the thread takes."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        command = [sys.executable, "-c", PROGRAM, *map(str, (sample_seconds, children, busy, SECONDS))]
        done = subprocess.run(
            command, cwd=folder, env=runner.environment(), capture_output=True, check=False, timeout=300
        )
    if done.returncode != 0:
        raise runner.WorkerError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    said = next(line for line in done.stdout.decode().splitlines() if line.startswith("SHARE "))
    return float(said.removeprefix("SHARE "))
