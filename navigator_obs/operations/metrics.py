"""The run's metrics from anywhere in the program: `count`, `gauge`, `observe`, and which accumulator holds here."""

from __future__ import annotations

import os
from typing import Any, Final

from ..encoding import shown
from ..errors import UsageError
from ..events import scope
from .accumulator import Accumulator
from .measures import OVERFLOW
from .node import Node
from .root import Root
from .series import Link, OpenNode
from .stats import OperationStats
from .totals import Metrics

__all__ = [
    "OVERFLOW",
    "Accumulator",
    "Metrics",
    "OperationStats",
    "count",
    "current",
    "gauge",
    "install",
    "observe",
    "outside",
    "remove",
]

outside: Final = Accumulator(heard=False)
"""Stands in where no run is open: it keeps nothing. Its `log_limit` holds for operations outside of runs."""

roots: Final[dict[scope.RunTag | None, Root]] = {None: outside.root}
"""Where the operations of each run hang; under None those of none."""


def install(tag: scope.RunTag, accumulator: Accumulator) -> None:
    """Let what happens under the run *tag* be added to *accumulator*."""
    remove(tag)
    accumulator.root.node.gone = False
    roots[tag] = accumulator.root


def remove(tag: scope.RunTag) -> None:
    """Undo `install`; harmless when done twice."""
    root = roots.pop(tag, None)
    if root is not None:
        root.link.accumulator.leave()


def current() -> Accumulator | None:
    """Return the accumulator of the run that is open here; None outside of any."""
    root = roots.get(scope.current().run)
    return None if root is None or root is outside.root else root.link.accumulator


def hang(above: str | None, run: scope.RunTag | None) -> tuple[Node, Link]:
    """Return what stands for the run, and the link of an operation that is open *above* in another process, or the
    run's own.
    """
    root = roots.get(run) or outside.root
    return root.node, root.link if above is None else root.link.accumulator.prefix(above)


def open_nodes() -> list[OpenNode]:
    """Return the operations that are open in this process, in whatever run."""
    return [node for root in list(roots.values()) for node in root.link.accumulator.open]


def count(name: str, value: float = 1, /, *, unit: str | None = None, **labels: Any) -> None:
    """Add *value* (a number from 0 up) to the run's counter *name*; does nothing outside of a run.

    Each combination of *labels* is a series of its own. *unit* is a word such as "dollars"; that which the name ends in
    when None. A value that is no finite number is counted as `invalid`
    beside the series. Raises `UsageError` for a name that is no text.

    >>> count("hires", 12, department="sales")
    """
    accumulator = _ready(name, unit)
    if accumulator is not None:
        accumulator.count(name, value, labels, unit)


def gauge(name: str, value: float, /, *, unit: str | None = None, **labels: Any) -> None:
    """Set the run's gauge *name*: of all the values that were set the newest is kept. Otherwise like `count`.

    >>> gauge("headcount", 5_230, year=2025)
    """
    accumulator = _ready(name, unit)
    if accumulator is not None:
        accumulator.gauge(name, value, labels, unit)


def observe(name: str, value: float, /, *, unit: str | None = None, **labels: Any) -> None:
    """Add *value* to the run's distribution *name*, of which count, sum, extremes and quantiles are kept. Otherwise
    like `count`.

    >>> observe("batch_rows", 1_200)
    """
    accumulator = _ready(name, unit)
    if accumulator is not None:
        accumulator.observe(name, value, labels, unit)


def _ready(name: str, unit: str | None) -> Accumulator | None:
    if not issubclass(type(name), str) or not str.__len__(name):
        raise UsageError(f"a metric's name must be a text such as 'hires', not {shown(name)}")
    if unit is not None and (not issubclass(type(unit), str) or not str.__len__(unit)):
        raise UsageError(f"a metric's unit must be a word such as 'dollars', not {shown(unit)}")
    return current()


def _after_fork() -> None:
    for root in list(roots.values()):
        root.link.accumulator.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
