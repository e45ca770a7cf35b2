"""One process that measures one peer once: `python -m benchmarks.worker PEER DIRECTORY PLAN`.

It leaves `times.json` in the directory, beside the folder `logs` with what the peer wrote.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import roster, workloads
from benchmarks.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peer import Peer

Times = dict[str, dict[str, list[float]]]
"""Per case: `thread_us`, CPU of the calling thread per event, one figure a batch; `process_us`, CPU of all threads per
event until everything is in the file, one figure."""


def main(arguments: list[str]) -> None:
    """Measure, and write what was found beside the peer's own files."""
    name, directory, plan = arguments[0], Path(arguments[1]), Plan(**json.loads(arguments[2]))
    logs = directory / "logs"
    logs.mkdir()
    peer = roster.find(name)()
    set_foreign_variables(plan.foreign)
    peer.open(logs)
    times: Times = {case: measure(work, peer, plan.batches(case)) for case, work in peer.cases().items()}
    peer.close()
    (directory / "times.json").write_text(json.dumps(times), encoding="utf-8")


def measure(
    work: Callable[[Sequence[workloads.Row]], None], peer: Peer, batches: list[range]
) -> dict[str, list[float]]:
    """Warm up with the first batch, then take the time of each of the others and of all of them together."""
    warm, *measured = [[workloads.row(number) for number in batch] for batch in batches]
    work(warm)
    peer.flush()
    gc.collect()
    start = time.process_time_ns()
    per_event = [_thread_us(work, rows) for rows in measured]
    peer.flush()
    total = (time.process_time_ns() - start) / 1000 / sum(map(len, measured))
    return {"thread_us": per_event, "process_us": [total]}


def _thread_us(work: Callable[[Sequence[workloads.Row]], None], rows: Sequence[workloads.Row]) -> float:
    start = time.thread_time_ns()
    work(rows)
    return (time.thread_time_ns() - start) / 1000 / len(rows)


def set_foreign_variables(count: int) -> None:
    """Set so many ContextVars, as the libraries of a program do."""
    for index in range(count):
        ContextVar[int](f"foreign_{index}").set(index)


if __name__ == "__main__":
    main(sys.argv[1:])
