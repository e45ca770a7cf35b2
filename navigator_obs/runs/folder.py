"""A run's folder: claimed by an exclusive mkdir, held by a lock, its summary replaced as a whole."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

from ..clock import new_run_id
from ..encoding import from_json, shown, to_json, to_json_pretty
from ..errors import UsageError
from ..events.locking import try_lock
from ..events.rotation import make_private_folder, sync_folder
from .files import LOCK_NAME, SUMMARY_NAME

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows: whether a run lives is told by its process id alone
    fcntl = None  # type: ignore[assignment]

_VALID_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_ATTEMPTS: Final = 100
_RESERVE_NAME: Final = ".reserve"
_RESERVE_BYTES: Final = 128 * 1024
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def valid_run_id(run_id: object) -> str:
    """Return *run_id*; raises UsageError where it could not be a folder's name on any system."""
    if not isinstance(run_id, str) or not _VALID_ID.fullmatch(run_id) or not run_id.strip("."):
        raise UsageError(
            f"run_id {shown(run_id)} must be 1 to 128 of the characters A-Z a-z 0-9 . _ - and not only dots"
        )
    return run_id


class IdTaken(Exception):
    """Another run has this id."""


def claim(runs_dir: Path, run_id: str | None, mode: int) -> Path:
    """Make the run's folder, new and ours alone; with *run_id* None under a fresh id.

    Raises `IdTaken` where *run_id* is, OSError where the file system refuses.
    """
    make_private_folder(runs_dir, mode)
    for _ in range(_ATTEMPTS):
        directory = runs_dir / (run_id or new_run_id())
        try:
            directory.mkdir(mode=mode)
            return directory
        except FileExistsError:
            if run_id is not None:
                raise IdTaken(run_id) from None
    raise FileExistsError(f"{_ATTEMPTS} fresh run ids were all taken in {runs_dir}")


def lay_reserve(directory: Path, file_mode: int = 0o600) -> None:
    """Set space aside for the end of the run, so that it can be told on a disk that is full by then. Never raises."""
    allocate = getattr(os, "posix_fallocate", None)
    if allocate is None:
        return
    try:
        descriptor = os.open(directory / _RESERVE_NAME, _NEW_FILE, file_mode)
    except OSError:
        return
    try:
        allocate(descriptor, 0, _RESERVE_BYTES)
    except OSError:
        release_reserve(directory)
    finally:
        os.close(descriptor)


def has_reserve(directory: Path) -> bool:
    """Return whether what `lay_reserve` has set aside is still there: the run in *directory* has not ended."""
    return (directory / _RESERVE_NAME).exists()


def release_reserve(directory: Path) -> None:
    """Give back what `lay_reserve` has set aside; harmless when done twice. Never raises."""
    try:
        (directory / _RESERVE_NAME).unlink(missing_ok=True)
    except OSError:
        return


class Lock:
    """A file that is held while its process lives, as `run.lock` is: the kernel lets go of it however that ends.

    A `flock` lives as long as any copy of its descriptor, and unlocking one copy unlocks all: a forked child calls
    `close` and nothing else.
    """

    def __init__(self, directory: Path, file_mode: int = 0o600, name: str = LOCK_NAME, *, new: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT | (os.O_EXCL if new else 0)
        self._descriptor = os.open(directory / name, flags, file_mode)
        self.held = try_lock(self._descriptor)

    def close(self) -> None:
        """Let go of this process's copy; harmless when done twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def is_locked(directory: Path, name: str = LOCK_NAME) -> bool | None:
    """Return whether a living process holds the run's lock, or another of that *name*; None where that can't be asked
    here.

    The question takes a shared lock for an instant: readers never take each other for the run.
    """
    if fcntl is None:
        return None
    try:
        descriptor = os.open(directory / name, os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def write_summary(
    directory: Path, summary: dict[str, Any], *, file_mode: int = 0o600, sync: bool = False, compact: bool = False
) -> None:
    """Replace `summary.json`: a reader sees the old one or the new one, whole. A *compact* one takes half the room.

    Raises OSError, and leaves no draft.
    """
    draft = os.path.join(directory, f".{SUMMARY_NAME}.new")
    data = to_json(summary) if compact else to_json_pretty(summary)
    descriptor = _new_file(draft, file_mode)
    try:
        try:
            _write(descriptor, data)
            if sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(draft, os.path.join(directory, SUMMARY_NAME))
    except BaseException:
        # What it holds of a full disk is needed for other things.
        Path(draft).unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(directory)


def _new_file(path: str, mode: int) -> int:
    try:
        return os.open(path, _NEW_FILE, mode)
    except FileExistsError:
        # One that a killed process has left, or a link that somebody has put there.
        os.unlink(path)
        return os.open(path, _NEW_FILE, mode)


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_summary(directory: Path) -> dict[str, Any] | None:
    """Return the summary that stands in *directory*; None where there is none or it is damaged."""
    try:
        summary = from_json((directory / SUMMARY_NAME).read_bytes())
    except (OSError, ValueError):
        return None
    return summary if isinstance(summary, dict) else None
