"""Where a run's record and its results are, and what to type to see more of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..fields import format_bytes
from ..history.naming import typed
from ..runs.files import SUMMARY_NAME
from ..runs.reading import table, tables
from .cells import Cell, Column, Section, cell, formatted, text
from .headline import headline

MAX_FILES: Final = 8


@dataclass(frozen=True)
class Places:
    """Where the record stands, as far as the caller knows, and what else is known of the run; not *kept* where no
    folder could be made for it.
    """

    directory: Path | None = None
    log_path: Path | None = None
    kept: bool = True
    last_events: Sequence[Mapping[str, Any]] = ()
    """What was logged last, where the run itself does not tell what it was doing."""


def section(summary: Mapping[str, Any], places: Places) -> Section:
    """Return where the record and the results are."""
    rows: list[tuple[Cell, ...]] = []
    if places.directory:
        rows.append(_file("summary", places.directory / SUMMARY_NAME, None) if places.kept else _not_kept(places))
    if places.log_path:
        rows.append(_file("log", places.log_path, None))
        which = typed(places.directory) if places.directory and places.kept else f"--where run_id={_run_id(summary)}"
        rows.append(_file("events", f"navigator-obs logs {which}", None))
    if places.directory and places.kept and headline(summary).tone in {"warn", "bad"}:
        rows.append(_file("why", f"navigator-obs diagnose {typed(places.directory)}", None))
    artifacts = tables(summary, "artifacts")
    rows += map(_artifact, artifacts[-MAX_FILES:])
    more = len(artifacts) - MAX_FILES
    note = f"{more} earlier artifacts in summary.json" if more > 0 else ""
    # Paths and commands are to be copied: whole, even where that is wider than the terminal.
    return Section("Files", (Column(""), Column(""), Column("", right=True, optional=True)), rows, note=note)


def _run_id(summary: Mapping[str, Any]) -> str:
    return text(table(summary, "run_metadata").get("run_id") or "last")


def _file(kind: object, path: object, size: object) -> tuple[Cell, ...]:
    return cell(kind, "dim"), cell(_from_here(path)), cell(formatted(size, format_bytes), "dim")


def _not_kept(places: Places) -> tuple[Cell, ...]:
    told = f"none: nothing could be written in {_from_here(places.directory)}"
    return cell("summary", "dim"), cell(told, "bad"), cell("")


def here() -> str:
    """Return the working directory, as what lies below it begins."""
    try:
        return f"{os.getcwd()}{os.sep}"
    except OSError:
        # It was removed meanwhile: nothing lies below it.
        return "\0"


def _from_here(path: object) -> object:
    """A path as one would type it in the working directory, where it lies below that."""
    return text(path).removeprefix(here()) if isinstance(path, (str, Path)) else path


def _artifact(found: Mapping[str, Any]) -> tuple[Cell, ...]:
    shown = _file(found.get("kind") or "", found.get("path"), found.get("bytes"))
    return (*shown[:2], cell("missing", "bad")) if found.get("missing") else shown
