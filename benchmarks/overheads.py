"""What recording costs a whole simulation: programs that run bare and recorded, in pairs that share a core.

Where programs take turns, the CPU time of either differs by several percent from run to run, for what else the machine
does. So both run at the same time, and on the same core: the kernel lets them alternate every few milliseconds, and
what disturbs one disturbs the other as much. The bare program against itself is the control: it tells what such a
comparison can see. Two cores, where there are so many, work at two pairs.

A program tells its own CPU time from `start_run` to the run's end (bare: of the same calls), all threads, and apart
from it what starting up took: imports and `configure`. Beside the difference stands what the run's summary says that
recording took, which must agree with it.

On a shared core a program takes twice as long, and longer beside other work. What recording does by the clock, samples
and ticks, weighs as many times as much. The ticker's thread tells how much that is, and so what there would be of it on
a core of one's own.

Two things would make a difference that is not recording's. The C library gives memory back to the system, and takes it
again page by page, or keeps it, by where in the heap the program's own objects happen to lie; with numpy that decides
about a tenth of the time. So both ways keep it. And DuckDB's threads wait for each other busily, for as long as
the machine pleases; both ways it has one.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks import figures, runner
from benchmarks.simulations import CALIBRATION, HEAD, LOOPS, PROGRAMS, TAIL, Program
from navigator_obs.overhead import KEEP_MEMORY

Told = dict[str, Any]
Pair = tuple[Told, Told]
"""The bare program, and what was held against it."""
BARE, OURS = "bare", "navigator-obs"
PEERS = {"bare": "bare again", "floor": "floor", "recorded": OURS}
"""By the way in which a program runs: its name in the table."""
EMPLOYEES = 600_000
STEP_MS = 2.5
LANES = 2
_CALIBRATION_ROWS = 200
SAME_BOTH_WAYS = {**KEEP_MEMORY, "PYTHONHASHSEED": "0"}


def measure(
    pairs: int, employees: int, say: Callable[[str], None], *, only: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Each simulation, or each program in *only*, both ways; the first of the results is the base of the ratios."""
    programs = {name: program for name, program in (PROGRAMS | LOOPS).items() if name in (only or PROGRAMS)}
    try:
        given = {"employees": employees, "operation_log_limit": 1_000, "rows": calibrated()}
        found = _found(programs, given, pairs, say)
    except RuntimeError as error:
        return [{"peer": BARE, "figures": {}}, {"peer": OURS, "failure": str(error)}]
    bare = {name: _figures(bare for bare, _ in ways["recorded"]) for name, ways in found.items()}
    return [
        {"peer": BARE, "figures": bare},
        *(_result(way, found) for way in PEERS if any(way in ways for ways in found.values())),
    ]


def _found(
    programs: dict[str, Program], given: dict[str, Any], pairs: int, say: Callable[[str], None]
) -> dict[str, dict[str, list[Pair]]]:
    """By program and by way."""
    jobs = [(number, name, way) for number in range(pairs) for name in programs for way in programs[name].ways]

    def work(job: tuple[int, str, str]) -> Pair:
        number, name, way = job
        say(f"pair {number + 1} of {pairs}: {name}, {PEERS[way]}")
        return _pair(programs[name], given | programs[name].told, way)

    free = cores()
    found: dict[str, dict[str, list[Pair]]] = {name: {way: [] for way in programs[name].ways} for name in programs}
    with ThreadPoolExecutor(max(len(free), 1), initializer=lambda: _stay(free)) as pool:
        for (_, name, way), pair in zip(jobs, pool.map(work, jobs), strict=True):
            found[name][way].append(pair)
    return found


def cores() -> list[int]:
    """The cores that pairs are bound to, at most `LANES`; empty where the system can't bind a process to one."""
    return sorted(os.sched_getaffinity(0))[:LANES] if hasattr(os, "sched_setaffinity") else []


def _stay(free: list[int]) -> None:
    """Keep the calling thread on a core that is free; the processes that it starts are kept there with it."""
    if free:
        os.sched_setaffinity(0, {free.pop()})


