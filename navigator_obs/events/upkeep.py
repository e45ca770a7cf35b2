"""What is done for a log beside writing it, now and then: what dead processes left staged is recovered, and rotated
files are kept within their limits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import ticker
from .drain import BLOCK_SECONDS, Drain, attempt
from .retention import Retention
from .rotation import LogFile
from .salvage import recover

# Files grow too old also while none is rotated.
TIDY_SECONDS: Final = 3_600.0


class Upkeep:
    """Looks after one log. None of its methods raises because of the file system."""

    def __init__(self, log: LogFile, drain: Drain, retention: Retention, folders: Sequence[Path]) -> None:
        self._log = log
        self._drain = drain
        self._retention = retention
        self._folders = folders
        self._tidied_after, self._tidy_at = -1, 0.0
        self._tidying: threading.Thread | None = None

    def recover(self) -> None:
        """Put into the log what processes that died meanwhile, such as killed workers, left staged."""
        self._drain.run(lambda patience: recover(self._log, self._folders, patience))

    def round(self) -> None:
        """Do what is due, on the ticker; what takes long in a thread beside it, as flushing must not wait."""
        self.recover()
        if self._is_due() and (self._tidying is None or not self._tidying.is_alive()):
            self._tidied_after, self._tidy_at = self._log.rotations, time.monotonic() + TIDY_SECONDS
            self._tidying = ticker.beside(lambda: attempt(self._tidy))

    def finish(self) -> None:
        """Do what is left to be done, at the end."""
        self.recover()
        if self._tidying is not None and not self._drain.is_stalled:
            self._tidying.join(BLOCK_SECONDS)
        if self._is_due() and not self._drain.is_stalled:
            self._tidied_after = self._log.rotations
            self._drain.run(self._tidy)

    def after_fork(self) -> None:
        """In a forked child: the parent's thread is not there."""
        self._tidying = None

    def _is_due(self) -> bool:
        return self._tidied_after != self._log.rotations or time.monotonic() >= self._tidy_at

    def _tidy(self, patience_seconds: float | None = None) -> None:
        self._retention.apply(self._log, self._folders, patience_seconds)
