"""Ends that were asked for: from the keyboard, by a scheduler, by a timer, by the program itself."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from .case import case


@case("interrupted/user", "Ctrl-C.", raises="KeyboardInterrupt")
def keyboard(folder: Path) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)


@case(
    "interrupted/user", "Ctrl-C, while a query ran.", raises="RuntimeError", says="Query interrupted", needs=("duckdb",)
)
def keyboard_within_a_query(folder: Path) -> None:
    import threading

    import duckdb

    # With more threads it is chance whether the one that hears of signals waits for another, deaf.
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SELECT 1").fetchall()
    threading.Timer(1, os.kill, (os.getpid(), signal.SIGINT)).start()
    raised: list[BaseException] = []
    # Python's own KeyboardInterrupt may come behind the query's error.
    with contextlib.suppress(KeyboardInterrupt):
        try:
            connection.execute("SELECT count(*) FROM range(100000000000) a (n) WHERE n % 7 = 3").fetchall()
        except RuntimeError as error:
            raised.append(error)
            time.sleep(0.2)
    raise raised[0]


@case("interrupted/scheduler", "SIGTERM, which the program turns into an exit.", raises="SystemExit", says="143")
def terminated(folder: Path) -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


class Terminated(BaseException):
    """Somebody asked the program to end."""


@case(
    "interrupted/scheduler", "SIGTERM, as an exception of the program's own.",
    raises="tests.runs.corpus.signals.Terminated", says="SIGTERM",
)  # fmt: skip
def terminated_by_an_exception(folder: Path) -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        raise Terminated(f"received {signal.Signals(number).name}")

    signal.signal(signal.SIGTERM, leave)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(5)


@case("interrupted/user", "The terminal was closed.", raises="SystemExit", says="129")
def terminal_closed(folder: Path) -> None:
    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGHUP, leave)
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(5)


@case("resource/time", "The program's own alarm clock.", raises="TimeoutError", says="longer than")
def alarm(folder: Path) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("the year took longer than 0.1 seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    time.sleep(5)


@case("unknown", "The program ended itself with a status that says nothing.", raises="SystemExit", says="3")
def exit_with_a_status(folder: Path) -> None:
    sys.exit(3)


@case("data/missing", "The program ended itself, and says that the census is empty.", raises="SystemExit", says="empty")
def exit_with_words(folder: Path) -> None:
    sys.exit("error: the census of 2026 is empty")


@case(
    "stalled", "The program's own watchdog: no year was finished in time.",
    raises="tests.runs.corpus.signals.NoProgress", says="no progress",
)  # fmt: skip
def watchdog(folder: Path) -> None:
    import threading

    finished = threading.Event()
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    if not finished.wait(0.1):
        raise NoProgress("no progress: year 2027 has been open for 0.1 seconds")


class NoProgress(Exception):
    """The simulation gets nowhere."""
