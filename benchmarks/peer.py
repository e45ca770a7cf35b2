"""The one shape of everything that is measured, and the loops that several peers share."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks import workloads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Record = dict[str, Any]
"""One event read back: on top `message`, `level`, `timestamp`, `run_id`, the context's keys and the own fields; where
the peer offers the caller also `module`, `function`, `line`."""


class Peer(Protocol):
    """A library, set up as its documentation says, that writes JSON lines into a directory."""

    name: str
    modules: tuple[str, ...]
    """What must be importable."""
    distribution: str
    """Whose version is shown; empty for none."""
    caller: bool
    """Whether events carry the place they came from."""
    levels: bool
    """Whether the library has levels."""
    writes: bool
    """Whether an operation leaves something to read."""

    def open(self, directory: Path) -> None:
        """Import the library and make it write into `directory`."""

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The things to measure: each does one thing per row."""

    def flush(self) -> None:
        """Return when everything told so far is in the file (not: on the platter)."""

    def close(self) -> None:
        """Finish as a program would."""

    def read(self, directory: Path) -> Iterator[Record]:
        """Every event that can be found in `directory`, in no particular order."""


def load(module: str) -> Any:
    """An optional library, imported when it is needed and not before; untyped, since it may be absent."""
    return import_module(module)


def json_lines(directory: Path) -> Iterator[Record]:
    """Every line of every file; one that is no JSON object comes as `{"torn": text}`."""
    for path in sorted(path for path in directory.iterdir() if path.is_file()):
        for line in path.read_bytes().splitlines():
            yield _parsed(line)


def _parsed(line: bytes) -> Record:
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"torn": line.decode(errors="replace")}


class EventPeer:
    """Base of those that log events: one JSON object per line, keys named as here."""

    modules: tuple[str, ...] = ()
    distribution = ""
    caller = False
    levels = True
    writes = True

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """INFO, and ERROR with a traceback; an event below the level where there are levels."""
        offered = {"info": self.info, "below": self.below, "error": self.error}
        return offered if self.levels else {"info": self.info, "error": self.error}

    def info(self, rows: Sequence[workloads.Row]) -> None:
        """Log one INFO event per row."""
        raise NotImplementedError

    def below(self, rows: Sequence[workloads.Row]) -> None:
        """Log one event per row that the level keeps out."""
        raise NotImplementedError

    def error(self, rows: Sequence[workloads.Row]) -> None:
        """Fail once per row, catch it and log it as an ERROR with its traceback."""
        raise NotImplementedError

    def flush(self) -> None:
        """Nothing to do for a peer that writes before it returns."""

    def close(self) -> None:
        """Nothing to do for a peer that holds nothing."""

    def read(self, directory: Path) -> Iterator[Record]:
        """Every line as it stands."""
        return json_lines(directory)


class KeywordPeer(EventPeer):
    """Base of those that take fields as keyword arguments: `log.info(message, **fields)`."""

    log: Any

    def info(self, rows: Sequence[workloads.Row]) -> None:
        """Log one INFO event per row."""
        log = self.log
        for number, employee, department, salary, increase, eligible in rows:
            log.info(
                workloads.INFO,
                sequence=number,
                employee=employee,
                department=department,
                salary=salary,
                increase_percent=increase,
                eligible=eligible,
            )

    def below(self, rows: Sequence[workloads.Row]) -> None:
        """Log one DEBUG event per row while the level is INFO."""
        log = self.log
        for number, employee, department, salary, increase, eligible in rows:
            log.debug(
                workloads.BELOW,
                sequence=number,
                employee=employee,
                department=department,
                salary=salary,
                increase_percent=increase,
                eligible=eligible,
            )

    def error(self, rows: Sequence[workloads.Row]) -> None:
        """Fail once per row, catch it and log it."""
        log = self.log
        for number, employee, department, salary, increase, eligible in rows:
            try:
                workloads.fail(number)
            except workloads.PromotionError:
                log.exception(
                    workloads.ERROR,
                    sequence=number,
                    employee=employee,
                    department=department,
                    salary=salary,
                    increase_percent=increase,
                    eligible=eligible,
                )


class ExtraPeer(EventPeer):
    """Base of those that go through stdlib logging: `log.info(message, extra=fields)`."""

    caller = True
    log: Any

    def info(self, rows: Sequence[workloads.Row]) -> None:
        """Log one INFO record per row."""
        log = self.log
        for number, employee, department, salary, increase, eligible in rows:
            log.info(
                workloads.INFO,
                extra={
                    "sequence": number,
                    "employee": employee,
                    "department": department,
                    "salary": salary,
                    "increase_percent": increase,
                    "eligible": eligible,
                },
            )

    def below(self, rows: Sequence[workloads.Row]) -> None:
        """Log one DEBUG record per row while the level is INFO."""
        log = self.log
        for number, employee, department, salary, increase, eligible in rows:
            log.debug(
                workloads.BELOW,
                extra={
                    "sequence": number,
                    "employee": employee,
                    "department": department,
                    "salary": salary,
                    "increase_percent": increase,
                    "eligible": eligible,
                },
            )

    def error(self, rows: Sequence[workloads.Row]) -> None:
        """Fail once per row, catch it and log it."""
        log = self.log
        for number, employee, department, salary, increase, eligible in rows:
            try:
                workloads.fail(number)
            except workloads.PromotionError:
                log.exception(
                    workloads.ERROR,
                    extra={
                        "sequence": number,
                        "employee": employee,
                        "department": department,
                        "salary": salary,
                        "increase_percent": increase,
                        "eligible": eligible,
                    },
                )
