"""The control groups that this process belongs to, of either version: the folders in which the kernel tells what they
limit and what they use. Nothing here raises: a system without control groups has no folders.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from .resources import contents

MOUNT: Final = Path("/sys/fs/cgroup")
OWN: Final = Path("/proc/self/cgroup")


class Groups(NamedTuple):
    """The folders of a process's own control group and of all above it, nearest first; the *version* names the files
    in them.
    """

    version: int
    folders: tuple[Path, ...]


NONE: Final = Groups(2, ())


def groups_of(controller: str, mount: Path = MOUNT, own: Path = OWN) -> Groups:
    """Return the groups in which *controller*, such as ``memory``, counts this process."""
    try:
        content = contents(str(own)).decode()
    except ValueError:
        return NONE
    return _named(content, controller, mount)


@lru_cache(maxsize=16)
def _named(content: str, controller: str, mount: Path) -> Groups:
    """Those that the content of ``/proc/self/cgroup`` names: it is asked for often, and changes hardly ever."""
    lines = (line.split(":", 2) for line in content.splitlines())
    paths = {parts[1]: Path(parts[2].lstrip("/")) for parts in lines if len(parts) == 3}
    joint = next((controllers for controllers in paths if controller in controllers.split(",")), None)
    # Where both versions are mounted, a controller belongs to the first if that names it.
    version, base, path = (2, mount, paths.get("")) if joint is None else (1, mount / controller, paths[joint])
    return NONE if path is None else Groups(version, tuple(base / folder for folder in (path, *path.parents)))
