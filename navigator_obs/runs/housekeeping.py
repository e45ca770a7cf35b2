"""What a run that starts does for the folder of runs, beside the program: it finalises the dead runs that it meets,
and keeps the folder within its limits.

One daemon thread, which no run waits for: what it does not come to is done by the next run, or the next command.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final

from ..config import Config
from ..events.emitting import emit
from ..settings import INFO

_LOGGER: Final = "navigator_obs.run"
_busy = threading.Lock()


def begin(config: Config, then: Callable[[Config], None]) -> None:
    """Start the thread, unless one is at it; *then* is called in it at the end."""
    if not _busy.acquire(blocking=False):
        return
    thread = threading.Thread(target=_work, args=(config, then), name="navigator-obs-housekeeping", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        # No thread to be had, or the interpreter ends.
        _busy.release()


def _work(config: Config, then: Callable[[Config], None]) -> None:
    # Imported where it is needed: most programs start one run, and find none dead.
    try:
        from . import recovery

        for summary in recovery.recover_all(config.runs_dir, config):
            metadata = summary["run_metadata"]
            told = {key: metadata[key] for key in ("status", "status_reason", "status_confidence")}
            emit(_LOGGER, INFO, "A dead run was found", {"found_run_id": metadata["run_id"], **told})
        then(config)
    except Exception:
        # What could not be done here is nobody's failure.
        return
    finally:
        _busy.release()


def _after_fork() -> None:
    global _busy
    _busy = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
