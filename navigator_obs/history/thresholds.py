"""The language of a CI gate: how much more of something is too much, as in ``duration:5%`` and ``p95:10%+0.5s``.

A threshold is a figure, a colon and what it may grow by: a percentage, an amount with its unit, or both, which add up.
``figure@PATH`` looks at one operation only, which must still be there. Rows and throughput must not *fall* by more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from ..errors import UsageError, close_match
from ..fields import format_count, format_mb, format_rate, format_seconds
from ..runs.reading import number, table
from . import figures
from .figures import Stats, Summary
from .finding import WORSE, Finding
from .likeness import Likeness, divisor, scale_between, scale_of
from .renames import renamed


class Figure(NamedTuple):
    """What a threshold can be about: of the run or, where *of_operation*, of each operation. *unit*: s, MB or ""."""

    meaning: str
    unit: str
    take: Callable[[Any], float | None]
    format: Callable[[float], str]
    of_operation: bool = False
    may_fall: bool = True
    is_spread: bool = True


def _stat(key: str) -> Callable[[Stats], float | None]:
    return lambda stats: number(stats.get(key))


def _execution(key: str) -> Callable[[Summary], float | None]:
    return lambda summary: number(table(summary, "execution_summary").get(key))


def _failed_checks(summary: Summary) -> float:
    outcomes = table(table(summary, "execution_summary"), "checks")
    return sum(number(outcomes.get(outcome)) or 0.0 for outcome in ("warn", "fail", "error"))


def _throughput(summary: Summary) -> float | None:
    counted, seconds = figures.rows(summary), figures.duration_seconds(summary)
    return counted / seconds if counted and seconds else None


FIGURES: Final[Mapping[str, Figure]] = {
    "duration": Figure("wall time of the run", "s", figures.duration_seconds, format_seconds),
    "memory": Figure("its peak memory", "MB", figures.peak_memory_mb, format_mb),
    "disk": Figure("what it left on disk", "MB", figures.disk_mb, format_mb),
    "errors": Figure("its errors", "", _execution("errors"), format_count),
    "warnings": Figure("its warnings", "", _execution("warnings"), format_count),
    "checks": Figure("its checks that did not pass", "", _failed_checks, format_count),
    "rows": Figure("its rows, which must not fall", "", figures.rows, format_count, may_fall=False),
    "throughput": Figure("its rows per second, which must not fall", "", _throughput, format_rate, may_fall=False),
    "vanished": Figure("operations that it has not any more", "", lambda _: 0.0, format_count),
    "total": Figure("wall time of each operation", "s", _stat("total_seconds"), format_seconds, True),
    "self": Figure("self time of each operation", "s", _stat("self_seconds"), format_seconds, True),
    "cpu": Figure("CPU time of each operation", "s", _stat("cpu_seconds"), format_seconds, True),
    "p50": Figure("median of each operation", "s", _stat("p50_seconds"), format_seconds, True, is_spread=False),
    "p90": Figure(
        "90th percentile of each operation", "s", _stat("p90_seconds"), format_seconds, True, is_spread=False
    ),
    "p95": Figure(
        "95th percentile of each operation", "s", _stat("p95_seconds"), format_seconds, True, is_spread=False
    ),
    "p99": Figure(
        "99th percentile of each operation", "s", _stat("p99_seconds"), format_seconds, True, is_spread=False
    ),
    "max": Figure("longest of each operation", "s", _stat("max_seconds"), format_seconds, True, is_spread=False),
    "peak": Figure("peak memory of each operation", "MB", _stat("peak_memory_mb"), format_mb, True),
    "failed": Figure("failures of each operation", "", _stat("failed"), format_count, True),
}
"""The figures that thresholds know, by name."""
_UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "s": {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0},
    "MB": {"kB": 0.001, "MB": 1.0, "GB": 1000.0},
    "": {"": 1.0},
}
_PART: Final = re.compile(r"(?P<number>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>%|[A-Za-z]*)")
_EXAMPLE: Final = "such as duration:5% or p95:10%+0.5s"


@dataclass(frozen=True)
class Threshold:
    """How much worse *figure* may be: *percent* of what it was, and *amount* in its unit, together."""

    figure: str
    path: str | None
    percent: float
    amount: float
    text: str

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read one threshold. Raises UsageError, which names what is wrong and what would be valid.

        >>> limit = Threshold.parse("p95@year_simulation:10%+500ms")
        >>> limit.figure, limit.path, limit.percent, limit.amount
        ('p95', 'year_simulation', 10.0, 0.5)
        """
        subject, colon, limits = text.strip().rpartition(":")
        if not colon or not subject:
            raise UsageError(f"threshold {text!r} must be a figure, a colon and a limit, {_EXAMPLE}")
        name, at, path = subject.partition("@")
        figure = FIGURES.get(name.strip())
        if figure is None:
            known = ", ".join(FIGURES)
            hint = close_match(name, FIGURES)
            raise UsageError(f"threshold {text!r}: there is no figure {name!r}{hint}; valid are {known}")
        if at and not (figure.of_operation and path):
            which = ", ".join(word for word, one in FIGURES.items() if one.of_operation)
            raise UsageError(f"threshold {text!r}: only figures of operations take @PATH, such as total@load: {which}")
        percent = amount = 0.0
        for part in limits.split("+"):
            more_percent, more = _limit(part.strip(), figure.unit, text)
            percent, amount = percent + more_percent, amount + more
        return cls(name.strip(), path or None, percent, amount, text.strip())

    def exceeded(self, before: Summary, after: Summary) -> Iterator[Finding]:
        """Yield a finding for the run, or for each operation, that exceeds it. Sizes of unlike runs are divided out.

        Raises UsageError for an operation that neither run has: such a gate would never close.
        """
        figure = FIGURES[self.figure]
        if self.path is not None and self._has_left(before, after):
            yield self._gone(self.path)
        unit = self._unit(before, after)
        for subject, was, is_now in self._pairs(figure, before, after):
            limit = was * self.percent / 100 + self.amount
            moved = is_now - was if figure.may_fall else was - is_now
            if moved > limit + 1e-12 * abs(was):
                yield self._finding(figure, subject, was, is_now, unit)

    def finds_anything(self, before: Summary, after: Summary) -> bool:
        """Return whether both runs have what it is about: nothing can exceed it otherwise."""
        return any(True for _ in self._pairs(FIGURES[self.figure], before, after)) or (
            self.path is not None and self._has_left(before, after)
        )

    def _has_left(self, before: Summary, after: Summary) -> bool:
        old, new = figures.operations(before), figures.operations(after)
        if self.path not in old and self.path not in new:
            hint = close_match(str(self.path), [*old, *new])
            raise UsageError(f"threshold {self.text!r}: neither run has an operation {self.path!r}{hint}")
        return self.path in vanished(before, after)

    def _unit(self, before: Summary, after: Summary) -> str:
        figure = FIGURES[self.figure]
        # Memory, counts and the time of a single call do not add up over rows and years.
        adds_up = figure.unit == "s" and figure.is_spread
        return divisor(Likeness.of(before), Likeness.of(after))[0] if adds_up else "run"

    def _pairs(self, figure: Figure, before: Summary, after: Summary) -> Iterator[tuple[str, float, float]]:
        """Yield what is compared, with the two values, the first as it would be at the size of the second."""
        if self.figure == "vanished":
            yield "run", 0.0, float(len(vanished(before, after)))
        elif not figure.of_operation:
            was, is_now = figure.take(before), figure.take(after)
            if was is not None and is_now is not None:
                unit, size, new_size = divisor(Likeness.of(before), Likeness.of(after))
                yield "run", was * (new_size / size if self._unit(before, after) == unit else 1.0), is_now
        else:
            unit, scale = scale_between(Likeness.of(before), Likeness.of(after))
            if self._unit(before, after) != unit:
                unit, scale = "run", 1.0
            old, new = figures.operations(before), figures.operations(after)
            names = renamed(old, new)
            for path, stats in new.items():
                earlier = old.get(names.get(path, path), {})
                was, is_now = figure.take(earlier), figure.take(stats)
                if was is not None and is_now is not None and self.path in {None, path, names.get(path)}:
                    yield path, was * scale_of(earlier, stats, unit, scale)[1], is_now

    def _gone(self, path: str) -> Finding:
        told = f"{self.figure} of {path}: the operation is not there any more, allowed {self.text}"
        return Finding("threshold", path, told, WORSE, 1.0, {"figure": self.figure, "threshold": self.text})

    def _finding(self, figure: Figure, subject: str, was: float, is_now: float, unit: str) -> Finding:
        name = self.figure if subject == "run" else f"{self.figure} of {subject}"
        change = "" if not was else f" ({100 * (is_now / was - 1):+.0f}%)"
        scaled = "" if unit == "run" else f", by {unit}s"
        return Finding(
            "threshold",
            subject,
            f"{name}: {figure.format(was)} → {figure.format(is_now)}{change}{scaled}, allowed {self.text}",
            WORSE,
            abs(is_now - was) / abs(was) if was else 1.0,
            {"figure": self.figure, "before": was, "after": is_now, "threshold": self.text, "scaled_by": unit},
        )


def vanished(before: Summary, after: Summary) -> set[str]:
    """Return the operations that *after* has not any more, under this or another name."""
    old, new = figures.operations(before), figures.operations(after)
    return old.keys() - new.keys() - set(renamed(old, new).values())


def parse_all(texts: Iterable[str | Threshold]) -> tuple[Threshold, ...]:
    """Read several thresholds, each may hold some between commas. Raises UsageError for the first that is none."""
    found: list[Threshold] = []
    for text in texts:
        if isinstance(text, Threshold):
            found.append(text)
        else:
            found += [Threshold.parse(part) for part in text.split(",")]
    return tuple(found)


def _limit(part: str, unit: str, text: str) -> tuple[float, float]:
    match = _PART.fullmatch(part)
    units = _UNITS[unit]
    valid = " or ".join(["5%", *(f"5{name}" for name in units)])
    if not match:
        raise UsageError(f"threshold {text!r}: {part!r} is no limit; valid are numbers such as {valid}")
    if match["unit"] == "%":
        return float(match["number"]), 0.0
    if match["unit"] not in units:
        raise UsageError(f"threshold {text!r}: {part!r} has no unit that fits; valid are {valid}")
    return 0.0, float(match["number"]) * units[match["unit"]]
