"""navigator-obs: the flight recorder for long simulations.

>>> import navigator_obs as obs
>>> log = obs.get_logger("planwise")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .assembly import configure, shutdown, start_run, track
    from .config import Config
    from .errors import ObsError
    from .events.logger import get_logger
    from .events.scope import carry, context
    from .history.store import History
    from .operations.metrics import count, gauge, observe
    from .operations.operation import operation
    from .runs.checks import check
    from .runs.run import Run

__version__ = "0.1.0"

__all__ = [
    "Config",
    "History",
    "ObsError",
    "Run",
    "carry",
    "check",
    "configure",
    "context",
    "count",
    "gauge",
    "get_logger",
    "observe",
    "operation",
    "shutdown",
    "start_run",
    "track",
]

# Resolved at first use: the CLI, which reads files, must not pay for importing structlog.
_HOMES = {
    "Config": "config",
    "History": "history.store",
    "ObsError": "errors",
    "Run": "runs.run",
    "carry": "events.scope",
    "check": "runs.checks",
    "configure": "assembly",
    "context": "events.scope",
    "count": "operations.metrics",
    "gauge": "operations.metrics",
    "get_logger": "events.logger",
    "observe": "operations.metrics",
    "operation": "operations.operation",
    "shutdown": "assembly",
    "start_run": "assembly",
    "track": "assembly",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    disabled = import_module(".disabled", __name__)
    if disabled.DISABLED and name in disabled.NO_OPS:
        home = "disabled"
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
