"""Does an event cost the same after ten million of them? One long process, its cost and memory by decade.

The program has rotations behind it, and ContextVars of its own beside; the floor is measured in between, so that what
the machine does meanwhile is seen in both.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import figures, runner, workloads
from benchmarks.peers.floor import Floor
from benchmarks.peers.navigator import Navigator
from benchmarks.worker import set_foreign_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BATCH = 1_000
FLOOR_EVERY = 20
FIRST = 10_000


class Bounded(Navigator):
    """As programs have it: the log rotates, and the oldest of its files go."""

    settings = {"log_max_bytes": 10_000_000, "log_backups": 10}  # noqa: RUF012 - as its base has it


def measure(events: int, foreign: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One result per decade; the first one is the base."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        command = [sys.executable, "-m", "benchmarks.flat", folder, str(events), str(foreign)]
        with subprocess.Popen(command, cwd=folder, env=runner.environment(), stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            results = []
            for line in process.stdout:
                result = json.loads(line)
                say(f"{result['peer']} done")
                results.append(result)
        if process.returncode:
            raise SystemExit(f"the measured process ended with {process.returncode}")
    return results


def decades(events: int) -> Iterator[range]:
    """The numbers of the events that are measured together: up to 10,000, up to 100,000 …"""
    start, end = 0, FIRST
    while start < events:
        yield range(start, min(end, events))
        start, end = end, end * 10


def main(arguments: Sequence[str]) -> None:
    """Measure in this process; print a line of JSON for each decade."""
    folder, events, foreign = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    set_foreign_variables(foreign)
    ours, floor = Bounded(), Floor()
    for peer, name in ((ours, "logs"), (floor, "floor")):
        (folder / name).mkdir()
        peer.open(folder / name)
    for numbers in decades(events):
        print(json.dumps(_decade(ours, floor, folder, numbers)), flush=True)
    ours.close()
    floor.close()


def _decade(ours: Navigator, floor: Floor, folder: Path, numbers: range) -> dict[str, Any]:
    times: dict[str, list[float]] = {"info": [], "floor": []}
    process = time.process_time_ns()
    for batch in _batched(numbers):
        rows = [workloads.row(number) for number in batch]
        times["info"].append(_thread_us(ours, rows))
        if len(times["info"]) % FLOOR_EVERY == 1:
            times["floor"].append(_thread_us(floor, rows))
            floor.file.truncate(0)
    ours.flush()
    spent = (time.process_time_ns() - process) / 1000 / len(numbers)
    return {
        "peer": f"{numbers.stop:,} events",
        "figures": {case: figures.summarize(took, [spent]).to_dict() for case, took in times.items()},
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "files": len(list((folder / "logs").glob("navigator.log*"))),
        "verdict": {"kept": True, "text": _accounted()},
    }


def _batched(numbers: range) -> Iterator[range]:
    return (numbers[start : start + BATCH] for start in range(0, len(numbers), BATCH))


def _thread_us(peer: Floor | Navigator, rows: Sequence[workloads.Row]) -> float:
    start = time.thread_time_ns()
    peer.info(rows)
    return (time.thread_time_ns() - start) / 1000 / len(rows)


def _accounted() -> str:
    from navigator_obs.events import sinks

    counts = sinks.counts()
    return f"{counts['written']:,} written, {sum(counts['dropped'].values()):,} dropped"


if __name__ == "__main__":
    main(sys.argv[1:])
