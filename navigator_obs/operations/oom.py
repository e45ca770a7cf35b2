"""How many processes the kernel has killed for want of memory: in this process's control group, and in all.

The counters are read while a run lives; whoever finds it dead reads them again, from where they stood. Nothing here
raises: what can't be had is None.
"""

from __future__ import annotations

import os
from typing import Any, Final

from ..clock import clock
from .control_groups import groups_of

_VMSTAT: Final = "/proc/vmstat"
_NAMES: Final = ("memory.events", "memory.oom_control")


def counter_file() -> str | None:
    """Return the file that counts the kills in this process's control group (version 2 or 1)."""
    candidates = (folder / name for folder in groups_of("memory").folders for name in _NAMES)
    return next((os.fspath(path) for path in candidates if path.is_file()), None)


def kills(file: str | None) -> dict[str, Any]:
    """Return the counters as they stand: `system`, and `group` as *file* has it, with the file's `inode`.

    Groups come and go under one path: the counter of another one, which has another inode, says nothing.
    """
    group, inode = _read_group(file)
    return {"system": _count_in(_VMSTAT), "group": group, "inode": inode}


class Kills:
    """The counters of a run that is open, with *file* for its group's, read every few seconds: to do that each second
    would cost as much as half of all that a run does by the clock.
    """

    SECONDS: Final = 5.0

    def __init__(self, file: str | None) -> None:
        self._file = file
        self._due_ns = 0
        self._told: dict[str, Any] = {}

    def lately(self) -> dict[str, Any]:
        """Return what `kills` told, `SECONDS` ago at most."""
        now = clock.monotonic_ns()
        if not self._told or now >= self._due_ns:
            self._told, self._due_ns = kills(self._file), now + round(self.SECONDS * 1e9)
        return self._told


def _read_group(file: str | None) -> tuple[int | None, int | None]:
    if file is None:
        return None, None
    try:
        return _count_in(file), os.stat(file).st_ino
    except OSError:
        return None, None


def _count_in(path: str) -> int | None:
    try:
        with open(path, "rb", buffering=0) as file:
            data = file.read()
        at = data.find(b"oom_kill ")
        # In memory.oom_control, `oom_kill_disable` stands before it; the space tells them apart.
        return int(data[at:].split(None, 2)[1]) if at >= 0 else None
    except (OSError, ValueError, IndexError):
        return None
