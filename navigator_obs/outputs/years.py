"""Operations by year (or another breakdown): a table that fits, whichever way round it has to stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..fields import format_count, format_per_second, format_seconds
from ..runs.reading import number, table
from .cells import Cell, Column, Section, cell, text

MAX_OPERATIONS: Final = 12
MAX_VALUES: Final = 40
MAX_TOP: Final = 2
_TOP_SHARE: Final = 0.1
_NAME_WIDTH: Final = 28
_VALUE_WIDTH: Final = 10
_PLURALS: Final = {"year": "Years"}

ByValue = Mapping[str, Mapping[str, Any]]


def tables(summary: Mapping[str, Any], width: int = 100) -> Iterator[Section]:
    """Yield one table for each breakdown key: operations by years, or where those are too many, a row for each year."""
    for key, found in table(table(summary, "breakdown"), "by").items():
        if isinstance(found, Mapping) and found:
            by_value = {value: entry for value, entry in found.items() if isinstance(entry, Mapping)}
            values = sorted(by_value, key=_in_order)
            yield _build(summary, text(key), by_value, values, width)


def _build(summary: Mapping[str, Any], key: str, by_value: ByValue, values: list[str], width: int) -> Section:
    title = _PLURALS.get(key, f"By {key}")
    if _NAME_WIDTH + _VALUE_WIDTH * (len(values) + 1) <= width:
        return _operations_by_value(summary, key, title, by_value, values)
    return _one_row_each(key, title, by_value, values)


def _in_order(value: str) -> tuple[bool, float, str]:
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def _operations_by_value(
    summary: Mapping[str, Any], key: str, title: str, by_value: ByValue, values: list[str]
) -> Section:
    totals = _totals(by_value)
    shown = _in_tree_order(sorted(totals, key=lambda path: -totals[path])[:MAX_OPERATIONS], totals)
    timed = table(summary, "performance_metrics")
    rows = [_operation_row(path, shown, by_value, values, totals[path], _failed(timed, path, key)) for path in shown]
    rows += _rows_row(by_value, values)
    columns = (
        Column("", flexible=True),
        *(Column(text(value), right=True) for value in values),
        Column("total", right=True),
    )
    more = len(totals) - len(shown)
    return Section(title, columns, rows, note=f"{more} more operations, each shorter than these" if more > 0 else "")


def _totals(by_value: ByValue) -> dict[str, float]:
    totals: dict[str, float] = {}
    for entry in by_value.values():
        for path, seconds in table(entry, "operations").items():
            totals[path] = totals.get(path, 0.0) + (number(seconds) or 0.0)
    return totals


def _in_tree_order(paths: list[str], totals: Mapping[str, float]) -> list[str]:
    """Put each operation below the one that it ran in, siblings by time."""

    def rank(path: str) -> tuple[tuple[float, str], ...]:
        names = path.split("/")
        above = ["/".join(names[: depth + 1]) for depth in range(len(names))]
        return tuple((-totals.get(each, 0.0), each) for each in above)

    return sorted(paths, key=rank)


def _operation_row(
    path: str, shown: list[str], by_value: ByValue, values: list[str], total: float, failed: frozenset[str]
) -> tuple[Cell, ...]:
    above = [other for other in shown if path.startswith(f"{other}/")]
    name = path[len(max(above, key=len)) + 1 :] if above else path
    seconds = [number(table(by_value[value], "operations").get(path)) for value in values]
    times = [
        Cell("" if known is None else format_seconds(known) + (" ✗" if value in failed else ""), _tone(value, failed))
        for value, known in zip(values, seconds, strict=True)
    ]
    return (cell("  " * len(above) + text(name)), *times, cell(format_seconds(total), "strong"))


def _tone(value: str, failed: frozenset[str]) -> str:
    return "bad" if value in failed else ""


def _failed(timed: Mapping[str, Any], path: str, key: str) -> frozenset[str]:
    by_value = table(table(table(timed, path), "by"), key)
    return frozenset(
        value for value, stats in by_value.items() if isinstance(stats, Mapping) and number(stats.get("failed"))
    )


def _rows_row(by_value: ByValue, values: list[str]) -> list[tuple[Cell, ...]]:
    counts = [number(by_value[value].get("rows")) for value in values]
    if not any(counts):
        return []
    shown = [cell("" if count is None else format_count(count), "dim") for count in counts]
    return [(cell("rows", "dim"), *shown, cell(format_count(sum(count or 0 for count in counts)), "dim"))]


def _one_row_each(key: str, title: str, by_value: ByValue, values: list[str]) -> Section:
    columns = (
        Column(key),
        Column("time", right=True),
        Column("rows", right=True),
        Column("rows/s", right=True),
        Column("most of it in", flexible=True),
    )
    rows = [_value_row(value, by_value[value]) for value in values[:MAX_VALUES]]
    more = len(values) - MAX_VALUES
    return Section(title, columns, rows, note=f"{more} more in summary.json" if more > 0 else "")


def _value_row(value: str, entry: Mapping[str, Any]) -> tuple[Cell, ...]:
    seconds, rows = number(entry.get("duration_seconds")), number(entry.get("rows"))
    rate = format_per_second(rows / seconds) if rows and seconds else ""
    operations = {path: number(spent) or 0.0 for path, spent in table(entry, "operations").items()}
    leaves = [path for path in operations if not any(other.startswith(f"{path}/") for other in operations)]
    # What is a small part of the year is not where most of it went.
    least = _TOP_SHARE * (seconds or sum(operations[path] for path in leaves))
    top = sorted((path for path in leaves if operations[path] >= least), key=lambda path: -operations[path])[:MAX_TOP]
    return (
        cell(value),
        # No time, yet operations: the one around them has not ended.
        cell("open", "live") if operations and not seconds else cell(format_seconds(seconds or 0.0), "strong"),
        cell("" if rows is None else format_count(rows)),
        cell(rate),
        cell(", ".join(f"{path.rpartition('/')[2]} {format_seconds(operations[path])}" for path in top), "dim"),
    )
