"""Which operations are open, by the last tick of each process and by what has ended since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..clock import parse_timestamp
from ..operations.record import OperationRecord

# Two readings of wall time for one start differ by what the clock was set right in between.
_SAME_START_SECONDS: Final = 0.002
# An operation may end between the list of a tick and the tick's record, which is dated later.
_TICK_NS: Final = 5_000_000


class StillOpen:
    """The part of the fold that knows what is open. A process's tick lists it; a logged end takes one off."""

    def __init__(self) -> None:
        self._by_source: dict[str, list[dict[str, Any]]] = {}
        self._listed_ns: dict[str, int] = {}

    def tick(self, source: str, time: str, listed: list[dict[str, Any]]) -> None:
        """Take the list of a tick of the process *source* (a worker's name, or empty for the run's own)."""
        self._listed_ns[source] = _ns(time) - _TICK_NS
        self._by_source[source] = [dict(found, worker=source) if source else found for found in listed]

    def end(self, source: str, ended: OperationRecord) -> None:
        """Take off the one that *ended* tells of, if it was listed."""
        listed = self._by_source.get(source, ())
        # Most that ends is of another path than what is open: to read a time is dear.
        alike = [found for found in listed if found.get("path") == ended.path and _breakdown(found) == ended.breakdown]
        if alike and _ns(ended.end_time) >= self._listed_ns[source]:
            started = _ns(ended.start_time)
            found = min(alike, key=lambda one: _apart(one, started), default=None)
            if found is not None and _apart(found, started) <= _SAME_START_SECONDS:
                # A new list: summaries hold the old one.
                self._by_source[source] = [one for one in listed if one is not found]

    def listed(self) -> list[dict[str, Any]]:
        """Return all that is open, the run's own first."""
        return [found for source in sorted(self._by_source) for found in self._by_source[source]]


def _breakdown(found: Mapping[str, Any]) -> Any:
    return found.get("breakdown") or {}


def _apart(found: Mapping[str, Any], started_ns: int) -> float:
    return abs(_ns(found.get("started")) - started_ns) / 1e9


def _ns(timestamp: Any) -> int:
    try:
        return parse_timestamp(timestamp)
    except (TypeError, ValueError, AttributeError):
        return 0
