"""Wall time, monotonic time and ids: one replaceable object.

Everything that asks for the time or makes up an id asks `clock`, so that a test that installs
`navigator_obs.testing.FakeClock` sees the same timestamps, durations and run ids each time.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """What the toolkit asks of a clock; times are integers in nanoseconds."""

    def time_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""

    def monotonic_ns(self) -> int:
        """Nanoseconds that never go back; only differences mean something."""

    def cpu_ns(self) -> int:
        """CPU time of the whole process, all its threads."""

    def thread_cpu_ns(self) -> int:
        """CPU time of the calling thread."""

    def token_hex(self, nbytes: int) -> str:
        """Random hexadecimal text of ``2 * nbytes`` digits."""


class SystemClock:
    """The real clock. Its attributes are the C functions themselves: a Python frame less on hot paths."""

    def __init__(self) -> None:
        self.time_ns = time.time_ns
        self.monotonic_ns = time.perf_counter_ns
        self.cpu_ns = time.process_time_ns
        self.thread_cpu_ns = getattr(time, "thread_time_ns", time.process_time_ns)

    def token_hex(self, nbytes: int) -> str:
        """Random hexadecimal text; `secrets` makes the same, and takes longer to import than a command has."""
        return os.urandom(nbytes).hex()


class ProcessClock:
    """The clock of this process: it asks whichever was installed last, with nothing in between on hot paths."""

    __slots__ = ("cpu_ns", "millisecond", "monotonic_ns", "source", "thread_cpu_ns", "time_ns", "token_hex")

    def __init__(self) -> None:
        self.use(SystemClock())
        # When the millisecond began that was rendered last, in nanoseconds, and its timestamp up to there: one tuple,
        # so that threads never see the start of one and the text of another.
        self.millisecond = (0, b"1970-01-01T00:00:00.000")

    def use(self, source: Clock) -> Clock:
        """Ask *source* from now on; return the clock that was asked before."""
        previous = getattr(self, "source", source)
        self.source = source
        self.time_ns = source.time_ns
        self.monotonic_ns = source.monotonic_ns
        self.cpu_ns = source.cpu_ns
        self.thread_cpu_ns = source.thread_cpu_ns
        self.token_hex = source.token_hex
        return previous

    def new_millisecond(self, time_ns: int) -> tuple[int, bytes]:
        """Render that of *time_ns*; return the nanoseconds that have passed of it, and its timestamp up to there."""
        passed = time_ns % 1_000_000
        stem = format_timestamp(time_ns)[:-4].encode()
        self.millisecond = (time_ns - passed, stem)
        return passed, stem


clock: Final = ProcessClock()
_THREE_DIGITS: Final = tuple(f"{number:03d}" for number in range(1000))
# When the second began of which there is the text, in nanoseconds, and the text.
_second: tuple[int, str] = (0, "1970-01-01T00:00:00.")
MICROSECONDS: Final = tuple(b"%03dZ" % number for number in range(1000))
"""How a timestamp ends, by the microseconds that have passed of its millisecond."""


def format_timestamp(time_ns: int) -> str:
    """Render nanoseconds since the epoch as RFC 3339, UTC, microseconds, ``Z``.

    >>> format_timestamp(1_755_527_422_123_456_789)
    '2025-08-18T14:30:22.123456Z'
    """
    # Formatting a date costs ten times the rest, and a busy program asks many times a second.
    began, text = _second
    micros = (time_ns - began) // 1000
    if not 0 <= micros < 1_000_000:
        began, text = _new_second(time_ns)
        micros = (time_ns - began) // 1000
    return f"{text}{_THREE_DIGITS[micros // 1000]}{_THREE_DIGITS[micros % 1000]}Z"


def _new_second(time_ns: int) -> tuple[int, str]:
    global _second
    seconds = time_ns // 1_000_000_000
    text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))
    # One tuple, so that threads never see the second of one and the text of another.
    _second = found = (seconds * 1_000_000_000, text)
    return found


def timestamp_bytes(time_ns: int) -> bytes:
    """Render the same as bytes, in less time for those that follow each other closely.

    >>> timestamp_bytes(1_755_527_422_123_456_789)
    b'2025-08-18T14:30:22.123456Z'
    """
    began, stem = clock.millisecond
    passed = time_ns - began
    if not 0 <= passed < 1_000_000:
        passed, stem = clock.new_millisecond(time_ns)
    return stem + MICROSECONDS[passed // 1000]


def parse_timestamp(text: str) -> int:
    """Return nanoseconds since the epoch of an RFC 3339 text; an offset other than ``Z`` is honoured.

    Raises ValueError when *text* is no timestamp.

    >>> parse_timestamp("2025-08-18T14:30:22.123456Z")
    1755527422123456000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000_000 + moment.microsecond * 1000


def seconds_between(earlier: object, later: object) -> float | None:
    """Return the time from one timestamp to another; None where one of them is none.

    >>> seconds_between("2025-08-18T14:30:22Z", "2025-08-18T14:30:23.5Z"), seconds_between(None, "")
    (1.5, None)
    """
    try:
        return (parse_timestamp(str(later)) - parse_timestamp(str(earlier))) / 1e9
    except ValueError:
        return None


def new_run_id() -> str:
    """Make a run id: the UTC start time and 8 hexadecimal digits, such as ``20250818_143022-1a2b3c4d``."""
    started = time.gmtime(clock.time_ns() // 1_000_000_000)
    return f"{time.strftime('%Y%m%d_%H%M%S', started)}-{clock.token_hex(4)}"
