"""How a worker process hears that it is to end by SIGTERM, as `multiprocessing.Pool` ends its workers.

Python runs a signal handler in the main thread between two steps of its own. A signal that comes in the instant before
the main thread blocks in C code, as a worker does that waits for work, would be seen when that returns: never. So the
handler of the interpreter also leaves a byte in a pipe, and the ticker's thread, which looks there, sends the signal to
the main thread itself until it is heard.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from ..events import ticker
from . import endings

_LOOK_SECONDS: Final = 0.1
_closers: Final[list[Callable[[], bool]]] = []
_pipe: tuple[int, int] | None = None


def before_sigterm(close: Callable[[], bool]) -> None:
    """Have *close* called when SIGTERM ends this process, where nobody else handles it and this is the main thread.

    *close* returns False where it is under way already, below the signal handler: then the process is ending by itself,
    or by an earlier SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) not in {signal.SIG_DFL, _on_sigterm}:
        return
    if close not in _closers:
        _closers.append(close)
    if _pipe is None and not _lay_pipe():
        # Without a way out of that instant, a process that ends at once is better than one that may not end.
        return
    signal.signal(signal.SIGTERM, _on_sigterm)


def forget(close: Callable[[], bool]) -> None:
    """Undo `before_sigterm`; harmless when done twice."""
    if close in _closers:
        _closers.remove(close)


def _look() -> None:
    """Send the main thread a SIGTERM that it has not heard."""
    if _pipe is None:
        return
    try:
        arrived = os.read(_pipe[0], 512)
    except OSError:
        return
    if signal.SIGTERM in arrived:
        # It leaves its byte again, and is sent again at the next look, if this one comes at such an instant, too.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)


def _lay_pipe() -> bool:
    global _pipe
    if not hasattr(signal, "pthread_kill"):
        return False
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    if before >= 0:
        # An event loop's.
        signal.set_wakeup_fd(before, warn_on_full_buffer=False)
        os.close(reading)
        os.close(writing)
        return False
    _pipe = (reading, writing)
    # For as long as the handler stands, which only the main thread could take away.
    ticker.every(_LOOK_SECONDS, _look)
    return True


def _on_sigterm(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    under_way = [close for close in reversed(_closers) if not close()]
    if under_way:
        return
    if endings.open_endings():
        # A run of the worker's own is to end by unwinding.
        raise endings.Terminated(number)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _after_fork() -> None:
    """The pipe is the parent's, which must not hear of the child's signals."""
    global _pipe
    _closers.clear()
    laid, _pipe = _pipe, None
    if laid is not None:
        current = signal.set_wakeup_fd(-1)
        if current not in {-1, laid[1]}:
            signal.set_wakeup_fd(current, warn_on_full_buffer=False)
        os.close(laid[0])
        os.close(laid[1])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
