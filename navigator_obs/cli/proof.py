"""What of a run's record and results can be held against something kept elsewhere: the seal, and digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..history.entry import RunEntry
from ..outputs.cells import Cell, Column, Section, cell, count_of, joined, local_time, text
from ..runs.files import SEAL_NAME
from ..runs.reading import tables
from ..runs.seal import records

MAX_ROWS: Final = 8
_DIGITS: Final = 16
_COLUMNS: Final = (Column(""), Column("", flexible=True), Column(""), Column("", optional=True))


def section(entry: RunEntry) -> Section:
    """Return the seal of a run, the digests of its data, the latest of each name, and those of its artifacts."""
    rows = [*_seal(entry.directory), *_of_data(entry.summary), *_of_artifacts(entry.summary)]
    more = len(rows) - MAX_ROWS
    note = f"{count_of(more, 'more digest')} in summary.json" if more > 0 else ""
    return Section("Digests", _COLUMNS, rows[:MAX_ROWS], note=note)


def _seal(directory: Path) -> Iterator[tuple[Cell, ...]]:
    """That of the first record: whoever keeps it elsewhere can ask for it with `verify --expect`."""
    first = next((record for record in records(directory) if record["kind"] == "seal"), None)
    if first is not None:
        digest = text(first.get("link")).partition(":")[2]
        key = f"key {text(first['key_id'])}" if first.get("key_id") else ""
        yield _row("seal", SEAL_NAME, digest, joined([local_time(first.get("time"), with_date=True), key]))


def _of_data(summary: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    last: dict[str, list[Mapping[str, Any]]] = {}
    for found in tables(summary, "digests"):
        last.setdefault(text(found.get("name")), []).append(found)
    for name, group in last.items():
        year = group[-1].get("year")
        where = "" if year is None else f"year {text(year)}"
        yield _row("data", name, group[-1].get("digest"), joined([where, count_of(len(group), "digest")]))


def _of_artifacts(summary: Mapping[str, Any]) -> Iterator[tuple[Cell, ...]]:
    last = {text(found.get("path")): found for found in tables(summary, "artifacts")}
    for path, found in last.items():
        if found.get("sha256"):
            yield _row(text(found.get("kind")), path, found["sha256"], "")


def _row(kind: str, name: str, digest: object, beside: str) -> tuple[Cell, ...]:
    return cell(kind, "dim"), cell(name), cell(text(digest)[:_DIGITS]), cell(beside, "dim")
