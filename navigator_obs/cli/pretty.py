"""A run's summary on a terminal, laid out by rich."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..outputs.cells import Section
from ..outputs.columns import wrapped
from ..outputs.files import Places
from ..outputs.headline import Headline, headline
from ..outputs.sections import sections
from ..outputs.text import laid_out

MAX_WIDTH: Final = 120
INDENT: Final = "  "
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
    places: Places,
    console: Console | None = None,
) -> None:
    """Print the summary; on a very wide terminal it stays as narrow as an eye likes."""
    console = console or Console(highlight=False, emoji=False, markup=False)
    console.width = min(console.width, MAX_WIDTH)
    console.print(*heading(headline(summary)), sep="\n")
    for section in sections(summary, width=console.width - len(INDENT), places=places):
        shown = _prose(section, console.width) if section.prose else titled(section, console.width)
        console.print(shown, crop=False, overflow="ignore")


def heading(verdict: Headline) -> Iterator[RenderableType]:
    """Yield the verdict and the rule below it."""
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


def _prose(section: Section, width: int) -> RenderableType:
    """Running text below its title. No frame stands beside it: what is copied from the screen is the text alone."""
    style = _BORDERS.get(section.title, "bold")
    parts: list[RenderableType] = [Rule(Text(f"─ {section.title}", style), align="left", style=style)]
    for (cell,) in section.rows:
        bare = cell.text.lstrip(" ")
        indent = INDENT + " " * (len(cell.text) - len(bare))
        tone = _STYLES.get(cell.tone, "")
        parts += [Text(line, tone, no_wrap=True) for line in wrapped(bare, width, indent)]
    if section.note:
        parts.append(Text(f"{INDENT}… {section.note}", "dim"))
    return Group(*parts, "")


def titled(section: Section, width: int) -> RenderableType:
    """Return a section's title and table, *width* columns wide."""
    indent = INDENT if section.title else ""
    parts: list[RenderableType] = [Text(section.title, "bold")] if section.title else []
    for row in laid_out(section, width - len(indent)):
        styled = [(shown.text, _STYLES.get(shown.tone, "")) for shown in row]
        parts.append(Text.assemble(indent, *styled, no_wrap=True))
    if section.note:
        parts.append(Text(f"{indent}… {section.note}", "dim"))
    return Group(*parts, "")
