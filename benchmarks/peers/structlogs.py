"""structlog: the recipe of its performance page, the same with the caller, and structlog on top of stdlib logging."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson

from benchmarks import workloads
from benchmarks.peer import KeywordPeer, Record, json_lines
from benchmarks.peers.stdlib import rotating

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Recipe(KeywordPeer):
    """As documented under "Performance": native filter, cached logger, orjson, bytes."""

    name = "structlog, recipe"
    modules: tuple[str, ...] = ("structlog", "orjson")
    distribution = "structlog"

    def open(self, directory: Path) -> None:
        """Configure as the page says; the run id and the context are context variables."""
        import structlog

        self.file = (directory / "structlog.log").open("ab")
        structlog.configure(
            cache_logger_on_first_use=True,
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                *self.more_processors(),
                structlog.processors.format_exc_info,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(serializer=orjson.dumps),
            ],
            logger_factory=structlog.BytesLoggerFactory(file=self.file),
        )
        structlog.contextvars.bind_contextvars(run_id=workloads.RUN_ID, **workloads.CONTEXT)
        self.log = structlog.get_logger(workloads.LOGGER).bind()  # as the page advises for loops

    def more_processors(self) -> list[Any]:
        """What a variant adds to the recipe."""
        return []

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def read(self, directory: Path) -> Iterator[Record]:
        """Its words for ours."""
        return (renamed(record) for record in json_lines(directory))


class RecipeWithCaller(Recipe):
    """The recipe with module, function and line, which all others with a caller also write."""

    name = "structlog, recipe + caller"
    caller = True

    def more_processors(self) -> list[Any]:
        """Its own way to the caller."""
        import structlog

        parameter = structlog.processors.CallsiteParameter
        wanted = {parameter.MODULE, parameter.FUNC_NAME, parameter.LINENO}
        return [structlog.processors.CallsiteParameterAdder(wanted)]


class ThroughStdlib(RecipeWithCaller):
    """As documented under "Standard library logging": `ProcessorFormatter` on a rotating file."""

    name = "structlog, through stdlib"

    def open(self, directory: Path) -> None:
        """Its chain first, then a stdlib handler, whose formatter renders."""
        import structlog

        shared: list[Any] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            *self.more_processors(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
        ]
        self.handler = rotating(directory, structlog_formatter())
        root = logging.getLogger()
        root.addHandler(self.handler)
        root.setLevel(logging.INFO)
        structlog.configure(
            processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
            logger_factory=structlog.stdlib.LoggerFactory(),
            wrapper_class=structlog.stdlib.BoundLogger,
            cache_logger_on_first_use=True,
        )
        structlog.contextvars.bind_contextvars(run_id=workloads.RUN_ID, **workloads.CONTEXT)
        self.log = structlog.get_logger(workloads.LOGGER).bind()  # as the page advises for loops

    def close(self) -> None:
        """Close the handler."""
        self.handler.close()


def structlog_formatter() -> logging.Formatter:
    """Renders what structlog prepared."""
    import structlog

    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    render = structlog.processors.JSONRenderer(serializer=lambda value, **_: orjson.dumps(value).decode())
    return structlog.stdlib.ProcessorFormatter(processors=[remove, render])


def renamed(record: Record) -> Record:
    """`event`, `func_name` and `lineno` under our names."""
    names = {"event": "message", "func_name": "function", "lineno": "line"}
    return {names.get(key, key): value for key, value in record.items()}
