"""The part of the fold that knows what the processes of a run used: the summary's `resources`, and memory by year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..operations.parts import either
from ..operations.record import OperationRecord
from ..operations.timeline import Point, Timeline
from .reading import items, number, table

MAX_VALUES: Final = 2_000
"""How many values of a breakdown key have a peak of their own."""


class Consumption:
    """Takes the `resources` of ticks; the run's own process is the source "", each worker one of its own."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, Any]] = {}
        self._peak_memory_mb: float | None = None
        self._timeline = Timeline()
        self.peaks: dict[str, dict[str, float]] = {}
        """The highest memory in MB that was seen, by breakdown key and value."""

    def take(self, source: str, resources: Mapping[str, Any]) -> None:
        """Take one tick's; figures that are none are passed over."""
        self._last[source] = {key: value for key, value in resources.items() if key not in _GAINED}
        self._peak_memory_mb = either(max, self._peak_memory_mb, number(resources.get("peak_memory_mb")))
        if not source:
            self._timeline.extend(_points(items(resources, "timeline")))
        peaks = table(resources, "peaks")
        for key in peaks:
            self._take_peaks(self.peaks.setdefault(str(key), {}), table(peaks, key))

    def take_operation(self, ended: OperationRecord) -> None:
        """Take the peak of one operation for the year that it belongs to."""
        for key, value in ended.breakdown.items():
            self._take_peaks(self.peaks.setdefault(key, {}), {str(value): ended.peak_memory_mb})

    def _take_peaks(self, peaks: dict[str, float], values: Mapping[str, Any]) -> None:
        for value, seen in values.items():
            peak = number(seen)
            if peak is not None and (value in peaks or len(peaks) < MAX_VALUES):
                peaks[value] = max(peaks.get(value, 0.0), peak)

    @property
    def own(self) -> Mapping[str, Any]:
        """The last word of the run's own process."""
        return self._last.get("", {})

    def summary(self) -> dict[str, Any]:
        """Return the summary's `resources`, but for what start, end and open operations tell."""
        own = self.own
        return {
            "peak_memory_mb": self._peak_memory_mb,
            "end_memory_mb": own.get("memory_mb"),
            "cpu_seconds": self._cpu_seconds(),
            "threads": own.get("threads"),
            "open_files": own.get("open_files"),
            "tree": own.get("tree"),
            "limits": own.get("limits"),
            "sampling": own.get("sampling"),
            "timeline": self._timeline.columns(),
            "workers": sum(1 for source in self._last if source),
        }

    def add_peaks(self, breakdown: Mapping[str, Any]) -> None:
        """Put the peak of each value into the summary's `breakdown`."""
        for key, values in breakdown["by"].items():
            for value, row in values.items():
                row["peak_memory_mb"] = self.peaks.get(key, {}).get(value)

    @property
    def cpu_seconds_in_all(self) -> float | None:
        """That of the run's processes and of the programs that they started, such as dbt."""
        found: float | None = either(max, self._cpu_seconds(), number(table(self.own, "tree").get("cpu_seconds")))
        return found

    def _cpu_seconds(self) -> float | None:
        used = [number(last.get("cpu_seconds")) for last in self._last.values()]
        known = [seconds for seconds in used if seconds is not None]
        return round(sum(known), 6) if known else None


_GAINED: Final = frozenset({"timeline", "peaks"})


def _points(listed: Iterable[Any]) -> Iterator[Point]:
    for item in listed:
        figures = [number(figure) for figure in item] if isinstance(item, list) else []
        known = [figure for figure in figures if figure is not None]
        if len(known) == len(Point._fields):
            yield Point(*known)
