"""What a run is opened with: its arguments held against what they may be, and its folder."""

from __future__ import annotations

import operator
import os
import socket
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from ..clock import clock, format_timestamp, new_run_id
from ..config import PREFIX, Config
from ..encoding import shown, text
from ..errors import ConfigError, UsageError
from ..events import scope
from ..events.emitting import emit
from ..operations import resources
from ..redaction import Redactor
from ..settings import ERROR
from . import environment, folder
from .observer import RunObserver

_LOGGER: Final = "navigator_obs.run"
_MAX_NAME: Final = 200


def checked_name(name: object, whose: str = "a run") -> str:
    """Return *name*; raises UsageError where it is no text of a sensible length."""
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME:
        raise UsageError(f"the name of {whose} must be a text of 1 to {_MAX_NAME} characters, not {text(name)[:300]!r}")
    return name


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


def checked_years(years: Iterable[int] | None) -> list[int]:
    """Return *years* as a list without repetitions; raises UsageError where they are no whole numbers."""
    if years is None:
        return []
    try:
        planned = [operator.index(year) for year in years]
    except Exception:
        raise UsageError(f"years={shown(years)} must be whole numbers, such as range(2025, 2030)") from None
    return list(dict.fromkeys(planned))


def checked_year(year: object) -> int:
    """Return *year* as a number; raises UsageError where it is no whole one."""
    try:
        if type(year) is not bool:
            return operator.index(year)  # type: ignore[arg-type]
    except Exception:
        pass
    raise UsageError(f"the year of a checkpoint must be a whole number, such as 2025; not {shown(year)}")


def checked_ids(ids: Mapping[str, object]) -> dict[str, str]:
    """Return *ids* as texts; raises UsageError where one is empty."""
    for name, value in ids.items():
        if value is None or not text(value).strip():
            raise UsageError(f"the id {name}={shown(value)} must be a text or a number")
    return {name: text(value)[:200] for name, value in ids.items()}


def checked_promise(seconds: object) -> float | None:
    """Return *seconds* as a number; raises UsageError where it is no positive one."""
    if seconds is None:
        return None
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 < seconds < float("inf"):
        return float(seconds)
    raise UsageError(f"promise={shown(seconds)} must be a number of seconds above 0, such as 60")


def checked_path(path: object) -> str:
    """Return *path* as a text; raises UsageError where it is no path."""
    try:
        # Of a path of bytes, too, if it is an object.
        named = "" if type(path) is bytes else os.fsdecode(path)  # type: ignore[arg-type]
    except Exception:
        named = ""
    if not named:
        raise UsageError(f"the path of an artifact must be a path, not {shown(path)}")
    return named


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return *tags*; raises UsageError where one is no text."""
    if isinstance(tags, str):
        raise UsageError(f"tags={tags!r} must be several texts, such as [{tags!r}]")
    try:
        given = tuple(tags)
    except Exception:
        raise UsageError(f"tags={shown(tags)} must be several texts, such as ['nightly']") from None
    for tag in given:
        if not issubclass(type(tag), str) or not tag:
            raise UsageError(f"a tag must be a text, not {shown(tag)}")
    return given


def checked_observers(observers: Iterable[RunObserver]) -> tuple[RunObserver, ...]:
    """Return *observers*; raises UsageError where one lacks a method of `RunObserver`."""
    given = tuple(observers)
    for observer in given:
        for method in ("run_started", "run_finished"):
            if not callable(getattr(observer, method, None)):
                raise UsageError(f"observer {shown(observer)} has no method {method}; see runs.observer.RunObserver")
    return given


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
    return round(resources.rss_bytes() / 1e6, 3)
