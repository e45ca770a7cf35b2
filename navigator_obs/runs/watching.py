"""The parent that knows how a process ended: it starts a command, waits, and finalises the runs that died in it.

Only a parent can tell SIGKILL from ``os._exit(9)``: both leave the same traces. The command is given an environment
variable with the parent's process id and a file in which each run that starts notes its folder, wherever that is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from ..config import EXEC_VARIABLE, Config
from . import recovery
from .clues import Exit, examine

_FORWARDED: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name))


def watch(command: Sequence[str], config: Config) -> tuple[int, list[dict[str, Any]]]:
    """Run *command* to its end; return its exit code (128 + the signal's number where a signal ended it) and the
    summaries of the runs that died in it, finalised now.

    SIGTERM and SIGHUP are passed on to it, and so is SIGINT, except from a terminal, which sends it to both. Raises
    OSError where it can't be started.
    """
    with TemporaryDirectory(prefix="navigator-obs-") as scratch:
        note = Path(scratch) / "runs"
        environ = {**os.environ, EXEC_VARIABLE: f"{os.getpid()}:{note}"}
        with _passing_on() as target:
            process = subprocess.Popen(list(command), env=environ)  # noqa: S603 - it is what the user asks for
            target.append(process)
            code = process.wait()
        found = list(_finalised(note, process.pid, code, config))
    return (code if code >= 0 else 128 - code), found


@contextmanager
def _passing_on() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Pass signals on to the process in the list, once it is there."""
    target: list[subprocess.Popen[bytes]] = []
    waiting: list[int] = []

    def pass_on(number: int, _frame: object) -> None:
        if number == signal.SIGINT and sys.stdin is not None and sys.stdin.isatty():
            return
        if target:
            target[0].send_signal(number)
        else:
            waiting.append(number)

    # What is ignored here is ignored by the command as well, and stays so.
    asked = [number for number in _FORWARDED if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in asked}
    try:
        yield target
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _finalised(note: Path, pid: int, code: int, config: Config) -> Iterator[dict[str, Any]]:
    for directory in _noted(note):
        mine = examine(directory).start.get("pid") == pid
        summary = recovery.recover(directory, config, _exit(code) if mine else Exit())
        if summary is not None:
            yield summary


def _exit(code: int) -> Exit:
    return Exit(exit_code=code) if code >= 0 else Exit(signal=_name(-code))


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # A real-time signal has no name of its own.
        return f"signal {number}"


def _noted(note: Path) -> list[Path]:
    try:
        lines = note.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    return [Path(line) for line in dict.fromkeys(lines) if line]
