"""One run as a list tells it. Of its `summary.json` only the head is read until more is asked for.

A run whose summary is not final is asked how it stands, and shown as its journal tells it, which is newer than the
summary that was last written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..runs.files import ANNOTATIONS_NAME, JOURNAL_NAME, LOCK_NAME, SCHEMA_VERSION, SUMMARY_NAME
from ..runs.reading import number, table
from ..runs.statuses import LIVING
from . import figures

if TYPE_CHECKING:
    from ..runs.annotations import Annotations

_MARKS: Final = (SUMMARY_NAME, JOURNAL_NAME, LOCK_NAME)
_HEAD_BYTES: Final = 16_384
# The summary's first key that a list does not need: what stands before it is small, however long the run was.
_END_OF_HEAD: Final = b'\n  "performance_metrics":'

Parse = Callable[[bytes], Any]


class Figures(NamedTuple):
    """What a list tells of a run in numbers, and what makes it comparable with others; None where it left no word."""

    seconds: float | None
    errors: int | None
    warnings: int | None
    years: int | None
    rows: float | None
    cpus: float | None


@dataclass(eq=False, repr=False, match_args=False)
class RunEntry:
    """One run, as far as a list tells it: who it is and how it stands.

    Its figures, its `head` and its `summary` are read when they are asked for. Of a run that has not ended they are
    told from its journal, which is newer than the summary that was last written. `tags` are those that the run
    recorded and those that were added later; `parent` is the id of the run that it is a part of.
    """

    run_id: str
    name: str
    status: str
    status_reason: str | None
    start_time: str | None
    tags: tuple[str, ...]
    path: str
    final: bool
    pinned: bool
    acknowledged: bool
    baseline: bool
    parent: str | None
    # Those of a run that has ended.
    _ended: Figures | None

    def __repr__(self) -> str:
        """Tell it in one line."""
        return f"<RunEntry {self.run_id} {self.name!r} {self.status}>"

    @property
    def directory(self) -> Path:
        """Its folder."""
        return Path(self.path)

    @property
    def duration_seconds(self) -> float | None:
        """How long it took; of a living run, till now. None where the run left no word of it."""
        known = self.figures.seconds
        return _seconds_since(self.start_time, known) if self._is_seen_alive else known

    @property
    def errors(self) -> int | None:
        """How many errors it recorded; None where the run left no word of it."""
        return self.figures.errors

    @property
    def warnings(self) -> int | None:
        """How many warnings it recorded; None where the run left no word of it."""
        return self.figures.warnings

    @cached_property
    def annotations(self) -> Annotations:
        """What was said of it later: tags, pins, notes, acknowledgements."""
        from ..runs.annotations import read_annotations

        return read_annotations(self.directory)

    @cached_property
    def head(self) -> Mapping[str, Any]:
        """The summary without what is large: `run_metadata`, `configuration`, `environment`, `execution_summary`."""
        return _head(self.directory, json.loads) if self.final else self._known

    @property
    def summary(self) -> dict[str, Any]:
        """The whole summary; of a run that has not ended, as of the last record in its journal."""
        written = _read(self.directory)
        if self.final:
            return written
        found = _from_journal(self.directory) or written
        told = table(found, "run_metadata")
        # The journal may have gone on since it was asked for the status: a reason belongs to a status.
        reason = told.get("status_reason") if told.get("status") == self.status else None
        metadata = {**told, "status": self.status, "status_reason": self.status_reason or reason}
        if self._is_seen_alive:
            from .silence import silence

            metadata["status_reason"] = silence(self.directory)
            metadata["duration_seconds"] = _seconds_since(self.start_time, number(metadata.get("duration_seconds")))
        return {**found, "run_metadata": metadata}

    def to_dict(self) -> dict[str, Any]:
        """Return what a list shows, as plain values."""
        return {
            "run_id": self.run_id,
            "name": self.name,
            "status": self.status,
            "status_reason": self.status_reason,
            "start_time": self.start_time,
            "duration_seconds": self.duration_seconds,
            "errors": self.errors,
            "warnings": self.warnings,
            "tags": list(self.tags),
            "pinned": self.pinned,
            "acknowledged": self.acknowledged,
            "baseline": self.baseline,
            "parent_run_id": self.parent,
            "directory": self.path,
        }

    @property
    def _is_seen_alive(self) -> bool:
        """Whether this host sees it alive: what another one knew last may be long past."""
        return self.status in LIVING and self.status_reason is None

    @property
    def figures(self) -> Figures:
        """Its numbers; of a run that has not ended, as of the last record in its journal."""
        return self._ended if self._ended is not None else _figures_of(self._known)

    @cached_property
    def _known(self) -> Mapping[str, Any]:
        """The newest word on a run that has not ended."""
        return _from_journal(self.directory, with_metrics=False) or _head(self.directory, json.loads)


def entry_of(directory: Path, parse: Parse = json.loads) -> RunEntry | None:
    """Return the run in *directory*; None where it holds none."""
    summary = _head(directory, parse)
    if not summary and not any((directory / mark).is_file() for mark in _MARKS):
        return None
    metadata = table(summary, "run_metadata")
    status, reason, final = _status(directory, metadata, summary)
    tags = _tags(metadata.get("tags"))
    pinned = acknowledged = baseline = False
    # Most runs have none, and of ten thousand folders each path that is made costs.
    if os.access(f"{directory}/{ANNOTATIONS_NAME}", os.F_OK):
        from ..runs.annotations import read_annotations

        said = read_annotations(directory)
        tags, pinned, acknowledged, baseline = said.all_tags(tags), said.pinned, said.acknowledged, said.baseline
    return RunEntry(
        run_id=_text(metadata.get("run_id")) or directory.name,
        name=_text(metadata.get("name")) or "?",
        status=status,
        status_reason=reason,
        start_time=_text(metadata.get("start_time")),
        tags=tags,
        path=str(directory),
        final=final,
        pinned=pinned,
        acknowledged=acknowledged,
        baseline=baseline,
        parent=_text(metadata.get("parent_run_id")),
        _ended=_figures_of(summary) if final else None,
    )


def _status(directory: Path, metadata: Mapping[str, Any], summary: Mapping[str, Any]) -> tuple[str, str | None, bool]:
    if metadata.get("final") and isinstance(metadata.get("status"), str):
        return metadata["status"], _text(metadata.get("status_reason")), True
    # Imported for those runs alone that need it: most lists are of runs that have ended.
    from ..runs.liveness import status_of

    found = status_of(directory, summary)
    return found["status"], found["status_reason"], False


def _head(directory: Path, parse: Parse) -> dict[str, Any]:
    """Return the first keys of the summary, or all of them where it was not written by us, key by key on its line."""
    try:
        head, found, _ = _first_bytes(f"{directory}/{SUMMARY_NAME}").partition(_END_OF_HEAD)
        summary = parse(head.rstrip().removesuffix(b",") + b"}") if found else None
    except (OSError, ValueError):
        summary = None
    return _as_of_today(summary) if isinstance(summary, dict) else _read(directory)


def _first_bytes(path: str) -> bytes:
    """Read without a file object, which takes as long to make as its block takes to read."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        return os.read(file, _HEAD_BYTES)
    finally:
        os.close(file)


