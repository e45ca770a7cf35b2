"""The ordered list of processors, and the choice between it and the fast path.

`chain.processors` is one list object for the life of the process: bound loggers hold it,
`structlog.testing.capture_logs` empties and refills it, and a new configuration changes what is in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from ..config import Config
from ..encoding import text
from ..redaction import Redactor
from . import processors as steps
from .fastpath import FastPath
from .lazy import evaluate_lazy
from .named import NamedLogger
from .scope import NO_RUN, current
from .sinks import outlet

Processor = Callable[[Any, str, Any], Any]


class Processors(list[Processor]):
    """The list itself; it tells the chain when somebody else changes it, as `structlog.testing.capture_logs` does."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed


def _telling(name: str) -> Callable[..., Any]:
    change = getattr(list, name)

    def method(self: Processors, *args: Any, **kwargs: Any) -> Any:
        result = change(self, *args, **kwargs)
        self._changed()
        return result

    return method


for _name in ("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"):
    setattr(Processors, _name, _telling(_name))
for _name in ("__setitem__", "__delitem__", "__iadd__", "__imul__"):
    setattr(Processors, _name, _telling(_name))


class Chain:
    """The processors of the present configuration, and the fast path that stands for them while nobody adds one."""

    def __init__(self) -> None:
        self.processors = Processors(self._compare)
        self.redactor = Redactor()
        self.failures = 0
        self.fast: FastPath | None = None
        self._max_bytes = Config().max_event_bytes
        self._built: list[Processor] = []
        self._built_fast: FastPath | None = None
        self.build(Config())

    def build(self, config: Config) -> None:
        """Make the list anew from *config*, in place."""
        self.redactor = Redactor(config.redact_keys, config.redact_allow)
        self._max_bytes = config.max_event_bytes
        self._redact = steps.Redact(self.redactor, config.max_event_bytes)
        self._built = self._steps(config.processors)
        self._built_fast = None if config.processors else FastPath(self._redact, config.max_event_bytes)
        self.processors[:] = self._built

    def _compare(self) -> None:
        self.fast = self._built_fast if self.processors == self._built else None

    def _steps(self, own: Iterable[Processor]) -> list[Processor]:
        return [
            steps.keep_user_fields,
            steps.add_scope,
            evaluate_lazy,
            steps.add_level,
            steps.add_timestamp,
            steps.add_caller,
            steps.add_process,
            steps.add_exception,
            *own,
            self._redact,
            steps.arrange,
            self.render,
        ]

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

    def fall_back(
        self, logger: NamedLogger, method_name: str, message: Any, error: Exception, fields: Mapping[str, Any]
    ) -> None:
        """Record an event on which a processor failed: its text, its place, the failure, and its fields if it can."""
        self.failures += 1
        known = {"event": message, "processing_error": f"{type(error).__name__}: {text(error)}"}
        try:
            event = self._run({**fields, **known}, logger, method_name)
        except Exception:
            # Its fields or the context can't be recorded.
            bare = {**known, "event": text(message), "run_id": (current().run or NO_RUN).run_id}
            event = self._run(bare, logger, method_name, without=steps.add_scope)
        logger.deliver(*event[0])

    def _run(self, event: Any, logger: NamedLogger, method_name: str, without: Processor | None = None) -> Any:
        for step in self._steps(()):
            event = event if step is without else step(logger, method_name, event)
        return event

    def after_fork(self) -> None:
        """Forget what the parent process rendered of itself."""
        if self._built_fast is not None:
            self._built_fast.after_fork()


chain: Final = Chain()
