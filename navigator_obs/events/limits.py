"""Which of many like events are written: the first, every n-th, so many in an interval, or a share of those of a name.
What was held back is counted and told.
"""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..clock import clock
from ..errors import UsageError
from .held import held

MAX_GATES: Final = 4096


@dataclass(frozen=True)
class Limit:
    """At most *most* events in each *seconds* (for ever when None), or every *every*-th; never both."""

    most: int | None = None
    seconds: float | None = None
    every: int | None = None

    def __post_init__(self) -> None:
        if (self.most is None) == (self.every is None):
            raise UsageError(f"a limit takes either most= or every=, not most={self.most!r} with every={self.every!r}")
        number = self.every if self.most is None else self.most
        if not isinstance(number, int) or number < 1:
            raise UsageError(f"a limit must be a whole number of at least 1, not {number!r}")
        if self.seconds is not None and not self.seconds > 0:
            raise UsageError(f"seconds must be more than 0, not {self.seconds!r}")


class Tally:
    """How many events this process has left out, by what left them out. Exact under threads."""

    def __init__(self) -> None:
        self.begin()

    def add(self, what: str) -> None:
        """Count one more."""
        with held(self._lock):
            self._counts[what] += 1

    def counts(self) -> dict[str, int]:
        """Return the numbers so far: of events that `sampling` did not choose, and that `limited` held back."""
        return dict(self._counts)

    def begin(self) -> None:
        """Count from nothing, with a lock of one's own: as at the start and in a forked child."""
        # Re-entrant, as a signal handler may log in the middle of a log call.
        self._lock = threading.RLock()
        self._counts = {"sampled_out": 0, "held_back": 0}


tally: Final = Tally()


class Gate:
    """Counts the events of one kind against a limit. Exact under threads."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._lock = threading.RLock()
        self._since_ns = clock.monotonic_ns()
        self._seen = 0
        self._passed = 0
        self._held_back = 0

    def admit(self) -> int | None:
        """Return how many were held back since the last one that passed, or None where this one is held back too."""
        with held(self._lock):
            self._renew()
            self._seen += 1
            if not self._passes():
                self._held_back += 1
                tally.add("held_back")
                return None
            self._passed += 1
            held_back, self._held_back = self._held_back, 0
            return held_back

    def take(self) -> int:
        """Return how many were held back since the last one that passed, and count from nothing."""
        with held(self._lock):
            held_back, self._held_back = self._held_back, 0
            return held_back

    def after_fork(self) -> None:
        """In a forked child: a thread of the parent may have had the lock."""
        self._lock = threading.RLock()
        self._held_back = 0

    def _passes(self) -> bool:
        if self._limit.every is not None:
            return (self._seen - 1) % self._limit.every == 0
        return self._passed < (self._limit.most or 0)

    def _renew(self) -> None:
        if self._limit.seconds is None:
            return
        now = clock.monotonic_ns()
        if now - self._since_ns >= self._limit.seconds * 1e9:
            self._since_ns, self._passed = now, 0


class Sampler:
    """Lets a share of the events of one name pass, evenly and beginning with the first."""

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._count = itertools.count()

    def passes(self) -> bool:
        """Whether the next event is one of the share."""
        number = next(self._count)
        return number == 0 or math.floor(number * self.rate) != math.floor((number - 1) * self.rate)


samplers: Final[dict[object, Sampler]] = {}
"""By event name; a log call asks here only while there are any."""


def sample(rates: Mapping[str, float]) -> None:
    """Have these shares of the events of each name pass from now on, and all of the others."""
    made = {name: Sampler(rate) for name, rate in rates.items()}
    samplers.clear()
    samplers.update(made)


def sampled(name: object, fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return the fields of an event that passes, with the rate by which it was chosen; None for one that does not."""
    sampler = samplers.get(name) if type(name) is str else None
    if sampler is None:
        return fields
    if sampler.passes():
        return {"sample_rate": sampler.rate, **fields}
    tally.add("sampled_out")
    return None


_gates: dict[tuple[object, ...], Gate] = {}


def admit(limit: Limit, key: tuple[object, ...]) -> int | None:
    """Ask the gate of this limit and key; see `Gate.admit`. Beyond 4,096 kinds of events all start to count anew."""
    gate = _gates.get((limit, *key))
    if gate is None:
        if len(_gates) >= MAX_GATES:
            _gates.clear()
        gate = _gates.setdefault((limit, *key), Gate(limit))
    return gate.admit()


def take_held_back() -> dict[str, int]:
    """Return how many events of each message were held back and not told of yet; they count as told from now on."""
    found: dict[str, int] = {}
    for key, gate in list(_gates.items()):
        number = gate.take()
        if number:
            message = str(key[-1])
            found[message] = found.get(message, 0) + number
    return found


def after_fork() -> None:
    """In a forked child: what was held back until then is the parent's to tell."""
    for gate in list(_gates.values()):
        gate.after_fork()
    tally.begin()


def reset() -> None:
    """Let every kind of event count from the start again, and pass without sampling."""
    _gates.clear()
    samplers.clear()
    tally.begin()
