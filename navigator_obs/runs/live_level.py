"""The level of a live run, changed from outside: a small file in its folder, which each of its processes looks at with
every tick.

Only the standard library is used: the CLI writes it without importing structlog.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from ..encoding import from_json, to_json
from ..settings import LEVELS

NAME: Final = ".level"
_MOST_BYTES: Final = 65_536

Asked = Mapping[str, str]
"""Level by logger name; that of the run itself under the empty name."""


def read(directory: Path) -> dict[str, str]:
    """Return what was asked for in the run's folder; nothing where nobody asked, or it can't be read."""
    try:
        with (directory / NAME).open("rb") as file:
            asked = from_json(file.read(_MOST_BYTES))
        return {str(name): level for name, level in asked.items() if level in LEVELS}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def write(directory: Path, asked: Asked) -> None:
    """Ask for these levels; for the run's own again where there are none. Raises OSError."""
    path = directory / NAME
    if not asked:
        path.unlink(missing_ok=True)
        return
    draft = path.with_name(f"{NAME}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(to_json(dict(asked)))
    os.replace(draft, path)


class Watch:
    """Sees, for one process of a run, when another level is asked for, and has it *changed*."""

    def __init__(self, directory: Path, change: Callable[[Asked], Any]) -> None:
        self._directory = directory
        self._path = os.fspath(directory / NAME)
        self._change = change
        self._seen: tuple[int, int] | None = None

    def look(self) -> None:
        """Ask the file system whether something has changed, which takes microseconds; never raises."""
        now = None
        # Hardly ever is there such a file, and an exception costs twice as much as the question.
        if os.access(self._path, os.F_OK):
            try:
                found = os.stat(self._path)
                now = found.st_ino, found.st_mtime_ns
            except OSError:
                pass
        if now != self._seen:
            self._seen = now
            self._change(read(self._directory))

    def end(self, *, remove: bool) -> None:
        """Return to the configured levels; with *remove* the file goes with the run that it was meant for."""
        if self._seen is None:
            return
        self._seen = None
        self._change({})
        if remove:
            Path(self._path).unlink(missing_ok=True)
