"""What each setting may be: one function that takes what was given and returns the value, or raises ValueError."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from .errors import close_match

T = TypeVar("T")
DEBUG, INFO, WARNING, ERROR, CRITICAL = 10, 20, 30, 40, 50
LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {"DEBUG": DEBUG, "INFO": INFO, "WARNING": WARNING, "ERROR": ERROR, "CRITICAL": CRITICAL}
)
DURABILITIES: Final = ("buffered", "process", "group", "full")


def _path(value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)) or not str(value):
        raise ValueError("must be a path")
    return Path(value)


def _absolute_path(value: Any) -> Path:
    # A worker process may have another working directory.
    return _path(value).absolute()


def _level(value: Any) -> str:
    name = str(value).upper()
    if name not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}{close_match(name, LEVELS)}")
    return name


def _one_of(*valid: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in valid:
            raise ValueError(f"must be one of {', '.join(valid)}{close_match(str(value), valid)}")
        return str(value)

    return check


def _console(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return _one_of("auto", "on", "off")(value)


def _compress(value: Any) -> str:
    if isinstance(value, bool):
        return "auto" if value else "off"
    # As texts they come from the environment.
    flags = {"true": "auto", "1": "auto", "false": "off", "0": "off"}
    return _one_of("off", "gzip", "zstd", "auto")(flags.get(str(value).lower(), value))


def _or_none(check: Callable[[Any], T]) -> Callable[[Any], T | None]:
    """The same for a setting that may be left empty: None, or "" as the environment has it."""
    return lambda value: None if value is None or value == "" else check(value)


def _number(least: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        try:
            number = int(value)
        except (ValueError, TypeError, OverflowError):
            number = least - 1
        if number < least or (isinstance(value, float) and value != number):
            raise ValueError(f"must be a whole number of at least {least}")
        return number

    return check


def _at_least(least: int) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        number = float(value)
        if not number >= least:
            raise ValueError(f"must be a number of at least {least}, or nothing")
        return number

    return check


def _seconds(least: float) -> Callable[[Any], float]:
    def check(value: Any) -> float:
        number = float(value)
        if not least <= number < float("inf"):
            raise ValueError(f"must be a number of seconds of at least {least}")
        return number

    return check


def _above_zero(value: Any) -> float:
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError("must be a number above 0")
    return number


def _flag(value: Any) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if str(value).lower() not in known:
        raise ValueError("must be true or false")
    return known[str(value).lower()]


def _mode(value: Any) -> int:
    try:
        mode = int(value, 8) if isinstance(value, str) else int(value)
    except (ValueError, TypeError, OverflowError):
        mode = -1
    if not 0 <= mode <= 0o777:
        raise ValueError("must be permissions, in octal as text: '640'")
    return mode


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return tuple(str(part) for part in value)


def _processors(value: Any) -> tuple[Callable[..., Any], ...]:
    found = tuple(value) if isinstance(value, Iterable) else (value,)
    if not all(callable(processor) for processor in found):
        raise ValueError("must be structlog processors: callables of (logger, method_name, event_dict)")
    return found


def _pairs(value: Any) -> Mapping[Any, Any]:
    """A mapping, or its text as it stands in the environment: ``mesa=WARNING,planwise=DEBUG``."""
    if isinstance(value, str):
        return dict(part.rpartition("=")[::2] for part in value.split(",") if part)
    return dict(value)


def _levels(value: Any) -> Mapping[str, str]:
    return {str(name).strip(): _level(level) for name, level in _pairs(value).items()}


def _sampling(value: Any) -> Mapping[str, float]:
    rates = {str(name).strip(): float(rate) for name, rate in _pairs(value).items()}
    if not all(0 < rate <= 1 for rate in rates.values()):
        raise ValueError("a share must be more than 0 and at most 1")
    return rates


def _categories(value: Any) -> Mapping[str, str]:
    return {str(name).strip(): str(category).strip() for name, category in _pairs(value).items()}


CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "log_dir": _path,
    "runs_dir": _path,
    "level": _level,
    "file_level": _or_none(_level),
    "console": _console,
    "console_level": _or_none(_level),
    "levels": _levels,
    "sampling": _sampling,
    "log_max_bytes": _number(1_000),
    "log_backups": _number(0),
    "log_max_seconds": _or_none(_at_least(1)),
    "log_max_age_days": _or_none(_at_least(0)),
    "log_max_total_bytes": _or_none(_at_least(1_000)),
    "log_compress": _compress,
    "durability": _one_of(*DURABILITIES),
    "staging_dir": _or_none(_absolute_path),
    "processors": _processors,
    "stdlib": _flag,
    "capture_warnings": _flag,
    "capture_uncaught": _flag,
    "capture_locals": _flag,
    "handle_signals": _flag,
    "breakdown": _names,
    "operation_log_limit": _number(0),
    "max_series": _number(1),
    "sample_seconds": _seconds(0.01),
    "exact_memory_peaks": _flag,
    "wall_time_limit_seconds": _or_none(_at_least(1)),
    "overhead_budget_percent": _above_zero,
    "progress": _one_of("auto", "log", "off"),
    "redact_keys": _names,
    "redact_allow": _names,
    "categories": _categories,
    "seal_key_file": _or_none(_absolute_path),
    "max_event_bytes": _number(1_000),
    "file_mode": _mode,
    "dir_mode": _mode,
    "prune_keep_days": _or_none(_at_least(0)),
    "prune_keep_runs": _or_none(_number(0)),
    "prune_max_bytes": _or_none(_number(0)),
    "run_report": _flag,
    "trend_report": _flag,
}
"""By the setting's name; settings that are not here take any value."""
