"""navigator-obs with everything on: an open run, context, caller, redaction, rotation, survival of `kill -9`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.peer import KeywordPeer, Record, json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Navigator(KeywordPeer):
    """As the README shows it; only the console is off, as for every other peer."""

    name = "navigator-obs"
    modules: tuple[str, ...] = ("navigator_obs", "structlog", "orjson", "psutil")
    distribution = "navigator-obs"
    caller = True
    settings: Mapping[str, Any] = {}

    def open(self, directory: Path) -> None:
        """Configure, start a run, enter the context."""
        import navigator_obs as obs

        runs_dir = directory.parent / "runs"
        settings = {"log_backups": 1000, **self.settings}
        obs.configure(log_dir=directory, runs_dir=runs_dir, console="off", run_report=False, **settings)
        self.stack = ExitStack()
        self.stack.enter_context(obs.start_run("benchmark", run_id=workloads.RUN_ID))
        self.stack.enter_context(obs.context(**workloads.CONTEXT))
        self.log = obs.get_logger(workloads.LOGGER)

    def flush(self) -> None:
        """Bring what is staged into the log file."""
        from navigator_obs.events import sinks

        sinks.flush()

    def close(self) -> None:
        """End the run."""
        self.stack.close()

    def read(self, directory: Path) -> Iterator[Record]:
        """Our lines, without those that the run itself wrote."""
        return (record for record in json_lines(directory) if record.get("logger") != "navigator_obs.run")


class NavigatorBuffered(Navigator):
    """The weakest durability: what a kill takes is what was in the buffer."""

    name = "navigator-obs, buffered"
    settings: Mapping[str, Any] = {"durability": "buffered"}


class NavigatorGroup(Navigator):
    """On the platter within a second."""

    name = "navigator-obs, group"
    settings: Mapping[str, Any] = {"durability": "group"}
