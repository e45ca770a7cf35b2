"""What the toolkit itself takes of a run: its CPU time, as it goes, and what is left out once that is too much.

Where it works for long, it is measured: the ticker's thread by its own CPU clock, the start, the end and each summary
that is asked for by the calling thread's, and each operation and event that takes the longer way by two looks at the
clock. What is too short for that, an operation that is only counted (1 µs) and an event on the fast path
(3 µs), is counted, and priced by a trial of some dozens at the run's first tick.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock
from ..events import named, scope, sinks, ticker
from ..events.chain import chain
from ..operations import metrics, sampler
from ..operations.accumulator import Accumulator
from ..operations.operation import operation

if TYPE_CHECKING:
    from ..operations.totals import Metrics

_TRIAL: Final = 32
_NS: Final = 1e9
_SLOW_SAMPLES_SECONDS: Final = 1.0


class Meter:
    """Adds up the CPU time that recording one run takes in this process. Numbers are nanoseconds."""

    def __init__(self, figures: Accumulator, tag: scope.RunTag) -> None:
        self._figures = figures
        self._tag = tag
        self._here_ns = 0
        self._began_ns: int | None = None
        self._ticker_before_ns = ticker.cpu_ns()
        self._slow_before = sinks.outlet.slow_events, sinks.outlet.slow_ns
        self._ended = 0
        self._price: tuple[float, float] | None = None

    def timed(self, work: Callable[[], None]) -> None:
        """Do some work of the toolkit's own. That of the ticker's thread is known without it."""
        began = clock.thread_cpu_ns()
        try:
            work()
        finally:
            if self._began_ns is None and not ticker.is_here():
                self._here_ns += max(clock.thread_cpu_ns() - began, 0)

    def begin(self) -> None:
        """From here on all that the calling thread does is the toolkit's, until `end`."""
        self._began_ns = clock.thread_cpu_ns()

    def end(self) -> None:
        """Undo `begin`."""
        if self._began_ns is not None:
            self._here_ns += max(clock.thread_cpu_ns() - self._began_ns, 0)
            self._began_ns = None

    def count(self, gained: Metrics) -> None:
        """Take note of the operations that have ended since the last time."""
        self._ended += sum(stats.count for stats in gained.operations.values())

    def seconds(self) -> float:
        """Return the CPU time until now."""
        if self._price is None:
            # Nothing but a price tag depends on it; a program that ends at once is spared it.
            self._price = _prices() if self._ended or self._tag.written else (0.0, 0.0)
        operation_ns, event_ns = self._price
        slow_events = sinks.outlet.slow_events - self._slow_before[0]
        slow_ns = sinks.outlet.slow_ns - self._slow_before[1] + self._figures.slow_ns
        # Events of operations are timed with the operation.
        fast_events = max(self._tag.written - slow_events - self._figures.told, 0)
        measured = self._here_ns + max(ticker.cpu_ns() - self._ticker_before_ns, 0) + slow_ns
        return (measured + self._ended * operation_ns + fast_events * event_ns) / _NS


def _prices() -> tuple[float, float]:
    """Try out, in a scope and with figures of nobody's, what an operation and an event cost; nothing is written."""
    try:
        return contextvars.Context().run(_try_operations), contextvars.Context().run(_try_events)
    except Exception:
        return 0.0, 0.0


def _try_operations() -> float:
    tag, figures = scope.RunTag(None), Accumulator()
    metrics.install(tag, figures)
    try:
        scope.enter(run=tag)
        began = clock.thread_cpu_ns()
        for _ in range(_TRIAL):
            with operation("trial", log="never"):
                pass
        return max(clock.thread_cpu_ns() - began, 0) / _TRIAL
    finally:
        metrics.remove(tag)


def _try_events() -> float:
    fast = chain.fast
    if fast is None:
        return 0.0
    scope.enter(run=scope.RunTag(None), context={"year": 2025})
    frame, fields = sys._getframe(), {"employees": 5_000, "stage": "hiring", "share": 0.25}
    began = clock.thread_cpu_ns()
    for _ in range(_TRIAL):
        fast.render("", fast.nothing, 20, "year simulated", dict(fields), frame)
    return max(clock.thread_cpu_ns() - began, 0) / _TRIAL


class Budget:
    """Watches what recording costs, and says what is to be left out where it is more than *percent* of the time.

    `due` is asked at each tick. It answers with a step of `STEPS`, each at most once, and only when the seconds since
    the last step, too, have cost too much.
    """

    STEPS: Final = ("debug events", "operation samples", "operation events")
    SECONDS: Final = 5.0

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self._taken = 0
        self._since = (0.0, 0.0)

    def due(self, seconds: float, cost_seconds: float) -> tuple[str, float] | None:
        """Return the next step and the percentage that makes it due; None where the cost keeps to the budget."""
        began, before = self._since
        if seconds - began < self.SECONDS:
            return None
        percent = 100 * (cost_seconds - before) / (seconds - began)
        self._since = (seconds, cost_seconds)
        if percent <= self._percent or self._taken == len(self.STEPS):
            return None
        self._taken += 1
        return self.STEPS[self._taken - 1], round(percent, 2)


def degrade(step: str, figures: Accumulator) -> None:
    """Leave out what *step* names; warnings, errors, checks and all sums stay."""
    if step == "debug events":
        named.set_floor(20)
    elif step == "operation samples":
        figures.log_every = 10
        sampler.slow_down(_SLOW_SAMPLES_SECONDS)
    else:
        figures.log_limit = 0


def restore() -> None:
    """Let events of all levels be recorded again, after the run."""
    named.set_floor(0)


def in_words(step: str, percent: float, budget: float) -> tuple[str, dict[str, Any]]:
    """Return the words and the fields of the warning that says so."""
    what = {
        "debug events": "DEBUG events are no longer recorded",
        "operation samples": "of operations that succeed one in ten is logged and measured, the others are counted",
        "operation events": "operations that succeed are only counted",
    }[step]
    message = f"recording cost more than its budget: {what}"
    return message, {"left_out": step, "percent": percent, "overhead_budget_percent": budget}
