"""The naive floor: what a program pays that writes JSON lines with its own two hands, unlocked and in line."""

from __future__ import annotations

import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from benchmarks import workloads
from benchmarks.peer import EventPeer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Floor(EventPeer):
    """A dict, `isoformat`, orjson and one `write(2)` an event. No caller, no redaction, no rotation."""

    name = "floor"
    modules: tuple[str, ...] = ("orjson",)
    buffering = 0
    level_number = 20

    def open(self, directory: Path) -> None:
        """Open the file for appending; without a buffer its `write` is one system call."""
        self.file = (directory / "floor.log").open("ab", buffering=self.buffering)

    def flush(self) -> None:
        """Empty the buffer, if there is one."""
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def info(self, rows: Sequence[workloads.Row]) -> None:
        """Write one line per row."""
        write, dumps, newline = self.file.write, orjson.dumps, orjson.OPT_APPEND_NEWLINE
        run_id, context = workloads.RUN_ID, workloads.CONTEXT
        for number, employee, department, salary, increase, eligible in rows:
            event = {
                "timestamp": datetime.now(UTC).isoformat(),
                "level": "INFO",
                "message": workloads.INFO,
                "run_id": run_id,
                **context,
                "sequence": number,
                "employee": employee,
                "department": department,
                "salary": salary,
                "increase_percent": increase,
                "eligible": eligible,
            }
            write(dumps(event, option=newline))

    def below(self, rows: Sequence[workloads.Row]) -> None:
        """Ask whether the level is on; it is not."""
        for row in rows:
            if self.level_number <= 10:
                self.info([row])

    def error(self, rows: Sequence[workloads.Row]) -> None:
        """Write one line per row with `traceback.format_exc()` in it."""
        write, dumps, newline = self.file.write, orjson.dumps, orjson.OPT_APPEND_NEWLINE
        run_id, context = workloads.RUN_ID, workloads.CONTEXT
        for number, employee, department, salary, increase, eligible in rows:
            try:
                workloads.fail(number)
            except workloads.PromotionError:
                event = {
                    "timestamp": datetime.now(UTC).isoformat(),
                    "level": "ERROR",
                    "message": workloads.ERROR,
                    "run_id": run_id,
                    **context,
                    "sequence": number,
                    "employee": employee,
                    "department": department,
                    "salary": salary,
                    "increase_percent": increase,
                    "eligible": eligible,
                    "exception": traceback.format_exc(),
                }
                write(dumps(event, option=newline))


class BufferedFloor(Floor):
    """The same into a buffered file: what a kill takes is what was in the buffer."""

    name = "floor, buffered"
    buffering = 65_536
