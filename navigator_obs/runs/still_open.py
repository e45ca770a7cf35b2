"""Which operations are open, by the last tick of each process and by what has ended since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .. import clock
from ..operations.record import OperationRecord

# Two readings of wall time for one start differ by what the clock was set right in between.
_SAME_START_SECONDS: Final = 0.05


class StillOpen:
    """The part of the fold that knows what is open. A process's tick lists it; a logged end takes one off."""

    def __init__(self) -> None:
        self._by_source: dict[str, list[dict[str, Any]]] = {}

    def tick(self, source: str, listed: list[dict[str, Any]]) -> None:
        """Take the list of a tick of the process *source* (a worker's name, or empty for the run's own)."""
        self._by_source[source] = [dict(found, worker=source) if source else found for found in listed]

    def end(self, source: str, ended: OperationRecord) -> None:
        """Take off the one that *ended* tells of, if it was listed."""
        listed = self._by_source.get(source)
        if listed:
            started = _ns(ended.start_time)
            alike = [found for found in listed if found.get("path") == ended.path]
            found = min(alike, key=lambda one: _apart(one, started), default=None)
            if found is not None and _apart(found, started) <= _SAME_START_SECONDS:
                # A new list: summaries hold the old one.
                self._by_source[source] = [one for one in listed if one is not found]

    def listed(self) -> list[dict[str, Any]]:
        """Return all that is open, the run's own first."""
        return [found for source in sorted(self._by_source) for found in self._by_source[source]]


def _apart(found: Mapping[str, Any], started_ns: int) -> float:
    return abs(_ns(found.get("started")) - started_ns) / 1e9


def _ns(timestamp: Any) -> int:
    try:
        return clock.parse_timestamp(timestamp)
    except (TypeError, ValueError, AttributeError):
        return 0
