"""What a program pays before its first event: fresh interpreters, their CPU for importing and setting up."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchmarks import figures, runner

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = "structlog + orjson + psutil"
OURS = "import navigator_obs as obs"
SUBJECTS: dict[str, tuple[str, list[str]]] = {
    BASE: ("structlog", ["import structlog, orjson, psutil"]),
    "navigator-obs, import": ("navigator_obs", [OURS, "obs.get_logger, obs.operation, obs.start_run"]),
    "navigator-obs, first event": (
        "navigator_obs",
        [OURS, "obs.configure(console='off')", "obs.get_logger('planwise').info('hello', year=2025)"],
    ),
    "structlog, first event": (
        "structlog",
        [
            "import structlog, orjson, psutil",
            "factory = structlog.BytesLoggerFactory(open('log', 'ab'))",
            "render = structlog.processors.JSONRenderer(serializer=orjson.dumps)",
            "structlog.configure(processors=[render], logger_factory=factory)",
            "structlog.get_logger('planwise').info('hello', year=2025)",
        ],
    ),
    "loguru, first event": (
        "loguru",
        [
            "from loguru import logger",
            "logger.remove()",
            "logger.add('log', serialize=True)",
            "logger.info('hello', year=2025)",
        ],
    ),
    "eliot, first event": (
        "eliot",
        ["import eliot", "eliot.to_file(open('log', 'ab'))", "eliot.log_message(message_type='hello', year=2025)"],
    ),
    "logfire, first event": (
        "logfire",
        [
            "import logfire",
            "logfire.configure(send_to_logfire=False, console=False)",
            "logfire.info('hello', year=2025)",
        ],
    ),
}
"""What must be importable, and the statements whose CPU is taken, by name; the first is the base."""

FRAME = ["import time", "start = time.process_time()", "{}", "print('CPU', time.process_time() - start)"]


def measure(rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All subjects, one interpreter each per round after one that fills the byte-code caches."""
    seconds: dict[str, list[float]] = {name: [] for name in SUBJECTS if _installed(name)}
    failures: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as byte_code:
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}" if number else "warming up")
            for name in [name for name in seconds if name not in failures]:
                try:
                    seconds[name].append(_cpu_seconds(SUBJECTS[name][1], byte_code))
                except runner.WorkerError as error:
                    failures[name] = str(error)
    return [_result(name, seconds.get(name), failures.get(name)) for name in SUBJECTS]


def _result(name: str, seconds: list[float] | None, failure: str | None) -> dict[str, Any]:
    if seconds is None:
        return {"peer": name, "skipped": f"not installed: {SUBJECTS[name][0]}"}
    if failure is not None:
        return {"peer": name, "failure": failure}
    spent_us = [value * 1e6 for value in seconds[1:]]
    return {"peer": name, "figures": {"import": figures.summarize(spent_us, spent_us).to_dict()}}


def _installed(name: str) -> bool:
    return find_spec(SUBJECTS[name][0]) is not None


def _cpu_seconds(statements: list[str], byte_code: str) -> float:
    """CPU of the statements, without the interpreter's own start; *byte_code* is where compiled modules are kept."""
    # A checkout that may not be written to, or an environment that forbids it, would be compiled anew each time, which
    # no installed package is.
    environment = runner.environment() | {"PYTHONPYCACHEPREFIX": byte_code}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        command = [sys.executable, "-c", "\n".join(FRAME).format("\n".join(statements))]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=300)
    if done.returncode != 0:
        raise runner.WorkerError(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    said = next(line for line in done.stdout.decode().splitlines() if line.startswith("CPU "))
    return float(said.removeprefix("CPU "))
