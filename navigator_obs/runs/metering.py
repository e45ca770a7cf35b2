"""What the toolkit itself takes of a run: its CPU time, as it goes, and what is left out once that is too much.

Where it works for long, it is measured: the ticker's thread by its own CPU clock, the start, the end and each summary
that is asked for by the calling thread's, and each operation and event that takes the longer way, and each check, by
two looks at the clock. What is too short for that, an operation that is only counted (1 µs), an event on the fast path
(3 µs), a value of a metric and a context around an operation, is counted, and priced by a trial of some dozens.

A trial has all it needs in the processor's caches. What comes once in a millisecond, between other work, has not, and
costs several times as much. How many times is told by the operations that were measured: by how much longer their ends
took than in the trial.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..clock import clock
from ..events import named, scope, sinks, ticker
from ..events.chain import chain
from ..operations import metrics, sampler
from ..operations.accumulator import Accumulator
from ..operations.operation import operation

if TYPE_CHECKING:
    from ..operations.totals import Metrics

_BATCH: Final = 8
_BATCHES: Final = 4
_WARM_UP: Final = 16
_TRIALS: Final = 3
_NS: Final = 1e9
_SLOW_SAMPLES_SECONDS: Final = 1.0
_LONGEST_NS: Final = 500_000
# What comes so often finds the caches as it left them; what comes so seldom finds nothing of its own there.
_OFTEN_NS: Final = 20_000
_SELDOM_NS: Final = 500_000
_COLDEST: Final = 10.0
# As weighed on several machines: the logged end of an operation against all of one that is only counted, both in a
# loop that does nothing else; the beginning of an operation against its measured end; rendering in all of an event.
_TOLD_PRICES: Final = 7.0
_BEGINNING: Final = 0.35
_RENDERING: Final = 0.7


class Prices(NamedTuple):
    """What things cost in a trial, in nanoseconds: an operation, the end of one that is measured, an event, a value of
    a metric, a context around an operation.
    """

    operation: float = 0.0
    measured_end: float = 0.0
    event: float = 0.0
    value: float = 0.0
    context: float = 0.0


# A trial takes a millisecond: a program that ends at once, after a handful of events, is spared it.
_WORTH_A_TRIAL: Final = 100
_USUAL: Final = Prices(1_500.0, 6_000.0, 4_000.0, 1_000.0, 2_500.0)


class Meter:
    """Adds up the CPU time that recording one run takes in this process. Numbers are nanoseconds; *trial* finds what
    things cost.
    """

    def __init__(self, figures: Accumulator, tag: scope.RunTag, trial: Callable[[], Prices] | None = None) -> None:
        self._figures = figures
        self._tag = tag
        self._here_ns = 0
        self._began_ns: int | None = None
        # What the calling thread had worked for the run before this was made.
        self.before_ns = 0
        self._made_ns = clock.thread_cpu_ns()
        self._ticker_before_ns = ticker.cpu_ns()
        self._slow_before = sinks.outlet.slow_events, sinks.outlet.slow_ns
        self._worked_ns = 0
        self._counted_ns = 0.0
        self._counted_at = clock.monotonic_ns()
        # Operations and events of the short ways, values of metrics and contexts, that have been paid for.
        self._paid = (0, 0, 0, 0)
        self._ended = 0
        self._trial = trial or try_prices
        self._prices = Prices()
        self._trials = 0

    def timed(self, work: Callable[[], None]) -> None:
        """Do some work of the toolkit's own. That of the ticker's thread is known without it."""
        began = clock.thread_cpu_ns()
        try:
            work()
        finally:
            if self._began_ns is None and not ticker.is_here():
                self._here_ns += max(clock.thread_cpu_ns() - began, 0)

    def worked(self, since_ns: int) -> None:
        """Add the time since a look at the monotonic clock, in which a thread of the program worked for the toolkit."""
        # A thread that was suspended meanwhile has not worked for that long.
        self._worked_ns += min(max(clock.monotonic_ns() - since_ns, 0), _LONGEST_NS)

    def begin(self, since_ns: int | None = None) -> None:
        """From here on all that the calling thread does is the toolkit's, until `end`; or since a look at its clock."""
        self._began_ns = clock.thread_cpu_ns() if since_ns is None else since_ns
        self.before_ns = max(self.before_ns, self._made_ns - self._began_ns)

    def end(self) -> None:
        """Undo `begin`."""
        if self._began_ns is not None:
            self._here_ns += max(clock.thread_cpu_ns() - self._began_ns, 0)
            self._began_ns = None

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """Pay twice for what is done now: it will be done once more, when what recording took has been told."""
        began = clock.thread_cpu_ns()
        yield
        self._here_ns += max(clock.thread_cpu_ns() - began, 0)

    def count(self, gained: Metrics) -> None:
        """Take note of the operations that have ended since the last time, and of the events and values."""
        self._ended += sum(stats.count for stats in gained.operations.values())
        now, before = clock.monotonic_ns(), self._counted_at
        counts = self._counts()
        new = [max(count - paid, 0) for count, paid in zip(counts, self._paid, strict=True)]
        if not any(new):
            self._counted_at = now
            return
        prices = self._priced() if sum(counts) > _WORTH_A_TRIAL else _USUAL
        for count, price in zip(new, (prices.operation, prices.event, prices.value, prices.context), strict=True):
            if count:
                self._counted_ns += count * price * self._coldness((now - before) / count)
        self._counted_at, self._paid = now, counts

    def _counts(self) -> tuple[int, int, int, int]:
        figures = self._figures
        # Events of operations are timed with the operation.
        events = self._tag.written - (sinks.outlet.slow_events - self._slow_before[0]) - figures.told
        return self._ended - figures.slow, events, figures.values, figures.contexts

    def _priced(self) -> Prices:
        """The lowest of some trials, for what disturbs one makes it dearer."""
        if self._trials < _TRIALS:
            tried = self._trial()
            self._prices = Prices(*map(min, self._prices, tried)) if self._trials else tried
            self._trials += 1
        return self._prices

    def _coldness(self, spacing_ns: float) -> float:
        """How many times as much as in a trial it costs what comes once in so many nanoseconds."""
        figures, prices = self._figures, self._prices
        usual = (figures.slow - figures.told) * prices.measured_end + figures.told * _TOLD_PRICES * prices.operation
        if usual <= 0 or spacing_ns <= _OFTEN_NS:
            return 1.0
        coldest = min(max(figures.slow_ns / usual, 1.0), _COLDEST)
        return 1.0 + (coldest - 1.0) * min(spacing_ns / _SELDOM_NS, 1.0)

    def seconds(self) -> float:
        """Return the CPU time until now; what is only counted, until the last tick."""
        ends_ns = self._figures.slow_ns * (1 + _BEGINNING)
        events_ns = sinks.outlet.slow_ns - self._slow_before[1]
        ticker_ns = max(ticker.cpu_ns() - self._ticker_before_ns, 0)
        return (self._here_ns + ticker_ns + ends_ns + events_ns + self._worked_ns + self._counted_ns) / _NS


