"""What the public names are where the environment says ``NAVIGATOR_OBS_DISABLED=1``: no-ops, which never raise.

Read once, when the package is imported. `get_logger` gives a real logger that nobody listens to, so that a test that
captures events still sees them; `Config`, `ObsError` and `History` are what they always are.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

if TYPE_CHECKING:
    from .config import Config

T = TypeVar("T")
VARIABLE: Final = "NAVIGATOR_OBS_DISABLED"
DISABLED: Final = os.environ.get(VARIABLE, "").strip().lower() not in {"", "0", "false", "no", "off"}
NO_OPS: Final = frozenset(
    {
        "Run",
        "carry",
        "check",
        "configure",
        "context",
        "count",
        "gauge",
        "observe",
        "operation",
        "shutdown",
        "start_run",
        "track",
    }
)
"""The public names that stand here."""


def configure(config: Config | None = None, /, **settings: Any) -> Config:
    """Set up nothing; return the `Config` that would hold, or the defaults where a setting is wrong."""
    from .config import Config, resolve
    from .events import setup

    setup.configure_structlog()
    if isinstance(config, Config):
        return config
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return resolve(settings)
    except Exception:
        return Config()


def shutdown() -> None:
    """There is nothing to end."""


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Record nothing."""


count = gauge = observe = _nothing


def check(name: Any = "", *values: Any, skip: Any = None, **_: Any) -> Any:  # noqa: ARG001
    """Hold nothing against anything: every check passes. Without a value, a context in which all does."""
    return True if values or "value" in _ or skip is not None else Checking()


def carry(function: T) -> T:
    """Return *function* itself: there is no context to take along."""
    return function


class _Block:
    """A block of code of which nothing is recorded."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        return None


class Checking(_Block):
    """A context for predicates, all of which hold."""

    __slots__ = ("value",)
    passed = True
    skip = _nothing

    def expect(self, *_: Any, **__: Any) -> bool:
        """It holds."""
        return True


class context(_Block):  # noqa: N801 - the name of what it stands for
    """Bind nothing."""

    __slots__ = ()

    def __init__(self, /, **keys: Any) -> None:
        """Take any keys."""


class OpenOperation(_Block):
    """An operation that is not measured; as a decorator it returns the function itself."""

    __slots__ = ()
    name = path = ""

    def __call__(self, function: T, /) -> T:
        return function

    add_rows = set = fail = pause = resume = disown = _nothing


_operation: Final = OpenOperation()


def operation(name: Any = None, /, **_: Any) -> Any:
    """Return a function as it came, and for anything else a block that measures nothing."""
    return name if callable(name) or isinstance(name, (classmethod, staticmethod)) else _operation


class Track(_Block):
    """The items, and nothing shown of them."""

    __slots__ = ("_items",)
    progress = None

    def __init__(self, iterable: Any) -> None:
        self._items = iter(iterable)

    def __iter__(self) -> Any:
        return self._items


def track(iterable: Any, operation: Any = None, **_: Any) -> Track:  # noqa: ARG001
    """Go through *iterable* and show nothing."""
    return Track(iterable)


class Run(_Block):
    """A run of which nothing is recorded."""

    __slots__ = ("_directory", "name", "run_id", "status")

    def __init__(self, name: str = "", run_id: str | None = None) -> None:
        self.name = name
        self.run_id = run_id or "disabled"
        self.status = "running"
        self._directory: Path | None = None

    @property
    def directory(self) -> Path:
        """A folder of its own under the system's temporary one, made when it is asked for: programs write into it."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="navigator-obs-disabled-"))
        return self._directory

    @property
    def summary(self) -> dict[str, Any]:
        """Who the run is, and nothing else."""
        return {"run_metadata": {"run_id": self.run_id, "name": self.name, "status": self.status}}

    add_artifact = bind = checkpoint = digest = fail = tag = _nothing
    resume_point = None

    @property
    def child_environ(self) -> dict[str, str]:
        """Nothing to hand on."""
        return {}

    def finish(self, status: str | None = None, reason: str | None = None) -> None:  # noqa: ARG002
        """Record nothing of the end."""
        self.status = status or "success"

    def __exit__(self, *raised: object) -> None:
        self.status = "success" if raised[0] is None else "failed"


def start_run(name: str = "", *, run_id: str | None = None, **_: Any) -> Run:
    """Start nothing; the `Run` that is returned takes every call and records none."""
    return Run(name, run_id)
