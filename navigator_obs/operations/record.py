"""What one piece of work left behind: its timing, its share of CPU and memory, its rows, its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

from ..clock import format_timestamp, parse_timestamp

SUCCESS: Final = "success"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"


@dataclass(slots=True, kw_only=True)
class OperationRecord:
    """One operation that has ended.

    *status* is ``success``, ``failed`` (an exception passed through it, or `fail` was called) or ``cancelled`` (it was
    stopped from outside: a cancelled task, Ctrl-C, `sys.exit`, a generator closed early). *outermost* tells for each
    key of *breakdown* whether no operation around this one had that key as well: those are the years that add up.
    *weighted_self_seconds* is self time with each instant divided among the operations that were active leaves in it;
    None for the same as *self_seconds*. *scene* stands for the context of an outermost one (see `outcomes`).
    """

    name: str
    path: str
    status: str
    start_time: str
    duration_seconds: float
    self_seconds: float
    end_time: str
    cpu_seconds: float | None = None
    memory_delta_mb: float | None = None
    peak_memory_mb: float | None = None
    rows: int | None = None
    breakdown: dict[str, Any] = field(default_factory=dict)
    outermost: dict[str, bool] = field(default_factory=dict)
    logged: bool = False
    error: dict[str, Any] | None = None
    weighted_self_seconds: float | None = None
    scene: str = ""

    @property
    def rows_per_second(self) -> float | None:
        """Rows by wall time; None without rows or without time."""
        if self.rows is None or self.duration_seconds <= 0:
            return None
        return round(self.rows / self.duration_seconds, 3)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as the journal keeps them."""
        return {key: getattr(self, key) for key in _KEYS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], ended: str = "") -> OperationRecord:
        """Undo `to_dict`; unknown keys are ignored.

        One without times ended at *ended*, and had begun its duration before.
        """
        told = {key: values[key] for key in _KEYS if key in values}
        if "end_time" not in told:
            began_ns = parse_timestamp(ended) - round(told["duration_seconds"] * 1e9)
            told |= {"start_time": format_timestamp(began_ns), "end_time": ended}
        return cls(**told)


_KEYS: Final = tuple(item.name for item in fields(OperationRecord))