def try_prices() -> Prices:
    """Try out, in a scope and with figures of nobody's, what things cost; nothing is written."""
    try:
        operation_ns, end_ns, value_ns, context_ns = contextvars.Context().run(_try_operations)
        return Prices(operation_ns, end_ns, contextvars.Context().run(_try_events), value_ns, context_ns)
    except Exception:
        return Prices()


def _try_operations() -> tuple[float, float, float, float]:
    tag, figures = scope.RunTag(None), Accumulator()
    metrics.install(tag, figures)
    try:
        scope.enter(run=tag)
        plain_ns = _warm(_operate)
        context_ns = max(_warm(_operate_in_context) - plain_ns, 0.0)
        series, _ = figures.series("trial", {}, {})

        def measured() -> None:
            series.measure = True
            _operate()

        _warm(measured)
        end_ns = figures.slow_ns / max(figures.slow, 1)
        return plain_ns, end_ns, _warm(lambda: metrics.count("trial", 1, part="any")), context_ns
    finally:
        metrics.remove(tag)


def _operate() -> None:
    with operation("trial", log="never"):
        pass


def _operate_in_context() -> None:
    with scope.context(part="any"):
        _operate()


def _try_events() -> float:
    fast = chain.fast
    if fast is None:
        return 0.0
    scope.enter(run=scope.RunTag(None), context={"year": 2025})
    frame, fields = sys._getframe(), {"employees": 5_000, "stage": "hiring", "share": 0.25}
    return _warm(lambda: fast.render("", fast.nothing, 20, "year simulated", dict(fields), frame)) / _RENDERING


