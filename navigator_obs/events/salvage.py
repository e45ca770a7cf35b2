"""What dead processes left staged is put into the log, exactly once: by the next process that logs there, by those that
do already, or by a command.

A kill leaves an area as it was: what it holds beyond the flushed mark is not in the log, but for the last write, which
is looked up (`Staging.settle`). A power cut leaves of the area and of the log what the disk happened to hold, so that
the mark may be older than the log: then each line is looked for in the log before it is written.

The CLI recovers without importing structlog.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..encoding import from_json
from ..errors import ObsError
from .compression import open_plain
from .places import FOLDER, is_ours, staging_folders
from .rotation import LogFile
from .staging import SUFFIX, Staging, adopt, intends, own

if TYPE_CHECKING:
    from ..config import Config


def recover(log: LogFile, folders: Sequence[Path] = (), patience_seconds: float | None = None) -> int:
    """Put into *log* what dead processes left staged in *folders*, or beside it; return how many bytes. Areas of living
    ones are let alone.

    Other writers are waited for *patience_seconds* at most; raises OSError where that does not do.
    """
    recovered = 0
    for path in _areas(folders or (log.path.parent / FOLDER,)):
        area = None if path in own else adopt(Path(path))
        if area is None:
            continue
        try:
            if area.outlived_a_boot:
                _keep_what_is_missing(area, log)
            area.drain(log, patience_seconds)
            recovered += area.drained_bytes
            area.remove()
        except OSError as error:
            # Still no room, or no right to write: the area stays for the next finder.
            area.discard()
            if error.errno == errno.EAGAIN:
                raise
    return recovered


def recover_log(path: Path, config: Config) -> None:
    """Put into the log at *path* what killed processes had acknowledged and not yet written. Never raises.

    Only in one's own folders: files that another user's program has to write must not become ours.
    """
    folders = [folder for folder in staging_folders(path, config.staging_dir) if is_ours(folder)]
    if not folders:
        return
    log = LogFile(
        path,
        max_bytes=config.log_max_bytes,
        backups=config.log_backups,
        file_mode=config.file_mode,
        dir_mode=config.dir_mode,
    )
    try:
        recover(log, folders)
    except OSError:
        return
    finally:
        log.close()


def is_intended(folders: Iterable[Path], inode: int) -> bool:
    """Return whether an area in *folders* holds a write into the file *inode* of which is not known how much arrived.

    That file must stay as it is until the area's owner, or whoever finds it dead, has looked. For whoever holds the
    log's lock: under it nobody else writes.
    """
    return any(intends(Path(path), inode) for path in _areas(folders))


def _areas(folders: Iterable[Path]) -> Iterator[str]:
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        yield from (os.path.join(folder, name) for name in names if name.endswith(SUFFIX))


def _keep_what_is_missing(area: Staging, log: LogFile) -> None:
    """Leave in an area that a power cut may have mangled those events that the log has not."""
    waiting = [line for line in area.waiting().splitlines(keepends=True) if _is_event(line)]
    missing = set(waiting)
    for path in (log.path, *log.rotated_files()):
        if missing:
            missing -= _held(path, missing)
    area.replace_waiting(b"".join(line for line in waiting if line in missing))


def _held(path: Path, lines: set[bytes]) -> set[bytes]:
    """Those of *lines* that stand in the file at *path*."""
    try:
        with open_plain(path) as file:
            return {line for line in file if line in lines}
    except (OSError, ObsError):
        return set()


def _is_event(line: bytes) -> bool:
    try:
        return isinstance(from_json(line), dict)
    except ValueError:
        return False
