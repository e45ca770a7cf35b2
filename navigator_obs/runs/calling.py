"""How the worker processes of a run learn that it is over: a file in their folder, and a moment's wait for their last
figures.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from . import folder
from .files import WORKERS_FOLDER
from .records import worker_shares

WAIT_SECONDS: Final = 1.0
_CALL_NAME: Final = "ended"


def was_called(directory: Path) -> bool:
    """Return whether the workers of the run in *directory* were told that it is over."""
    return (directory / WORKERS_FOLDER / _CALL_NAME).exists()


def call_in(directory: Path, file_mode: int) -> None:
    """Tell the workers of a run that it ends, and wait until they have let go of their shares, or `WAIT_SECONDS`."""
    workers = directory / WORKERS_FOLDER
    if not workers.is_dir():
        return
    try:
        os.close(os.open(workers / _CALL_NAME, os.O_WRONLY | os.O_CREAT, file_mode))
    except OSError:
        return
    until = time.monotonic() + WAIT_SECONDS
    while any(folder.is_locked(workers, path.name) for path in worker_shares(directory)):
        if time.monotonic() > until:
            return
        time.sleep(0.01)