def _read(directory: Path) -> dict[str, Any]:
    try:
        summary = fast_parse()((directory / SUMMARY_NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return _as_of_today(summary) if isinstance(summary, dict) else {}


def _as_of_today(summary: dict[str, Any]) -> dict[str, Any]:
    if not summary or summary.get("schema_version") == SCHEMA_VERSION:
        return summary
    from ..runs.migration import migrated

    return migrated(summary)


def fast_parse() -> Parse:
    """Return orjson's reader, which is worth its import from some hundred heads on."""
    from ..encoding import from_json

    return from_json


def _from_journal(directory: Path, *, with_metrics: bool = True) -> dict[str, Any] | None:
    """Return what the fold makes of the journal; None where there is none to read.

    Without the metrics, which no list shows, it takes little longer than reading.
    """
    from ..runs.records import read_run
    from ..runs.summary import fold

    records = read_run(directory)
    try:
        summary = fold(records if with_metrics else map(_without_metrics, records))
    except Exception:
        # It can't be read, or something in it can't be computed with: the other runs are to be shown all the same.
        return None
    return summary if summary["run_metadata"]["run_id"] != "unknown" else None


def _without_metrics(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "metrics": {}} if record.get("kind") == "tick" else record


def _figures_of(summary: Mapping[str, Any]) -> Figures:
    execution = table(summary, "execution_summary")
    return Figures(
        number(figures.metadata(summary, "duration_seconds")),
        _count(execution.get("errors")),
        _count(execution.get("warnings")),
        figures.years(summary),
        figures.rows(summary),
        number(table(summary, "environment").get("cpus")),
    )


def _seconds_since(start_time: str | None, known: float | None) -> float | None:
    from ..clock import clock, parse_timestamp

    try:
        return max(known or 0.0, (clock.time_ns() - parse_timestamp(start_time or "")) / 1e9)
    except ValueError:
        return known


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tags(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None


_PINNED: Final = 1
_ACKNOWLEDGED: Final = 2
_BASELINE: Final = 4


def to_row(entry: RunEntry) -> tuple[Any, ...]:
    """Return what the index keeps of a run that has ended, behind its folder and stamp."""
    marks = entry.pinned * _PINNED + entry.acknowledged * _ACKNOWLEDGED + entry.baseline * _BASELINE
    told = (entry.run_id, entry.name, entry.status, entry.status_reason, entry.start_time)
    return (*told, json.dumps(entry.tags) if entry.tags else "", marks, entry.parent, *entry.figures)


def from_row(path: str, row: tuple[Any, ...]) -> RunEntry:
    """Make an entry out of a row of the index."""
    _, _, run_id, name, status, reason, start_time, tags, marks, parent, *numbers = row
    return RunEntry(
        run_id=run_id,
        name=name,
        status=status,
        status_reason=reason,
        start_time=start_time,
        tags=tuple(json.loads(tags)) if tags else (),
        path=path,
        final=True,
        pinned=bool(marks & _PINNED),
        acknowledged=bool(marks & _ACKNOWLEDGED),
        baseline=bool(marks & _BASELINE),
        parent=parent,
        _ended=Figures(*numbers),
    )
