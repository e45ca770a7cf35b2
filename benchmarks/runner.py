"""Interleaved rounds: in each, every peer gets one process of its own, in an order that turns from round to round."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import figures, verify
from benchmarks.verify import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peer import Peer
    from benchmarks.plan import Plan
    from benchmarks.worker import Times

ROOT = Path(__file__).resolve().parents[1]
LIMIT_SECONDS = 1_800


class WorkerError(Exception):
    """A peer's process ended badly; the text is the last line it said."""


@dataclass
class Outcome:
    """What all rounds of one peer gave; once it has failed it is not tried again."""

    peer: type[Peer]
    thread_us: dict[str, list[float]] = field(default_factory=dict)
    process_us: dict[str, list[float]] = field(default_factory=dict)
    verdict: Verdict = field(default_factory=Verdict)
    failure: str | None = None

    def add(self, times: Times, verdict: Verdict) -> None:
        """Take one round in."""
        for case, measured in times.items():
            self.thread_us.setdefault(case, []).extend(measured["thread_us"])
            self.process_us.setdefault(case, []).extend(measured["process_us"])
        self.verdict.merge(verdict)

    def figures(self) -> dict[str, dict[str, float]]:
        """The figures of each case."""
        return {
            case: figures.summarize(batches, self.process_us[case]).to_dict()
            for case, batches in self.thread_us.items()
        }


def run(
    peers: list[type[Peer]], plan: Plan, rounds: int, say: Callable[[str], None], directory: str | None = None
) -> list[Outcome]:
    """Measure all peers. `directory`: where files are written meanwhile (default: the system's temporary folder)."""
    outcomes = [Outcome(peer) for peer in peers]
    for number in range(rounds):
        turned = outcomes[number % len(outcomes) :] + outcomes[: number % len(outcomes)]
        for outcome in turned:
            if outcome.failure is None:
                say(f"round {number + 1} of {rounds}: {outcome.peer.name}")
                _one_round(outcome, plan, directory)
    return outcomes


def _one_round(outcome: Outcome, plan: Plan, directory: str | None) -> None:
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=directory) as folder:
        try:
            times = _in_process(outcome.peer, Path(folder), plan)
            outcome.add(times, _verified(outcome.peer, Path(folder) / "logs", plan))
        except WorkerError as error:
            outcome.failure = str(error)


def _in_process(peer: type[Peer], folder: Path, plan: Plan) -> Times:
    command = [sys.executable, "-m", "benchmarks.worker", peer.name, str(folder), json.dumps(asdict(plan))]
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, check=False, timeout=LIMIT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise WorkerError(f"did not end within {LIMIT_SECONDS} s") from None
    if done.returncode != 0:
        raise WorkerError(_last_line(done.stderr) or f"exit code {done.returncode}")
    times: Times = json.loads((folder / "times.json").read_text(encoding="utf-8"))
    return times


def _verified(peer: type[Peer], logs: Path, plan: Plan) -> Verdict:
    records = peer().read(logs)
    if "info" in peer().cases():
        return verify.examine(records, plan, caller=peer.caller, levels=peer.levels)
    return verify.count(records, len(plan.numbers("operation")) if peer.writes else 0)


def environment() -> dict[str, Any]:
    """A child's environment: this checkout importable, no setting of ours or of logfire's from outside; modules are
    compiled once, as installed ones are.
    """
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("NAVIGATOR_OBS_", "LOGFIRE_", "OTEL_", "PYTHONDONT"))
    }
    return kept | {"PYTHONPATH": str(ROOT)}


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""
