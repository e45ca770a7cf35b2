"""A worker process's part in a run: what it hears goes into a share of its own, `workers/<host>-<pid>.jsonl`.

A share holds the records of a journal, stamped with the worker's name: logged operations, warnings, errors and checks
as they happen, and at each tick, and when the process ends, what its figures have gained. The process that opened the
run folds all shares into its summary, and so does whoever reads the folder of a dead run. A worker that is killed loses
what its figures gained since its last tick; operations that were logged, warnings, errors and checks are kept.

A process becomes a worker in two ways. A function wrapped in `carry` takes the run along, into a process that was
forked, spawned or started by anything that pickles functions; the paths of its operations begin with the operation in
which it was wrapped. And a child forked while a run is open goes on with that run, also without `carry`; its share
begins with the first thing that there is to tell. Events carry the run's id either way.

A share ends with its process, with the run, or with SIGTERM, by which `multiprocessing.Pool` ends its workers. A run
that ends while workers live asks them for their last figures, and waits a moment (see `calling`): one that is busy in C
code for longer is then cut off.
"""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..events import exceptions, retelling, scope, setup, sinks, ticker  # noqa: F401
from ..events.filesink import at_exit
from ..events.rotation import make_private_folder
from ..operations import metrics
from ..redaction import Redactor
from . import calling, current, folder, parting

# Its fork handler gives a child its sinks, and must run before the one below.
from .files import WORKERS_FOLDER
from .listening import Listener

if TYPE_CHECKING:
    from ..config import Config

_LOOK_SECONDS: Final = 0.1
_MOST_NAMESAKES: Final = 1000
_ODD: Final = re.compile(r"[^A-Za-z0-9._-]+")
_NEWS: Final = ("operations", "counters", "gauges", "distributions", "overflow")


class Share(Listener):
    """Hears a run in a worker process. Asleep it has no file; the first thing to tell wakes it."""

    def __init__(self, directory: Path, tag: scope.RunTag, config: Config, parent: Listener | None = None) -> None:
        redactor = parent.redactor if parent else Redactor(config.redact_keys, config.redact_allow)
        # A forked child goes on with its parent's accumulator: operations that are open in the parent hang on it.
        super().__init__(directory, tag, config, redactor, parent.figures if parent else None)
        if parent is not None:
            # What the parent leaves out is left out here, too.
            self.budget.taken = parent.budget.taken
        self._waking = threading.RLock()
        self._awake = self._closing = False
        self._lock_file: folder.Lock | None = None
        self._told: tuple[Any, ...] = ()
        self.figures.call_at_first(self.wake)
        sinks.add_tap(self.on_event)
        current.install(tag, self)

    def wake(self) -> None:
        """Begin the file, unless it is begun or the run is over."""
        with self._waking:
            if self._awake or self._closed:
                return
            try:
                self._begin()
            except OSError:
                # Nothing can be kept here; the program goes on, and its events are in the log.
                self._retire()

    def _begin(self) -> None:
        if self.is_over():
            self._retire()
            return
        name, self._lock_file = _claimed(self.directory / WORKERS_FOLDER, self.config)
        self._stamp = {"worker": name}
        self._open_journal(self.directory / WORKERS_FOLDER / f"{name}.jsonl")
        self._awake = True
        retelling.in_worker(exceptions.identity)
        self._listen()
        self._handles.append(ticker.every(_LOOK_SECONDS, self._look))
        at_exit(self.leave)
        if self.config.handle_signals:
            parting.before_sigterm(self.close)

    def is_over(self) -> bool:
        """Whether the run has ended: nobody would read what is written now."""
        if calling.was_called(self.directory):
            return True
        summary = folder.read_summary(self.directory)
        return summary is None or bool(summary["run_metadata"]["final"])

    def _look(self) -> None:
        if calling.was_called(self.directory):
            self.close()

    def add(self, kind: str, **fields: Any) -> None:
        """Write a record."""
        self.wake()
        super().add(kind, **fields)

    def _on_logged(self, told: bytes, status: str, *rest: Any) -> None:
        self.wake()
        super()._on_logged(told, status, *rest)

    def _take(self) -> tuple[metrics.Metrics, int]:
        gained, logged = super()._take()
        # Time between operations is the run's own: a worker's waits for work are no part of it.
        gained.unattributed_ns = 0
        return gained, logged

    def _is_news(self, fields: Mapping[str, Any]) -> bool:
        told, self._told = self._told, (fields["events"], bool(fields["open_operations"]))
        gained = any(fields["metrics"][kind] for kind in _NEWS)
        return bool(gained or fields["issues"] or fields["checks"] or fields["open_operations"] or told != self._told)

    def close(self) -> bool:
        """Write the last tick and let go; harmless when done twice.

        Returns whether it is closed: not where a signal handler comes in the middle of this.
        """
        with self._lock:
            if self._closing:
                return self._closed
            self._closing = True
            if self._awake:
                self.tick(last=True)
                self.add("leave")
            self._retire()
            return True

    def leave(self) -> None:
        """Close, as the process ends."""
        self.close()

    def _retire(self) -> None:
        self._closed = True
        self.stop_listening()
        self._let_go()
        parting.forget(self.close)
        scope.close_run(self.tag)
        current.remove(self.tag)

    def _let_go(self) -> None:
        self.journal.close()
        if self._lock_file is not None:
            self._lock_file.close()

    def abandon(self) -> None:
        """In a forked child: this share is the parent's."""
        super().abandon()
        self._let_go()


def address(tag: scope.RunTag | None) -> tuple[str, str] | None:
    """Return what another process needs to know to become a worker of the run: its id and its folder."""
    listener = current.listener_of(tag)
    if tag is None or tag.run_id is None or listener is None:
        return None
    return tag.run_id, str(listener.directory.absolute())


def enter(run_id: str, directory: str, config: Config) -> None:
    """Let this process be a worker of the run; does nothing where it is one already, or is the run's own. Never
    raises.
    """
    try:
        tag = next((tag for tag in scope.open_runs() if tag.run_id == run_id), None)
        listener = current.listener_of(tag)
        if isinstance(listener, Share):
            listener.wake()
        elif listener is None:
            _retire_those_that_are_over()
            _begin_share(run_id, Path(directory), tag, config)
    except Exception:
        # Work that was handed over is done, whatever can be recorded of it.
        return


def _begin_share(run_id: str, directory: Path, tag: scope.RunTag | None, config: Config) -> None:
    if tag is None:
        tag = scope.RunTag(run_id)
        scope.open_run(tag)
    Share(directory, tag, config).wake()


def _retire_those_that_are_over() -> None:
    """A worker that serves many runs forgets those that have ended."""
    for share in _shares():
        if share.is_over():
            share.close()


def _shares() -> list[Share]:
    return [listener for listener in current.listeners() if isinstance(listener, Share)]


def _claimed(workers: Path, config: Config) -> tuple[str, folder.Lock]:
    """Return a name that no other share of the run has, and its file, which is held as long as this process lives."""
    make_private_folder(workers, config.dir_mode)
    stem = f"{_ODD.sub('-', socket.gethostname())}-{os.getpid()}"
    for number in range(1, _MOST_NAMESAKES):
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            return name, folder.Lock(workers, config.file_mode, f"{name}.jsonl", new=True)
        except FileExistsError:
            # An earlier process of this id has left its share.
            continue
    raise FileExistsError(stem)


def _after_fork() -> None:
    """Each run that the parent hears, as its own or as a worker, goes on in a share of the child's."""
    for listener in current.listeners():
        listener.abandon()
        Share(listener.directory, listener.tag, listener.config, listener)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