def _warm(work: Callable[[], object]) -> float:
    """What *work* takes, once the caches have it: the cheapest of some batches, for other threads want to run, too."""
    for _ in range(_WARM_UP):
        work()
    return min(_batch(work) for _ in range(_BATCHES))


def _batch(work: Callable[[], object]) -> float:
    began = clock.thread_cpu_ns()
    for _ in range(_BATCH):
        work()
    return max(clock.thread_cpu_ns() - began, 0) / _BATCH


_INFO: Final = 20
# Of runs that are open in this process.
_without_debug: Final[set[Accumulator]] = set()


class Budget:
    """Watches what recording costs one process, and says what is to be left out where that is more than *percent* of
    the time.

    `due` is asked at each tick. It answers with a step of `STEPS`, each at most once, and only when the seconds since
    the last step, too, have cost too much. Where several threads work at once, what recording took in all of them is a
    share of all that they worked, and not of the seconds that passed.
    """

    STEPS: Final = ("debug events", "operation samples", "operation events")
    SECONDS: Final = 5.0

    def __init__(self, percent: float) -> None:
        self._percent = percent
        self.taken = 0
        self._since = (0.0, 0.0, 0.0)

    def due(self, seconds: float, cost_seconds: float, cpu_seconds: float) -> tuple[str, float] | None:
        """Return the next step and the percentage that makes it due; None where the cost keeps to the budget.

        *seconds* have passed, of which the process has worked *cpu_seconds*, and recording took *cost_seconds*.
        """
        passed, cost, worked = (
            now - then for now, then in zip((seconds, cost_seconds, cpu_seconds), self._since, strict=True)
        )
        if passed < self.SECONDS:
            return None
        # Part of the cost is looked up on the wall clock, also by threads that wait for each other.
        percent = 100 * min(cost, worked) / max(passed, worked)
        self._since = (seconds, cost_seconds, cpu_seconds)
        if percent <= self._percent or self.taken == len(self.STEPS):
            return None
        self.taken += 1
        return self.STEPS[self.taken - 1], round(percent, 2)


def degrade(step: str, figures: Accumulator) -> None:
    """Leave out what *step* names; warnings, errors, checks and all sums stay."""
    if step == "debug events":
        _without_debug.add(figures)
        named.set_floor(_INFO)
    elif step == "operation samples":
        figures.log_every = 10
        sampler.slow_down(_SLOW_SAMPLES_SECONDS)
    else:
        figures.log_limit = 0


def restore(figures: Accumulator) -> None:
    """Let events of all levels be recorded again, after the run whose *figures* these are, unless another one that is
    open costs too much as well.
    """
    if figures in _without_debug:
        _without_debug.discard(figures)
        named.set_floor(_INFO if _without_debug else 0)


def in_words(step: str, percent: float, budget: float) -> tuple[str, dict[str, Any]]:
    """Return the words and the fields of the warning that says so."""
    what = {
        "debug events": "DEBUG events are no longer recorded",
        "operation samples": "of operations that succeed one in ten is logged and measured, the others are counted",
        "operation events": "operations that succeed are only counted",
    }[step]
    message = f"recording cost more than its budget: {what}"
    return message, {"left_out": step, "percent": percent, "overhead_budget_percent": budget}
