"""Where events are staged, which depends on where the log stands: on a file system of this computer's own, or on one
whose every call may hang for minutes.

Nothing of a folder itself is touched to find that out, but for the links on the way to it; those are followed in a
thread of its own, and waited for a moment only.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = ".staging"
_MOUNTS: Final = Path("/proc/self/mountinfo")
_PATIENCE_SECONDS: Final = 2.0
# Of this computer, and there after a reboot; the second for where there is no first.
_OWN_PLACES: Final = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - `_own_places` looks whose it is
# Another computer answers for these.
NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gpfs", "beegfs", "pvfs2"}
)


def staging_folders(log_path: Path, staging_dir: Path | None, is_foreign: bool | None = None) -> tuple[Path, ...]:
    """Return the folders in which events of this log may be staged; in the first one they are from now on.

    That is `.staging` beside the log; *staging_dir* where it is given; and where calls to the log's file system may
    hang (see `may_hang`, which is asked when *is_foreign* is None), a folder of the user's own on this computer:
    a mapped file there would hang the program at any event.
    """
    beside = log_path.parent / FOLDER
    foreign = may_hang(log_path.parent) if is_foreign is None else is_foreign
    places = [*([staging_dir] if staging_dir else []), *(_own_places() if foreign else ())]
    return (*(place / _name_for(log_path.absolute()) for place in places), beside)


def _name_for(log_path: Path) -> str:
    from hashlib import sha256

    return f"{log_path.parent.name}-{sha256(os.fsencode(log_path)).hexdigest()[:16]}"


def _own_places() -> Iterator[Path]:
    for place in _OWN_PLACES:
        own = place / f"navigator-obs-{os.geteuid()}"
        try:
            own.mkdir(mode=0o700, exist_ok=True)
            found = own.lstat()
        except OSError:
            continue
        # Anybody may make a folder there, of any name.
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022:
            yield own
            return


def is_ours(folder: Path) -> bool:
    """Return whether *folder* is there and belongs to this user."""
    try:
        return folder.is_dir() and folder.stat().st_uid == os.geteuid()
    except (OSError, AttributeError):
        return False


def is_foreign(kind: str | None) -> bool:
    """Return whether file systems of this *kind* are another computer's or another program's (FUSE).

    >>> is_foreign("nfs4"), is_foreign("fuse.sshfs"), is_foreign("ext4"), is_foreign(None)
    (True, True, False, False)
    """
    return kind is not None and (kind in NETWORK or kind.startswith("fuse"))


def file_system(folder: Path) -> str | None:
    """Return the type of the file system that *folder* is on, such as ``ext4`` or ``nfs4``; None where none tells."""
    try:
        return _kind_at(os.path.realpath(folder), _mounts())
    except OSError:
        return None


def may_hang(folder: Path) -> bool:
    """Return whether a call to the file system that *folder* is on may hang, as where its server is gone."""
    try:
        mounts = _mounts()
    except OSError:
        # Not Linux: nobody tells.
        return False
    if not any(is_foreign(kind) for _, kind in mounts):
        return False
    place = _real(folder)
    return place is None or is_foreign(_kind_at(place, mounts))


def _mounts() -> list[tuple[str, str]]:
    """Where each file system is mounted, and its kind."""
    found = []
    for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
        mount, _, source = line.partition(" - ")
        found.append((mount.split(" ")[4].replace("\\040", " "), source.split(" ", 1)[0]))
    return found


def _kind_at(place: str, mounts: list[tuple[str, str]]) -> str | None:
    best, found = -1, None
    for point, kind in mounts:
        if len(point) >= best and (place == point or place.startswith(point.rstrip("/") + "/")):
            best, found = len(point), kind
    return found


def _real(folder: Path) -> str | None:
    """The path without links; None where following them hangs."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(os.path.realpath(folder)), daemon=True)
    thread.start()
    thread.join(_PATIENCE_SECONDS)
    return found[0] if found else None
