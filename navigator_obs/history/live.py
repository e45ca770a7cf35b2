"""A run that is under way, looked at again and again: from its files alone, and nothing is written."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..clock import clock
from ..runs.liveness import status_of
from ..runs.reading import number, table
from ..runs.records import Shares
from ..runs.statuses import LIVING
from ..runs.summary import Fold
from .entry import RunEntry
from .eta import seconds_left
from .silence import silence
from .store import History

_EARLIER: Final = 5
_COUNTED: Final = ("rows", "events_written")
_WINDOW_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Look:
    """What one look at a run saw. Rates are those of the last seconds, None at the first look."""

    summary: Mapping[str, Any]
    lives: bool
    seconds_left: float | None
    rows_per_second: float | None = None
    events_per_second: float | None = None
    cores_busy: float | None = None
    directory: Path | None = None


class LiveRun:
    """Follows the run of *entry*: each look reads what has come since the last.

    *earlier* are summaries of runs like it, by which the time that is left is judged (see `history.eta`).

    >>> import navigator_obs as obs
    >>> config = obs.configure(console="off", run_report=False)
    >>> with obs.start_run("baseline"):
    ...     LiveRun(History().get("last")).look().lives
    True
    """

    def __init__(self, entry: RunEntry, earlier: Sequence[Mapping[str, Any]] = ()) -> None:
        self._directory = entry.directory
        self._entry = entry
        self._earlier = earlier
        self._records = Shares(entry.directory, journal=True)
        self._fold = Fold()
        self._seen: deque[tuple[float, dict[str, float]]] = deque()

    def look(self) -> Look:
        """Look once. Never raises because of what is in the folder, or is gone from it."""
        status = status_of(self._directory)
        lives = status["status"] in LIVING
        summary = self._entry_now().summary if status["final"] else self._summary(dict(status), lives)
        rates = self._rates(summary)
        # Of one that stands still, or is not heard of, nobody can tell.
        is_seen = status["status"] == "running" and not table(summary, "run_metadata").get("status_reason")
        left = seconds_left(summary, self._earlier) if is_seen else None
        rows, events, cores = (rates.get(key) for key in (*_COUNTED, "cpu_seconds"))
        return Look(summary, lives, left, rows, events, cores, self._directory)

    def _entry_now(self) -> RunEntry:
        return History(self._directory.parent, keep_index=False).get(str(self._directory.absolute()))

    def _summary(self, status: Mapping[str, Any], lives: bool) -> dict[str, Any]:
        try:
            for record in self._records.read(last=not lives):
                self._fold.add(record)
        except OSError:
            pass
        summary = self._fold.summary()
        reason = status["status_reason"] or (silence(self._directory) if lives else None)
        metadata = {**summary["run_metadata"], "status": status["status"], "status_reason": reason}
        return {**summary, "run_metadata": metadata}

    def _rates(self, summary: Mapping[str, Any]) -> dict[str, float]:
        """Gains per second over the last seconds: figures come with ticks, and looks may be more frequent."""
        now = clock.monotonic_ns() / 1e9
        execution, resources = table(summary, "execution_summary"), table(summary, "resources")
        told = {"cpu_seconds": resources.get("cpu_seconds"), **{key: execution.get(key) for key in _COUNTED}}
        figures = {key: known for key, value in told.items() if (known := number(value)) is not None}
        self._seen.append((now, figures))
        while len(self._seen) > 2 and now - self._seen[1][0] >= _WINDOW_SECONDS:
            self._seen.popleft()
        since, before = self._seen[0]
        if now <= since:
            return {}
        return {key: max(0.0, (value - before[key]) / (now - since)) for key, value in figures.items() if key in before}


def runs_like(history: History, entry: RunEntry) -> list[dict[str, Any]]:
    """Return the summaries of the newest runs of the same name that succeeded.

    >>> import navigator_obs as obs
    >>> config = obs.configure(console="off", run_report=False)
    >>> for _ in range(2):
    ...     with obs.start_run("growth"):
    ...         pass
    >>> len(runs_like(History(), History().get("last")))
    1
    """
    found = history.summaries(name=entry.name, limit=_EARLIER)
    return [summary for run, summary in found if run.run_id != entry.run_id]
