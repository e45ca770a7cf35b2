"""What a run is opened with: its folder, and what is around it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..clock import clock, format_timestamp, new_run_id
from ..config import PREFIX, Config
from ..encoding import text
from ..errors import ConfigError, UsageError
from ..events import scope
from ..events.emitting import emit
from ..operations.resources import MB, rss_bytes
from ..redaction import Redactor
from ..settings import ERROR
from . import environment, folder

_LOGGER: Final = "navigator_obs.run"


def claim(config: Config, run_id: str | None) -> tuple[Path, str | None]:
    """Return the run's folder, made or (where the file system refuses) only named, and the id of the run around it."""
    adopted = None if run_id is not None else _from_environment("RUN_ID")
    parent = _from_environment("PARENT_RUN_ID") or _enclosing_run()
    wanted = adopted if run_id is None else folder.valid_run_id(run_id)
    runs_dir = _absolute(config.runs_dir)
    try:
        try:
            return folder.claim(runs_dir, wanted, config.dir_mode), parent
        except folder.IdTaken:
            if run_id is not None:
                raise UsageError(f"run_id {run_id!r} is taken: {runs_dir / run_id} exists") from None
            # A second run of a program whose caller gave one id: it belongs to that one and gets an id of its own.
            return folder.claim(runs_dir, None, config.dir_mode), adopted
    except OSError as error:
        emit(_LOGGER, ERROR, "no folder can be made for the run, which goes on without", {"error": text(error)})
        return runs_dir / (wanted or new_run_id()), parent


def _absolute(path: Path) -> Path:
    """The run's folder stays the same one when the program changes its working directory."""
    try:
        return path.absolute()
    except OSError:
        # The working directory itself is gone.
        return path


def _from_environment(name: str) -> str | None:
    given = os.environ.get(PREFIX + name)
    if not given:
        return None
    try:
        return folder.valid_run_id(given)
    except UsageError as error:
        raise ConfigError(f"{PREFIX}{name}: {error}") from None


def _enclosing_run() -> str | None:
    tag = scope.current().run
    return None if tag is None else tag.run_id


def surroundings(config: Config, redactor: Redactor) -> dict[str, Any]:
    """Return what the start record says of process, host and environment."""
    return {
        "host": socket.gethostname(),
        "user": environment.user_name(),
        "pid": os.getpid(),
        "argv": environment.redacted_argv(sys.argv, redactor),
        "environment": environment.collect(config.runs_dir, redactor),
        "memory_mb": rss_mb(),
        "deadline": deadline(config.wall_time_limit_seconds, os.environ),
    }


def deadline(limit_seconds: float | None, environ: Mapping[str, str]) -> str | None:
    """Return when the run will be stopped from outside: after *limit_seconds*, or when SLURM ends the job, whichever
    comes first; None where nothing is known of it.

    >>> deadline(None, {"SLURM_JOB_END_TIME": "1755527422"})
    '2025-08-18T14:30:22.000000Z'
    """
    ends = [] if limit_seconds is None else [clock.time_ns() + round(limit_seconds * 1e9)]
    # Seconds since 1970, as sbatch(1) has it.
    job_ends = environ.get("SLURM_JOB_END_TIME", "")
    if job_ends.isdecimal() and len(job_ends) < 12:
        ends.append(int(job_ends) * 1_000_000_000)
    return format_timestamp(min(ends)) if ends else None


def rss_mb() -> float:
    """Return the resident memory of this process in MB."""
    return round(rss_bytes() / MB, 3)
