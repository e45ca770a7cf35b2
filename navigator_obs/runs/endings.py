"""How runs hear that the process is about to end: signals, an uncaught exception, `sys.exit`, and the exit itself.

Installed with the first open run and taken away with the last one. Nothing here ends a run but the exit: a signal is
noted and becomes an exception, so that the stack unwinds, `finally` blocks run, and the run hears how it ended from its
own ``with``.
"""

from __future__ import annotations

import atexit
import builtins
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Final, NoReturn, Protocol

Handler = Callable[[int, FrameType | None], Any]
_SIGNALS: Final = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(SystemExit):
    """Raised in the main thread where a signal asked the process to end; the exit code is 128 + the signal's number."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal = signal.Signals(number).name


class Ending(Protocol):
    """What an open run has the endings tell (`closing.Closing`)."""

    def note_signal(self, name: str) -> None:
        """A signal that asks the process to end has arrived; called within the signal handler."""

    def note_exception(self, error: BaseException) -> None:
        """*error* is about to end the process."""

    def note_exit(self, code: object) -> None:
        """`sys.exit(code)`, `exit(code)` or `quit(code)` was called in the main thread."""

    def close_at_exit(self) -> None:
        """The process ends, and nobody has finished the run."""


_open: Final[list[Ending]] = []
_previous_handlers: Final[dict[int, Any]] = {}
_previous_hook: Callable[..., Any] | None = None
_previous_exit: Callable[..., Any] | None = None
_previous_quit: Callable[..., Any] | None = None
_shields = 0
_interrupted = False
_held_back: Final[list[BaseException]] = []


def watch(run: Ending, *, handle_signals: bool) -> None:
    """Tell *run* how the process is about to end, from now on."""
    if not _open:
        _hook_exits()
    _open.append(run)
    if handle_signals:
        _hook_signals()


def process_is_ending() -> bool:
    """Whether the interpreter has left the program and runs what is registered for its exit."""
    return not threading.main_thread().is_alive()


def unwatch(run: Ending) -> None:
    """Undo `watch`; harmless when done twice."""
    if run in _open:
        _open.remove(run)
        if not _open:
            _unhook()


def open_endings() -> list[Ending]:
    """Return the runs that are watched, the newest first."""
    return list(reversed(_open))


@contextmanager
def shielded() -> Iterator[None]:
    """Hold back SIGTERM, SIGHUP and Ctrl-C within the block, and raise at its end what they would have raised.

    For the last steps of a run, which one more Ctrl-C of an impatient user must not cut in half. Does nothing outside
    the main thread, which alone hears of signals.
    """
    global _shields
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _shields += 1
    interrupt = _hold_interrupts() if _shields == 1 else None
    try:
        yield
    finally:
        _shields -= 1
        if interrupt is not None:
            signal.signal(signal.SIGINT, interrupt)
        if _interrupted and process_is_ending():
            _remind_of_interrupt()
        if not _shields and _held_back:
            error = _held_back[0]
            _held_back.clear()
            raise error


def _hold_interrupts() -> Any:
    """Replace Python's own handler of SIGINT; another one, asyncio's or the user's, is left to its own."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return None
    return signal.signal(signal.SIGINT, lambda _number, _frame: _held_back.append(KeyboardInterrupt()))


def _remind_of_interrupt() -> None:
    """Python ends a process as Ctrl-C does where an uncaught KeyboardInterrupt was the last text that it ran as code.

    It forgets that with each text that runs since, as one does in the making of a named tuple or a dataclass; so one
    more ends in the same way.
    """
    try:
        exec("raise KeyboardInterrupt")  # noqa: S102
    except KeyboardInterrupt:
        return


