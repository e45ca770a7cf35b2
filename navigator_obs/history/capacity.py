"""What time, memory and disk a larger census or more years will need, fitted to the runs that there are.

For each figure the models that its history can tell apart are fitted by least squares of the relative error, and the
one that predicts the runs of each size best from those of the other sizes is taken (cross-validation: Allen, *The
Relationship Between Variable Selection and Data Augmentation*, 1974). The interval is as wide as these predictions were
wrong, and holds those of all models that predict about as well, as beyond the history they part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..operations.median import median
from ..runs.reading import number
from . import figures
from .figures import Summary
from .leastsquares import fit

FEWEST: Final = 3
"""From fewer runs nothing is told."""
MOST_RUNS: Final = 50
CONFIDENCE_PERCENT: Final = 90
MOST_BEYOND: Final = 4.0
"""So many times beyond the largest run, an estimate is not worth its digits."""
_SPREAD: Final = 1.2
_AS_GOOD: Final = 1.25
_LEAST_ERROR: Final = 0.005
_MAY_DIFFER: Final = 0.25
"""Beyond the sizes that were seen, a figure may grow by so much more or less than it did among them."""


@dataclass(frozen=True)
class Size:
    """How big a run is: simulated *years*, and *rows* a year, None where runs count none."""

    years: float
    rows: float | None


@dataclass(frozen=True)
class Estimate:
    """What is needed of one figure: *value* with *low* and *high*, between which nine of ten such runs should fall;
    they are None where the growth is not known but *assumed*. *model* says how it grows.
    """

    path: str
    figure: str
    value: float
    low: float | None
    high: float | None
    model: str
    assumed: bool
    runs: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**vars(self), "path": self.path or None, "confidence_percent": CONFIDENCE_PERCENT}


@dataclass(frozen=True)
class Capacity:
    """What *size* will need. *years* and *rows* are the least and the most that were seen; *beyond* is by how much the
    size exceeds them (1: not at all). *notes* say what is not known.
    """

    name: str
    size: Size
    runs: int
    years: tuple[float, float] | None
    rows: tuple[float, float] | None
    beyond: float
    estimates: tuple[Estimate, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "name": self.name,
            "years": self.size.years,
            "rows_a_year": self.size.rows,
            "runs": self.runs,
            "years_seen": self.years,
            "rows_a_year_seen": self.rows,
            "beyond": round(self.beyond, 3),
            "estimates": [estimate.to_dict() for estimate in self.estimates],
            "notes": list(self.notes),
        }


Point = tuple[Size, float]
Basis = Callable[[Size], Sequence[float]]


@dataclass(frozen=True)
class _Model:
    """How a figure may grow; *needs* are what has to differ between runs for it to be seen."""

    words: str
    basis: Basis
    needs: str = ""


_TIME: Final = (
    _Model("the same whatever the size", lambda _: [1.0]),
    _Model("with the years", lambda size: [size.years], "y"),
    _Model("a fixed part, and with the years", lambda size: [1.0, size.years], "y"),
    _Model("with the rows", lambda size: [size.years * (size.rows or 1)], "r"),
    _Model("a fixed part, and with the rows", lambda size: [1.0, size.years * (size.rows or 1)], "r"),
    _Model("with the years and their rows", lambda size: [size.years, size.years * (size.rows or 1)], "yr"),
    _Model(
        "a fixed part, with the years and their rows",
        lambda size: [1.0, size.years, size.years * (size.rows or 1)],
        "yr",
    ),
    _Model(
        "with the rows and their logarithm",
        lambda size: [size.years * (size.rows or 1) * math.log2(2 + (size.rows or 1))],
        "r",
    ),
    _Model(
        "with the rows and their square",
        lambda size: [size.years * (size.rows or 1), size.years * (size.rows or 1) ** 2],
        "r",
    ),
)
_MEMORY: Final = (
    _Model("the same whatever the size", lambda _: [1.0]),
    _Model("a fixed part, and with the years", lambda size: [1.0, size.years], "y"),
    _Model("a fixed part, and with the rows of a year", lambda size: [1.0, size.rows or 1], "r"),
    _Model("a fixed part, and with all rows", lambda size: [1.0, size.years * (size.rows or 1)], "r"),
    _Model("a fixed part, with the years and the rows of a year", lambda size: [1.0, size.years, size.rows or 1], "yr"),
)


def capacity(summaries: Sequence[Summary], *, years: float | None = None, rows: float | None = None) -> Capacity:
    """Return what a run of so many *years* with so many *rows* a year will need; either is that of the newest run when
    None. *summaries* are of runs that succeeded, of one name, the oldest first.
    """
    known = [(_size(summary), summary) for summary in summaries[-MOST_RUNS:]]
    newest = known[-1][0] if known else Size(1.0, None)
    size = Size(years or newest.years, rows or newest.rows)
    usable = [(one, summary) for one, summary in known if (one.rows is None) == (size.rows is None)]
    notes = list(_notes(usable, size))
    estimates: list[Estimate] = []
    if len(usable) >= FEWEST:
        estimates = [one for one in _estimates(usable, size) if one is not None]
    if any(one.assumed for one in estimates):
        notes.append("where the growth is assumed, run one of another size first: there is no interval without it")
    sizes = [one for one, _ in usable]
    return Capacity(
        name=str(figures.metadata(summaries[-1], "name")) if summaries else "",
        size=size,
        runs=len(usable),
        years=_range([one.years for one in sizes]),
        rows=_range([one.rows for one in sizes if one.rows is not None]),
        beyond=_beyond(sizes, size),
        estimates=tuple(estimates),
        notes=tuple(notes),
    )


def _size(summary: Summary) -> Size:
    years = figures.years(summary) or 1
    rows = figures.rows(summary)
    return Size(float(years), None if rows is None else rows / years)


def _notes(usable: Sequence[tuple[Size, Summary]], size: Size) -> list[str]:
    sizes = [one for one, _ in usable]
    if len(usable) < FEWEST:
        there_are = "1 run that succeeded is" if len(usable) == 1 else f"{len(usable)} runs that succeeded are"
        return [f"{there_are} too few to tell anything from: it takes {FEWEST}"]
    beyond = _beyond(sizes, size)
    if beyond > MOST_BEYOND:
        shown = f"{beyond:,.0f}" if beyond >= 100 else f"{beyond:.1f}"
        return [f"{shown} times beyond the largest run: take this for an order of magnitude"]
    return [f"{beyond:.1f} times beyond the largest run"] if beyond > 1.005 else []


def _estimates(usable: Sequence[tuple[Size, Summary]], size: Size) -> list[Estimate | None]:
    def points(take: Callable[[Summary], float | None]) -> list[Point]:
        taken = [(one, take(summary)) for one, summary in usable]
        return [(one, value) for one, value in taken if value is not None and value > 0]

    found = [
        _estimate("", "seconds", points(figures.duration_seconds), size, _TIME),
        _estimate("", "memory", points(figures.peak_memory_mb), size, _MEMORY),
        _estimate("", "disk", points(figures.disk_mb), size, _TIME),
    ]
    newest = figures.operations(usable[-1][1])
    for path in sorted(newest, key=lambda path: -(figures.seconds(newest[path]) or 0.0)):
        take = _taker(path)
        found.append(_estimate(path, "seconds", points(take), size, _TIME))
    return found


def _taker(path: str) -> Callable[[Summary], float | None]:
    return lambda summary: number(figures.operations(summary).get(path, {}).get("total_seconds"))


def _estimate(path: str, figure: str, points: Sequence[Point], size: Size, models: Sequence[_Model]) -> Estimate | None:
    if len(points) < FEWEST:
        return None
    seen = [one for one, _ in points]
    tells = ("y" if _differs([one.years for one in seen]) else "") + (
        "r" if _differs([one.rows for one in seen if one.rows is not None]) else ""
    )
    asks = ("y" if _is_new([one.years for one in seen], size.years) else "") + (
        "r" if size.rows is not None and _is_new([one.rows or 0.0 for one in seen], size.rows) else ""
    )
    unknown = [what for what in asks if what not in tells]
    if unknown:
        return _assumed(path, figure, points, size, unknown)
    groups = _alike(seen)
    fits = [
        (model, fitted)
        for model in models
        if all(need in tells for need in model.needs)
        for fitted in [fit([model.basis(one) for one in seen], [value for _, value in points], groups)]
        if fitted is not None
    ]
    if not fits:
        return None
    best_error = max(min(fitted.error for _, fitted in fits), _LEAST_ERROR)
    good = [(model, fitted) for model, fitted in fits if fitted.error <= _AS_GOOD * best_error]
    # Of those that predict as well, the one with the fewest parts.
    model, best = min(good, key=lambda one: (len(one[1].weights), one[1].error))
    value = best.predict(model.basis(size))
    intervals = [fitted.interval(one.basis(size)) for one, fitted in good]
    low, high = min(low for low, _ in intervals), max(high for _, high in intervals)
    at_most_seen = _nearest_seen(seen, size)
    grown = abs(value - best.predict(model.basis(at_most_seen)))
    low, high = max(low - _MAY_DIFFER * grown, 0.0), high + _MAY_DIFFER * grown
    if figure == "memory" and grown:
        # What is in use at once need not grow on: it is freed, or spilled to disk.
        low = min(low, best.interval(model.basis(at_most_seen))[0])
    return Estimate(path, figure, value, low, high, model.words, False, len(points))


def _nearest_seen(seen: Sequence[Size], size: Size) -> Size:
    years, rows = [one.years for one in seen], [one.rows or 0.0 for one in seen]
    return Size(
        min(max(size.years, min(years)), max(years)),
        None if size.rows is None else min(max(size.rows, min(rows)), max(rows)),
    )


def _alike(sizes: Sequence[Size]) -> list[tuple[float, int]]:
    """Return for each of the sizes the group that it is in: the same years, and about the rows."""
    rows = sorted({one.rows or 0.0 for one in sizes})
    numbers: dict[float, int] = {}
    first, number = -1.0, 0
    for value in rows:
        if value > _SPREAD * first:
            first, number = value, number + 1
        numbers[value] = number
    return [(one.years, numbers[one.rows or 0.0]) for one in sizes]


def _assumed(path: str, figure: str, points: Sequence[Point], size: Size, unknown: Sequence[str]) -> Estimate:
    """What nobody has seen grow is taken to grow in proportion."""
    scaled = []
    for one, value in points:
        years = size.years / one.years if "y" in unknown and figure != "memory" else 1.0
        rows = (size.rows or 1.0) / (one.rows or 1.0) if "r" in unknown else 1.0
        scaled.append(value * years * rows)
    words = {"y": "years", "r": "rows"}
    growing = [words[what] for what in unknown if what == "r" or figure != "memory"]
    told = f"assumed in proportion to the {' and '.join(growing)}" if growing else "assumed the same for more years"
    return Estimate(path, figure, median(scaled), None, None, told, True, len(points))


def _differs(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) >= _SPREAD * min(values)


def _is_new(values: Sequence[float], wanted: float) -> bool:
    return not min(values) / _SPREAD <= wanted <= max(values) * _SPREAD


def _range(values: Sequence[float]) -> tuple[float, float] | None:
    return (min(values), max(values)) if values else None


def _beyond(sizes: Sequence[Size], size: Size) -> float:
    if not sizes:
        return 1.0
    most = max(one.years for one in sizes), max((one.rows or 0.0) for one in sizes)
    return max(1.0, size.years / most[0], size.rows / most[1] if size.rows and most[1] else 1.0)
