"""What becomes of rotated log files: compressed, and removed when they are too old or too many bytes in all.

This runs after a rotation and now and then, never in a log call. Compressing happens beside the log
without its lock; only the exchange of the small file for the large one takes it, as another process may rotate
meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .compression import SUFFIXES, chosen, compress, kind_of
from .rotation import LogFile
from .salvage import is_intended

_DAY_SECONDS: Final = 86_400
# A draft that is older was left by a process that was killed over it.
_LONGEST_DRAFT_SECONDS: Final = 3_600


@dataclass(frozen=True)
class Retention:
    """The limits: each None where there is none. *compress* is the setting `log_compress`."""

    compress: str = "off"
    max_age_days: float | None = None
    max_total_bytes: int | None = None

    def apply(self, log: LogFile, folders: Sequence[Path] = (), patience_seconds: float | None = None) -> None:
        """Bring the rotated files of *log*, whose events are staged in *folders*, within the limits.

        Raises OSError where the file system refuses, or another writer has the log for more than *patience_seconds*.
        """
        kind = chosen(self.compress)
        if kind:
            _remove_old_drafts(log)
            for path in log.rotated_files():
                if not kind_of(path):
                    _compress_if_there(path, log, kind, folders)
        with log.exclusive(patience_seconds):
            for path in self._too_much(log):
                path.unlink(missing_ok=True)

    def _too_much(self, log: LogFile) -> list[Path]:
        """The files beyond a limit. The live file counts towards the total, and always stays."""
        oldest = time.time() - self.max_age_days * _DAY_SECONDS if self.max_age_days is not None else None
        total = log.path.stat().st_size if log.path.exists() else 0
        found = []
        for path in log.rotated_files():
            status = path.stat()
            total += status.st_size
            too_old = oldest is not None and status.st_mtime < oldest
            too_many = self.max_total_bytes is not None and total > self.max_total_bytes
            if too_old or too_many:
                found.append(path)
        return found


def _compress_if_there(path: Path, log: LogFile, kind: str, folders: Sequence[Path]) -> None:
    try:
        _compress(path, log, kind, folders)
    except FileNotFoundError:
        # Another process was here first, or has rotated it away.
        pass


def _compress(path: Path, log: LogFile, kind: str, folders: Sequence[Path]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}{SUFFIXES[kind]}")
    with path.open("rb") as source:
        original = os.fstat(source.fileno())
        try:
            with open(draft, "xb", opener=log.private_opener) as target:
                compress(source, target, kind)
                target.flush()
                # The original goes, also where its writer had the disk hold each event.
                os.fsync(target.fileno())
            os.utime(draft, ns=(original.st_atime_ns, original.st_mtime_ns))
            with log.exclusive():
                if not is_intended(folders, original.st_ino):
                    _exchange(draft, original.st_ino, log, SUFFIXES[kind])
        finally:
            draft.unlink(missing_ok=True)


def _exchange(draft: Path, inode: int, log: LogFile, suffix: str) -> None:
    # Rotations meanwhile have given it another number, or dropped it.
    now = log.find(inode)
    if now is not None and now != log.path:
        os.replace(draft, now.with_name(f"{now.name}{suffix}"))
        now.unlink()


def _remove_old_drafts(log: LogFile) -> None:
    for suffix in SUFFIXES.values():
        for path in log.path.parent.glob(f".{log.path.name}.*{suffix}"):
            try:
                if path.stat().st_mtime < time.time() - _LONGEST_DRAFT_SECONDS:
                    path.unlink()
            except FileNotFoundError:
                # Its owner is through with it.
                continue
