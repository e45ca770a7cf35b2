"""Threads that take turns in the middle of everything."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable


def in_threads(count: int, work: Callable[[], None]) -> None:
    """Let so many threads do the *work* at once, each for some microseconds at a time."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        workers = [threading.Thread(target=work) for _ in range(count)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(switch)
