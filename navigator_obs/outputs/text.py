"""The human summary of a run as text: for the console at the end of a run, a pipe, or a mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from .cells import GAP, NARROWEST, Cell, Column, Section, column_widths
from .columns import pad, shorten, shorten_middle, width_of, wrapped
from .files import Places
from .headline import Headline, headline
from .sections import sections

__all__ = ["laid_out", "render", "render_sections", "sections"]

MIN_WIDTH: Final = 60
_CODES: Final[Mapping[str, str]] = {
    "good": "32",
    "live": "36",
    "warn": "33",
    "bad": "31",
    "dim": "2",
    "strong": "1",
    "bar": "36",
}
_INDENT: Final = "  "


def render(
    summary: Mapping[str, Any],
    *,
    color: bool = False,
    width: int = 100,
    places: Places | None = None,
) -> str:
    """Return the summary for people, *width* columns wide, without a final newline.

    *places* tells where its files are. *color* adds ANSI codes;
    text from the summary itself never drives a terminal.

    >>> summary = {"run_metadata": {"name": "baseline", "status": "success", "duration_seconds": 12.4}}
    >>> render(summary).splitlines()[0].split()
    ['✓', 'baseline', 'success', 'in', '12.40', 's', '?']
    """
    width = max(width, MIN_WIDTH)
    parts = sections(summary, width=width - len(_INDENT), places=places)
    blocks = ["\n".join(_block(section, width, color)) for section in parts]
    return "\n\n".join(["\n".join([*_heading(headline(summary), width, color), *blocks[:1]]), *blocks[1:]])


def render_sections(parts: Iterable[Section], *, color: bool = False, width: int = 100) -> str:
    """Render sections by themselves, without the heading of a run; *width* and *color* as for `render`."""
    width = max(width, MIN_WIDTH)
    return "\n\n".join("\n".join(_block(section, width, color)) for section in parts)


def _heading(verdict: Headline, width: int, color: bool) -> list[str]:
    told = f"{verdict.status} {verdict.duration}".rstrip()
    room = width - width_of(told) - width_of(verdict.run_id) - 6
    name = shorten(verdict.name, max(room, NARROWEST))
    gap = " " * max(1, width - width_of(f"{verdict.mark} {name}  {told}{verdict.run_id}"))
    shown = _paint(name, "strong", color)
    left = f"{_paint(verdict.mark, verdict.tone, color)} {shown}  {_paint(told, verdict.tone, color)}"
    return [f"{left}{gap}{_paint(verdict.run_id, 'dim', color)}", _paint("─" * width, "dim", color)]


def _block(section: Section, width: int, color: bool) -> Iterator[str]:
    if section.title:
        yield _paint(section.title, "strong", color)
    yield from _prose(section.rows, width, color) if section.prose else _table(section, width, color)
    if section.note:
        yield _paint(f"{_INDENT}… {section.note}", "dim", color)


def _prose(rows: Iterable[tuple[Cell, ...]], width: int, color: bool) -> Iterator[str]:
    for (cell,) in rows:
        bare = cell.text.lstrip(" ")
        indent = _INDENT + " " * (len(cell.text) - len(bare))
        for line in wrapped(bare, width, indent):
            yield _paint(line, cell.tone, color)


def _table(section: Section, width: int, color: bool) -> Iterator[str]:
    for row in laid_out(section, width - len(_INDENT)):
        parts = [_paint(shown.text, shown.tone, color) for shown in row]
        yield f"{_INDENT}{''.join(parts)}" if parts else ""


def laid_out(section: Section, width: int) -> Iterator[list[Cell]]:
    """Yield the table's lines, the titles first, in cells that put together are at most *width* columns wide.

    A flexible column gives way; the last one of a table without a title wraps, so that nothing of it is lost, and any
    other that is said to.
    """
    widths = _fitting_widths(section, width)
    wraps = not section.title or section.columns[-1].wraps
    if any(column.title for column in section.columns):
        yield _line([Cell(column.title, "dim") for column in section.columns], section.columns, widths)
    for row in section.rows:
        for line in _wrapped_row(row, widths) if wraps else [row]:
            yield _line(line, section.columns, widths, cut_last=not wraps)


def _fitting_widths(section: Section, width: int) -> list[int]:
    widths = column_widths(section)
    excess = sum(widths) + len(GAP) * (len(widths) - 1) - width
    elastic = [at for at, column in enumerate(section.columns) if column.flexible or column.wraps]
    # What wraps loses nothing by it, so it gives way before others are cut.
    elastic.sort(key=lambda at: not section.columns[at].wraps)
    for least in (NARROWEST * 2, NARROWEST):
        for at in elastic:
            given = min(max(excess, 0), max(widths[at] - least, 0))
            widths[at], excess = widths[at] - given, excess - given
    return widths


def _wrapped_row(row: Sequence[Cell], widths: list[int]) -> Iterator[Sequence[Cell]]:
    last = row[-1]
    if width_of(last.text) <= widths[-1]:
        yield row
        return
    blanks = [Cell("")] * (len(row) - 1)
    for number, line in enumerate(wrapped(last.text, widths[-1], "", "")):
        yield [*(blanks if number else row[:-1]), Cell(line, last.tone)]


def _line(row: Sequence[Cell], columns: tuple[Column, ...], widths: list[int], *, cut_last: bool = True) -> list[Cell]:
    filled = [at for at, cell in enumerate(row) if cell.text]
    last = filled[-1] if filled else -1
    parts = []
    for at, (cell, column, width) in enumerate(zip(row[: last + 1], columns, widths, strict=False)):
        cut = shorten_middle if column.flexible else shorten
        # What was wrapped is as narrow as it can be.
        told = cut(cell.text, width) if cut_last or at < len(columns) - 1 else cell.text
        shown = pad(told, width, right=column.right)
        parts += [Cell(shown.rstrip() if at == last else shown, cell.tone), *([] if at == last else [Cell(GAP)])]
    return parts


def _paint(text: str, tone: str, color: bool) -> str:
    code = _CODES.get(tone)
    return f"\x1b[{code}m{text}\x1b[0m" if color and code and text.strip() else text
