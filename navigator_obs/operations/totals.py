"""`Metrics`: all that was measured in a stretch of a run, as plain data that merges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .measures import Counter, Distribution, Gauge, Key, unit_of
from .parts import SECOND
from .stats import OperationStats

M = TypeVar("M", Counter, Gauge, Distribution)


@dataclass(slots=True)
class Metrics:
    """Operations by path, counters, gauges and distributions by name and labels, and the time in no operation.

    Merging is associative and commutative, and `from_dict(to_dict())` is equal: a run's metrics are the sum of its
    ticks and of its workers' shares, in whatever order they arrive. *overflow* counts what found no room of its own
    and went to the series `…overflow`.
    """

    operations: dict[str, OperationStats] = field(default_factory=dict)
    unattributed_ns: int = 0
    counters: dict[Key, Counter] = field(default_factory=dict)
    gauges: dict[Key, Gauge] = field(default_factory=dict)
    distributions: dict[Key, Distribution] = field(default_factory=dict)
    overflow: int = 0

    @property
    def unattributed_seconds(self) -> float:
        """Wall time in which no operation was open."""
        return self.unattributed_ns / SECOND

    def merge(self, other: Metrics) -> None:
        """Add *other*, which stays as it is."""
        for path, stats in other.operations.items():
            self.operations.setdefault(path, OperationStats()).merge(stats)
        self.unattributed_ns += other.unattributed_ns
        _merge(self.counters, other.counters)
        _merge(self.gauges, other.gauges)
        _merge(self.distributions, other.distributions)
        self.overflow += other.overflow

    def summary(self) -> dict[str, list[dict[str, Any]]]:
        """Return counters, gauges and distributions as `metrics` in `summary.json` shows them."""
        return {
            "counters": _listed(self.counters, "summary"),
            "gauges": _listed(self.gauges, "summary"),
            "distributions": _listed(self.distributions, "summary"),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "operations": {path: stats.to_dict() for path, stats in self.operations.items()},
            "unattributed_ns": self.unattributed_ns,
            "counters": _listed(self.counters, "to_dict"),
            "gauges": _listed(self.gauges, "to_dict"),
            "distributions": _listed(self.distributions, "to_dict"),
            "overflow": self.overflow,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Metrics:
        """Undo `to_dict`; unknown keys are ignored."""
        return cls(
            {path: OperationStats.from_dict(stats) for path, stats in values.get("operations", {}).items()},
            values.get("unattributed_ns", 0),
            _restored(Counter, values.get("counters", ())),
            _restored(Gauge, values.get("gauges", ())),
            _restored(Distribution, values.get("distributions", ())),
            values.get("overflow", 0),
        )


def _merge(into: dict[Key, M], others: Mapping[Key, M]) -> None:
    for key, other in others.items():
        into.setdefault(key, type(other)()).merge(other)


def _listed(series: Mapping[Key, Counter | Gauge | Distribution], how: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "labels": dict(labels), **_unit(name, measure), **getattr(measure, how)()}
        for (name, labels), measure in sorted(series.items(), key=_key)
    ]


def _unit(name: str, measure: Counter | Gauge | Distribution) -> dict[str, str]:
    unit = measure.unit or unit_of(name)
    return {"unit": unit} if unit else {}


def _restored(kind: type[M], listed: Iterable[Mapping[str, Any]]) -> dict[Key, M]:
    return {(item["name"], tuple(sorted(item["labels"].items()))): kind.from_dict(item) for item in listed}


def _key(item: tuple[Key, Any]) -> Key:
    return item[0]
