"""The last that was heard of a run which never said how it ended: by the log, else by the run's own journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..errors import UsageError
from ..runs.files import JOURNAL_NAME
from ..runs.reading import table
from ..runs.records import tail
from .entry import RunEntry
from .reader import read_events

MOST: Final = 4
SILENT: Final = frozenset({"crashed", "lost_contact", "stalled", "terminated", "interrupted"})
"""The statuses of runs that may not have come to tell what they were doing."""
Event = Mapping[str, Any]


def last_events(run: RunEntry, log_path: Path | None) -> list[Event]:
    """Return the last events of *run*, at most `MOST`, oldest first: of the log, else what its journal tells."""
    logged = _of_log(run, log_path) if log_path is not None else []
    return logged or list(_of_journal(run.directory))[-MOST:]


def _of_log(run: RunEntry, log_path: Path) -> list[Event]:
    try:
        return [event for event, _ in read_events(log_path, run_id=run.run_id, since=run.start_time, limit=MOST)]
    except (OSError, UsageError):
        # A log of somebody else, or a start that is no time.
        return []


def _of_journal(directory: Path) -> Iterator[Event]:
    for record in tail(directory / JOURNAL_NAME):
        if record["kind"] == "issue":
            yield table(record, "event")
        elif record["kind"] == "operation":
            ended = table(record, "record")
            told = {"operation": ended.get("name"), "operation_path": ended.get("path"), **table(ended, "breakdown")}
            said = f"{ended.get('name')} {_ENDED.get(str(ended.get('status')), ended.get('status'))}"
            yield {"timestamp": record.get("time"), "level": "INFO", "message": said, **told}


_ENDED: Final = {"success": "completed"}


def was_in(events: Sequence[Event]) -> str:
    """Return the path of the operation in which the last of *events* happened; empty where none tells.

    >>> was_in([{"message": "hiring completed", "operation": "hiring", "operation_path": "simulate/hiring"}])
    'simulate'
    """
    for event in reversed(events):
        path = str(event.get("operation_path") or "")
        if path:
            # One that has ended was in the one around it.
            return path.rpartition("/")[0] if "operation" in event else path
    return ""
