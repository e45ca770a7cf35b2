"""What lies ahead of a run that goes on: when its planned years will be done, and what stops it before that.

Time and memory of the years that are done are fitted (`operations/forecast.py`) and continued over those that are left.
What no operation of a year covers, but lies between the years, counts in proportion: it will come again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..clock import format_timestamp, parse_timestamp
from ..fields import format_mb
from ..operations.forecast import Fit, fit
from ..operations.limits import MACHINE
from .reading import number, table

KEY: Final = "year"
# So many years must be done before something is foretold to stop the run.
_FEWEST_FOR_MEMORY: Final = 3
_FEWEST_FOR_TIME: Final = 2
# Below, what lies between the years is mostly the coarseness of the clock.
_LEAST_SECONDS: Final = 1.0


class Years(NamedTuple):
    """The planned years: *done* in the order of the plan, *left* likewise, and the figures of each that has any."""

    done: Sequence[int]
    left: Sequence[int]
    rows: Mapping[str, Any]

    def figures(self, name: str) -> list[float]:
        """One figure of the years that are done; of those that have it.

        A year that has its checkpoint has none yet while its operation is open.
        """
        found = (number(table(self.rows, str(year)).get(name)) for year in self.done)
        return [figure for figure in found if figure]


class Outlook:
    """Takes the ticks of the run's own process; `summary` tells the summary's `forecast`."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._time = ""
        self._began: float | None = None

    def tick(self, record: Mapping[str, Any]) -> None:
        """Take a tick: when it was, and whether the first year had begun."""
        before, self._seconds, self._time = self._seconds, float(record["seconds"]), str(record["time"])
        if self._began is None:
            lasted = [number(found.get("seconds")) or 0.0 for found in _of_years(record["open_operations"])]
            counted = any(KEY in table(stats, "by") for stats in record["metrics"]["operations"].values())
            if lasted:
                self._began = self._seconds - max(lasted)
            elif counted:
                self._began = before

    def summary(self, years: Years, resources: Mapping[str, Any], deadline: Any) -> dict[str, Any] | None:
        """Return what is foretold as of the last tick; None without one, and where no year is done, or none is left."""
        costs = years.figures("duration_seconds")
        cost = fit(costs)
        if not self._time or cost is None or not years.left or len(costs) < len(years.done):
            return None
        lasted = [(found, number(found.get("seconds")) or 0.0) for found in _of_years(resources["open_operations"])]
        elapsed = max((seconds for found, seconds in lasted if _year_of(found) == str(years.left[0])), default=0.0)
        scale = self._scale(sum(costs) + elapsed)
        expected = [cost.at(len(costs) + ahead) * scale for ahead in range(len(years.left))]
        first = max(expected[0] - elapsed, 0.0)
        ends = [first + sum(expected[1:ahead]) for ahead in range(1, len(expected) + 1)]
        memory = self._memory(years, resources)
        late = self._late(years, ends, deadline) if len(costs) >= _FEWEST_FOR_TIME else None
        return {
            "years_done": len(years.done),
            "years_left": len(years.left),
            "eta_seconds": round(ends[-1], 3),
            "expected_end_time": format_timestamp(parse_timestamp(self._time) + round(ends[-1] * 1e9)),
            "duration": {"model": cost.model, "next_seconds": round(expected[0], 6)},
            "memory": memory,
            "deadline": deadline,
            "deadline_year": late,
            "warnings": [
                {**warning, "years_before": years.left.index(warning["year"])}
                for warning in (*_memory_warning(memory), *_time_warning(late))
            ],
        }

    def _scale(self, covered: float) -> float:
        """How much longer it takes than the operations of the years do."""
        if self._began is None or covered < _LEAST_SECONDS:
            return 1.0
        # Never shorter: a year may have ended since the last tick.
        return max((self._seconds - self._began) / covered, 1.0)

    def _memory(self, years: Years, resources: Mapping[str, Any]) -> dict[str, Any] | None:
        peaks = years.figures("peak_memory_mb")
        found = fit(peaks)
        if found is None or len(peaks) < len(years.done):
            return None
        limits, tree = table(resources, "limits"), table(resources, "tree")
        limit, room = number(limits.get("memory_limit_mb")), number(limits.get("memory_room_mb"))
        used = number(tree.get("memory_mb"))
        reached = None
        if limit is not None and room is not None and used is not None and len(peaks) >= _FEWEST_FOR_MEMORY:
            reached = _reached_in(found, len(peaks), years.left, used + room)
        return {
            "model": found.model,
            "next_peak_mb": round(found.at(len(peaks)), 3),
            "last_peak_mb": round(found.at(len(peaks) + len(years.left) - 1), 3),
            "limit_mb": limit,
            "limit_of": limits.get("memory_limit_of"),
            "limit_year": reached,
        }

    def _late(self, years: Years, ends: Sequence[float], deadline: Any) -> int | None:
        """The first year that ends after the deadline."""
        if not isinstance(deadline, str):
            return None
        left = (parse_timestamp(deadline) - parse_timestamp(self._time)) / 1e9
        return next((year for year, end in zip(years.left, ends, strict=True) if end > left), None)


def _reached_in(found: Fit, done: int, left: Sequence[int], ceiling: float) -> int | None:
    """The year whose peak is expected above *ceiling*; memory that does not grow reaches nothing."""
    if found.model == "constant":
        return None
    return next((year for ahead, year in enumerate(left) if found.at(done + ahead) > ceiling), None)


def _memory_warning(memory: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    if memory is None or memory["limit_year"] is None:
        return []
    limit = format_mb(memory["limit_mb"])
    whose = f"the machine's {limit}" if memory["limit_of"] == MACHINE else f"the {limit} limit"
    year = memory["limit_year"]
    return [{"kind": "memory", "message": f"memory reaches {whose} in year {year}", "year": year}]


def _time_warning(year: int | None) -> list[dict[str, Any]]:
    if year is None:
        return []
    return [{"kind": "wall_time", "message": f"at this rate {year} ends after the wall-time limit", "year": year}]


def _of_years(operations: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [found for found in operations if _year_of(found) is not None]


def _year_of(found: Mapping[str, Any]) -> str | None:
    year = table(found, "breakdown").get(KEY)
    return None if year is None else str(year)
