"""The design from which this project was started, with its bugs mended: two records and two looks at memory each."""

from __future__ import annotations

import json
import logging
import logging.handlers
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.peer import EventPeer, Record, json_lines, load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

MIB = 1 << 20


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        told = {
            "timestamp": datetime.now(UTC).isoformat(),
            "run_id": workloads.RUN_ID,
            "level": record.levelname,
            "message": record.getMessage(),
            "module": record.module,
            "function": record.funcName,
            "line": record.lineno,
        }
        return json.dumps({**told, **getattr(record, "fields", {})}, default=str)


class SeedMonitor(EventPeer):
    """`PerformanceMonitor.time_operation`: a record at the start and one at the end, psutil asked for memory at both,
    and the last figures of each name kept.
    """

    name = "the seed's PerformanceMonitor"
    modules: tuple[str, ...] = ("psutil",)

    def open(self, directory: Path) -> None:
        """A rotating file of 10 MB, ten of them."""
        self.process = load("psutil").Process
        self.metrics: dict[str, dict[str, Any]] = {}
        handler = logging.handlers.RotatingFileHandler(
            directory / "navigator.log", maxBytes=10 * MIB, backupCount=10, encoding="utf-8"
        )
        handler.setFormatter(_Json())
        self.logger = logging.getLogger("seed")
        self.logger.setLevel(logging.INFO)
        self.logger.propagate = False
        self.logger.addHandler(handler)
        self.handler = handler

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The one case."""
        return {"operation": self.operation}

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Time an empty block, once per row."""
        time_operation = self.time_operation
        for _row in rows:
            with time_operation(workloads.OPERATION, **workloads.CONTEXT):
                pass

    @contextmanager
    def time_operation(self, name: str, **context: Any) -> Iterator[None]:
        """Time a block."""
        began, before = time.time(), self._memory_mb()
        self._log(f"Starting {name}", operation=name, **context)
        status = "failed"
        try:
            yield
            status = "success"
        finally:
            seconds, gained = time.time() - began, self._memory_mb() - before
            figures = {"duration_seconds": seconds, "memory_delta_mb": gained, "status": status}
            self._log(f"Completed {name}", operation=name, **figures, **context)
            self.metrics[name] = {**figures, "timestamp": datetime.now(UTC).isoformat()}

    def _memory_mb(self) -> float:
        memory: float = self.process().memory_info().rss / MIB
        return memory

    def _log(self, message: str, **fields: Any) -> None:
        record = logging.LogRecord("seed", logging.INFO, "", 0, message, (), None)
        record.fields = fields
        self.logger.handle(record)

    def close(self) -> None:
        """Close the file."""
        self.logger.removeHandler(self.handler)
        self.handler.close()

    def read(self, directory: Path) -> Iterator[Record]:
        """The records of ends."""
        return (record for record in json_lines(directory) if record.get("status") == "success")
