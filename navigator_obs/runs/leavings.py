"""The files that a run has left outside its folder, by what its record says of them: the last word on each counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..redaction import MARK
from .files import JOURNAL_NAME
from .folder import read_summary
from .reading import tables
from .records import head, read


class Left(NamedTuple):
    """One artifact: its path as recorded, where that is, and its size and digest, None where the record has none."""

    path: str
    place: Path
    bytes: int | None
    sha256: str | None


def left_by(directory: Path) -> list[Left]:
    """Return the artifacts of the run in *directory* that were there when they were recorded, by their latest record.

    Relative paths are those of the folder in which the run began to work. A path of which a part was redacted names no
    file, and is left out.
    """
    start = head(directory / JOURNAL_NAME)
    summary: Mapping[str, Any] = read_summary(directory) or {}
    around = start.get("environment") or summary.get("environment") or {}
    base = Path(str(around.get("working_directory") or "."))
    found: dict[str, Left] = {}
    for artifact in _recorded(directory, summary):
        path = artifact.get("path")
        if isinstance(path, str) and MARK not in path:
            found.pop(path, None)
            if not artifact.get("missing"):
                found[path] = Left(path, base / path, artifact.get("bytes"), artifact.get("sha256"))
    return list(found.values())


def _recorded(directory: Path, summary: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """What the journal says, which is linked; the summary's, where retention has taken the journal."""
    path = directory / JOURNAL_NAME
    if not path.exists():
        return tables(summary, "artifacts")
    records = (record.get("artifact") for record in read(path) if record["kind"] == "artifact")
    return [artifact for artifact in records if isinstance(artifact, Mapping)]
