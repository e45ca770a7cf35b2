"""eliot: messages and actions. It has no levels and no caller; an exception is a message of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import workloads
from benchmarks.peer import EventPeer, Record, json_lines, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Eliot(EventPeer):
    """`log_message` into a file; run id and context as its global fields."""

    name = "eliot"
    modules: tuple[str, ...] = ("eliot",)
    distribution = "eliot"
    levels = False

    def open(self, directory: Path) -> None:
        """One file as destination."""
        self.eliot = load("eliot")
        self.file = (directory / "eliot.log").open("ab")
        self.eliot.to_file(self.file)
        self.eliot.add_global_fields(run_id=workloads.RUN_ID, **workloads.CONTEXT)

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def info(self, rows: Sequence[workloads.Row]) -> None:
        """One message per row."""
        log_message = self.eliot.log_message
        for number, employee, department, salary, increase, eligible in rows:
            log_message(
                message_type=workloads.INFO,
                sequence=number,
                employee=employee,
                department=department,
                salary=salary,
                increase_percent=increase,
                eligible=eligible,
            )

    def error(self, rows: Sequence[workloads.Row]) -> None:
        """Two messages per row, since `write_traceback` takes no fields."""
        log_message, write_traceback = self.eliot.log_message, self.eliot.write_traceback
        for number, employee, department, salary, increase, eligible in rows:
            try:
                workloads.fail(number)
            except workloads.PromotionError:
                log_message(
                    message_type=workloads.ERROR,
                    sequence=number,
                    employee=employee,
                    department=department,
                    salary=salary,
                    increase_percent=increase,
                    eligible=eligible,
                )
                write_traceback()

    def read(self, directory: Path) -> Iterator[Record]:
        """A traceback's message belongs to the message before it."""
        pending: Record | None = None
        for line in json_lines(directory):
            if line.get("message_type") == "eliot:traceback" and pending is not None:
                pending["exception"] = line
                continue
            if pending is not None:
                yield pending
            pending = {**line, "message": line.get("message_type")}
        if pending is not None:
            yield pending
