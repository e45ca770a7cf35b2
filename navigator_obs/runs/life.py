"""The part of the fold that knows who a run is and how it stands: its start, its end, and what was said in between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ..clock import seconds_between
from .liveness import stall_reason
from .records import Record
from .statuses import CERTAIN

MAX_TAGS: Final = 100
MAX_FOREIGN_IDS: Final = 100
_NEVER: Final = "1970-01-01T00:00:00.000000Z"


class Life:
    """Takes the records of a run's life; `metadata` tells the summary's `run_metadata`."""

    def __init__(self) -> None:
        self.start: Record = {}
        self.end: Record = {}
        self.failure: Record = {}
        self.last_time = ""
        self.tags_left_out = 0
        # Of the last tick of the run's own process: when it came, and how long the run had lasted.
        self.tick: Record = {}
        self._seconds_at_end = 0.0
        self._signal: str | None = None
        self._bound: dict[str, str] = {}
        self.stalls = 0
        self._stalled_since: Any = None
        self._stalled_seconds = 0.0
        self._tags: list[str] = []
        self._foreseen: list[int] = []

    def take_start(self, record: Record) -> None:
        """Take the first record: who and where the run is."""
        self.start = record
        self.add_tags(record.get("tags", ()))

    def take_plan(self, record: Record) -> None:
        """Take the years that the first loop goes through of which the program shows how far it is."""
        if not record.get("worker"):
            self._foreseen = self._foreseen or [int(year) for year in record["years"]]

    @property
    def years_ahead(self) -> list[int]:
        """The years of this attempt, done and to come: those it was started with, or else those of its loop."""
        resumed = set(self.start.get("years_resumed") or ())
        return [year for year in self.start.get("years") or self._foreseen if year not in resumed]

    def take_tags(self, record: Record) -> None:
        """Take tags that were added."""
        self.add_tags(record["tags"])

    def add_tags(self, tags: Iterable[str]) -> None:
        """Add those that are new, as far as there is room."""
        for tag in tags:
            if tag not in self._tags:
                if len(self._tags) < MAX_TAGS:
                    self._tags.append(tag)
                else:
                    self.tags_left_out += 1

    def take_signal(self, record: Record) -> None:
        """Take the first signal that asked the run to end."""
        self._signal = self._signal or record["signal"]

    def take_stalled(self, record: Record) -> None:
        """Take that a promise was missed."""
        self.stalls += 1
        self._stalled_since = record["since"]

    def take_resumed(self, record: Record) -> None:
        """Take that there was progress again."""
        self._stalled_seconds += _gone_by(self._stalled_since, record.get("time"))
        self._stalled_since = None

    @property
    def stalled_seconds(self) -> float:
        """Time without the promised progress, each time from the last progress before."""
        if self._stalled_since is None:
            return round(self._stalled_seconds, 6)
        until = self.end.get("end_time", self.end.get("time")) or self.last_time
        return round(self._stalled_seconds + _gone_by(self._stalled_since, until), 6)

    def take_bind(self, record: Record) -> None:
        """Take the ids by which others know the run, as far as there is room."""
        for name, value in record["ids"].items():
            if name in self._bound or len(self._bound) < MAX_FOREIGN_IDS:
                self._bound[name] = str(value)

    def _foreign_ids(self) -> dict[str, str]:
        return {**((self.start.get("evidence") or {}).get("scheduler") or {}), **self._bound}

    def take_fail(self, record: Record) -> None:
        """Take the first failure that the program told."""
        self.failure = self.failure or {"reason": str(record["reason"]), **record}

    def take_end(self, record: Record) -> None:
        """Take the verdict."""
        self._seconds_at_end = float(record["seconds"])
        self.end = record

    @property
    def seconds(self) -> float:
        """How long the run took, by its end; without one, up to its last record."""
        return self._seconds_at_end if self.end else self.seconds_by(self.last_time)

    def seconds_by(self, time: str) -> float:
        """Return its age at *time*, by the monotonic clock up to the last tick and by the wall clock from there."""
        known, since = (self.tick["seconds"], self.tick["time"]) if self.tick else (0.0, self.start.get("time"))
        return float(known) + _gone_by(since, time)

    def metadata(self) -> dict[str, Any]:
        """Return the summary's `run_metadata`."""
        start, end = self.start, self.end
        return {
            "run_id": start.get("run_id", "unknown"),
            "name": start.get("name", "unknown"),
            "start_time": start.get("time") or self.last_time or _NEVER,
            "end_time": end.get("end_time", end.get("time")),
            "duration_seconds": self.seconds,
            **self._standing(),
            "host": start.get("host", "unknown"),
            "user": start.get("user"),
            "pid": start.get("pid", 0),
            "argv": start.get("argv", []),
            "parent_run_id": start.get("parent_run_id"),
            "resumed_from": start.get("resumed_from"),
            "resumed_at": start.get("resumed_at"),
            "root_run_id": start.get("root_run_id") or start.get("run_id", "unknown"),
            "attempt": start.get("attempt") or 1,
            "foreign_ids": self._foreign_ids(),
            "tags": list(self._tags),
        }

    def _standing(self) -> dict[str, Any]:
        end = self.end
        stalled = {} if end else self.tick.get("stalled") or {}
        reason = stall_reason(stalled) if stalled else end.get("status_reason", self.failure.get("reason"))
        return {
            "status": "stalled" if stalled else end.get("status", "running"),
            "status_reason": reason,
            "status_confidence": end.get("status_confidence", CERTAIN) if end else None,
            "evidence": list(end.get("evidence", ())),
            "recovered_by": end.get("recovered_by"),
            "exit_code": end.get("exit_code"),
            "signal": end.get("signal") or self._signal,
            "final": bool(end),
        }


def _gone_by(since: object, until: object) -> float:
    """By the wall clock, which may have been set back."""
    return max(0.0, seconds_between(since, until) or 0.0)
