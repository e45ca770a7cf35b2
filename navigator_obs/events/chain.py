"""The ordered list of processors, and the choice between it and the fast path.

`chain.processors` is one list object for the life of the process: bound loggers hold it,
`structlog.testing.capture_logs` empties and refills it, and a new configuration changes what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from ..config import Config
from ..redaction import Redactor
from . import processors as steps
from .fastpath import FastPath
from .named import NamedLogger
from .scope import NO_RUN, current
from .sinks import outlet

Processor = Callable[[Any, str, Any], Any]


class Chain:
    """The processors of the present configuration."""

    def __init__(self) -> None:
        self.processors: list[Processor] = []
        self.redactor = Redactor()
        self.failures = 0
        self._max_bytes = Config().max_event_bytes
        self._fast: FastPath | None = None
        self._length = 0
        self.build(Config())

    def build(self, config: Config) -> None:
        """Make the list anew from *config*, in place."""
        self.redactor = Redactor(config.redact_keys, config.redact_allow)
        self._max_bytes = config.max_event_bytes
        self.processors[:] = self._steps(config.processors)
        self._length = len(self.processors)
        self._fast = None if config.processors else FastPath(self.redactor, config.max_event_bytes)

    def _steps(self, own: Iterable[Processor]) -> list[Processor]:
        return [
            steps.keep_user_fields,
            steps.add_scope,
            steps.evaluate_lazy,
            steps.add_level,
            steps.add_timestamp,
            steps.add_caller,
            steps.add_process,
            steps.add_exception,
            *own,
            steps.Redact(self.redactor),
            steps.arrange,
            self.render,
        ]

    def fast_path(self, processors: object) -> FastPath | None:
        """Return the fast path, if a logger with these processors may take it: nobody has put something else into
        the list.
        """
        ours = self.processors
        if processors is ours and len(ours) == self._length and ours[0] is steps.keep_user_fields:
            return self._fast
        return None

    def render(
        self, logger: NamedLogger, method_name: str, event: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Number the event and render its line, if the file wants it; the last link of the chain."""
        level = steps.METHOD_LEVELS.get(method_name, 20)
        line = b""
        if outlet.file is not None and level >= getattr(logger, "file_level", outlet.file_level):
            event["seq"] = (current().run or NO_RUN).next_seq()
            line = steps.render(event, self._max_bytes)
        else:
            event.pop("seq", None)
        return (line, event, level), {}

    def fall_back(self, logger: NamedLogger, method_name: str, message: Any, error: Exception) -> None:
        """Record an event on which a processor failed: its text, its place, and the failure."""
        self.failures += 1
        event: Any = {"event": message, "processing_error": f"{type(error).__name__}: {error}"}
        for step in (*self._steps(()),):
            event = step(logger, method_name, event)
        logger.deliver(*event[0])

    def after_fork(self) -> None:
        """Forget what the parent process rendered of itself."""
        if self._fast is not None:
            self._fast.after_fork()


chain: Final = Chain()
