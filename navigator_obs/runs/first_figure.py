"""A run's figures, which tell when the first of them comes: a worker process writes nothing before it has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..clock import clock
from ..operations.accumulator import Accumulator

if TYPE_CHECKING:
    from ..operations.series import Repeats, Series


class Figures(Accumulator):
    """A run's accumulator, which can call somebody when the first figure arrives."""

    _on_first: Callable[[], None] | None = None

    def call_at_first(self, call: Callable[[], None]) -> None:
        """Have *call* called once, when the next operation opens or the next value comes."""
        self._on_first = call

    def first(self) -> None:
        """An operation opens or a value comes."""
        call, self._on_first = self._on_first, None
        if call is not None:
            call()

    def series(self, path: str, breakdown: Mapping[str, Any], outermost: Mapping[str, bool]) -> tuple[Series, Repeats]:
        """Return a series for the first operation of its kind."""
        self.first()
        return super().series(path, breakdown, outermost)

    def count(self, name: str, value: float, labels: Mapping[str, Any], unit: str | None = None) -> None:
        """Add to a counter."""
        self.first()
        super().count(name, value, labels, unit)

    def gauge(self, name: str, value: float, labels: Mapping[str, Any], unit: str | None = None) -> None:
        """Set a gauge."""
        self.first()
        super().gauge(name, value, labels, unit)

    def observe(self, name: str, value: float, labels: Mapping[str, Any], unit: str | None = None) -> None:
        """Add a value to a distribution."""
        self.first()
        super().observe(name, value, labels, unit)

    @property
    def covered_seconds(self) -> float:
        """Time in which an operation was open in this process."""
        return self.root.covered(clock.monotonic_ns()) / 1e9
