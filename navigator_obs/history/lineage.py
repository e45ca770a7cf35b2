"""One logical simulation: the attempts that were resumed from each other, what they cost together, and what of it was
lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..clock import seconds_between
from ..runs.reading import items, number, table
from .store import History, RunEntry


@dataclass(frozen=True)
class Attempt:
    """One run of a logical simulation. `lost_seconds`: what it did after the checkpoint that was taken up, all of it
    where none was; 0 for one that nobody has resumed, for it still may be.
    """

    run_id: str
    status: str
    status_reason: str | None
    attempt: int
    resumed_from: str | None
    resumed_at_year: int | None
    start_time: str | None
    duration_seconds: float
    cpu_seconds: float | None
    years_completed: tuple[Any, ...]
    lost_seconds: float


@dataclass(frozen=True)
class Lineage:
    """A logical simulation: its attempts, the oldest first, and their sums.

    `recomputed_years` are those that more than one attempt has completed. `missing` are attempts whose folders are
    gone. `children` are the runs within these attempts, such as the scenarios of a batch.
    """

    root_run_id: str
    attempts: tuple[Attempt, ...]
    missing: tuple[str, ...]
    children: tuple[RunEntry, ...]

    @property
    def status(self) -> str:
        """How its last attempt stands."""
        return self.attempts[-1].status

    @property
    def duration_seconds(self) -> float:
        """The time of all attempts."""
        return sum(attempt.duration_seconds for attempt in self.attempts)

    @property
    def cpu_seconds(self) -> float:
        """The CPU time of all attempts, as far as it is known."""
        return sum(attempt.cpu_seconds or 0.0 for attempt in self.attempts)

    @property
    def lost_seconds(self) -> float:
        """The time that was spent on work that was thrown away."""
        return sum(attempt.lost_seconds for attempt in self.attempts)

    @property
    def years_completed(self) -> list[Any]:
        """The years that some attempt has completed."""
        return sorted({year for attempt in self.attempts for year in attempt.years_completed}, key=str)

    @property
    def recomputed_years(self) -> list[Any]:
        """The years that more than one attempt has completed."""
        counted = [year for attempt in self.attempts for year in attempt.years_completed]
        return sorted({year for year in counted if counted.count(year) > 1}, key=str)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "root_run_id": self.root_run_id,
            "status": self.status,
            "duration_seconds": self.duration_seconds,
            "cpu_seconds": self.cpu_seconds,
            "lost_seconds": self.lost_seconds,
            "years_completed": self.years_completed,
            "recomputed_years": self.recomputed_years,
            "attempts": [asdict(attempt) for attempt in self.attempts],
            "missing": list(self.missing),
            "children": [child.to_dict() for child in self.children],
        }


def lineage(history: History, ref: str = "last") -> Lineage:
    """Return the logical simulation that the run *ref* belongs to. Raises RunNotFound where there is no such run.

    >>> lineage(History("nowhere"))
    Traceback (most recent call last):
    navigator_obs.errors.RunNotFound: there are no runs in nowhere; another folder: --runs-dir
    """
    entry = history.get(ref)
    runs = {run.run_id: run for run in [*history.list(), entry]}
    root = _root(entry)
    family = sorted((run for run in runs.values() if _root(run) == root), key=_order)
    attempts = tuple(_attempt(run, family) for run in family)
    present = {attempt.run_id for attempt in attempts}
    named = {attempt.resumed_from for attempt in attempts if attempt.resumed_from} | {root}
    children = tuple(run for run in runs.values() if run.parent in present)
    return Lineage(root, attempts, tuple(sorted(named - present)), children)


def _metadata(run: RunEntry) -> Mapping[str, Any]:
    """What the head of its summary says of it: enough to know whose it is, and quickly read of many."""
    return table(run.head, "run_metadata")


def _root(run: RunEntry) -> str:
    return str(_metadata(run).get("root_run_id") or run.run_id)


def _resumed_from(run: RunEntry) -> str | None:
    told = _metadata(run).get("resumed_from")
    return told if isinstance(told, str) else None


def _order(run: RunEntry) -> tuple[int, str]:
    return int(number(_metadata(run).get("attempt")) or 1), run.start_time or ""


def _attempt(run: RunEntry, family: Iterable[RunEntry]) -> Attempt:
    summary, metadata = run.summary, _metadata(run)
    resumed_at = table(metadata, "resumed_at")
    return Attempt(
        run_id=run.run_id,
        status=run.status,
        status_reason=run.status_reason,
        attempt=int(number(metadata.get("attempt")) or 1),
        resumed_from=_resumed_from(run),
        resumed_at_year=resumed_at.get("year"),
        start_time=run.start_time,
        duration_seconds=float(run.duration_seconds or 0.0),
        cpu_seconds=table(summary, "resources").get("cpu_seconds"),
        years_completed=tuple(items(table(summary, "execution_summary"), "years_completed")),
        lost_seconds=_lost(run, family),
    )


def _lost(run: RunEntry, family: Iterable[RunEntry]) -> float:
    """What it did after the checkpoint that its successor began at: the latest one, where it has several."""
    heirs = [_metadata(other) for other in family if _resumed_from(other) == run.run_id]
    if not heirs:
        return 0.0
    kept = [seconds_between(run.start_time, table(heir, "resumed_at").get("time")) or 0.0 for heir in heirs]
    return round(max(0.0, float(run.duration_seconds or 0.0) - max(0.0, *kept)), 6)
