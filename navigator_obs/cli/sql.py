"""`navigator-obs sql`: ask the logs and the runs with DuckDB."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from ..config import Config
from ..errors import UsageError, close_match
from ..outputs.columns import aligned, one_line, shorten
from ..runs.reading import number
from .engine import duckdb_module
from .listing import terminal_width
from .screen import write_json
from .staged import recover_staged
from .verbs import with_config
from .views import VIEWS, connected, holds_field

if TYPE_CHECKING:
    import duckdb

_MAX_CELL: Final = 80
_MOST_MISSING: Final = 20
_READS: Final = frozenset({"SELECT", "EXPLAIN"})
_MISSING: Final = re.compile(r'Referenced column "([^"]+)" not found')
_NO_TABLE: Final = re.compile(r"Table with name (\S+) does not exist")


@click.command("sql")
@click.argument("query", required=False, metavar="[QUERY]")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each row.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@with_config
def command(query: str | None, as_json: bool, as_csv: bool, config: Config) -> int:
    r"""Ask with SQL (DuckDB's) what the logs and the runs hold; QUERY - is read from stdin.

    The views are events, runs, operations, issues and checks; without QUERY their columns are told. A field of your
    own events is a column of its name. Times are UTC.

    \b
    navigator-obs sql "select year, avg(duration_seconds) from events where operation='hiring' group by all"
    navigator-obs sql "select name, status, count(*) from runs group by all order by all"
    navigator-obs sql "from issues select fingerprint, count(*), max(last_time) group by all"
    """
    duckdb_module()
    recover_staged(config)
    if query is None:
        return _tell_columns(config)
    text = sys.stdin.read() if query == "-" else query
    with _asked(config, text) as result:
        names = [str(column[0]) for column in result.description]
        rows = _fetched(result)
        if as_json:
            _print_json(names, rows, nested=[str(column[1]) == "JSON" for column in result.description])
        elif as_csv:
            _print_csv(names, rows)
        else:
            _print_table(names, list(rows))
    return 0


@contextmanager
def _asked(config: Config, query: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Run the query; a field that the sample of the log lacked is looked for in all of it, and then asked again."""
    error_type = duckdb_module().Error
    more: list[str] = []
    while True:
        with connected(config, query, more) as connection:
            try:
                result = _executed(connection, query)
            except error_type as error:
                missing = _MISSING.search(str(error))
                name = missing[1] if missing else ""
                again = bool(name) and name not in more and len(more) < _MOST_MISSING
                if not (again and re.search(r"\bevents\b", query, re.IGNORECASE) and holds_field(config, name)):
                    raise UsageError(_told(error)) from None
                more.append(name)
                continue
            try:
                yield result
            except error_type as error:
                # Some values are only looked at when their rows are asked for.
                raise UsageError(_told(error)) from None
            return


def _executed(connection: duckdb.DuckDBPyConnection, query: str) -> duckdb.DuckDBPyConnection:
    statements = connection.extract_statements(query)
    if len(statements) != 1:
        raise UsageError(f"sql takes one query, not {len(statements)}")
    kind = statements[0].type.name
    if kind not in _READS:
        raise UsageError(f"sql only reads: {kind} is no query; a select, with or describe is")
    return connection.execute(query)


def _told(error: Exception) -> str:
    """What DuckDB says, without its drawing of the query; with the views where it knew no such table."""
    message, *more = str(error).strip().splitlines()
    message += "".join(f" {line}" for line in more[:1] if line.startswith("Candidate"))
    unknown = _NO_TABLE.search(message)
    if unknown:
        return f"{message}{close_match(unknown[1], VIEWS)}; the views are {', '.join(VIEWS)}"
    return message


def _fetched(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := result.fetchmany(10_000):
        yield from rows


def _tell_columns(config: Config) -> int:
    with connected(config, " ".join(VIEWS)) as connection:
        for view in VIEWS:
            found = connection.execute(f"DESCRIBE {view}").fetchall()
            click.echo("\n".join(columns_of(view, [f"{one_line(row[0])} {row[1]}" for row in found], terminal_width())))
    return 0


def columns_of(view: str, columns: list[str], width: int | None) -> list[str]:
    """Return a view with its columns: in a pipe (*width* None) one line, on a terminal as many as it takes."""
    lines = [f"{view}: {columns[0]}"]
    for column in columns[1:]:
        lines[-1] += ","
        if width is not None and len(lines[-1]) + len(column) + 2 > width:
            lines.append(f"  {column}")
        else:
            lines[-1] += f" {column}"
    return lines


def _print_table(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    right = [any(number(row[at]) is not None for row in rows) for at in range(len(names))]
    cells = [[shorten(one_line(_shown(value)), _MAX_CELL) for value in row] for row in rows]
    print("\n".join(aligned([[one_line(name) for name in names], *cells], right)))
    if not rows:
        print("no rows", file=sys.stderr)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.2f}"
    if isinstance(value, (list, dict)):
        return json.dumps(_plain(value), ensure_ascii=False)
    return str(_plain(value))


def _print_json(names: Sequence[str], rows: Iterator[tuple[Any, ...]], nested: Sequence[bool]) -> None:
    from ..encoding import from_json, to_json

    for row in rows:
        values = [
            from_json(value) if json and value else _plain(value) for value, json in zip(row, nested, strict=True)
        ]
        write_json(to_json(dict(zip(names, values, strict=True))) + b"\n")


def _print_csv(names: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_plain(value) for value in row] for row in rows)


def _plain(value: Any) -> Any:
    """A value as JSON and CSV have it: times as RFC 3339 in UTC."""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='microseconds')}Z" if value.tzinfo is None else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
