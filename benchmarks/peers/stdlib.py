"""Python's own logging: a rotating file with a JSON formatter, directly and behind a queue; and python-json-logger."""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.peer import ExtraPeer, load

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else came with `extra` or from the filter."""


class JsonFormatter(logging.Formatter):
    """The formatter that everybody writes: the record's own keys and whatever else hangs on it."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        event: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "module": record.module,
            "function": record.funcName,
            "line": record.lineno,
        }
        event.update((key, value) for key, value in vars(record).items() if key not in PLAIN)
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, default=str)


def add_context(record: logging.LogRecord) -> bool:
    """The logging cookbook's way to give every record its context: a filter."""
    record.run_id = workloads.RUN_ID
    vars(record).update(workloads.CONTEXT)
    return True


class Rotating(ExtraPeer):
    """`RotatingFileHandler` and a JSON formatter."""

    name = "stdlib, rotating + JSON"
    handler: logging.Handler

    def open(self, directory: Path) -> None:
        """One logger with one handler."""
        self.handler = rotating(directory, JsonFormatter())
        self.log = logger_with(self.handler)

    def close(self) -> None:
        """Close the handler."""
        self.handler.close()


class Queued(Rotating):
    """The same handler behind `QueueHandler` and `QueueListener`.

    Its `prepare` glues the traceback to the message, which is why ERROR events are reported as mangled.
    """

    name = "stdlib, QueueHandler"

    def open(self, directory: Path) -> None:
        """One logger that puts into a queue, one thread that takes out of it."""
        self.queue: queue.Queue[Any] = queue.Queue()
        self.handler = rotating(directory, JsonFormatter())
        self.listener = logging.handlers.QueueListener(self.queue, self.handler)
        self.listener.start()
        self.log = logger_with(logging.handlers.QueueHandler(self.queue))

    def flush(self) -> None:
        """Wait for the queue to run empty."""
        self.queue.join()

    def close(self) -> None:
        """Stop the thread."""
        self.listener.stop()
        self.handler.close()


class PythonJsonLogger(Rotating):
    """python-json-logger's formatter on orjson."""

    name = "python-json-logger"
    modules: tuple[str, ...] = ("pythonjsonlogger", "orjson")
    distribution = "python-json-logger"

    def open(self, directory: Path) -> None:
        """Its formatter on the same rotating handler."""
        formatter = load("pythonjsonlogger.orjson").OrjsonFormatter(
            "{levelname}{message}{name}{module}{funcName}{lineno}",
            style="{",
            timestamp=True,
            rename_fields={"levelname": "level", "name": "logger", "funcName": "function", "lineno": "line"},
        )
        self.handler = rotating(directory, formatter)
        self.log = logger_with(self.handler)


def rotating(directory: Path, formatter: logging.Formatter) -> logging.Handler:
    """Files of 10 MB, and enough of them that the benchmark loses none to retention."""
    path = directory / "stdlib.log"
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=10_000_000, backupCount=1000, encoding="utf-8")
    handler.setFormatter(formatter)
    return handler


def logger_with(handler: logging.Handler) -> logging.Logger:
    """The workload's logger, at INFO, with this handler alone."""
    log = logging.getLogger(workloads.LOGGER)
    log.setLevel(logging.INFO)
    log.propagate = False
    handler.addFilter(add_context)
    log.addHandler(handler)
    return log
