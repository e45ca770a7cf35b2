"""The settings: argument > environment > file > default, each with the place it came from.

A setting `log_dir` is the argument `configure(log_dir=…)`, the environment variable `NAVIGATOR_OBS_LOG_DIR`, or the key
`log_dir` of `[tool.navigator_obs]` in the nearest `pyproject.toml`, looked for from the working directory upwards.
"""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from .errors import ConfigError, close_match

LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
)
PREFIX: Final = "NAVIGATOR_OBS_"
EXEC_VARIABLE: Final = PREFIX + "EXEC"
"""By which `navigator-obs exec` tells a program who watches it: a process id, a colon and the path of a file."""
DURABILITIES: Final = ("buffered", "process", "group", "full")
# These name the run, or switch all off, and are no settings.
_NOT_SETTINGS: Final = frozenset({"RUN_ID", "PARENT_RUN_ID", "EXEC", "DISABLED"})


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every setting. Make one with `resolve`, or directly with keywords; it never changes afterwards.

    >>> Config(level="DEBUG").file_threshold
    10
    """

    log_dir: Path = Path("logs")
    """Where `navigator.log` and its rotated files stand."""
    runs_dir: Path = Path("artifacts/runs")
    """Where each run gets its folder."""
    level: str = "INFO"
    """The least severe level that is recorded: DEBUG, INFO, WARNING, ERROR or CRITICAL."""
    file_level: str | None = None
    """The log file's own level; `level` when None."""
    console: str = "auto"
    """Human-readable events on stderr: "on", "off", or "auto", which is on unless the process has no stderr."""
    console_level: str | None = None
    """The console's own level; `level` when None."""
    levels: Mapping[str, str] = field(default_factory=dict)
    """Level by logger name; a name covers the dotted names below it: ``{"mesa": "WARNING"}``."""
    log_max_bytes: int = 10_000_000
    """Size in bytes at which the log file rotates."""
    log_backups: int = 10
    """How many rotated files are kept: `navigator.log.1` is the newest."""
    log_max_seconds: float | None = None
    """Age in seconds of its first event at which the log file rotates, however small; None for never."""
    log_max_age_days: float | None = None
    """Age in days at which a rotated file is removed; None for never."""
    log_max_total_bytes: int | None = None
    """Size in bytes of live and rotated files together above which the oldest are removed; None for no limit."""
    log_compress: bool = False
    """Whether rotated files are compressed with gzip, off the program's path."""
    durability: str = "process"
    """What survives what. "buffered": an orderly end. "process": `kill -9` at any instant. "group": also a power cut,
    but for the last second. "full": also a power cut, everything acknowledged."""
    processors: tuple[Callable[..., Any], ...] = ()
    """structlog processors of your own, run after ours have added their keys and before redaction."""
    stdlib: bool = True
    """Whether events of the standard library's `logging` arrive in the same places."""
    capture_warnings: bool = True
    """Whether `warnings.warn` arrives as an event of level WARNING."""
    capture_uncaught: bool = True
    """Whether exceptions that nobody catches, in any thread, are recorded as events before Python prints them."""
    handle_signals: bool = True
    """Whether SIGTERM and SIGHUP end an open run in an orderly way."""
    breakdown: tuple[str, ...] = ("year",)
    """Context keys by which operations are broken down."""
    operation_log_limit: int = 1000
    """How often an operation path logs its end before it is only counted; said once."""
    max_series: int = 2000
    """How many operation paths and metric series a run keeps before the rest share one overflow series."""
    sample_seconds: float = 0.1
    """Time in seconds between two looks at the memory of the process and its children, while a run is open."""
    redact_keys: tuple[str, ...] = ()
    """More key names whose values are secret."""
    redact_allow: tuple[str, ...] = ()
    """Key names that look secret and are not."""
    seal_key_file: Path | None = None
    """A file with the key that a run's record is sealed with (HMAC); without it anybody who may write can seal anew."""
    max_event_bytes: int = 262_144
    """Size in bytes at which an event's longest values are cut, which the event then says."""
    file_mode: int = 0o600
    """Permissions of the files that are written."""
    dir_mode: int = 0o700
    """Permissions of the folders that are made."""
    prune_keep_days: float | None = None
    """Age in days beyond which a run that starts deletes older ones, see `navigator-obs prune`; None for never."""
    prune_keep_runs: int | None = None
    """How many of the newest runs are kept when a run starts; None for all."""
    prune_max_bytes: int | None = None
    """Size in bytes of all runs beyond which the oldest are thinned, then deleted, when a run starts; None for none."""
    run_report: bool = True
    """Whether the human summary is printed to stderr when a run ends."""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Where each setting came from: "argument", "environment", a file, or "default"."""

    def __post_init__(self) -> None:
        for setting in dataclasses.fields(self):
            value = _checked(setting.name, getattr(self, setting.name), self.sources.get(setting.name, "argument"))
            object.__setattr__(self, setting.name, value)

    @property
    def log_path(self) -> Path:
        """The live log file."""
        return self.log_dir / "navigator.log"

    @property
    def file_threshold(self) -> int:
        """The log file's level as a number, as in `logging`."""
        return LEVELS[self.file_level or self.level]

    @property
    def console_threshold(self) -> int:
        """The console's level as a number, as in `logging`."""
        return LEVELS[self.console_level or self.level]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the processors, which may be closures: a worker process gets the settings without them."""
        return {**self.__dict__, "processors": ()}


SETTINGS: Final = tuple(setting.name for setting in dataclasses.fields(Config) if setting.name != "sources")


def resolve(
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    start_dir: Path | None = None,
) -> Config:
    """Build the `Config` from arguments, environment, file and defaults, in this order of precedence.

    *environ* is `os.environ` and *start_dir* the working directory when None. Raises `ConfigError` for a wrong value,
    and for an unknown argument; an unknown setting in the environment or a file is only warned about, as it may be
    meant for a newer version.
    """
    values: dict[str, Any] = {}
    sources = dict.fromkeys(SETTINGS, "default")
    for source, found in (
        *_file_settings(start_dir or Path.cwd()),
        ("environment", _environment_settings(os.environ if environ is None else environ)),
        ("argument", _arguments(overrides or {})),
    ):
        values |= found
        sources |= dict.fromkeys(found, source)
    return Config(**values, sources=sources)


def _arguments(overrides: Mapping[str, Any]) -> dict[str, Any]:
    for name in overrides:
        if name not in SETTINGS:
            raise ConfigError(f"unknown setting {name!r}{close_match(name, SETTINGS)}; valid are {', '.join(SETTINGS)}")
    return dict(overrides)


def _environment_settings(environ: Mapping[str, str]) -> dict[str, Any]:
    names = {key.removeprefix(PREFIX): value for key, value in environ.items() if key.startswith(PREFIX)}
    given = {key.lower(): value for key, value in names.items() if key not in _NOT_SETTINGS}
    return _known(given, "the environment", lambda name: PREFIX + name.upper())


def _file_settings(start: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _read_table(path)
            if table:
                yield f"{path}", _known(table, str(path), str)
            return


def _read_table(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if "navigator_obs" not in text:
            return {}
        import tomllib

        table = tomllib.loads(text).get("tool", {}).get("navigator_obs", {})
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from None
    if not isinstance(table, dict):
        raise ConfigError(f"[tool.navigator_obs] in {path} must be a table, not {table!r}")
    return table


def _known(given: Mapping[str, Any], where: str, spelled: Callable[[str], str]) -> dict[str, Any]:
    for name in given:
        if name not in SETTINGS:
            near = close_match(spelled(name), [spelled(setting) for setting in SETTINGS])
            warnings.warn(f"unknown setting {spelled(name)} in {where}{near}", stacklevel=4)
    return {name: value for name, value in given.items() if name in SETTINGS}


def _checked(name: str, value: Any, source: str) -> Any:
    check = _CHECKS.get(name)
    if check is None:
        return value
    try:
        return check(value)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{name}={value!r} (from {source}): {error}") from None


def _path(value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)) or not str(value):
        raise ValueError("must be a path")
    return Path(value)


def _optional_path(value: Any) -> Path | None:
    # A worker process may have another working directory.
    return None if value is None or value == "" else _path(value).absolute()


def _level(value: Any) -> str:
    name = str(value).upper()
    if name not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}{close_match(name, LEVELS)}")
    return name


def _optional_level(value: Any) -> str | None:
    return None if value is None or value == "" else _level(value)


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


def _optional(least: int) -> Callable[[Any], float | None]:
    def check(value: Any) -> float | None:
        if value is None or value == "":
            return None
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


def _optional_number(least: int) -> Callable[[Any], int | None]:
    check = _number(least)
    return lambda value: None if value is None or value == "" else check(value)


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


def _levels(value: Any) -> Mapping[str, str]:
    if isinstance(value, str):
        value = dict(part.partition("=")[::2] for part in value.split(",") if part)
    return {str(name).strip(): _level(level) for name, level in dict(value).items()}


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "log_dir": _path,
    "runs_dir": _path,
    "level": _level,
    "file_level": _optional_level,
    "console": _console,
    "console_level": _optional_level,
    "levels": _levels,
    "log_max_bytes": _number(1_000),
    "log_backups": _number(0),
    "log_max_seconds": _optional(1),
    "log_max_age_days": _optional(0),
    "log_max_total_bytes": _optional(1_000),
    "log_compress": _flag,
    "durability": _one_of(*DURABILITIES),
    "processors": _processors,
    "stdlib": _flag,
    "capture_warnings": _flag,
    "capture_uncaught": _flag,
    "handle_signals": _flag,
    "breakdown": _names,
    "operation_log_limit": _number(0),
    "max_series": _number(1),
    "sample_seconds": _seconds(0.01),
    "redact_keys": _names,
    "redact_allow": _names,
    "seal_key_file": _optional_path,
    "max_event_bytes": _number(1_000),
    "file_mode": _mode,
    "dir_mode": _mode,
    "prune_keep_days": _optional(0),
    "prune_keep_runs": _optional_number(0),
    "prune_max_bytes": _optional_number(0),
    "run_report": _flag,
}
