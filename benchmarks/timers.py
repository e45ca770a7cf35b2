"""Who times a piece of work: the peers of `python -m benchmarks operation`, each an empty block timed once per row."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from benchmarks import workloads
from benchmarks.peer import EventPeer, Record, json_lines, load
from benchmarks.peers.eliots import Eliot
from benchmarks.peers.logfires import Logfire, one_line
from benchmarks.peers.navigator import Navigator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

QUEUE = 1 << 20


class PerfCounterPair(EventPeer):
    """Two clock readings and an addition: the least that timing can cost."""

    name = "perf_counter pair"
    writes = False
    seconds = 0.0

    def open(self, directory: Path) -> None:
        """Nothing is written."""

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The one case."""
        return {"operation": self.operation}

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Time nothing, once per row."""
        clock, total = time.perf_counter, 0.0
        for _row in rows:
            start = clock()
            total += clock() - start
        self.seconds += total


class NavigatorNever(Navigator):
    """`obs.operation(name, log="never")` as a context manager: measured and summed up, no event."""

    name = "navigator-obs, never logged"
    writes = False
    log_when = "never"

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The one case."""
        return {"operation": self.operation}

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Time an empty block, once per row."""
        import navigator_obs as obs

        operation, name, when = obs.operation, workloads.OPERATION, self.log_when
        for _row in rows:
            with operation(name, log=when):
                pass

    def read(self, directory: Path) -> Iterator[Record]:
        """The operation events alone."""
        return (record for record in json_lines(directory) if record.get("operation") == workloads.OPERATION)


class NavigatorNeverDecorated(NavigatorNever):
    """The same as a decorator, the call of the function included."""

    name = "navigator-obs, never, decorator"

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Call a decorated empty function, once per row."""
        import navigator_obs as obs

        @obs.operation(workloads.OPERATION, log="never")
        def promote() -> None:
            pass

        for _row in rows:
            promote()


class NavigatorLogged(NavigatorNever):
    """One event at the end of each; the limit on repeated ones is lifted, so that each is written."""

    name = "navigator-obs, logged"
    writes = True
    log_when = "end"
    settings: Mapping[str, Any] = {"operation_log_limit": 1 << 60}


class NavigatorEachContext(NavigatorLogged):
    """The same where each has a context of its own, as steps of a simulation have: year and path."""

    name = "navigator-obs, logged, a context each"

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Bind a context around an empty block and time that, once per row."""
        import navigator_obs as obs

        context, operation, name, when = obs.context, obs.operation, workloads.OPERATION, self.log_when
        for row in rows:
            with context(year=2025 + row[0] % 10, path=row[0]), operation(name, log=when):
                pass


class NavigatorEachContextNever(NavigatorEachContext):
    """The same, only counted."""

    name = "navigator-obs, never logged, a context each"
    writes = False
    log_when = "never"


class EliotAction(Eliot):
    """`start_action`: two messages, as eliot does it."""

    name = "eliot, action"

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The one case."""
        return {"operation": self.operation}

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Time an empty block, once per row."""
        start_action = self.eliot.start_action
        for _row in rows:
            with start_action(action_type=workloads.OPERATION):
                pass

    def read(self, directory: Path) -> Iterator[Record]:
        """The messages that end an action."""
        return (record for record in json_lines(directory) if record.get("action_status") == "succeeded")


class OpenTelemetrySpan(EventPeer):
    """`start_as_current_span` through the batch processor into a file."""

    name = "opentelemetry, span"
    modules: tuple[str, ...] = ("opentelemetry.sdk",)
    distribution = "opentelemetry-sdk"

    def open(self, directory: Path) -> None:
        """A provider with the batch processor and the console exporter turned to a file."""
        trace, export = load("opentelemetry.sdk.trace"), load("opentelemetry.sdk.trace.export")
        self.file = (directory / "spans.log").open("a", encoding="utf-8")
        exporter = export.ConsoleSpanExporter(out=self.file, formatter=one_line)
        self.provider = trace.TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(export.BatchSpanProcessor(exporter, max_queue_size=QUEUE))
        self.tracer = self.provider.get_tracer(workloads.LOGGER)

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The one case."""
        return {"operation": self.operation}

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Time an empty block, once per row."""
        span = self.tracer.start_as_current_span
        for _row in rows:
            with span(workloads.OPERATION):
                pass

    def flush(self) -> None:
        """Wait for the batch thread."""
        self.provider.force_flush(timeout_millis=300_000)
        self.file.flush()

    def close(self) -> None:
        """Shut the provider down."""
        self.provider.shutdown()
        self.file.close()


class LogfireSpan(Logfire):
    """`logfire.span`, kept local."""

    name = "logfire, span"

    def cases(self) -> Mapping[str, Callable[[Sequence[workloads.Row]], None]]:
        """The one case."""
        return {"operation": self.operation}

    def operation(self, rows: Sequence[workloads.Row]) -> None:
        """Time an empty block, once per row."""
        span = self.log.span
        for _row in rows:
            with span(workloads.OPERATION):
                pass
