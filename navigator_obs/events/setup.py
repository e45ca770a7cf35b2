"""Installs one configuration of stage 1: sinks, levels, chain, structlog's defaults, the bridges to `logging` and
`warnings`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import structlog

from ..settings import INFO, LEVELS, WARNING
from . import categories, limits, named, scope, sinks, stdlib, ticker, uncaught, variables
from .chain import chain
from .compression import has_zstd, prepare
from .console import ConsoleSink
from .emitting import emit
from .filesink import FileSink, at_exit
from .logger import BoundLogger
from .sinks import NEVER, outlet

if TYPE_CHECKING:
    from ..config import Config

_LOGGER: Final = "navigator_obs.events"
_MOST_TOLD: Final = 20
_installed: Config | None = None


def install(config: Config) -> None:
    """Make *config* hold from now on, for loggers that exist as well; what was installed before is closed."""
    global _installed
    # First, for it refuses rules that name no category: what was installed before still holds then.
    categories.install(config.categories)
    _installed = config
    variables.install(config)
    _replace_file(FileSink(config, report=_report_drops))
    outlet.console = ConsoleSink() if _has_console(config) else None
    _set_levels(config)
    limits.sample(config.sampling)
    at_exit(_tell_held_back)
    chain.build(config)
    configure_structlog()
    _bridge_the_rest(config)
    prepare(config.log_compress)
    if config.log_compress == "zstd" and not has_zstd():
        told = {"install": "pip install 'navigator-obs[zstd]'"}
        emit(_LOGGER, WARNING, "zstd is missing: rotated log files are compressed with gzip", told)
    refusal = outlet.file.refusal() if outlet.file is not None else None
    if refusal:
        emit(_LOGGER, WARNING, "the log file cannot be written", {"path": str(config.log_path), "cause": refusal})


def change_levels(asked: Mapping[str, str]) -> None:
    """Have loggers keep to these levels, by name, the empty one for all of them; to the configured ones without any.

    What is left to the log file says so.
    """
    config = _installed
    if config is None:
        return
    by_name = {name: level for name, level in asked.items() if name}
    level = asked.get("")
    changed = replace(
        config,
        level=level or config.level,
        file_level=config.file_level if level is None else None,
        levels={**config.levels, **by_name},
    )
    before = outlet.file_level
    if changed.file_threshold <= before:
        _keep_to(changed)
    emit(_LOGGER, INFO, "log levels changed", {"file_level": changed.file_level or changed.level, "levels": by_name})
    if changed.file_threshold > before:
        _keep_to(changed)


def _keep_to(config: Config) -> None:
    _set_levels(config)
    _bridge_logging(config)


def configure_structlog() -> None:
    """Have `structlog.get_logger` give our loggers."""
    structlog.configure(
        processors=chain.processors,
        wrapper_class=BoundLogger,
        context_class=dict,
        logger_factory=named.named,
        cache_logger_on_first_use=False,
    )


def _replace_file(new: FileSink) -> None:
    # The new one stands before the old one goes, so that other threads always have one to write to.
    old, outlet.file = outlet.file, new
    if old is not None:
        old.close()
        new.continue_from(old)


def uninstall() -> None:
    """Flush and close the sinks, and put structlog, `logging` and `warnings` back as they were."""
    global _installed
    _installed = None
    stdlib.detach()
    stdlib.release_warnings()
    uncaught.uninstall()
    _tell_held_back()
    limits.reset()
    categories.install({})
    variables.install(None)
    if outlet.file is not None:
        outlet.file.close()
    structlog.reset_defaults()
    outlet.before_configure()
    named.apply_levels({})


def _has_console(config: Config) -> bool:
    return config.console == "on" or (config.console == "auto" and sys.stderr is not None)


def _set_levels(config: Config) -> None:
    outlet.file_level = config.file_threshold
    outlet.console_level = config.console_threshold if outlet.console else NEVER
    named.apply_levels({name: LEVELS[level] for name, level in config.levels.items()})


def _bridge_logging(config: Config) -> None:
    if config.stdlib:
        stdlib.attach(
            min([outlet.file_level, outlet.console_level, *(LEVELS[level] for level in config.levels.values())])
        )
    else:
        stdlib.detach()


def _bridge_the_rest(config: Config) -> None:
    _bridge_logging(config)
    if config.capture_warnings:
        stdlib.capture_warnings()
    else:
        stdlib.release_warnings()
    if config.capture_uncaught:
        uncaught.install()
    else:
        uncaught.uninstall()


def _report_drops(dropped: dict[str, int]) -> None:
    emit(_LOGGER, WARNING, "events were dropped", {"dropped": sum(dropped.values()), "causes": dropped})


def _tell_held_back() -> None:
    """Say at the end what `limited` loggers held back with no later event to tell it."""
    held_back = limits.take_held_back()
    if held_back:
        most = dict(sorted(held_back.items(), key=lambda item: -item[1])[:_MOST_TOLD])
        emit(_LOGGER, INFO, "events were held back", {"held_back": sum(held_back.values()), "messages": most})


def _after_fork() -> None:
    limits.after_fork()
    ticker.after_fork()
    scope.after_fork()
    chain.after_fork()
    sinks.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
