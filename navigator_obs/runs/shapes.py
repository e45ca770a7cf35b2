"""What a reader of records relies on: of which type each part is that is computed with.

A line that is damaged, or of another version, may parse and be no such record. It counts as torn, for every reader
alike: one folder that makes no sense must not keep anybody from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final


@dataclass(frozen=True)
class Table:
    """An object: the shapes of those parts that it has, and which it must have. Others may be anything."""

    parts: Mapping[str, Shape] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def holds(self, value: Any) -> bool:
        """Return whether *value* is one."""
        if not isinstance(value, dict):
            return False
        for key in self.needs:
            if key not in value:
                return False
        # A loop, which is faster: each record of a journal comes through here.
        for key, shape in self.parts.items():  # noqa: SIM110
            if key in value and not _is(value[key], shape):
                return False
        return True


@dataclass(frozen=True)
class Every:
    """An array, or with *named* an object, all of whose values have one shape."""

    shape: Shape
    named: bool = False

    def holds(self, value: Any) -> bool:
        """Return whether *value* is one."""
        if self.named:
            return isinstance(value, dict) and all(_is(item, self.shape) for item in value.values())
        return isinstance(value, list) and all(_is(item, self.shape) for item in value)


@dataclass(frozen=True)
class Maybe:
    """Something of a shape, or null."""

    shape: Shape

    def holds(self, value: Any) -> bool:
        """Return whether *value* is one."""
        return value is None or _is(value, self.shape)


Shape = type | tuple[type, ...] | Table | Every | Maybe


def _is(value: Any, shape: Shape) -> bool:
    kind = type(shape)
    return isinstance(value, shape) if kind is type or kind is tuple else shape.holds(value)  # type: ignore[arg-type,union-attr]


_NUMBER: Final = (int, float)
_NUMBER_OR_NULL: Final = (int, float, NoneType)
_TEXT_OR_NULL: Final = (str, NoneType)
_COUNTS: Final = Every(int, named=True)
_EVENTS: Final = Table({"written": int, "bytes": int, "dropped": _COUNTS}, needs=("written", "bytes", "dropped"))
_COST: Final = Maybe(
    Table({"seconds": _NUMBER, "journal_bytes": int, "memory_bytes": _NUMBER}, needs=("seconds", "journal_bytes"))
)
_EVIDENCE: Final = Maybe(
    Table(
        {
            "boot_id": _TEXT_OR_NULL,
            "scheduler": Maybe(Table()),
            "oom_file": _TEXT_OR_NULL,
            "oom_kills": Maybe(Every((int, NoneType), named=True)),
            "fault_log": _TEXT_OR_NULL,
            "log_path": _TEXT_OR_NULL,
            "watched_by": (int, NoneType),
            "disk_free_mb": _NUMBER_OR_NULL,
        }
    )
)
_SHAPES: Final[Mapping[str, Table]] = {
    "start": Table(
        {
            "run_id": str,
            "name": str,
            "host": _TEXT_OR_NULL,
            "pid": (int, NoneType),
            "tags": Every(str),
            "years": Maybe(Every(int)),
            "years_resumed": Maybe(Every(int)),
            "promise_seconds": _NUMBER_OR_NULL,
            "memory_mb": _NUMBER_OR_NULL,
            "configuration": Maybe(Table({"redacted": list}, needs=("redacted",))),
            "environment": Maybe(
                Table({"git": Maybe(Table()), "memory_mb": _NUMBER_OR_NULL, "memory_limit_mb": _NUMBER_OR_NULL})
            ),
            "evidence": _EVIDENCE,
        }
    ),
    "tick": Table(
        {
            "seconds": _NUMBER,
            "covered_seconds": _NUMBER,
            "resources": Table({"memory_mb": _NUMBER_OR_NULL}),
            "open_operations": Every(Table()),
            "issues": Every(Table()),
            "checks": Every(Table()),
            "events": _EVENTS,
            "cost": _COST,
            "dropped": _COUNTS,
            "stalled": Maybe(Table({"promise_seconds": _NUMBER})),
            "promise_seconds": _NUMBER_OR_NULL,
            "evidence": _EVIDENCE,
        },
        needs=("time", "seconds"),
    ),
    "operation": Table({"record": Table(dict.fromkeys(("name", "path", "status", "start_time", "end_time"), str))}),
    "artifact": Table({"artifact": Table()}, needs=("artifact",)),
    "checkpoint": Table({"year": int}),
    "environment": Table({"git": Maybe(Table()), "imported": Maybe(Table())}),
    "signal": Table({"signal": str, "time": str}, needs=("signal", "time")),
    "tags": Table({"tags": Every(str)}),
    "fail": Table({"reason": str}, needs=("reason",)),
    "end": Table(
        {
            "status": str,
            "status_reason": _TEXT_OR_NULL,
            "evidence": Every(str),
            "seconds": _NUMBER,
            "end_time": _TEXT_OR_NULL,
            "memory_mb": _NUMBER_OR_NULL,
            "events": _EVENTS,
            "cost": _COST,
        }
    ),
}
_OF_ALL: Final = Table({"kind": str, "time": _TEXT_OR_NULL, "worker": _TEXT_OR_NULL}, needs=("kind",))


def is_record(value: Any) -> bool:
    """Return whether *value*, a line that was parsed, is a record that readers can work with; of a kind that is not
    known here it need only be one.

    >>> is_record({"kind": "signal", "time": "2025-08-18T14:30:22.123456Z", "signal": "SIGTERM"})
    True
    >>> is_record({"kind": "signal", "signal": 15}), is_record([]), is_record({"kind": "of-tomorrow"})
    (False, False, True)
    """
    if not _OF_ALL.holds(value):
        return False
    shape = _SHAPES.get(value["kind"])
    return shape is None or shape.holds(value)
