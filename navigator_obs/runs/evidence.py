"""What a run lays down while it lives, so that whoever finds it dead can tell how it died.

The start record holds where it ran: the boot, the scheduler's job, the counters of out-of-memory kills. Each tick holds
how things stood then. Two files need no Python code to be written: `fault.log`, into which the interpreter writes the
stacks of a process that a fault ends, and `.signals`, into which it writes the number of each signal that arrives, also
while C code keeps Python from hearing of it.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..config import EXEC_VARIABLE
from ..events.boot import boot_id
from ..events.places import file_system, is_foreign
from ..operations import oom
from ..operations.resources import MB
from .files import FAULT_NAME, SIGNALS_NAME

APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND
_SIGNALS_BYTES: Final = 4096
SCHEDULER_VARIABLES: Final = (
    "SLURM_JOB_ID",
    "SLURM_ARRAY_JOB_ID",
    "SLURM_ARRAY_TASK_ID",
    "SLURM_JOB_END_TIME",
    "SLURM_RESTART_COUNT",
    "PBS_JOBID",
    "LSB_JOBID",
    "FLUX_JOB_ID",
    "OAR_JOB_ID",
    "AWS_BATCH_JOB_ID",
    "AIRFLOW_CTX_DAG_ID",
    "AIRFLOW_CTX_DAG_RUN_ID",
    "AIRFLOW_CTX_TASK_ID",
    "PREFECT__FLOW_RUN_ID",
    "DAGSTER_RUN_ID",
    "DBT_INVOCATION_ID",
    "GITHUB_RUN_ID",
    "CI_JOB_ID",
    "INVOCATION_ID",
)
"""What schedulers and orchestrators tell a process of the job that it is part of."""


def scheduler_ids(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what the scheduler says of the job, by the name of the variable.

    >>> scheduler_ids({"SLURM_JOB_ID": "4711", "HOME": "/home/ann"})
    {'SLURM_JOB_ID': '4711'}
    """
    return {name: environ[name][:200] for name in SCHEDULER_VARIABLES if environ.get(name)}


def at_start(directory: Path, log_path: Path) -> dict[str, Any]:
    """Return the start record's `evidence`. Never raises."""
    kind, counter = file_system(directory), oom.counter_file()
    return {
        "boot_id": boot_id(),
        "scheduler": scheduler_ids(os.environ),
        "oom_file": counter,
        "oom_kills": oom.kills(counter),
        "file_system": kind,
        "lock_trusted": not is_foreign(kind),
        "log_path": os.fspath(log_path.absolute()),
        "watched_by": _watcher(directory, os.environ.get(EXEC_VARIABLE, "")),
    }


def at_present(directory: Path, counter: str | None) -> dict[str, Any]:
    """Return how things stand now, as the `evidence` of a tick tells how they stood then. Never raises."""
    try:
        free: float | None = round(shutil.disk_usage(directory).free / MB, 1)
    except OSError:
        free = None
    return {"disk_free_mb": free, "oom_kills": oom.kills(counter)}


def _watcher(directory: Path, told: str) -> int | None:
    """Note the folder where `navigator-obs exec` looks for it; return who that is."""
    pid, _, note = told.partition(":")
    if not pid.isdigit() or not note:
        return None
    try:
        with open(note, "a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{directory.absolute()}\n")
    except OSError:
        return None
    return int(pid)


class FaultLog:
    """`fault.log`: where faulthandler writes as long as the run lives.

    It has one file in a process: that of a program that has enabled it itself stays. An inner run knows that of its
    outer one.
    """

    current: Path | None = None
    """Where a fault of this process would be told; None where a run would not see it."""

    def __init__(self, directory: Path, file_mode: int = 0o600) -> None:
        self.path = directory / FAULT_NAME
        self._descriptor = -1
        if faulthandler.is_enabled():
            return
        try:
            self._descriptor = os.open(self.path, APPEND, file_mode)
            faulthandler.enable(self._descriptor, all_threads=True)
            FaultLog.current = self.path
        except (OSError, RuntimeError, ValueError):
            self._close()

    def close(self) -> None:
        """Disable it; a file without a word goes. Harmless when done twice."""
        if self._descriptor < 0:
            return
        faulthandler.disable()
        self._close()
        remove_if_empty(self.path)

    def abandon(self) -> None:
        """In a forked child: its faults are not the run's."""
        if self._descriptor >= 0:
            faulthandler.disable()
            self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            FaultLog.current = None
            os.close(descriptor)


class SignalLog:
    """`.signals`: the numbers of the signals that have arrived, a byte each, written by the interpreter's C handler.

    An event loop that wants to be woken by signals has the one place for this to itself: there is no log then.
    """

    def __init__(self, directory: Path, file_mode: int = 0o600) -> None:
        self.path = directory / SIGNALS_NAME
        self._descriptor = -1
        if threading.current_thread() is not threading.main_thread() or not hasattr(os, "posix_fallocate"):
            return
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), file_mode)
            # With its blocks there, a byte can be written on a full disk as well.
            os.posix_fallocate(self._descriptor, 0, _SIGNALS_BYTES)
            before = signal.set_wakeup_fd(self._descriptor, warn_on_full_buffer=False)
            if before >= 0:
                signal.set_wakeup_fd(before, warn_on_full_buffer=False)
                self._close()
                self.remove()
        except (OSError, ValueError):
            self._close()

    def trim(self) -> None:
        """Begin again at the front where there is little room left: a timer may send a signal each millisecond."""
        if self._descriptor >= 0:
            try:
                if os.lseek(self._descriptor, 0, os.SEEK_CUR) > _SIGNALS_BYTES // 2:
                    os.lseek(self._descriptor, 0, os.SEEK_SET)
                    os.pwrite(self._descriptor, bytes(_SIGNALS_BYTES), 0)
            except OSError:
                return

    def close(self) -> None:
        """Put back what was there before, and take the file away; harmless when done twice."""
        if self._descriptor < 0:
            return
        self._let_go()
        self.remove()

    def _let_go(self) -> None:
        if threading.current_thread() is threading.main_thread():
            now = signal.set_wakeup_fd(-1)
            if now not in {-1, self._descriptor}:
                signal.set_wakeup_fd(now, warn_on_full_buffer=False)
            self._close()
        # From another thread the place can't be cleared: the descriptor stays open, for its number must not become
        # that of another file.

    def abandon(self) -> None:
        """In a forked child: its signals are not the run's."""
        if self._descriptor >= 0:
            self._let_go()

    def remove(self) -> None:
        """Take the file away."""
        _unlink(self.path)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def remove_if_empty(path: Path) -> None:
    """Take a file away that says nothing. Never raises."""
    try:
        if path.stat().st_size == 0:
            path.unlink()
    except OSError:
        return


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return
