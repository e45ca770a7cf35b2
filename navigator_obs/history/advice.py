"""What to do next about a run: commands that can be typed as they stand, and the line that resumes it."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..runs.reading import table, tables
from .naming import typed

if TYPE_CHECKING:
    from .cause import Cause
    from .diagnose import Diagnosis

_OF_WARNINGS: Final = ("new: ", "times: ")
_WARNINGS: Final = "--level WARNING"
PROGRAM: Final = "navigator-obs"
_BY_CATEGORY: Final[Mapping[str, tuple[str, ...]]] = {
    "resource/memory": (f"{PROGRAM} slow {{run}}",),
    "interrupted/oom": (f"{PROGRAM} slow {{run}}",),
    "resource/disk": ("df -h {directory}", f"{PROGRAM} prune --dry-run"),
    "resource/descriptors": ("ulimit -n",),
    "environment/dependency": ("python -m pip check",),
    "interrupted/crash": ("cat {directory}/fault.log",),
    "stalled": ("cat {directory}/stacks.log",),
    "data/quality": (f"{PROGRAM} checks {{run}}",),
}


def advice(diagnosis: Diagnosis, summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield commands and lines of code, the most helpful first."""
    if diagnosis.is_healthy:
        return
    run, directory = typed(Path(diagnosis.directory)), Path(diagnosis.directory)
    yield from _of_cause(diagnosis.causes[0], directory, run) if diagnosis.causes else ()
    yield from _of_process(diagnosis, table(summary, "run_metadata"))
    yield from _of_events(diagnosis, run)
    if diagnosis.unmet:
        yield f"{PROGRAM} checks {run}"
    if diagnosis.last_success and (diagnosis.changed or diagnosis.slower or diagnosis.suspicions):
        yield f"{PROGRAM} compare {typed(directory.parent / diagnosis.last_success)} {run}"
    saved = [one for one in tables(summary, "artifacts") if one.get("kind") == "checkpoint"]
    if saved and diagnosis.status not in {"success", "running"}:
        yield f'resume: obs.start_run("{diagnosis.name}", resume_from="{diagnosis.run_id}")'


def _of_cause(cause: Cause, directory: Path, run: str) -> Iterator[str]:
    for line in _BY_CATEGORY.get(cause.category, ()):
        if not line.endswith(".log") or (directory / line.rpartition("/")[2]).exists():
            yield line.format(run=run, directory=shlex.quote(str(directory)))


def _of_process(diagnosis: Diagnosis, metadata: Mapping[str, Any]) -> Iterator[str]:
    """Of a run that is not heard of, how its process stands."""
    if diagnosis.status == "running" and diagnosis.reason and metadata.get("host") == socket.gethostname():
        yield f"ps -o pid,stat,etime,args -p {metadata.get('pid')}"


def _of_events(diagnosis: Diagnosis, run: str) -> Iterator[str]:
    """What the log tells of it, if anything does."""
    if diagnosis.causes:
        told = diagnosis.causes[0].fingerprint
        if told and not told.startswith("check:"):
            yield f"{PROGRAM} logs {run} --level ERROR"
        else:
            yield f"{PROGRAM} logs {run} {_WARNINGS if diagnosis.errors or diagnosis.warnings else '--limit 20'}"
    elif diagnosis.errors:
        yield f"{PROGRAM} errors {run}"
    elif any(one.what.startswith(_OF_WARNINGS) for one in diagnosis.suspicions):
        yield f"{PROGRAM} logs {run} {_WARNINGS}"
