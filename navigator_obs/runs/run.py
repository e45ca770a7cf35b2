"""One execution: `start_run` opens it, and on every way out it ends as a verdict and a summary."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from contextvars import Token
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ..clock import clock
from ..config import PREFIX, Config
from ..encoding import shown, text
from ..errors import UsageError, close_match
from ..events import scope
from ..operations.opened import anchor
from ..redaction import Redactor
from . import arguments, artifacts, configuration, current, digests, endings, lineage, links, opening
from .closing import Closing
from .lineage import ResumePoint
from .observer import RunObserver
from .recording import Recording
from .statuses import FINAL_STATUSES
from .verdict import Verdict
from .voice import Voice

T = TypeVar("T")
# What it has judged once, the next run of a batch need not judge again.
_redactor: Final = functools.lru_cache(maxsize=4)(Redactor)
PARENT_VARIABLE: Final = PREFIX + "PARENT_RUN_ID"


class Run:
    """One execution, made by `start_run`. Once it has ended, and in forked children, its methods do nothing.

    As a context manager it ends with its block, whichever way that is left; otherwise call `finish`. Nothing here
    raises because of a full disk or a value; a wrong argument raises UsageError.
    """

    def __init__(self, name: str, directory: Path, recording: Recording, observers: tuple[RunObserver, ...]) -> None:
        self.name = name
        self.directory: Path = directory
        """Its folder."""
        self.resume_point: ResumePoint | None = None
        """Where it takes up the run that it was told to resume from: that one's `run_id`, the `year` that was complete,
        and the `path` of its state, None where no checkpoint told it. None for a run that begins anew.
        """
        self._recording = recording
        self._voice = Voice(recording)
        self._observers = observers
        self._token: Token[scope.Scope | None] | None = None
        self._pid = os.getpid()
        self._ended = False
        self._closing = Closing(recording, self._end)
        self._final: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<Run {self.name!r} {self.run_id} {self.status}>"

    @property
    def run_id(self) -> str:
        """The id, which is also the name of the folder."""
        return str(self._recording.tag.run_id)

    @property
    def status(self) -> str:
        """`running`, and after the end the verdict: `success`, `failed`, `partial`, `interrupted` or `terminated`."""
        return "running" if self._final is None else str(self._final["run_metadata"]["status"])

    @property
    def summary(self) -> dict[str, Any]:
        """The summary as of this moment, with the keys of `summary.json`; a copy that never changes."""
        return self._final if self._final is not None else self._recording.current_summary()

    def add_artifact(self, path: str | os.PathLike[str], kind: str = "output", **attributes: Any) -> None:
        """Record a file that the run leaves: its size, and its SHA-256 unless it is large.

        Large are more than 64 MiB, or more than all files so far may have together: 2 MB for each second that the run
        has taken, and 32 MB in any case.

        *kind* is a word such as "output", "backup" or "checkpoint"; *attributes* are kept beside it. A file that is not
        there is recorded as `missing`, with a warning.
        """
        named = arguments.checked_path(path)
        if not isinstance(kind, str) or not kind:
            raise UsageError(f"the kind of an artifact must be a word, such as 'output' or 'backup'; not {shown(kind)}")
        if self._is_ours():
            found = artifacts.describe(named, kind, attributes, self._recording.redactor, self._recording.allowance)
            self._recording.add("artifact", artifact=found)
            if found.get("missing"):
                self._voice.warn("an artifact is missing", {"path": found["path"], "kind": kind})

    def checkpoint(self, year: int, path: str | os.PathLike[str] | None = None) -> None:
        """Record that *year* is complete, and where its state was saved, if it was."""
        number = arguments.checked_year(year)
        saved = None if path is None else arguments.checked_path(path)
        if self._is_ours():
            self._recording.add("checkpoint", year=number, path=saved)
            if saved is not None:
                self.add_artifact(saved, "checkpoint", year=number)

    def digest(self, name: str, data: Any, year: int | None = None) -> str | None:
        """Record the digest of *data* at this point, and return it: two runs are compared by where theirs part first.

        Of a table (a data frame, an Arrow table, a DuckDB relation, a list of dicts) the order of rows and columns does
        not count, nor an index. *year* is the context's when None. Where *data* can't be read, this says so in a
        warning and returns None.
        """
        named = arguments.checked_name(name, "a digest")
        if not self._is_ours():
            return None
        found, problem = digests.tried(data)
        if found is None:
            self._voice.warn("a digest could not be taken", {"digest": named, "error": problem})
            return None
        self._recording.add("digest", name=named, **digests.place(year), **found._asdict())
        return found.digest

    def fail(self, reason: str) -> None:
        """Say that the run failed, although it goes on to an orderly end; the first reason is kept.

        It is the run's `status_reason`, and one of its errors, unless there is another.
        """
        if self._is_ours():
            self._closing.fail(text(reason)[:1000])

    def tag(self, *tags: str) -> None:
        """Add words by which the run can be found."""
        checked = arguments.checked_tags(tags)
        if self._is_ours() and checked:
            self._recording.add("tags", tags=list(checked))

    def bind(self, **ids: Any) -> None:
        """Record the ids by which others know this run: ``run.bind(dbt_invocation_id=…, ticket="OPS-7")``.

        They are texts or numbers. Those that a scheduler leaves in the environment are there by themselves.
        """
        told = arguments.checked_ids(ids)
        if self._is_ours() and told:
            self._recording.add("bind", ids=told)

    @property
    def child_environ(self) -> dict[str, str]:
        """What to add to the environment of a process so that runs in it are children of this one.

        ``subprocess.run(command, env={**os.environ, **run.child_environ})``
        """
        return {PARENT_VARIABLE: self.run_id}

    def finish(self, status: str | None = None, reason: str | None = None) -> None:
        """End the run. *status* is judged from what happened when None; once it has ended, this does nothing.

        Raises UsageError where *status* is none that a run can end with.
        """
        if status is not None and not (isinstance(status, str) and status in FINAL_STATUSES):
            valid = ", ".join(FINAL_STATUSES)
            raise UsageError(
                f"status {shown(status)} must be one of {valid}{close_match(text(status), FINAL_STATUSES)}"
            )
        if self._is_ours():
            if status == "failed" and reason:
                self.fail(reason)
            ending = endings.process_is_ending()
            judge = self._closing.at_exit if ending else self._closing.orderly
            error = self._closing.error if ending else None
            self._end(error, lambda: Verdict(status, reason) if status else judge(reason))

    def __enter__(self) -> Self:
        self._token = scope.enter(run=self._recording.tag)
        # Now, so that contexts inside have it from this scope.
        anchor(scope.get_scope())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._is_ours():
                self._end(error, lambda: self._closing.judge(error))
        finally:
            if self._token is not None:
                scope.leave(self._token)
                self._token = None

    def _is_ours(self) -> bool:
        return not self._ended and os.getpid() == self._pid

    def _end(self, error: BaseException | None, judge: Callable[[], Verdict]) -> None:
        """Everything that must happen on every way out, in an order in which each step may fail alone."""
        if not self._is_ours():
            return
        with endings.shielded():
            self._ended = True
            recording = self._recording
            last_tick = functools.partial(recording.tick, last=True)
            try:
                for step in (recording.stop_listening, recording.leave_behind, last_tick, recording.call_in_workers):
                    _quietly(step)
                verdict = _quietly(judge) or Verdict("failed", "how the run ended could not be told")
                _quietly(lambda: self._voice.end(self.name, verdict, error))
                self._final = _quietly(lambda: self._close(verdict))
                self._tell("run_finished", self.summary, self.directory)
                _quietly(recording.seal_what_came)
            finally:
                self._let_go()

    def _close(self, verdict: Verdict) -> dict[str, Any]:
        reason = verdict.reason and self._recording.redactor.text(verdict.reason)
        return self._recording.close(
            status=verdict.status,
            status_reason=reason,
            exit_code=verdict.exit_code,
            signal=verdict.signal,
            memory_mb=_quietly(opening.rss_mb),
        )

    def _let_go(self) -> None:
        tag = self._recording.tag
        _quietly(lambda: endings.unwatch(self._closing))
        _quietly(lambda: scope.close_run(tag))
        current.remove(tag)
        _open.pop(self.run_id, None)
        self._recording.release()

    def _tell(self, method: str, *arguments: Any) -> None:
        for observer in self._observers:
            try:
                getattr(observer, method)(*arguments)
            except (KeyboardInterrupt, endings.Terminated):
                # The user's, and not the observer's.
                raise
            except BaseException as error:
                fields = {"observer": type(observer).__name__, "method": method}
                _quietly(functools.partial(self._voice.warn, "a run's observer failed", fields, error))

    def _begin(self, start: dict[str, Any], *, handle_signals: bool) -> None:
        self._recording.at_stall = self._voice.stall
        self._recording.at_forecast = self._voice.forecast
        self._recording.open(start)
        self._recording.stall_watch.begin(start["promise_seconds"])
        scope.open_run(self._recording.tag)
        current.install(self._recording.tag, self._recording)
        endings.watch(self._closing, handle_signals=handle_signals)
        _open[self.run_id] = self
        self._voice.start(self.name)
        # All since the program asked for it went into the start: parameters, environment, folder, first summary.
        self._recording.meter.end()
        self._tell("run_started", self)


_open: Final[dict[str, Run]] = {}


def start_run(
    name: str,
    *,
    params: Any = None,
    years: Iterable[int] | None = None,
    run_id: str | None = None,
    tags: Iterable[str] = (),
    observers: Iterable[RunObserver] = (),
    promise: float | None = None,
    resume_from: object = None,
    config: Config,
) -> Run:
    """Start a run with these settings; see `assembly.start_run`, which most callers want.

    Raises UsageError for a wrong argument, and where *run_id* has a folder already.
    """
    began = clock.thread_cpu_ns()
    redactor = _redactor(config.redact_keys, config.redact_allow)
    arguments.checked_name(name)
    asked = {
        "name": name,
        "tags": list(arguments.checked_tags(tags)),
        "years": arguments.checked_years(years),
        "promise_seconds": arguments.checked_promise(promise),
        "configuration": configuration.describe(
            params, redactor, lambda: configuration.comparing_key(config.runs_dir, config.dir_mode)
        ),
    }
    told = arguments.checked_observers(observers)
    resumed = None if resume_from is None else lineage.ancestor(resume_from, config)
    links.read_key(config.seal_key_file)
    directory, parent = opening.claim(config, run_id)
    recording = Recording(directory, scope.RunTag(directory.name), config, redactor)
    recording.meter.begin(began)
    run = Run(name, directory, recording, told)
    if resumed is not None:
        run.resume_point = resumed.point
        asked |= resumed.to_dict()
    found = opening.surroundings(config, redactor)
    start = {"run_id": directory.name, "parent_run_id": parent, **asked, **found}
    run._begin(start, handle_signals=config.handle_signals)
    return run


def finish_open_runs() -> None:
    """End each run that is still open in this process, the newest first, as if its block were left in good order: the
    toolkit is shut down.
    """
    for run in reversed(list(_open.values())):
        run.finish(reason="the toolkit was shut down" if run._closing.years_left() else None)


def _quietly(step: Callable[[], T]) -> T | None:
    """Each step of an end is taken, whatever became of the one before."""
    try:
        return step()
    except Exception:
        return None


def _after_fork() -> None:
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
