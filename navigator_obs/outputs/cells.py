"""The parts of a section: cells of harmless text, and columns."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from ..clock import parse_timestamp
from ..runs.reading import number
from .columns import one_line, width_of


class Cell(NamedTuple):
    """Harmless text with its tone: "" or good, bad, warn, live, dim, strong, bar."""

    text: str
    tone: str = ""


class Column(NamedTuple):
    """A column. Where the table is too wide, optional ones go, the last one first, and then a flexible one is cut. The
    last one may take lines more instead: it `wraps`.
    """

    title: str
    right: bool = False
    flexible: bool = False
    optional: bool = False
    wraps: bool = False


@dataclass(frozen=True)
class Section:
    """A titled table. With `prose` each row is one cell of running text, which wraps; its leading spaces indent it."""

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]
    note: str = ""
    prose: bool = False


GAP: Final = "  "
NARROWEST: Final = 12


def column_widths(section: Section) -> list[int]:
    """Return how wide the columns would like to be."""
    texts = [[column.title, *(row[at].text for row in section.rows)] for at, column in enumerate(section.columns)]
    return [max(map(width_of, column)) for column in texts]


def fitted(section: Section, width: int) -> Section:
    """Leave out columns, the last optional one first, that are empty or for which *width* has no room."""
    kept = [at for at in range(len(section.columns)) if any(row[at].text for row in section.rows)]
    widths = column_widths(section)
    for at in reversed(kept.copy()):
        least = [_least(section.columns[it], widths[it]) for it in kept]
        if sum(least) + len(GAP) * (len(kept) - 1) > width and section.columns[at].optional:
            kept.remove(at)
    columns = tuple(section.columns[at] for at in kept)
    return replace(section, columns=columns, rows=[tuple(row[at] for at in kept) for row in section.rows])


def _least(column: Column, wanted: int) -> int:
    return min(wanted, NARROWEST if column.wraps else NARROWEST * 2) if column.flexible or column.wraps else wanted


def cell(value: object, tone: str = "") -> Cell:
    """Make a cell; whatever *value* holds, its text is harmless."""
    return Cell(text(value), tone)


def text(value: object) -> str:
    """Return *value* as harmless text on one line; empty for None."""
    return "" if value is None else one_line(value)


def figure(value: object) -> str:
    """Return a number of unknown meaning as people read it, and anything else as its text; None as ``none``.

    >>> figure(36231800.25), figure(1000002028.0), figure(0.8167), figure(0.1 + 0.2), figure(None)
    ('36,231,800.25', '1,000,002,028', '0.8167', '0.3', 'none')
    """
    known = number(value)
    if known is None:
        return "none" if value is None else text(value)
    if abs(known) >= _MOST_DIGITS:
        return f"{known:.6g}"
    if known == int(known):
        return f"{known:,.0f}"
    return f"{known:,.2f}" if abs(known) >= 1000 else f"{known:.6g}"


_MOST_DIGITS: Final = 1e15


def count_of(count: int, noun: str) -> str:
    """Return a count with its noun.

    >>> count_of(0, "error"), count_of(1, "error"), count_of(1200, "error")
    ('no errors', '1 error', '1,200 errors')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}" if count else f"no {noun}s"


def joined(parts: Iterable[str]) -> str:
    """Join what is not empty."""
    return " · ".join(part for part in parts if part)


def local_time(timestamp: object, *, with_date: bool = False, later_seconds: float = 0.0) -> str:
    """Return a timestamp, or the moment *later_seconds* after it, as the reader's clock showed it; empty where it is
    none.
    """
    return _local(timestamp, "%a %Y-%m-%d %H:%M:%S %Z" if with_date else "%H:%M:%S", later_seconds)


def local_day(timestamp: object) -> str:
    """Return the day of a timestamp by the reader's calendar; empty where it is none."""
    return _local(timestamp, "%a %Y-%m-%d")


def localized(told: str, beside: object = None) -> str:
    """Return what the toolkit said with its times as the reader's clock showed them, the day left out where it is that
    of *beside*.
    """
    return _MOMENT.sub(lambda found: f"{found[1]} {_moment(found[2], beside)}", told)


# By words of ours and to the microsecond: a time that a simulation is about stays as it is.
_MOMENT: Final = re.compile(r"\b(since|at) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)")


def local_moment(timestamp: object) -> str:
    """Return a timestamp as the reader's clock showed it, with how far that is from UTC; empty where it is none."""
    return _local(timestamp, "%Y-%m-%d %H:%M:%S %z")


def _moment(timestamp: str, beside: object) -> str:
    is_same_day = local_day(timestamp) == local_day(beside)
    return local_time(timestamp) if is_same_day else _local(timestamp, "%Y-%m-%d %H:%M:%S") or timestamp


def _local(timestamp: object, form: str, later_seconds: float = 0.0) -> str:
    try:
        moment = time.localtime(parse_timestamp(str(timestamp)) / 1e9 + later_seconds)
    except (ValueError, OverflowError, OSError):
        return ""
    return time.strftime(form, moment).rstrip()


def formatted(value: object, form: Any) -> str:
    """Return a number as *form* shows it; empty where it is none."""
    known = number(value)
    return "" if known is None else str(form(known))
