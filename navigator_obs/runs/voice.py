"""What an open run says of itself in the log: how it begins, how it stands, how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..events import exceptions, scope, variables
from ..events.emitting import emit
from ..events.leaving import is_no_error
from ..events.retelling import mark_told, was_told
from ..settings import ERROR, INFO, WARNING
from .files import STACKS_NAME
from .listening import now

if TYPE_CHECKING:
    from .recording import Recording
    from .verdict import Verdict

_LOGGER: Final = "navigator_obs.run"
_LEVELS: Final = {"success": INFO, "failed": ERROR}
_MESSAGES: Final = {"success": "Run completed", "partial": "Run ended incomplete"}
_OF_FORECAST: Final = ("years_left", "eta_seconds", "expected_end_time", "deadline")


class Voice:
    """Logs events as the run's own, whichever run is the current one."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def start(self, name: str) -> None:
        """Say that the run has begun, and where its record stands."""
        self._say(INFO, "Run started", {"run_name": name, "directory": str(self._recording.directory)})

    def end(self, name: str, verdict: Verdict, error: BaseException | None) -> None:
        """Say how it has ended; *error* is what it ended with, told in full unless an operation or an event has."""
        untold = error if isinstance(error, Exception) and self._is_untold(error) else None
        message = _MESSAGES.get(verdict.status, f"Run {verdict.status}")
        if untold is not None:
            self._catalogue(message, untold)
        execution = self._recording.execution()
        fields = {
            "run_name": name,
            "status": verdict.status,
            "status_reason": verdict.reason,
            "duration_seconds": round(self._recording.seconds, 6),
            "errors": execution["errors"],
            "warnings": execution["warnings"],
        }
        self._say(_LEVELS.get(verdict.status, WARNING), message, fields, untold)
        if untold is not None:
            # Also where nobody wanted the event.
            mark_told(untold, self._recording.tag.run_id, as_error=True)

    def _is_untold(self, error: Exception) -> bool:
        return not is_no_error(error) and not was_told(error, self._recording.tag.run_id)

    def stall(self, changed: str, told: dict[str, Any]) -> None:
        """Say that the run makes no progress, or does so again."""
        if changed == "stalled":
            self.warn("Run stalled", {"stacks": str(self._recording.directory / STACKS_NAME), **told})
        else:
            self._say(INFO, "Run makes progress again", {})

    def forecast(self, message: str, forecast: dict[str, Any]) -> None:
        """Say what will stop the run before its end."""
        self.warn(message, {name: forecast[name] for name in _OF_FORECAST})

    def warn(self, message: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        """Say that something is not as it should be."""
        self._say(WARNING, message, fields, error)

    def _catalogue(self, message: str, error: Exception) -> None:
        """An exception that no operation and no log call told is an error of the run all the same."""
        event = {
            "timestamp": now(),
            "level": "ERROR",
            "message": message,
            "run_id": self._recording.tag.run_id,
            "logger": _LOGGER,
            "exception": {**exceptions.describe(error), **variables.told_of(error)},
        }
        self._recording.note_issue(self._recording.redactor.clean_mapping(event), {})
        # One of many like it is only counted until the next tick.
        self._recording.tick(last=True)

    def _say(self, level: int, message: str, fields: dict[str, Any], error: BaseException | None = None) -> None:
        token = scope.enter(run=self._recording.tag)
        try:
            told = {key: value for key, value in fields.items() if value is not None}
            emit(_LOGGER, level, message, told, exception=error)
        finally:
            scope.leave(token)
