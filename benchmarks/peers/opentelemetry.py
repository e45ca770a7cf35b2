"""OpenTelemetry's Python SDK: log records through the batch processor, each exported as one line of OTLP-like JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.peer import EventPeer, Record, json_lines, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

QUEUE = 1 << 20
"""The default of 2,048 drops records in any burst; here every record shall arrive."""


class OpenTelemetry(EventPeer):
    """`Logger.emit`, the SDK's own and cheapest way in; it looks up no caller and filters no level."""

    name = "opentelemetry, logs"
    modules: tuple[str, ...] = ("opentelemetry.sdk",)
    distribution = "opentelemetry-sdk"
    levels = False

    def open(self, directory: Path) -> None:
        """A provider with the batch processor and the console exporter turned to a file."""
        logs, export = load("opentelemetry.sdk._logs"), load("opentelemetry.sdk._logs.export")
        self.file = (directory / "opentelemetry.log").open("a", encoding="utf-8")
        exporter = export.ConsoleLogRecordExporter(out=self.file, formatter=one_line)
        self.provider = logs.LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(export.BatchLogRecordProcessor(exporter, max_queue_size=QUEUE))
        self.log = self.provider.get_logger(workloads.LOGGER)
        self.severity = load("opentelemetry._logs").SeverityNumber

    def flush(self) -> None:
        """Wait for the batch thread."""
        self.provider.force_flush(timeout_millis=120_000)
        self.file.flush()

    def close(self) -> None:
        """Shut the provider down."""
        self.provider.shutdown()
        self.file.close()

    def info(self, rows: Sequence[workloads.Row]) -> None:
        """One record per row."""
        emit, severity = self.log.emit, self.severity.INFO
        run_id, context = workloads.RUN_ID, workloads.CONTEXT
        for number, employee, department, salary, increase, eligible in rows:
            emit(
                severity_number=severity,
                severity_text="INFO",
                body=workloads.INFO,
                attributes={
                    "run_id": run_id,
                    **context,
                    "sequence": number,
                    "employee": employee,
                    "department": department,
                    "salary": salary,
                    "increase_percent": increase,
                    "eligible": eligible,
                },
            )

    def error(self, rows: Sequence[workloads.Row]) -> None:
        """One record per row with the exception."""
        for number, employee, department, salary, increase, eligible in rows:
            try:
                workloads.fail(number)
            except workloads.PromotionError as error:
                self.log.emit(
                    severity_number=self.severity.ERROR,
                    severity_text="ERROR",
                    body=workloads.ERROR,
                    exception=error,
                    attributes={
                        "run_id": workloads.RUN_ID,
                        **workloads.CONTEXT,
                        "sequence": number,
                        "employee": employee,
                        "department": department,
                        "salary": salary,
                        "increase_percent": increase,
                        "eligible": eligible,
                    },
                )

    def read(self, directory: Path) -> Iterator[Record]:
        """Attributes on top."""
        for line in json_lines(directory):
            timestamp = line.get("timestamp") or line.get("observed_timestamp")
            level, message = line.get("severity_text"), line.get("body")
            yield {**line.get("attributes", {}), "timestamp": timestamp, "level": level, "message": message}


def one_line(record: Any) -> str:
    """What the console exporter prints, without its indentation."""
    return str(record.to_json(indent=None)) + "\n"
