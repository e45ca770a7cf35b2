"""What a run hears of its own end, and what it makes of it: the verdict."""

from __future__ import annotations

import dataclasses
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..events import scope
from .verdict import Verdict, by_exception, by_exit, orderly

if TYPE_CHECKING:
    from .recording import Recording


class Closing:
    """Listens for one open run to how the process ends (see `endings.Ending`), and judges.

    *close* ends the run where nobody else does; it is given the exception that ends the process, if one does, and the
    judgement to make.
    """

    def __init__(
        self, recording: Recording, close: Callable[[BaseException | None, Callable[[], Verdict]], None]
    ) -> None:
        self._recording = recording
        self._close = close
        self._failure: str | None = None
        self._signal: str | None = None
        self._error: BaseException | None = None
        # What it was called with, once `sys.exit` was.
        self._exit: tuple[object] | None = None

    def fail(self, reason: str) -> None:
        """The program says that the run failed; the first reason is kept."""
        if self._failure is None:
            self._failure = reason
            operation = scope.current().operation
            path = operation.path if operation else None
            self._recording.add("fail", reason=self._recording.redactor.text(reason), operation_path=path)

    def note_signal(self, name: str) -> None:
        """A signal that asks the process to end has arrived."""
        if self._signal is None:
            self._signal = name
            self._recording.add("signal", signal=name)

    def note_exception(self, error: BaseException) -> None:
        """*error* is about to end the process; told to a run that nobody's block has ended."""
        self._error = error

    def note_exit(self, code: object) -> None:
        """`sys.exit(code)` was called."""
        self._exit = (code,)
        self._recording.at_news = self._forget_exit

    def _forget_exit(self) -> None:
        """The program goes on: what is recorded while nothing is raised means that somebody has caught the exit."""
        if threading.current_thread() is threading.main_thread() and sys.exc_info()[1] is None:
            self._exit = None
            self._recording.at_news = None

    def close_at_exit(self) -> None:
        """The process ends and the run is open: started by hand, and never finished."""
        self._close(self._error, self._left_open)

    def judge(self, error: BaseException | None) -> Verdict:
        """Judge a run whose block was left, by *error* or in good order."""
        judged = None if error is None else by_exception(error, signal=self._signal)
        return judged or self.orderly()

    def orderly(self, reason: str | None = None) -> Verdict:
        """Judge a run that was ended in good order, after its last tick; *reason* replaces its own."""
        execution = self._recording.execution()
        verdict = orderly(_years_left(execution), self._failure, self._signal, _checks_failed(execution))
        return Verdict(verdict.status, reason or verdict.reason, verdict.exit_code, verdict.signal)

    @property
    def error(self) -> BaseException | None:
        """The exception that ends the process, as far as it is known."""
        return self._error

    def at_exit(self, reason: str | None = None) -> Verdict:
        """Judge a run that is finished while the process ends, as by `atexit`."""
        if self._error is not None:
            return self.judge(self._error)
        if self._exit is not None:
            return by_exit(self._exit[0], signal=self._signal) or self.orderly(reason)
        # `raise SystemExit(3)` tells nobody: how the process ends is not known.
        return dataclasses.replace(self.orderly(reason), exit_code=None)

    def _left_open(self) -> Verdict:
        judged = self.at_exit()
        if judged.status == "failed" or judged.signal or self._error is not None:
            return judged
        return Verdict("partial", "the process ended without finishing the run", judged.exit_code)

    def years_left(self) -> list[Any]:
        """Return the planned years that are not completed, as of this moment."""
        return _years_left(self._recording.current_summary()["execution_summary"])


def _years_left(execution: dict[str, Any]) -> list[Any]:
    done = {*execution["years_completed"], *execution["years_resumed"]}
    return [year for year in execution["years_planned"] if year not in done]


def _checks_failed(execution: dict[str, Any]) -> int:
    checks = execution["checks"]
    return int(checks["fail"] + checks["error"])
