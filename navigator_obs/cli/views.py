"""The views that `navigator-obs sql` asks: the log as `events`, and the runs' tables."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ..config import Config
from ..encoding import from_json, to_json
from ..events.compression import SUFFIXES, has_zstd, kind_of
from ..fields import EVENT_FIELDS, OPERATION_FIELDS
from ..history.logfiles import LogPiece, open_all
from ..history.needles import Needle, holds
from ..history.store import History
from ..history.tables import TABLES, rows_of
from .engine import duckdb_module
from .pushdown import needles_of

if TYPE_CHECKING:
    import duckdb

VIEWS: Final = ("events", *TABLES)
_JSON_TYPES: Final = {"string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "string or null": "VARCHAR"}
_KNOWN: Final[Mapping[str, str]] = {
    **{field.name: _JSON_TYPES[field.type] for field in EVENT_FIELDS},
    "timestamp": "TIMESTAMP",
    "exception": "JSON",
}
_OF_OPERATIONS: Final[Mapping[str, str]] = {field.name: _JSON_TYPES[field.type] for field in OPERATION_FIELDS}
# DuckDB keeps room for twice the longest line: to touch more of it than it does by itself takes a third longer.
_USUAL_LINE_BYTES: Final = 16 * 1024 * 1024
_MAX_LINE_BYTES: Final = 64 * 1024 * 1024
_TYPES: Final = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR", type(None): ""}
_HUGE: Final = re.compile(rb":-?[0-9]{19}")
# Of all files together: with the usual settings a log has eleven.
_SAMPLES: Final = 48
_SAMPLED_BYTES: Final = 64 * 1024
_RARE: Final = 0.05
# So many lines tell how rare something is.
_ENOUGH: Final = 2000
_READ: Final = "format='newline_delimited', ignore_errors=true"


@contextmanager
def connected(config: Config, query: str, more: Iterable[str] = ()) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a DuckDB connection with those views that *query* names; *more* are fields of events that it needs too.

    The log's files are held open meanwhile: a rotation hides nothing and shows nothing twice.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="navigator-obs-"))
        connection: duckdb.DuckDBPyConnection = stack.enter_context(duckdb_module().connect())
        connection.execute(f"SET temp_directory={_quoted(folder)}")
        named = [view for view in VIEWS if re.search(rf"\b{view}\b", query, re.IGNORECASE)]
        if "events" in named:
            pieces = open_all(config.log_path)
            for piece in pieces:
                stack.callback(piece.close)
            sampled = list(sample(pieces))
            columns = columns_of(sampled, more)
            needles = needles_of(connection, query, columns)
            if needles and _can_be_read(pieces) and _are_rare(sampled, needles):
                sources = [(_write_found(pieces, needles, Path(folder)), "")]
            else:
                sources = [(_openable(piece), kind_of(piece.path)) for piece in reversed(pieces)]
            connection.execute(_events(columns, sources))
        tables = [name for name in named if name in TABLES]
        if tables:
            for name, path in _write_tables(History(config.runs_dir), tables, Path(folder)).items():
                kinds = _struct(TABLES[name])
                source = f"read_json({_quoted(path)}, columns={kinds}, {_READ}, maximum_object_size={_room([path])})"
                connection.execute(f"CREATE VIEW {name} AS FROM {source}")
        yield connection


def holds_field(config: Config, name: str) -> bool:
    """Return whether any line of the log has the key *name*, however rare."""
    pieces = open_all(config.log_path)
    try:
        needle = (f'"{name}"'.encode(),)
        return any(name in _fields(line) for piece in pieces for line in piece.lines_with([needle], torn=True))
    finally:
        for piece in pieces:
            piece.close()


def _can_be_read(pieces: list[LogPiece]) -> bool:
    """Whether we can read all of them ourselves: DuckDB has a zstd of its own."""
    return has_zstd() or all(kind_of(piece.path) != "zstd" for piece in pieces)


def _are_rare(sampled: Sequence[bytes], needles: list[Needle]) -> bool:
    """Whether so few lines hold them that it pays to look for them first, as far as a sample tells."""
    some = sampled[:: 1 + len(sampled) // _ENOUGH]
    return sum(holds(line, needles) for line in some) <= len(some) * _RARE


def _write_found(pieces: list[LogPiece], needles: list[Needle], folder: Path) -> str:
    path = folder / "events.jsonl"
    with path.open("wb") as file:
        for piece in reversed(pieces):
            file.writelines(line + b"\n" for line in piece.lines_with(needles, torn=True))
    return str(path)


def _events(columns: Mapping[str, str], sources: list[tuple[str, str]]) -> str:
    """Return what makes the view out of files with their compression."""
    parts = []
    for compression in ("", *SUFFIXES):
        paths = [path for path, kind in sources if kind == compression]
        if paths:
            files = ", ".join(map(_quoted, paths))
            room = _MAX_LINE_BYTES if compression else _room(paths)
            # By default it goes by the file's name: that of an opened one says nothing.
            how = f", compression='{compression}'" if compression else ""
            options = f"{_READ}, maximum_object_size={room}{how}"
            # A line that is no event, or is torn, comes as one without any value.
            parts.append(f"FROM read_json([{files}], columns={_struct(columns)}, {options}) WHERE level IS NOT NULL")
    if not parts:
        nothing = ", ".join(f"NULL::{kind} AS {_name(name)}" for name, kind in columns.items())
        parts = [f"SELECT {nothing} WHERE false"]
    return f"CREATE VIEW events AS {' UNION ALL '.join(parts)}"


def _room(paths: Sequence[str]) -> int:
    """Return how many bytes a line of these files may have."""
    return _MAX_LINE_BYTES if any(map(_has_long_lines, paths)) else _USUAL_LINE_BYTES


def _has_long_lines(path: str) -> bool:
    """Whether any line may be longer than usual: then half of so many bytes in a row have no newline."""
    half = _USUAL_LINE_BYTES // 2
    with open(path, "rb") as file:
        starts = range(0, file.seek(0, os.SEEK_END) - half + 1, half)
        return not all(_has_newline(file, start, half) for start in starts)


def _has_newline(file: BinaryIO, start: int, size: int) -> bool:
    file.seek(start)
    while size > 0 and (block := file.read(min(size, _SAMPLED_BYTES))):
        if b"\n" in block:
            return True
        size -= len(block)
    return False


def columns_of(sampled: Sequence[bytes], more: Iterable[str] = ()) -> dict[str, str]:
    """Return the columns of `events` with their types: what all events have, then what the *sampled* lines have.

    *more* are fields that those may lack.
    """
    # Thousands of events have few shapes, and to look at each value of each takes long.
    tell: Callable[[Any], type] = _type_of if _HUGE.search(b"\n".join(sampled)) else type
    events = map(_fields, sampled)
    shapes = dict.fromkeys((tuple(event), tuple(map(tell, event.values()))) for event in events)
    seen: dict[str, set[str]] = {}
    for names, kinds in shapes:
        for name, kind in zip(names, kinds, strict=True):
            seen.setdefault(name, set()).add(_TYPES.get(kind, "JSON"))
    found = {key: _common(types - {""}, _OF_OPERATIONS.get(key)) for key, types in seen.items()}
    rest = dict.fromkeys(more, "VARCHAR")
    columns = {**_KNOWN, **_OF_OPERATIONS, **rest, **found, **_KNOWN}
    # SQL does not tell names apart by their case: the first of two stays.
    firsts = {name.lower(): name for name in reversed(columns)}
    return {name: kind for name, kind in columns.items() if firsts[name.lower()] == name}


def sample(pieces: Sequence[LogPiece]) -> Iterator[bytes]:
    """Yield lines from each file: from its beginning, its end, and the more places in between the larger it is."""
    total = sum(piece.end for piece in pieces if not piece.is_compressed)
    for piece in filter(lambda piece: _can_be_read([piece]), pieces):
        if piece.is_compressed:
            piece.file.seek(0)
            yield from piece.file.read(_SAMPLED_BYTES).splitlines()
            continue
        room = -(-piece.end // _SAMPLED_BYTES)
        places = min(room, max(2, round(_SAMPLES * piece.end / max(total, 1))))
        last = max(0, piece.end - _SAMPLED_BYTES)
        for start in [last * at // max(places - 1, 1) for at in range(places)]:
            piece.file.seek(start)
            yield from piece.file.read(min(_SAMPLED_BYTES, piece.end)).split(b"\n")[start > 0 :]


def _fields(line: bytes) -> dict[str, Any]:
    try:
        event = from_json(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _type_of(value: Any) -> type:
    """Return its type; float for a whole number that no BIGINT holds."""
    return float if type(value) is int and abs(value) >= 2**63 else type(value)


def _common(types: set[str], usual: str | None) -> str:
    """The one type that holds all values; text where there is none."""
    if not types:
        return usual or "VARCHAR"
    if types <= {"BIGINT", "DOUBLE"}:
        return "DOUBLE" if "DOUBLE" in types or usual == "DOUBLE" else "BIGINT"
    return types.pop() if len(types) == 1 else "VARCHAR"


def _openable(piece: LogPiece) -> str:
    """A path that leads to the opened file, whatever it is called by now."""
    opened = f"/proc/self/fd/{piece.file.fileno()}"
    return opened if os.path.exists(opened) else str(piece.path)


def _write_tables(history: History, tables: list[str], folder: Path) -> dict[str, str]:
    """Write the rows of all runs as lines of JSON, a file for each table; return the files by table."""
    paths = {name: str(folder / f"{name}.jsonl") for name in tables}
    with ExitStack() as stack:
        files = {name: stack.enter_context(open(path, "wb")) for name, path in paths.items()}
        for run in history.list():
            summary = run.summary
            for name, file in files.items():
                file.writelines(to_json(row) + b"\n" for row in rows_of(name, run, summary))
    return paths


def _struct(columns: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_quoted(name)}: {_quoted(kind)}" for name, kind in columns.items()) + "}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
