"""What to do next about a run: commands that can be typed as they stand, and the line that resumes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..runs.reading import tables
from .naming import typed

if TYPE_CHECKING:
    from .diagnose import Diagnosis

_OF_WARNINGS: Final = ("new: ", "times: ")
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
    run, cause = typed(Path(diagnosis.directory)), next(iter(diagnosis.causes), None)
    if cause is not None:
        for line in _BY_CATEGORY.get(cause.category, ()):
            if not line.endswith(".log") or (Path(diagnosis.directory) / line.rpartition("/")[2]).exists():
                yield line.format(run=run, directory=shlex.quote(diagnosis.directory))
        if cause.fingerprint and not cause.fingerprint.startswith("check:"):
            yield f"{PROGRAM} logs {run} --level ERROR"
        elif diagnosis.errors or diagnosis.warnings:
            yield f"{PROGRAM} logs {run} --level WARNING"
        else:
            yield f"{PROGRAM} logs {run} --limit 20"
    elif diagnosis.errors:
        yield f"{PROGRAM} errors {run}"
    elif any(one.what.startswith(_OF_WARNINGS) for one in diagnosis.suspicions):
        yield f"{PROGRAM} logs {run} --level WARNING"
    if diagnosis.unmet:
        yield f"{PROGRAM} checks {run}"
    if diagnosis.last_success and (diagnosis.changed or diagnosis.slower or diagnosis.suspicions):
        yield f"{PROGRAM} compare {typed(Path(diagnosis.directory).parent / diagnosis.last_success)} {run}"
    saved = [one for one in tables(summary, "artifacts") if one.get("kind") == "checkpoint"]
    if saved and diagnosis.status != "success":
        yield f'resume: obs.start_run("{diagnosis.name}", resume_from="{diagnosis.run_id}")'