def _hook_signals() -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        current = signal.getsignal(number)
        # Ignored means that somebody wants the process to go on (nohup); None, that it is not Python's to chain.
        if current in {signal.SIG_IGN, None} or current is _on_signal:
            continue
        _previous_handlers[number] = current
        signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    for run in open_endings():
        _quietly(run.note_signal, signal.Signals(number).name)
    previous = _previous_handlers.get(number, signal.SIG_DFL)
    if callable(previous):
        previous(number, frame)
    elif not _open:
        # The last run was finished by another thread, which could not put the old handler back.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    else:
        _end_by(Terminated(number))


def _end_by(error: Terminated) -> None:
    for run in open_endings():
        _quietly(run.note_exit, error.code)
    if not _shields:
        raise error
    _held_back.append(error)


def _hook_exits() -> None:
    global _previous_hook, _previous_exit
    atexit.register(_at_exit)
    # Where one is still there, somebody has put their own over it: hooking twice would make a circle.
    if _previous_hook is None:
        _previous_hook, sys.excepthook = sys.excepthook, _on_exception
    # An exit code is told to nobody who runs after it: `sys.exit` itself is the only place to see it.
    if _previous_exit is None:
        _previous_exit, sys.exit = sys.exit, _on_exit
    _hook_quitter()


def _hook_quitter() -> None:
    """`exit` and `quit`, which `site` makes, are of one class of Python's own; without `site` there are none."""
    global _previous_quit
    quitter = type(getattr(builtins, "exit", None))
    if _previous_quit is None and quitter.__name__ == "Quitter":
        _previous_quit = quitter.__call__
        setattr(quitter, "__call__", _on_quit)  # noqa: B010


def _on_quit(quitter: Any, code: Any = None) -> Any:
    _note_exit(code)
    return None if _previous_quit is None else _previous_quit(quitter, code)


def _on_exception(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    global _interrupted
    # At a prompt, or before one (`python -i`), the process goes on.
    ends = not (hasattr(sys, "ps1") or sys.flags.inspect)
    _interrupted = issubclass(kind, KeyboardInterrupt) and ends
    for run in open_endings() if ends else ():
        _quietly(run.note_exception, error)
    (_previous_hook or sys.__excepthook__)(kind, error, traceback)


def _on_exit(code: Any = None, /) -> NoReturn:
    _note_exit(code)
    raise SystemExit(code)


def _note_exit(code: object) -> None:
    if threading.current_thread() is threading.main_thread():
        for run in open_endings():
            _quietly(run.note_exit, code)


def _at_exit() -> None:
    for run in open_endings():
        _quietly(run.close_at_exit)


def _unhook() -> None:
    """Put back what was there before, unless somebody has put their own over ours meanwhile."""
    global _previous_hook, _previous_exit, _previous_quit
    atexit.unregister(_at_exit)
    if sys.excepthook is _on_exception and _previous_hook is not None:
        sys.excepthook, _previous_hook = _previous_hook, None
    if sys.exit is _on_exit and _previous_exit is not None:
        sys.exit, _previous_exit = _previous_exit, None
    quitter = type(getattr(builtins, "exit", None))
    if getattr(quitter, "__call__", None) is _on_quit and _previous_quit is not None:  # noqa: B004
        setattr(quitter, "__call__", _previous_quit)  # noqa: B010
        _previous_quit = None
    _unhook_signals()


def _unhook_signals() -> None:
    if threading.current_thread() is not threading.main_thread():
        # Signal handlers can't be changed from here; ours goes on passing signals to the one before it.
        return
    for number, previous in list(_previous_handlers.items()):
        if signal.getsignal(number) is _on_signal:
            signal.signal(number, previous)
        del _previous_handlers[number]


def _quietly(call: Callable[..., None], *arguments: Any) -> None:
    try:
        call(*arguments)
    except Exception:
        # What a run could not note must not change how the process ends.
        return


def _after_fork() -> None:
    """The runs are the parent's: a forked child ends as if it had never heard of them."""
    global _shields
    _shields = 0
    _held_back.clear()
    if _open:
        _open.clear()
        _unhook()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
