"""How much memory may still be had: the limits of the process's control groups, and what the machine has left.

A control group counts the page cache as well, which the kernel gives up when memory is short. What is in use is
therefore the *working set*, usage less inactive file pages, as Kubernetes has it. Nothing here raises: what can't be
had is None.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from . import resources
from .control_groups import MOUNT, OWN, groups_of

# Version 1 writes "no limit" as the largest number of pages.
_NO_LIMIT: Final = 2**62

CONTROL_GROUP: Final = "control group"
MACHINE: Final = "machine"


class Group(NamedTuple):
    """One control group that limits memory: the limit and its working set, in bytes."""

    limit: int
    used: int

    @property
    def room(self) -> int:
        """The distance to the limit in bytes."""
        return max(self.limit - self.used, 0)


class Room(NamedTuple):
    """The memory limit that is the nearest: *limit* and *room* in bytes, and whose it is."""

    limit: int | None = None
    room: int | None = None
    source: str | None = None


class _Files(NamedTuple):
    limit: str
    usage: str
    inactive: bytes


# By version.
_FILES: Final[Mapping[int, _Files]] = {
    1: _Files("memory.limit_in_bytes", "memory.usage_in_bytes", b"total_inactive_file "),
    2: _Files("memory.max", "memory.current", b"inactive_file "),
}


def group_limit_bytes(mount: Path = MOUNT, own: Path = OWN) -> int | None:
    """Return the smallest memory limit of the process's control group and all above it; None without one."""
    version, folders = groups_of("memory", mount, own)
    limits = (_limit(folder, _FILES[version]) for folder in folders)
    return min((limit for limit in limits if limit is not None), default=None)


def nearest_group(mount: Path = MOUNT, own: Path = OWN) -> Group | None:
    """Return the control group, of the process's own and all above it, that has the least room; None without limits."""
    version, folders = groups_of("memory", mount, own)
    found = (_group(folder, _FILES[version]) for folder in folders)
    return min((group for group in found if group is not None), key=lambda group: group.room, default=None)


def memory_room(mount: Path = MOUNT, own: Path = OWN) -> Room:
    """Return the nearest limit: that of a control group, or what the machine has, whichever leaves less room."""
    group, machine = nearest_group(mount, own), resources.machine_memory()
    if group is not None and (machine is None or group.room <= machine[1]):
        return Room(group.limit, group.room, CONTROL_GROUP)
    return Room() if machine is None else Room(machine[0], machine[1], MACHINE)


def disk_free_bytes(folder: Path) -> int | None:
    """Return the free space for this user on the disk that holds *folder*, in bytes."""
    try:
        found = os.statvfs(folder)
    except (OSError, AttributeError):
        return None
    return found.f_bavail * found.f_frsize


def _group(folder: Path, files: _Files) -> Group | None:
    limit = _limit(folder, files)
    used = None if limit is None else _number(f"{folder}/{files.usage}")
    if limit is None or used is None:
        return None
    return Group(limit, max(used - _inactive(folder, files), 0))


def _limit(folder: Path, files: _Files) -> int | None:
    limit = _number(f"{folder}/{files.limit}")
    return limit if limit is not None and limit < _NO_LIMIT else None


def _inactive(folder: Path, files: _Files) -> int:
    data = b"\n" + resources.contents(f"{folder}/memory.stat")
    at = data.find(b"\n" + files.inactive)
    return int(data[at:].split(None, 2)[1]) if at >= 0 else 0


def _number(path: str) -> int | None:
    data = resources.contents(path).strip()
    return int(data) if data.isdigit() else None
