"""Where the time, the memory and the rows of a run went: the tables of its bottlenecks and hotspots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..fields import format_count, format_mb, format_per_second, format_percent, format_seconds
from ..runs.reading import number, table, tables
from .cells import Cell, Column, Section, cell, formatted, local_time, text

MAX_SLOWEST: Final = 8
MAX_HOTSPOTS: Final = 3
BAR_WIDTH: Final = 16
_SAME_PERCENT: Final = 0.5


def slowest(summary: Mapping[str, Any]) -> Section:
    """The operations by their share of the run, and among them what belongs to none."""
    ranked = tables(summary, "bottlenecks")
    timed = table(summary, "performance_metrics")
    rows = [_slow_row(found, table(timed, str(found.get("operation_path")))) for found in ranked[:MAX_SLOWEST]]
    return Section("Slowest operations by self time", _SLOWEST_COLUMNS, rows)


_SLOWEST_COLUMNS: Final = (
    Column("operation", flexible=True),
    Column("self time", right=True),
    Column("share", right=True),
    Column("", optional=True),
    Column("count", right=True),
    Column("p95", right=True, optional=True),
    Column("twice as fast saves", right=True, optional=True),
    Column("rows/s", right=True, optional=True),
    Column("peak", right=True, optional=True),
    Column("longest in", optional=True),
)


def _slow_row(found: Mapping[str, Any], stats: Mapping[str, Any]) -> tuple[Cell, ...]:
    percent = number(found.get("percent")) or 0.0
    worst = found.get("worst")
    where = ", ".join(f"{text(value)}" for value in worst.values()) if isinstance(worst, Mapping) else ""
    in_none = "operation_path" in found and found["operation_path"] is None
    return (
        cell("in no operation", "dim") if in_none else cell(found.get("operation_path") or "?"),
        cell(formatted(found.get("self_seconds"), format_seconds), "strong"),
        cell(format_percent(percent)),
        cell(bar(percent), "bar"),
        cell("" if in_none else formatted(found.get("count"), format_count)),
        cell(formatted(found.get("p95_seconds"), format_seconds)),
        cell(_saves(found)),
        cell(formatted(stats.get("rows_per_second"), format_per_second)),
        cell(formatted(stats.get("peak_memory_mb"), format_mb)),
        cell(where),
    )


def _saves(found: Mapping[str, Any]) -> str:
    """What twice as fast saves: at most so much, and about so much where that is less, because others were active in
    the same instants and may be what is waited for.
    """
    about, most = number(found.get("saves_about_percent")), number(found.get("saves_at_most_percent"))
    if most is None:
        return ""
    if about is None:
        # Of an older version, which had no bound beside other operations.
        return f"about {format_percent(most)}"
    at_most = f"≤ {format_percent(most)}"
    return at_most if most - about < _SAME_PERCENT else f"about {format_percent(about)}, {at_most}"


def hotspots(summary: Mapping[str, Any]) -> Section:
    """Single calls, memory and throughput that stand out, a line each."""
    found = table(summary, "hotspots")
    rows = [*_calls(found), *_memory(found), *_throughput(found)]
    return Section("What stands out", (Column(""), Column("", flexible=True), Column("", wraps=True)), rows)


def _calls(found: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for call in _first(found, "calls"):
        took, usual = number(call.get("duration_seconds")), number(call.get("median_seconds"))
        if took is not None and usual is not None:
            at = local_time(call.get("ended"))
            told = f"one call took {format_seconds(took)}, half of them less than {format_seconds(usual)}"
            yield _row("slow call", call, f"{told}; it ended at {at}" if at else told)


def _memory(found: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for one in _first(found, "memory"):
        gained, percent = number(one.get("gained_mb")), number(one.get("percent"))
        if gained is not None and percent is not None:
            yield _row(
                "memory", one, f"gained {format_mb(gained)}, {format_percent(percent)} of what operations gained"
            )


def _throughput(found: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    for one in _first(found, "throughput"):
        rate, usual = number(one.get("rows_per_second")), number(one.get("usual_rows_per_second"))
        if rate is not None and usual is not None:
            yield _row("throughput", one, f"{format_per_second(rate)} rows/s, else {format_per_second(usual)}")


def _first(found: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return tables(found, kind)[:MAX_HOTSPOTS]


def _row(kind: str, found: Mapping[str, Any], told: str) -> tuple[Cell, ...]:
    where = ", ".join(text(value) for value in table(found, "breakdown").values())
    path = text(found.get("operation_path") or "?")
    return cell(kind, "dim"), cell(f"{path} ({where})" if where else path), cell(told)


def bar(percent: float, width: int = BAR_WIDTH) -> str:
    """Return a bar for a share of 100 percent, an eighth of a column fine.

    >>> bar(50, width=4)
    '██'
    """
    eighths = round(max(0.0, min(percent, 100.0)) / 100 * width * 8)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")
