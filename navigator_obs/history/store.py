"""A folder of runs: list them, and find one by id, prefix, name or `last`. The run folders are the truth."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..config import resolve
from ..errors import RunNotFound, UsageError, close_match
from ..runs.statuses import LIVING, STATUSES
from .entry import RunEntry, entry_of

if TYPE_CHECKING:
    from .capacity import Capacity
    from .compare import Comparison
    from .thresholds import Threshold
    from .trends import Trends

__all__ = ["History", "RunEntry"]
_LAST: Final = ("last", "last-success", "last-failed")
_SHOWN: Final = 5
# Of so many runs of one name a trend looks at the heads.
_MOST_OF_A_NAME: Final = 500
# From here on SQLite, whose import costs as much as reading so many folders, makes a list cheaper.
_MANY: Final = 300


@dataclass(frozen=True)
class Wanted:
    """Which runs are wanted; empty means any."""

    statuses: frozenset[str]
    name: str | None
    tags: frozenset[str]
    since: str

    @classmethod
    def of(
        cls, status: str | Iterable[str] | None, name: str | None, tag: str | Iterable[str], since: str | None
    ) -> Wanted:
        """Take what a caller gives; raises UsageError."""
        statuses = frozenset(_several(status or ()))
        for given in statuses.difference(STATUSES):
            raise UsageError(f"status={given!r} must be one of {', '.join(STATUSES)}{close_match(given, STATUSES)}")
        if since is None:
            return cls(statuses, name, frozenset(_several(tag)), "")
        from .since import moment

        return cls(statuses, name, frozenset(_several(tag)), moment(since))

    def has(self, run: RunEntry) -> bool:
        """Return whether *run* is wanted."""
        if self.statuses and run.status not in self.statuses:
            return False
        if self.name is not None and run.name != self.name and not _fits(run.name, self.name):
            return False
        if self.since and _age(run)[0] < self.since:
            return False
        return self.tags.issubset(run.tags)


class History:
    """The runs in a folder. It is read anew at each call, so that it always tells how things stand.

    *runs_dir* is the setting of that name when None: ``NAVIGATOR_OBS_RUNS_DIR``, else that of ``[tool.navigator_obs]``
    in `pyproject.toml`, else ``artifacts/runs``. Without *keep_index* nothing at all is written, not even the index.

    >>> history = History("artifacts/runs")
    >>> [run.status for run in history.list(name="baseline", limit=3)]
    ['success', 'failed', 'success']
    """

    def __init__(self, runs_dir: Path | str | None = None, *, keep_index: bool = True) -> None:
        self.runs_dir = resolve().runs_dir if runs_dir is None else Path(runs_dir)
        self._keep_index = keep_index

    def __repr__(self) -> str:
        return f"History({str(self.runs_dir)!r})"

    def list(
        self,
        status: str | Iterable[str] | None = None,
        name: str | None = None,
        limit: int | None = None,
        *,
        tag: str | Iterable[str] = (),
        since: str | None = None,
    ) -> list[RunEntry]:
        """Return the runs, newest first: those of this *status* (or one of several), of this *name* (`*` stands for
        anything), with all of these tags, started *since* then.

        *since* is an age, a date or a time, as in ``"3d"`` and ``"2025-08-18"``. Raises UsageError for an unknown
        status, a wrong moment or a limit below 1.

        >>> History("artifacts/runs").list(status="failed", tag="nightly", since="7d", limit=1)
        []
        """
        if limit is not None and limit < 1:
            raise UsageError(f"limit={limit!r} must be at least 1")
        wanted = Wanted.of(status, name, tag, since)
        found = sorted(filter(wanted.has, self._entries()), key=_age, reverse=True)
        return found[:limit]

    def summaries(
        self,
        status: str | Iterable[str] | None = "success",
        name: str | None = None,
        limit: int | None = None,
        *,
        tag: str | Iterable[str] = (),
        since: str | None = None,
    ) -> Iterator[tuple[RunEntry, dict[str, Any]]]:
        """Yield runs with their whole summaries, newest first, each read when it is its turn; the arguments are those
        of `list`, but that runs which did not succeed are left out unless asked for.

        >>> for run, summary in History("artifacts/runs").summaries(name="baseline", limit=20):
        ...     seconds = summary["performance_metrics"]["load_census"]["total_seconds"]
        """
        for run in self.list(status, name, limit, tag=tag, since=since):
            yield run, run.summary

    def get(self, ref: str = "last") -> RunEntry:
        """Return one run by its id, a unique beginning of it, its name (the newest of that name) or its folder's path.

        ``last`` is the newest run, ``last-success`` the newest that succeeded and ``last-failed`` the newest that ended
        in any other way. Runs within another one are passed over by the first two; of one that failed, ``last-failed``
        is the run that it is a part of, where that failed too. Raises RunNotFound, which names what there is.

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

    def compare(
        self, before: str | None = None, after: str = "last", thresholds: Iterable[str | Threshold] = ()
    ) -> Comparison:
        """Hold the run *after* against *before*, and against *thresholds* such as ``"duration:5%"`` (see
        `history.thresholds`). Without *before*: the run of its kind that was made the baseline, else the newest one
        before it that succeeded, one with the same configuration first. As *before*, ``last-success`` is the last one
        before *after*, which may have succeeded itself.

        Raises RunNotFound and, for a threshold that is none or a run with itself, UsageError.

        >>> History("artifacts/runs").compare("last-success", "last", ["duration:10%+1s"]).exceeded
        ()
        """
        from .compare import compare
        from .thresholds import parse_all

        limits = parse_all(thresholds)
        new = self.get(after)
        old = self._before(new, before)
        if old.directory.absolute() == new.directory.absolute():
            raise UsageError(f"{before!r} and {after!r} are the same run, {new.run_id}: there is nothing to compare")
        return compare(old.summary, new.summary, limits)

    def trends(self, operation: str | None = None, until: str = "last-success") -> Trends:
        """Tell how the runs like the run *until* develop, which ends them: steps, drifts and outliers of the run and of
        each operation that takes 1 % of its time, or of *operation*, a path or a name, and those inside of it.

        Raises RunNotFound, and UsageError for an operation that no comparable run has.

        >>> found = History("artifacts/runs").trends()
        >>> [finding.statement for finding in found.findings]
        []
        """
        from .trends import comparable, trends

        last = self.get(until)
        ended = [run for run in self.list(name=last.name) if run.final and run.name == last.name]
        if until != "last-success":
            ended = [run for run in ended if _age(run) <= _age(last)]
        runs = ended[:_MOST_OF_A_NAME][::-1]
        chosen, left_out = comparable([run.head for run in runs], last.head)
        summaries = [runs[at].summary for at in chosen]
        errors = [float(run.errors or 0) for run in runs]
        found = trends(summaries, operation=operation, left_out=left_out, errors=errors)
        if operation is not None and not found.series:
            paths = {path for summary in summaries for path in summary.get("performance_metrics", {})}
            raise UsageError(f"no comparable run has an operation {operation!r}{close_match(operation, paths)}")
        return found

    def capacity(self, *, years: int | None = None, rows: int | None = None, name: str | None = None) -> Capacity:
        """Estimate what a run of so many *years* with so many *rows* a year will need, from the newest 50 runs of this
        *name* that succeeded; each is that of the last success when None. Raises RunNotFound, UsageError.

        >>> found = History("artifacts/runs").capacity(years=10, rows=120_000)
        >>> [(one.figure, round(one.value), one.low, one.high) for one in found.estimates if not one.path]
        []
        """
        from .capacity import MOST_RUNS, capacity

        for setting, given in (("years", years), ("rows", rows)):
            if given is not None and given < 1:
                raise UsageError(f"{setting}={given!r} must be at least 1")
        wanted = name or self.get("last-success").name
        summaries = [summary for _, summary in self.summaries("success", wanted, MOST_RUNS)]
        if not summaries:
            raise RunNotFound(self._nothing_for(wanted, self.list("success")))
        return capacity(summaries[::-1], years=years, rows=rows)

    def _before(self, run: RunEntry, ref: str | None) -> RunEntry:
        if ref not in {None, "last-success"}:
            return self.get(str(ref))
        from .likeness import counterpart

        earlier = [other for other in self.list("success") if _age(other) < _age(run)]
        found = counterpart(run, earlier) if ref is None else next(iter(earlier), None)
        if found is None and ref is not None:
            raise RunNotFound(f"no run succeeded before {run.run_id}")
        if found is None:
            raise RunNotFound(
                f"no run to compare {run.run_id} with: no earlier success has its name, years, rows and CPUs; name one"
            )
        return found

    def reindex(self) -> int | None:
        """Make the index of this folder anew; return how many runs it holds, None where it can't be written.

        Never needed: whatever is not in the index, or not as it is in the folders, is read from them.

        >>> History("artifacts/runs").reindex()
        """
        from . import index

        return index.rebuild(self.runs_dir, self._folders())

    def _folders(self) -> tuple[str, ...]:
        try:
            with os.scandir(self.runs_dir) as found:
                return tuple(folder.name for folder in found if not folder.name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            return ()

    def _entries(self) -> Iterator[RunEntry]:
        folders = self._folders()
        if len(folders) >= _MANY:
            from . import index

            yield from index.entries(self.runs_dir, folders, keep=self._keep_index)
            return
        for folder in folders:
            entry = entry_of(self.runs_dir / folder)
            if entry:
                yield entry

    def _by_path(self, ref: str) -> RunEntry | None:
        from .naming import is_path

        if not ref:
            return None
        if not is_path(ref):
            return entry_of(self.runs_dir / ref)
        path = Path(ref).expanduser()
        # What one has at hand may as well be a file of it.
        path = path.parent if path.is_file() else path
        # Of `.` and `..` only the place itself knows the name.
        return entry_of(path if path.name else path.resolve())

    def _last(self, ref: str) -> RunEntry:
        wanted = {
            "last": lambda _: True,
            "last-success": lambda run: run.status == "success",
            "last-failed": lambda run: run.status != "success" and run.status not in LIVING,
        }[ref]
        runs = self.list()
        found = list(filter(wanted, runs))
        if not found:
            raise RunNotFound(self._nothing_for(ref, runs))
        if ref == "last-failed":
            return whole_of(found[0], {run.run_id: run for run in found})
        return next(iter(outermost(found, runs)), found[0])

    def _nothing_for(self, ref: str, runs: Iterable[RunEntry]) -> str:
        from .naming import elsewhere, is_path

        known = list(runs)
        if is_path(ref):
            return f"no run in {ref!r}: it has neither summary.json nor journal.jsonl"
        if not known:
            which = "" if ref in _LAST else f"no run {ref!r}: "
            return f"{which}there are no runs in {self.runs_dir}{elsewhere(self.runs_dir)}"
        names = {run.name for run in known} | {run.run_id for run in known}
        return f"no run {ref!r} in {self.runs_dir}{close_match(ref, names)}; the newest are {_ids(known)}"


def outermost(found: Iterable[RunEntry], runs: Iterable[RunEntry]) -> list[RunEntry]:
    """Return those of *found* that are no part of another one of *runs*."""
    here = {run.run_id for run in runs}
    return [run for run in found if run.parent not in here]


def whole_of(run: RunEntry, by_id: Mapping[str, RunEntry]) -> RunEntry:
    """Return the run, of those *by_id*, that *run* is a part of, directly or not; itself where there is none."""
    met = {run.run_id}
    while run.parent is not None and run.parent in by_id and run.parent not in met:
        met.add(run.parent)
        run = by_id[run.parent]
    return run


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    return tuple(part for part in given.split(",") if part) if isinstance(given, str) else (*given,)


def _fits(name: str, pattern: str) -> bool:
    if "*" not in pattern:
        return False
    import re

    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None


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
