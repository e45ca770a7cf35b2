"""How runs of one kind develop, as sections for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ..fields import format_count, format_mb, format_seconds
from ..history.finding import Finding
from ..history.trends import Series, Trends
from ..operations.median import median
from .cells import Cell, Column, Section, cell, count_of, joined
from .comparison import finding_row
from .sparkline import sparkline

SPARK_WIDTH: Final = 24
_TONES: Final = {"step": "bad", "drift": "bad", "unconfirmed": "warn", "outlier": "warn", "faster": "good"}
_COLUMNS: Final = (
    Column("", flexible=True),
    Column("newest", right=True),
    Column("previous", right=True, optional=True),
    Column("median", right=True),
    Column("best", right=True, optional=True),
    Column("noise", right=True, optional=True),
    Column("state"),
    Column("oldest → newest", optional=True),
)


def sections(found: Trends, most: int | None = 20) -> Iterator[Section]:
    """Yield the facts, the findings, and one line for each series; *most* operations, None for all."""
    yield Section("", (Column(""), Column("", flexible=True)), list(_facts(found)))
    yield told("", found.findings)
    shown = found.series if most is None else found.series[: most + 2]
    more = len(found.series) - len(shown)
    yield Section("Trends", _COLUMNS, [_row(series) for series in shown], note=f"{more} more: --all" if more else "")


def told(title: str, findings: Iterable[Finding]) -> Section:
    """Return a section of the findings, each with what changed with it."""
    rows = [row for one in findings for row in _told(one)]
    return Section(title, (Column(""), Column("", flexible=True)), rows)


def _facts(found: Trends) -> Iterator[tuple[Cell, Cell]]:
    size = "" if found.rows is None else f"seconds as they would be at {format_count(found.rows)} rows"
    yield cell("runs", "dim"), cell(joined([f"{count_of(len(found.runs), 'comparable run')} of {found.name}", size]))
    if found.left_out:
        reasons = [f"{count} ({why})" for why, count in sorted(found.left_out.items(), key=lambda one: -one[1])]
        yield cell("left out", "dim"), cell(", ".join(reasons))
    if not found.findings:
        yield cell("", "dim"), cell(_nothing(found))


def _nothing(found: Trends) -> str:
    if any(series.reading for series in found.series):
        return "nothing is slower than it was"
    return "too few comparable runs: a trend takes 5, and 6 to confirm a step"


def _told(finding: Finding) -> Iterator[tuple[Cell, Cell]]:
    yield finding_row(finding, "warn" if finding.evidence.get("state") == "unconfirmed" else None)
    causes = finding.evidence.get("causes")
    if causes:
        yield cell(""), cell(f"changed with it: {'; '.join(causes)}", "dim")


def _row(series: Series) -> tuple[Cell, ...]:
    shown = format_mb if series.figure == "memory" else format_seconds
    name = f"{series.path or 'the run'}{' memory' if series.figure == 'memory' else ''}"
    if not series.values:
        return (cell(name), *(cell("") for _ in _COLUMNS[1:]))
    found, values = series.reading, series.values
    return (
        cell(name),
        cell(shown(values[-1])),
        cell(_change(values[-1], values[-2]) if len(values) > 1 else ""),
        cell(_change(values[-1], median(values[:-1])) if len(values) > 1 else ""),
        cell("" if found is None else _change(values[-1], found.best)),
        cell("" if found is None else f"{100 * found.noise:.0f}%"),
        cell(series.state, _TONES.get(series.state, "")),
        cell(sparkline(values[-SPARK_WIDTH:]), "bar"),
    )


def _change(value: float, other: float) -> str:
    if not other:
        return ""
    percent = round(100 * (value / other - 1))
    return f"{percent:+}%" if percent else "0%"
