"""The settings: argument > environment > file > default, each with the place it came from.

A setting `log_dir` is the argument `configure(log_dir=…)`, the environment variable `NAVIGATOR_OBS_LOG_DIR`, or the key
`log_dir` of `[tool.navigator_obs]` in the nearest `pyproject.toml`, looked for from the working directory upwards.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from .errors import ConfigError, close_match
from .settings import CHECKS, LEVELS

PREFIX: Final = "NAVIGATOR_OBS_"
EXEC_VARIABLE: Final = PREFIX + "EXEC"
"""By which `navigator-obs exec` tells a program who watches it: a process id, a colon and the path of a file."""
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
    sampling: Mapping[str, float] = field(default_factory=dict)
    """Share of the DEBUG and INFO events to be written, by message: ``{"employee considered": 0.01}``. Those that are
    written say so in `sample_rate`."""
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
    log_compress: str = "off"
    """How rotated files are compressed, off the program's path: "off", "gzip", "zstd", or "auto", which is zstd where
    there is some (Python 3.14, or the ``zstd`` extra) and gzip elsewhere; True is "auto"."""
    durability: str = "process"
    """What survives what. "buffered": an orderly end. "process": `kill -9` at any instant. "group": also a power cut,
    but for the last second. "full": also a power cut, everything acknowledged."""
    staging_dir: Path | None = None
    """Where events wait until they are in the log file, each log's in a folder of its own. When None that is `.staging`
    in `log_dir`, or, where `log_dir` is on a file system that may hang (of a network, or FUSE), a folder of yours in
    ``/var/tmp``. A disk of this computer."""
    processors: tuple[Callable[..., Any], ...] = ()
    """structlog processors of your own, run after ours have added their keys and before redaction."""
    stdlib: bool = True
    """Whether events of the standard library's `logging` arrive in the same places."""
    capture_warnings: bool = True
    """Whether `warnings.warn` arrives as an event of level WARNING."""
    capture_uncaught: bool = True
    """Whether exceptions that nobody catches, in any thread, are recorded as events before Python prints them."""
    capture_locals: bool = False
    """Whether an error tells what the variables of the failing functions held, in bounds and without secrets: as the
    name and the value show them. It costs some ten times as much as an error without."""
    handle_signals: bool = True
    """Whether SIGTERM and SIGHUP end an open run in an orderly way."""
    breakdown: tuple[str, ...] = ("year",)
    """Context keys by which operations are broken down."""
    operation_log_limit: int = 1000
    """How often an operation path logs its end before it is only counted; said once."""
    max_series: int = 2000
    """How many operation paths, and how many metric series, a run keeps before the rest share one overflow series. The
    labels of one metric, the years of one path or the names inside one operation take no more than they leave free for
    others: half of it, where they come first."""
    sample_seconds: float = 0.15
    """Time in seconds between two looks at the memory of the process and its children, while a run is open."""
    exact_memory_peaks: bool = False
    """Whether operations find each peak, also one that C code hid from all samples and that was lower than one before.
    Costs 0.2 ms each 50 ms at most, and lowers the peak that the system tells of the process."""
    wall_time_limit_seconds: float | None = None
    """Time in seconds after which a run will be stopped from outside; a year that will end later is warned of. Under
    SLURM the end of the job is known without it."""
    overhead_budget_percent: float = 5.0
    """Share of a run's time in percent above which recording leaves things out, and says so: DEBUG events, then nine in
    ten of the operations that it would log, then all that succeed. Never warnings, errors, checks or sums. A worker
    process is held to the same share of its own time; where threads work at once, it is a share of the time of all."""
    progress: str = "auto"
    """How `obs.track` shows how far a loop is: "auto", a line on a terminal and events elsewhere; "log", events; or
    "off"."""
    redact_keys: tuple[str, ...] = ()
    """More key names whose values are secret."""
    redact_allow: tuple[str, ...] = ()
    """Key names that look secret and are not."""
    categories: Mapping[str, str] = field(default_factory=dict)
    """Categories of exceptions of your own, asked before the built-in rules: a class's name, or ``message:`` and a
    regular expression, to a category: ``{"LedgerClosed": "external/service", "message:quota": "resource/disk"}``."""
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
    trend_report: bool = True
    """Whether a run that was slower than the runs like it before warns of that at its end."""
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
    *,
    warn: bool = True,
) -> Config:
    """Build the `Config` from arguments, environment, file and defaults, in this order of precedence.

    *environ* is `os.environ` and *start_dir* the working directory when None. Raises `ConfigError` for a wrong value,
    and for an unknown argument; an unknown setting in the environment or a file is only warned about, as it may be
    meant for a newer version, and not even that without *warn*.
    """
    values: dict[str, Any] = {}
    sources = dict.fromkeys(SETTINGS, "default")
    for source, found in (
        *_file_settings(start_dir or Path.cwd(), warn=warn),
        ("environment", _environment_settings(os.environ if environ is None else environ, warn=warn)),
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


def _environment_settings(environ: Mapping[str, str], *, warn: bool) -> dict[str, Any]:
    names = {key.removeprefix(PREFIX): value for key, value in environ.items() if key.startswith(PREFIX)}
    given = {key.lower(): value for key, value in names.items() if key not in _NOT_SETTINGS}
    return _known(given, "the environment", lambda name: PREFIX + name.upper(), warn=warn)


def _file_settings(start: Path, *, warn: bool) -> Iterable[tuple[str, dict[str, Any]]]:
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _read_table(path)
            if table:
                yield f"{path}", _known(table, str(path), str, warn=warn)
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


def _known(given: Mapping[str, Any], where: str, spelled: Callable[[str], str], *, warn: bool) -> dict[str, Any]:
    for name in given:
        if warn and name not in SETTINGS:
            near = close_match(spelled(name), [spelled(setting) for setting in SETTINGS])
            warnings.warn(f"unknown setting {spelled(name)} in {where}{near}", stacklevel=_levels_to_user())
    return {name: value for name, value in given.items() if name in SETTINGS}


def _levels_to_user() -> int:
    """How many frames above our caller the line stands that is not the toolkit's: a warning points there."""
    inside, level = f"{__package__}.", 1
    frame = inspect.currentframe()
    frame = frame.f_back if frame else None
    while frame is not None and f"{frame.f_globals.get('__name__')}.".startswith(inside):
        frame, level = frame.f_back, level + 1
    return level


def _checked(name: str, value: Any, source: str) -> Any:
    check = CHECKS.get(name)
    if check is None:
        return value
    try:
        return check(value)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{name}={value!r} (from {source}): {error}") from None
