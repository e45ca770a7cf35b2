"""What lies ahead of a run that goes on, in a line: when its planned years will be done, and what stops it before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..fields import format_mb, format_time_left
from ..history.eta import are_side_by_side
from ..runs.reading import number, table, tables
from .cells import joined, local_time, text

_GROWS: Final = {"linear": "each year takes longer by as much", "quadratic": "years take longer ever faster"}
_LEAST_SECONDS: Final = 0.5


def time_left(seconds: float | None) -> str:
    """Return ``about 34 s left``; empty where it is not known, or less than a guess can tell."""
    return "" if seconds is None or seconds < _LEAST_SECONDS else f"about {format_time_left(seconds)} left"


def told(summary: Mapping[str, Any]) -> str:
    """Return the line of the summary's `forecast`; empty where there is none, or years are simulated side by side."""
    forecast = table(summary, "forecast")
    eta, duration, memory = number(forecast.get("eta_seconds")), table(forecast, "duration"), table(forecast, "memory")
    if eta is None or are_side_by_side(summary):
        return ""
    said = [warning.get("message") for warning in tables(forecast, "warnings")]
    last = number(memory.get("last_peak_mb"))
    return joined(
        [
            f"{left}, until {local_time(forecast.get('expected_end_time'))}" if (left := time_left(eta)) else "",
            _GROWS.get(str(duration.get("model")), ""),
            f"memory up to {format_mb(last)}" if last is not None else "",
            *(text(message) for message in said if message),
        ]
    )
