"""From many batches and rounds to the few figures that are shown."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Figures:
    """CPU µs per event.

    cheapest_us, median_us, mean_us: of the calling thread, over the batches of all rounds.
    process_us: of all threads until everything is in the file, the cheapest round.
    """

    cheapest_us: float
    median_us: float
    mean_us: float
    process_us: float

    def to_dict(self) -> dict[str, float]:
        """As written to JSON, to a tenth of a nanosecond."""
        return {key: round(value, 4) for key, value in asdict(self).items()}


def summarize(thread_us: list[float], process_us: list[float]) -> Figures:
    """The figures of one case from all its batches and rounds; raises ValueError for empty lists."""
    if not thread_us or not process_us:
        raise ValueError("no batch was measured")
    return Figures(
        cheapest_us=min(thread_us),
        median_us=statistics.median(thread_us),
        mean_us=statistics.fmean(thread_us),
        process_us=min(process_us),
    )


def ratios(figures: dict[str, float], base: dict[str, float]) -> dict[str, float]:
    """Each figure over the base's; a base of nothing gives no ratio."""
    return {key: round(value / base[key], 4) for key, value in figures.items() if base.get(key)}
