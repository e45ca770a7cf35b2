"""What is done about a run that makes no progress: the stacks of its threads and its open operations are written down,
at once, before anybody looks.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from types import FrameType
from typing import Any, Final

from ..clock import clock, format_timestamp
from ..encoding import text
from .evidence import APPEND, remove_if_empty
from .files import STACKS_NAME
from .promise import LATER_SECONDS, Promise

MOST_THREADS: Final = 50
MOST_FRAMES: Final = 60
_MOST_BYTES: Final = 1_000_000

Told = Callable[[str, dict[str, Any]], None]


class StallWatch:
    """Holds an open run to its promise. *add* writes a record of a kind with its fields."""

    def __init__(self, directory: Path, file_mode: int, add: Callable[..., None]) -> None:
        self.promise = Promise(None)
        self._directory = directory
        self._file_mode = file_mode
        self._add = add
        self._dog = Watchdog(directory, file_mode)
        self._untold: list[tuple[str, dict[str, Any]]] = []
        # The end of the run waits until the ticker has told what it found.
        self._telling = threading.RLock()

    def begin(self, seconds: float | None) -> None:
        """Hold the run to progress at least each so many *seconds*; to its own pace where None."""
        self.promise = Promise(seconds)
        if seconds is not None:
            self._dog.wind(seconds)

    def at_tick(self, mark: Hashable, *, moved: bool, open_operations: list[dict[str, Any]]) -> dict[str, Any]:
        """Look, and write down what there is to tell; return what the tick says of it."""
        changed = self.promise.look(mark, moved=moved)
        if changed is not None and changed.kind != "resumed":
            self._stalled(changed.missed, open_operations, seen=changed.kind == "stalled")
        if changed is not None and changed.kind != "stalled":
            self._add("resumed")
            self._untold.append(("resumed", changed.missed))
        seconds, stalled = self.promise.seconds, self.promise.stalled
        if seconds is not None and stalled is None:
            self._dog.wind(seconds)
        told = {"promise_seconds": seconds, "stalled": stalled}
        return {key: value for key, value in told.items() if value is not None}

    def _stalled(self, missed: dict[str, Any], open_operations: list[dict[str, Any]], *, seen: bool) -> None:
        threads = stacks() if seen else []
        if seen:
            write_stacks(self._directory, str(missed["since"]), threads, self._file_mode)
        self._add("stalled", **missed, stacks=threads, open_operations=open_operations)
        paths = [found["path"] for found in open_operations]
        self._untold.append(("stalled", {**missed, "open_operations": paths}))

    def after_tick(self, tell: Told, mark: Callable[[], Hashable]) -> None:
        """Tell what the tick has found, outside of its locks; that it is told is no progress."""
        with self._telling:
            untold, self._untold = self._untold, []
            for changed in untold:
                tell(*changed)
            if untold:
                self.promise.allow(mark())

    def close(self) -> None:
        """Watch no more; harmless when done twice."""
        self._dog.stop()

    def abandon(self) -> None:
        """In a forked child: the run is the parent's."""
        self._telling = threading.RLock()
        self._dog.abandon()


class Watchdog:
    """Writes the stacks of all threads into `stacks.log` where a promise is missed while C code keeps Python from
    running: the interpreter's own timer, which needs no Python. There is one in a process.
    """

    _owner: Watchdog | None = None

    def __init__(self, directory: Path, file_mode: int) -> None:
        self._path = directory / STACKS_NAME
        self._file_mode = file_mode
        self._descriptor = -1
        self._wound_ns = 0

    def wind(self, seconds: float) -> None:
        """Put it off: there was progress just now. Costs a thread each time, so that not each one counts."""
        now = clock.monotonic_ns()
        if (now - self._wound_ns) / 1e9 < seconds / 8 or Watchdog._owner not in {None, self}:
            return
        try:
            if self._descriptor < 0:
                self._descriptor = os.open(self._path, APPEND, self._file_mode)
            faulthandler.dump_traceback_later(seconds + LATER_SECONDS, file=self._descriptor)
        except (OSError, RuntimeError, ValueError):
            return
        Watchdog._owner = self
        self._wound_ns = now

    def stop(self) -> None:
        """Wind it no more; a file without a word goes."""
        if Watchdog._owner is self:
            faulthandler.cancel_dump_traceback_later()
            Watchdog._owner = None
        self.abandon()
        remove_if_empty(self._path)

    def abandon(self) -> None:
        """In a forked child, which has no such timer: let go of the file."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def stacks() -> list[dict[str, Any]]:
    """Return what each thread is doing now, but this one: its `thread`, and its `frames`, outermost first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    found = [(ident, frame) for ident, frame in sys._current_frames().items() if ident != threading.get_ident()]
    found.sort(key=lambda one: one[0] != threading.main_thread().ident)
    return [{"thread": names.get(ident, str(ident)), "frames": _frames(frame)} for ident, frame in found[:MOST_THREADS]]


def _frames(frame: FrameType | None) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    while frame is not None and len(lines) < MOST_FRAMES:
        code = frame.f_code
        lines.append({"file": code.co_filename, "line": frame.f_lineno, "function": code.co_qualname})
        frame = frame.f_back
    return lines[::-1]


def write_stacks(directory: Path, since: str, threads: list[dict[str, Any]], file_mode: int) -> None:
    """Append *threads* to `stacks.log` as people read them, unless that is long already. Never raises."""
    lines = [f"{format_timestamp(clock.time_ns())} no progress since {since}"]
    for thread in threads:
        lines.append(f"Thread {text(thread['thread'])}")
        lines += [f'  File "{at["file"]}", line {at["line"]}, in {at["function"]}' for at in thread["frames"]]
    try:
        descriptor = os.open(directory / STACKS_NAME, APPEND, file_mode)
        try:
            if os.fstat(descriptor).st_size < _MOST_BYTES:
                os.write(descriptor, ("\n".join(lines) + "\n\n").encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)
    except OSError:
        return
