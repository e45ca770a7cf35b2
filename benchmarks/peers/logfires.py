"""Logfire, kept local: nothing is sent; its spans and logs go to a file through OpenTelemetry's batch processor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.peer import KeywordPeer, Record, json_lines, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUEUE = 1 << 20
LEVELS = {9: "INFO", 17: "ERROR"}


class Logfire(KeywordPeer):
    """`logfire.info`, which makes a span without duration; run id and context as baggage."""

    name = "logfire, local"
    modules: tuple[str, ...] = ("logfire",)
    distribution = "logfire"
    caller = True

    def open(self, directory: Path) -> None:
        """No token, no console, no metrics; one processor of our own that writes lines."""
        self.log = load("logfire")
        export = load("opentelemetry.sdk.trace.export")
        self.file = (directory / "logfire.log").open("a", encoding="utf-8")
        exporter = export.ConsoleSpanExporter(out=self.file, formatter=one_line)
        self.processor = export.BatchSpanProcessor(exporter, max_queue_size=QUEUE)
        self.log.configure(
            send_to_logfire=False,
            console=False,
            metrics=False,
            min_level="info",
            additional_span_processors=[self.processor],
        )
        self.baggage = self.log.set_baggage(run_id=workloads.RUN_ID, **workloads.CONTEXT)
        self.baggage.__enter__()

    def flush(self) -> None:
        """Wait for the batch thread."""
        self.log.force_flush(timeout_millis=300_000)
        self.file.flush()

    def close(self) -> None:
        """Shut it down."""
        self.log.shutdown()
        self.file.close()

    def read(self, directory: Path) -> Iterator[Record]:
        """Finished spans with their attributes on top; a pending span is no event."""
        for line in json_lines(directory):
            attributes = line.get("attributes") or {}
            if attributes.get("logfire.span_type") != "pending_span":
                yield flattened(line, attributes)


def flattened(line: Record, attributes: Record) -> Record:
    """Logfire's attribute names as ours."""
    return {
        **attributes,
        "name": line.get("name"),
        "timestamp": line.get("start_time"),
        "level": LEVELS.get(attributes.get("logfire.level_num", 0)),
        "message": attributes.get("logfire.msg"),
        "module": attributes.get("code.filepath"),
        "function": attributes.get("code.function"),
        "line": attributes.get("code.lineno"),
        "exception": line.get("events"),
    }


def one_line(span: Any) -> str:
    """What the console exporter prints, without its indentation."""
    return str(span.to_json(indent=None)) + "\n"