def _result(way: str, found: dict[str, dict[str, list[Pair]]]) -> dict[str, Any]:
    ways = {name: by_way for name, by_way in found.items() if way in by_way}
    return {
        "peer": PEERS[way],
        "figures": {name: _figures(other for _, other in by_way[way]) for name, by_way in ways.items()},
        "pairs": {name: paired(by_way[way], by_way.get("bare", ())) for name, by_way in ways.items()},
    }


def calibrated() -> int:
    """How many rows make a step of `STEP_MS` on this machine."""
    with _started(CALIBRATION, "bare", {"rows": _CALIBRATION_ROWS}, subprocess.DEVNULL) as process:
        milliseconds = _told("bare", process)["milliseconds"]
    return max(1, round(_CALIBRATION_ROWS * STEP_MS / milliseconds))


def _pair(program: Program, given: dict[str, Any], way: str) -> Pair:
    """Both at once; they set to work when both have started up."""
    waiting, go = os.pipe()
    with ExitStack() as stack:
        stack.callback(os.close, waiting)
        with open(go, "wb"):
            both = {
                number: stack.enter_context(_started(program.source + TAIL, each, given, waiting))
                for number, each in enumerate((BARE, way))
            }
            for number, process in both.items():
                if process.stdout is None or not process.stdout.readline():
                    _told((BARE, way)[number], process)
        return _told(BARE, both[0]), _told(way, both[1])


@contextmanager
def _started(source: str, way: str, given: dict[str, Any], stdin: int) -> Iterator[subprocess.Popen[str]]:
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        subprocess.Popen(
            [sys.executable, "-c", HEAD + source, folder, way, json.dumps(given)],
            cwd=folder, env=runner.environment() | SAME_BOTH_WAYS, text=True,
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process,
    ):  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def _told(way: str, process: subprocess.Popen[str]) -> Told:
    said, errors = process.communicate()
    line = next((line for line in said.splitlines() if line.startswith("TOLD ")), None)
    if process.returncode or line is None:
        raise RuntimeError(f"{way}: {errors.strip().splitlines()[-1:] or process.returncode}")
    told: Told = json.loads(line.removeprefix("TOLD "))
    return told


def _figures(found: Iterator[Told]) -> dict[str, float]:
    used = [told["cpu_seconds"] * 1e6 for told in found]
    return figures.summarize(used, used).to_dict()


def paired(found: Sequence[Pair], control: Sequence[Pair] = ()) -> dict[str, float | None]:
    """What the bare program took. Ratios pair by pair: median and quartiles; in percent of the bare CPU time what was
    measured, what there would be of it on a core of one's own, and what the summaries say themselves; what starting up
    took more.

    How well the summaries agree is told where the difference exceeds that of the *control*: where the quartiles of one
    are above those of the other.
    """
    low, middle, high = _quartiles(found)
    measured = 100 * (middle - 1)
    own = _share(found, lambda ours: ours.get("observability", {}).get("seconds", 0.0))
    seen = low > max(1, _quartiles(control)[2] if control else 1)
    return {
        "cpu_seconds": statistics.median(bare["cpu_seconds"] for bare, _ in found),
        "wall_seconds": statistics.median(bare["wall_seconds"] for bare, _ in found),
        "cpu_ratio": middle,
        "cpu_ratio_low": low,
        "cpu_ratio_high": high,
        "measured_percent": measured,
        "alone_percent": measured - _share(found, _by_the_clock),
        "own_percent": own or None,
        "own_to_measured": own / measured if own and seen else None,
        "startup_ms": 1000
        * statistics.median(ours["startup_seconds"] - bare["startup_seconds"] for bare, ours in found),
    }


def _quartiles(found: Sequence[Pair]) -> list[float]:
    ratios = [other["cpu_seconds"] / bare["cpu_seconds"] for bare, other in found]
    return statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3


def _share(found: Sequence[Pair], seconds: Callable[[Told], float]) -> float:
    """Percent of the bare CPU time."""
    return 100 * statistics.median(seconds(other) / bare["cpu_seconds"] for bare, other in found)


def _by_the_clock(other: Told) -> float:
    """What the ticker's thread took for the time alone that the core worked at something else."""
    elsewhere = max(1 - other["cpu_seconds"] / other["wall_seconds"], 0)
    return float(other.get("ticker_seconds", 0.0)) * elsewhere
