"""loguru, serialised to a rotating file; with and without its queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import workloads
from benchmarks.peer import KeywordPeer, Record, json_lines, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Loguru(KeywordPeer):
    """`serialize=True`, and `diagnose=False` as its documentation asks for in production."""

    name = "loguru"
    modules: tuple[str, ...] = ("loguru",)
    distribution = "loguru"
    caller = True
    enqueue = False

    def open(self, directory: Path) -> None:
        """One sink; the run id bound to the logger, the context contextualised."""
        logger = load("loguru").logger
        logger.remove()
        logger.add(
            directory / "loguru.log",
            level="INFO",
            serialize=True,
            rotation="10 MB",
            diagnose=False,
            enqueue=self.enqueue,
        )
        self.context = logger.contextualize(**workloads.CONTEXT)
        self.context.__enter__()
        self.log = logger.bind(run_id=workloads.RUN_ID)

    def flush(self) -> None:
        """Wait for the queue, if there is one."""
        self.log.complete()

    def close(self) -> None:
        """Take the sink away, which closes it."""
        self.log.remove()

    def read(self, directory: Path) -> Iterator[Record]:
        """The fields and the context are nested under `extra`."""
        return (flattened(record) for record in json_lines(directory))


class LoguruEnqueued(Loguru):
    """The same with `enqueue=True`."""

    name = "loguru, enqueue"
    enqueue = True


def flattened(line: Record) -> Record:
    """`record` and its `extra` on one level."""
    if "record" not in line:
        return line
    record = line["record"]
    return {
        **record["extra"],
        "timestamp": record["time"]["repr"],
        "level": record["level"]["name"],
        "message": record["message"],
        "module": record["module"],
        "function": record["function"],
        "line": record["line"],
        "exception": line["text"] if record["exception"] else None,
    }
