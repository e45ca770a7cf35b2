"""What becomes of rotated log files: compressed, and removed when they are too old or too many bytes in all.

This runs on the ticker after a rotation, never in a log call. Compressing happens beside the log without its lock; only
the exchange of the small file for the large one takes it, as another process may rotate meanwhile.
"""

from __future__ import annotations

import gzip
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .rotation import COMPRESSED, LogFile

_DAY_SECONDS: Final = 86_400


@dataclass(frozen=True)
class Retention:
    """The limits: each None where there is none."""

    compress: bool = False
    max_age_days: float | None = None
    max_total_bytes: int | None = None

    def apply(self, log: LogFile) -> None:
        """Bring the rotated files of *log* within the limits. Raises OSError where the file system refuses."""
        if self.compress:
            for path in log.rotated_files():
                if path.suffix != COMPRESSED:
                    _compress(path, log)
        with log.exclusive():
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


def _compress(path: Path, log: LogFile) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}{COMPRESSED}")
    with path.open("rb") as source:
        original = os.fstat(source.fileno())
        try:
            with open(draft, "xb", opener=log.private_opener) as raw, gzip.open(raw, "wb", compresslevel=6) as target:
                shutil.copyfileobj(source, target)
            os.utime(draft, ns=(original.st_atime_ns, original.st_mtime_ns))
            with log.exclusive():
                # Rotations meanwhile have given it another number, or dropped it.
                now = log.find(original.st_ino)
                if now is not None and now != log.path:
                    os.replace(draft, now.with_name(f"{now.name}{COMPRESSED}"))
                    now.unlink()
        finally:
            draft.unlink(missing_ok=True)
