"""Provoke failures, each in a forked process of its own, and tell what was raised.

Limits, signals, other users and broken pools stay in that process. ``python -m tests.runs.corpus.observing ID …``
prints what `describe` says of each as one JSON line.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import faulthandler
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .case import CASES, Case

ROOT = Path(__file__).parents[3]
LONGEST_SECONDS = 300
PRELOADED = frozenset({"duckdb", "numpy", "pandas", "polars", "pydantic"})


def observe(identifiers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Provoke these failures and return, by id, what `navigator_obs.events.exceptions.describe` says of each.

    One that raised nothing is left out.
    """
    wanted = sorted(identifiers, key=lambda name: CASES[name].needs)
    lines: list[bytes] = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for part in pool.map(_told_by_a_process, (wanted[::2], wanted[1::2])):
            lines += part.splitlines()
    return {entry["id"]: entry["exception"] for entry in map(json.loads, lines)}


def _told_by_a_process(identifiers: list[str]) -> bytes:
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("NAVIGATOR_OBS", "PYTEST"))}
    command = [sys.executable, "-m", "tests.runs.corpus.observing", *identifiers]
    done = subprocess.run(command, cwd=ROOT, env=clean, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _in_a_fork(failure: Case) -> bytes:
    """What the failure raises, as a JSON line; empty where its process did not live to tell."""
    ours, theirs = os.pipe()
    folder = Path(tempfile.mkdtemp(prefix="corpus-"))
    folder.chmod(0o777)
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        os.setpgid(0, 0)
        # What it prints is not for the one that reads the lines.
        os.dup2(2, 1)
        signal.alarm(LONGEST_SECONDS)
        try:
            os.write(theirs, _line(failure, folder))
        except BaseException as error:
            sys.stderr.write(f"{failure.id}: {error!r}\n")
        finally:
            os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.readline()
    # Whatever it started and left running is of its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return told


def _line(failure: Case, folder: Path) -> bytes:
    from navigator_obs.events.exceptions import describe

    os.chdir(folder)
    try:
        failure.provoke(folder)
    except BaseException as error:
        described = describe(error)
        described.pop("traceback")
        return json.dumps({"id": failure.id, "exception": described}).encode() + b"\n"
    return b""


def main(identifiers: list[str]) -> None:
    """Provoke them one after the other."""
    from . import ORIGINS

    assert ORIGINS
    os.environ["HOME"] = tempfile.gettempdir()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    faulthandler.disable()
    # The fewer libraries are loaded, the faster is a fork: those that need none come first.
    for identifier in sorted(identifiers, key=lambda name: CASES[name].needs):
        for name in PRELOADED.intersection(CASES[identifier].needs):
            __import__(name)
        sys.stdout.buffer.write(_in_a_fork(CASES[identifier]))
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
