"""The composition root: the one place that knows every stage, and builds sinks and observers from `Config`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from .config import SETTINGS, Config, resolve
from .errors import UsageError
from .events import scope, setup
from .events.console import put, wants_colour
from .events.emitting import emit
from .operations import exact, metrics
from .outputs.progress import Track, display_for
from .runs import housekeeping, links, worker
from .runs import run as runs
from .runs.files import SUMMARY_NAME
from .runs.observer import RunObserver
from .settings import INFO, WARNING

T = TypeVar("T")
_config: Config | None = None
# The arguments by now.
_given: dict[str, Any] = {}
# With thousands of runs, to look through them takes seconds of CPU.
_PRUNED_AGAIN_SECONDS: Final = 3600.0


def configure(config: Config | None = None, /, **settings: Any) -> Config:
    """Install the logging chain and its sinks; call it once at the start, safe to repeat.

    Give either a `Config` or keywords, each one of its fields; what is not given, in this call or an earlier one, comes
    from the environment (``NAVIGATOR_OBS_LOG_DIR`` …), then from ``[tool.navigator_obs]`` in `pyproject.toml`, then the
    default. So ``configure(level="DEBUG")`` in the middle of a program changes the level alone, until `shutdown`; a
    `Config` replaces all. Returns the `Config` that holds now. Raises `ConfigError` for a wrong setting.

    >>> configure(log_dir="logs", runs_dir="artifacts/runs", console="off").level
    'INFO'
    """
    global _config, _given
    if config is not None and not isinstance(config, Config):
        raise UsageError(f"configure takes a Config or keywords, such as configure(level='DEBUG'), not {config!r}")
    if config is not None and settings:
        raise UsageError(f"configure takes a Config or keywords, not both; keywords given: {', '.join(settings)}")
    if config is None:
        given = {**_given, **settings}
        config = resolve(given)
    else:
        given = {name: getattr(config, name) for name in SETTINGS}
    _resolve_public_names()
    # What it refuses, nothing remembers.
    setup.install(config)
    _config, _given = config, given
    metrics.outside.log_limit = config.operation_log_limit
    exact.use(config.exact_memory_peaks)
    return config


def _resolve_public_names() -> None:
    """Import what the root resolves at first use: later that might be in a signal handler, out of descriptors, or at
    the very end, where imports fail.
    """
    root = sys.modules[__package__]
    for name in root.__all__:
        getattr(root, name)


def shutdown() -> None:
    """Finish open runs, flush and close every file, and put structlog, `logging` and `warnings` back as they were.

    Not needed at the end of a program, where it happens by itself; for notebooks and tests.
    """
    global _config, _given
    runs.finish_open_runs()
    setup.uninstall()
    exact.use(exact=False)
    _config, _given = None, {}


def current_config() -> Config:
    """Return the `Config` that holds; without any, the resolved one is installed."""
    return configure() if _config is None else _config


def start_run(
    name: str,
    *,
    params: Any = None,
    years: Iterable[int] | None = None,
    run_id: str | None = None,
    tags: Iterable[str] = (),
    observers: Iterable[RunObserver] = (),
    promise: float | None = None,
    resume_from: object = None,
) -> runs.Run:
    """Start a run: one execution, with its folder, its journal and, on every way out, its `summary.json`.

    Use it as a context manager, or call `.finish()` by hand. *params* is the run's configuration in any shape (a
    mapping, dataclass, pydantic model, namespace or click context, the path of a TOML, JSON or YAML file, or a list of
    these, of which the later go before the earlier); *years* are the simulated years that are planned; *run_id* is
    made up when None; *observers* are told when the run has started and finished. *promise* is the time in seconds
    within which the run always makes some progress (an operation, an event, a figure): one that is silent for longer
    is `stalled`, and the stacks of its threads are written down; None holds it to the pace of its own years.
    *resume_from* is the run that this one continues: its id, the path of its folder, or a run object;
    `run.resume_point` then says at which checkpoint. Where nobody called `configure`, this does, with the settings of
    environment and file. Raises `UsageError` for a wrong argument.

    >>> with start_run("baseline", params={"seed": 42}, years=range(2025, 2030)) as run:
    ...     run.status
    'running'
    """
    config = current_config()
    report = [ConsoleReport(config.log_path)] if config.run_report else []
    told = [*observers, *report, *([TrendReport()] if config.trend_report else [])]
    run = runs.start_run(
        name,
        params=params,
        years=years,
        run_id=run_id,
        tags=tags,
        observers=told,
        promise=promise,
        resume_from=resume_from,
        config=config,
    )
    housekeeping.begin(config, _prune)
    return run


def _prune(config: Config) -> None:
    """Keep the folder of runs within the limits of the settings, where there are any."""
    given = (config.prune_keep_days, config.prune_keep_runs, config.prune_max_bytes)
    if given == (None, None, None):
        return
    from .history.pruning import Limits, prune

    limits = Limits(*given)
    done = prune(
        config.runs_dir,
        limits,
        file_mode=config.file_mode,
        key=links.key_or_none(config.seal_key_file),
        not_within_seconds=_PRUNED_AGAIN_SECONDS,
    )
    if done.removals:
        told = {"removed": len(done.removals), "freed_bytes": done.bytes_before - done.bytes_after}
        emit("navigator_obs.run", INFO, "Old runs were pruned", told)


def track(
    iterable: Iterable[T],
    operation: str | None = None,
    *,
    key: str | None = "year",
    total: int | None = None,
    log: str | bool | float = "end",
    show: bool = True,
) -> Track[T]:
    """Go through *iterable* and show how far it is: `year 2027, 3 of 10`, the time that is left, memory, and the
    operation that is open.

    On a terminal that is a line below what is printed, drawn anew twice a second (with rich, from the extra `cli`).
    Elsewhere, and without rich, it is an event after each step; of more than 100 steps, or an unknown number, at most
    every 30 seconds. The setting `progress` has it as events everywhere ("log") or nowhere ("off"). The time left is
    that of steps to come as the fit of those that are done foretells them: growing years are expected to grow.

    Each item holds as context *key* while its step lasts (None for none), so that figures are broken down by year;
    with a name for *operation*, the step is an operation of its own, logged as *log* says. *total* is how many items
    come, where *iterable* does not know. With *show* False nothing is shown; `.progress` has the figures for a display
    of your own. Raises `UsageError` for a wrong argument.

    A ``for`` loop that is left early, by ``break`` or an exception, leaves the operation of that step `cancelled`;
    ``with track(…) as years:`` around it lets the operation fail with the exception.

    >>> for year in track(range(2025, 2028), operation="year_simulation", show=False):
    ...     print(year)
    2025
    2026
    2027
    """
    if operation is not None and (not isinstance(operation, str) or not operation):
        raise UsageError(f"operation={operation!r} must be a name, such as 'year_simulation', or None")
    if key is not None and (not isinstance(key, str) or not key):
        raise UsageError(f"key={key!r} must be a name, such as 'year', or None")
    config = resolve() if _config is None else _config
    how = config.progress if show else "off"
    return Track(iterable, operation, key, total, log, lambda progress: display_for(progress, how, config.console))


def enter_worker(config: Config, run: tuple[str, str] | None = None) -> None:
    """Get a process that was handed carried work ready to record, also for the *run* that it was handed with; does
    nothing where all is ready.
    """
    if _config is None:
        configure(config)
    if run is not None:
        worker.enter(*run, config)


def _worker_setup(run: scope.RunTag | None) -> scope.WorkerSetup:
    return enter_worker, (current_config(), worker.address(run))


scope.worker_setup = _worker_setup


class ConsoleReport:
    """The observer that prints the human summary to stderr when a run has ended."""

    def __init__(self, log_path: Path) -> None:
        self._log_path = log_path

    def run_started(self, run: runs.Run) -> None:
        """Nothing to say yet: the log has the start."""

    def run_finished(self, summary: Mapping[str, Any], directory: Path) -> None:
        """Print the summary, as wide as the terminal and at most 100 columns."""
        from .outputs import files, text

        if sys.stderr is None:
            return
        report = text.render(
            summary,
            color=wants_colour(sys.stderr),
            width=min(shutil.get_terminal_size((100, 24)).columns, 100),
            places=files.Places(
                directory,
                self._log_path if self._log_path.exists() else None,
                # A run goes on where no folder can be made for it.
                kept=(directory / SUMMARY_NAME).exists(),
            ),
        )
        put(sys.stderr, f"{report}\n")


class TrendReport:
    """The observer that warns, in the log and on the console, when a run is slower than the runs like it before."""

    def run_started(self, run: runs.Run) -> None:
        """Nothing to hold against each other yet."""

    def run_finished(self, summary: Mapping[str, Any], directory: Path) -> None:
        """Look at the runs beside it, for a short time; only what succeeded is held against others."""
        if summary["run_metadata"]["status"] != "success":
            return
        from .history.lately import degradations

        for found in degradations(summary, directory):
            told = {"of_run": summary["run_metadata"]["run_id"], "state": found.evidence.get("state")}
            emit("navigator_obs.trend", WARNING, f"Worse than before: {found.statement}", told)
