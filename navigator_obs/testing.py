"""For projects that test their own logging: a fake clock, sequential ids, captured events, and a pytest fixture.

>>> import navigator_obs as obs
>>> with captured_events() as events:
...     obs.get_logger("planwise").info("year simulated", year=2025)
>>> assert_logged(events, "year simulated", year=2025)["level"]
'INFO'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .clock import clock, parse_timestamp
from .encoding import shown
from .errors import UsageError
from .events import named
from .events.sinks import MemorySink, outlet


class FakeClock:
    """A clock that stands still until it is told to go on; ids count up. Nanoseconds throughout.

    >>> fake = FakeClock(start="2025-01-01T00:00:00Z")
    >>> fake.advance(1.5)
    >>> fake.time_ns() - 1_735_689_600_000_000_000
    1500000000
    """

    def __init__(self, start: str = "2025-01-01T00:00:00Z") -> None:
        self._start = parse_timestamp(start)
        self._passed = 0
        self._ids = 0

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass on every clock."""
        self._passed += round(seconds * 1e9)

    def time_ns(self) -> int:
        """Wall time, nanoseconds since the epoch."""
        return self._start + self._passed

    def monotonic_ns(self) -> int:
        """Nanoseconds since the start."""
        return self._passed

    cpu_ns = thread_cpu_ns = monotonic_ns

    def token_hex(self, nbytes: int) -> str:
        """The next id: 00000001, 00000002 …"""
        self._ids += 1
        return f"{self._ids:0{2 * nbytes}x}"


@contextmanager
def fake_clock(start: str = "2025-01-01T00:00:00Z") -> Iterator[FakeClock]:
    """Install a `FakeClock` for the block."""
    fake = FakeClock(start)
    previous = clock.use(fake)
    try:
        yield fake
    finally:
        clock.use(previous)


@contextmanager
def captured_events() -> Iterator[Iterable[Mapping[str, Any]]]:
    """Collect every event of the block as a dict with the keys of a log line, whatever its level; sinks go on as
    before. Those of operations and checks are there without `configure`, those of `logging` and `warnings` after it.
    """
    sink = MemorySink()
    outlet.extra.append(sink)
    named.refresh()
    try:
        yield sink.events
    finally:
        outlet.extra.remove(sink)
        named.refresh()


def assert_logged(events: Iterable[Mapping[str, Any]], message: str, **fields: Any) -> Mapping[str, Any]:
    """Return the first event with this message and these fields; AssertionError lists what was logged instead."""
    # For pytest, which shows the test's line instead.
    __tracebackhide__ = True
    if callable(events):
        raise UsageError(f"{shown(events)} are no events; the fixture is made with pytest.fixture(events_fixture())")
    logged = list(events)
    for event in logged:
        if event.get("message") == message and all(event.get(key) == value for key, value in fields.items()):
            return event
    near: list[Any] = [dict(event) for event in logged if event.get("message") == message]
    near = near or [event.get("message") for event in logged]
    raise AssertionError(f"no event {message!r} with {fields!r} among {near!r}")


def events_fixture() -> Callable[[], Iterator[Iterable[Mapping[str, Any]]]]:
    """Make a pytest fixture that yields the events of a test: ``events = pytest.fixture(events_fixture())``."""

    def events() -> Iterator[Iterable[Mapping[str, Any]]]:
        with captured_events() as captured:
            yield captured

    return events
