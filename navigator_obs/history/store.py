"""A folder of runs: list them, and find one by id, prefix, name or `last`. The run folders are the truth; nothing is
written.

For a list only the head of each run's `summary.json` is read. A run whose summary is not final is asked how it stands,
and shown as its journal tells it, which is newer than the summary that was last written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ..config import resolve
from ..errors import RunNotFound, UsageError, close_match

STATUSES: Final = (
    "running",
    "stalled",
    "success",
    "failed",
    "partial",
    "interrupted",
    "terminated",
    "crashed",
    "lost_contact",
)
LIVING: Final = frozenset({"running", "stalled"})
_LAST: Final = ("last", "last-success", "last-failed")
_MARKS: Final = ("summary.json", "journal.jsonl", "run.lock")
_SHOWN: Final = 5
_HEAD_BYTES: Final = 16_384
# The summary's first key that a list does not need: what stands before it is small, however long the run was.
_END_OF_HEAD: Final = b'\n  "performance_metrics":'
# orjson is five times as fast as the standard library and takes as long to import as that needs for so many heads.
_MANY: Final = 300

Parse = Callable[[bytes], Any]


@dataclass(eq=False, repr=False, match_args=False)
class RunEntry:
    """One run, as far as a list tells it: who it is and how it stands.

    Its figures and its `summary` are read when they are asked for. Of a run that has not ended they are told from its
    journal, which is newer than the summary that was last written.
    """

    run_id: str
    name: str
    status: str
    status_reason: str | None
    start_time: str | None
    tags: tuple[str, ...]
    directory: Path
    final: bool
    _written: Mapping[str, Any]

    def __repr__(self) -> str:
        """Tell it in one line."""
        return f"<RunEntry {self.run_id} {self.name!r} {self.status}>"

    @property
    def duration_seconds(self) -> float | None:
        """How long it took; of a living run, till now. None where the run left no word of it."""
        known = _number(_table(self._known, "run_metadata").get("duration_seconds"))
        return _seconds_since(self.start_time, known) if self._is_seen_alive else known

    @property
    def errors(self) -> int | None:
        """How many errors it recorded; None where the run left no word of it."""
        return _count(_table(self._known, "execution_summary").get("errors"))

    @property
    def warnings(self) -> int | None:
        """How many warnings it recorded; None where the run left no word of it."""
        return _count(_table(self._known, "execution_summary").get("warnings"))

    @property
    def summary(self) -> dict[str, Any]:
        """The whole summary; of a run that has not ended, as of the last record in its journal."""
        written = _read(self.directory)
        if self.final:
            return written
        found = _from_journal(self.directory) or written
        metadata = {**_table(found, "run_metadata"), "status": self.status}
        metadata["status_reason"] = self.status_reason or metadata.get("status_reason")
        if self._is_seen_alive:
            metadata["duration_seconds"] = _seconds_since(self.start_time, _number(metadata.get("duration_seconds")))
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
            "directory": str(self.directory),
        }

    @property
    def _is_seen_alive(self) -> bool:
        """Whether this host sees it alive: what another one knew last may be long past."""
        return self.status in LIVING and self.status_reason is None

    @cached_property
    def _known(self) -> Mapping[str, Any]:
        """The newest word on its figures."""
        return self._written if self.final else _from_journal(self.directory, with_metrics=False) or self._written


class History:
    """The runs in a folder. It is read anew at each call, so that it always tells how things stand.

    *runs_dir* is the setting of that name when None: ``NAVIGATOR_OBS_RUNS_DIR``, else that of ``[tool.navigator_obs]``
    in `pyproject.toml`, else ``artifacts/runs``.

    >>> history = History("artifacts/runs")
    >>> [run.status for run in history.list(name="baseline", limit=3)]
    ['success', 'failed', 'success']
    """

    def __init__(self, runs_dir: Path | str | None = None) -> None:
        self.runs_dir = resolve().runs_dir if runs_dir is None else Path(runs_dir)

    def list(self, status: str | None = None, name: str | None = None, limit: int | None = None) -> list[RunEntry]:
        """Return the runs, newest first, all of them or those with this *status* and *name*.

        Raises UsageError for an unknown status or a limit below 1.

        >>> History("artifacts/runs").list(status="failed", limit=1)
        []
        """
        if status is not None and status not in STATUSES:
            raise UsageError(f"status={status!r} must be one of {', '.join(STATUSES)}{close_match(status, STATUSES)}")
        if limit is not None and limit < 1:
            raise UsageError(f"limit={limit!r} must be at least 1")
        found = sorted(self._entries(), key=_age, reverse=True)
        chosen = [run for run in found if status in {None, run.status} and name in {None, run.name}]
        return chosen[:limit]

    def get(self, ref: str = "last") -> RunEntry:
        """Return one run by its id, a unique beginning of it, its name (the newest of that name) or its folder's path.

        ``last`` is the newest run, ``last-success`` the newest that succeeded and ``last-failed`` the newest that ended
        in any other way. Raises RunNotFound, which names what there is.

        >>> History("artifacts/runs").get("last").run_id
        '20250818_143022-1a2b3c4d'
        """
        if ref in _LAST:
            return self._last(ref)
        exact = self._by_path(ref)
        if exact:
            return exact
        runs = self.list()
        for chosen in ([run for run in runs if run.name == ref][:1], _with_prefix(runs, ref)):
            if len(chosen) == 1:
                return chosen[0]
            if chosen:
                raise RunNotFound(f"{ref!r} begins the ids of {len(chosen)} runs: {_ids(chosen)}")
        raise RunNotFound(self._nothing_for(ref, runs))

    def _entries(self) -> Iterator[RunEntry]:
        try:
            folders = list(os.scandir(self.runs_dir))
        except (FileNotFoundError, NotADirectoryError):
            return
        parse: Parse = json.loads if len(folders) < _MANY else _fast_parse()
        for folder in folders:
            if not folder.name.startswith("."):
                entry = _entry(Path(folder.path), parse)
                if entry:
                    yield entry

    def _by_path(self, ref: str) -> RunEntry | None:
        if ref in {"", ".", ".."}:
            return None
        return _entry(Path(ref) if os.sep in ref else self.runs_dir / ref)

    def _last(self, ref: str) -> RunEntry:
        wanted = {
            "last": lambda _: True,
            "last-success": lambda run: run.status == "success",
            "last-failed": lambda run: run.status != "success" and run.status not in LIVING,
        }[ref]
        runs = self.list()
        found = next(filter(wanted, runs), None)
        if found is None:
            raise RunNotFound(self._nothing_for(ref, runs))
        return found

    def _nothing_for(self, ref: str, runs: Iterable[RunEntry]) -> str:
        known = list(runs)
        if not known:
            return f"no run {ref!r}: there are no runs in {self.runs_dir}"
        names = {run.name for run in known} | {run.run_id for run in known}
        return f"no run {ref!r} in {self.runs_dir}{close_match(ref, names)}; the newest are {_ids(known)}"


def _age(run: RunEntry) -> tuple[str, str]:
    return run.start_time or _folder_time(run.directory), run.run_id


def _folder_time(directory: Path) -> str:
    from ..clock import format_timestamp

    try:
        return format_timestamp(directory.stat().st_mtime_ns)
    except OSError:
        return ""


def _with_prefix(runs: Iterable[RunEntry], prefix: str) -> list[RunEntry]:
    return [run for run in runs if prefix and run.run_id.startswith(prefix)]


def _ids(runs: list[RunEntry]) -> str:
    shown = ", ".join(f"{run.run_id} ({run.name})" for run in runs[:_SHOWN])
    return shown if len(runs) <= _SHOWN else f"{shown} and {len(runs) - _SHOWN} more"


def _entry(directory: Path, parse: Parse = json.loads) -> RunEntry | None:
    """Return the run in *directory*; None where it holds none."""
    summary = _head(directory, parse)
    if not summary and not any((directory / mark).is_file() for mark in _MARKS):
        return None
    metadata = _table(summary, "run_metadata")
    status, reason, final = _status(directory, metadata, summary)
    return RunEntry(
        run_id=_text(metadata.get("run_id")) or directory.name,
        name=_text(metadata.get("name")) or "?",
        status=status,
        status_reason=reason,
        start_time=_text(metadata.get("start_time")),
        tags=_tags(metadata.get("tags")),
        directory=directory,
        final=final,
        _written=summary,
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
        with open(directory / "summary.json", "rb") as file:
            data = file.read(_HEAD_BYTES)
        head, found, _ = data.partition(_END_OF_HEAD)
        summary = parse(head.rstrip().removesuffix(b",") + b"}") if found else None
    except (OSError, ValueError):
        summary = None
    return summary if isinstance(summary, dict) else _read(directory)


def _read(directory: Path) -> dict[str, Any]:
    try:
        summary = _fast_parse()((directory / "summary.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return summary if isinstance(summary, dict) else {}


def _fast_parse() -> Parse:
    from ..encoding import from_json

    return from_json


def _from_journal(directory: Path, *, with_metrics: bool = True) -> dict[str, Any] | None:
    """Return what the fold makes of the journal; None where there is none to read.

    Without the metrics, which no list shows, it takes little longer than reading.
    """
    from ..runs import journal
    from ..runs.summary import fold

    records = journal.read_run(directory)
    try:
        summary = fold(records if with_metrics else map(_without_metrics, records))
    except OSError:
        return None
    return summary if summary["run_metadata"]["run_id"] != "unknown" else None


def _without_metrics(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "metrics": {}} if record.get("kind") == "tick" else record


def _seconds_since(start_time: str | None, known: float | None) -> float | None:
    from ..clock import clock, parse_timestamp

    try:
        return max(known or 0.0, (clock.time_ns() - parse_timestamp(start_time or "")) / 1e9)
    except ValueError:
        return known


def _table(summary: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = summary.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tags(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, (list, tuple)) else ()


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
