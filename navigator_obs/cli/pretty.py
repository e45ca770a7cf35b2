"""A run's summary on a terminal, laid out by rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..outputs.cells import Cell, Section
from ..outputs.sections import Headline, Places, headline, sections

MAX_WIDTH: Final = 120
_STYLES: Final[Mapping[str, str]] = {
    "good": "green",
    "live": "cyan",
    "warn": "yellow",
    "bad": "red",
    "dim": "dim",
    "strong": "bold",
    "bar": "blue",
}
_BORDERS: Final[Mapping[str, str]] = {"Errors": "red", "Warnings": "yellow"}


def print_summary(
    summary: Mapping[str, Any],
    *,
    directory: Path | None = None,
    log_path: Path | None = None,
    console: Console | None = None,
) -> None:
    """Print the summary; on a very wide terminal it stays as narrow as an eye likes."""
    console = console or Console(highlight=False, emoji=False, markup=False)
    console.width = min(console.width, MAX_WIDTH)
    console.print(*_heading(headline(summary)), sep="\n")
    for section in sections(summary, width=console.width - 4, places=Places(directory, log_path)):
        console.print(_panel(section) if section.prose else _titled(section))


def _heading(verdict: Headline) -> Iterator[RenderableType]:
    style = _STYLES[verdict.tone]
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    line.add_column(justify="right", no_wrap=True)
    told = Text.assemble(
        (f"{verdict.mark} ", f"bold {style}"),
        (verdict.name, "bold"),
        (f"  {verdict.status} {verdict.duration}", style),
    )
    line.add_row(told, Text(verdict.run_id, "dim"))
    yield line
    yield Rule(style=style)


def _panel(section: Section) -> RenderableType:
    body: list[RenderableType] = [_prose(cell) for (cell,) in section.rows]
    if section.note:
        body.append(Text(f"… {section.note}", "dim"))
    border = _BORDERS.get(section.title, "dim")
    return Panel(Group(*body), title=Text(section.title, f"bold {border}"), title_align="left", border_style=border)


def _prose(cell: Cell) -> RenderableType:
    bare = cell.text.lstrip(" ")
    indent = len(cell.text) - len(bare)
    return Padding(Text(bare, _STYLES.get(cell.tone, "")), (0, 0, 0, indent // 2))


def _titled(section: Section) -> RenderableType:
    parts: list[RenderableType] = []
    if section.title:
        parts.append(Text(section.title, "bold"))
    parts.append(_table(section))
    if section.note:
        parts.append(Text(f"  … {section.note}", "dim"))
    return Group(*parts, "")


def _table(section: Section) -> Table:
    has_titles = any(column.title for column in section.columns)
    table = Table(
        box=SIMPLE_HEAD if has_titles else None,
        show_header=has_titles,
        show_edge=False,
        border_style="dim",
        header_style="dim",
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in section.columns:
        wraps = column.flexible and not section.title
        table.add_column(
            Text(column.title),
            justify="right" if column.right else "left",
            no_wrap=not wraps,
            overflow="fold" if wraps else "ellipsis",
        )
    for row in section.rows:
        table.add_row(*_texts(row))
    return table


def _texts(row: Iterable[Cell]) -> Iterator[Text]:
    return (Text(cell.text, _STYLES.get(cell.tone, "")) for cell in row)
