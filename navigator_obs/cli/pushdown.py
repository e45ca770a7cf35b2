"""What a query asks of the events as texts and patterns that their lines must hold: most lines then need no parsing.

Only what is sound is taken: of a query that names `events` once, the conditions that all must hold, between a column of
the view and constants. `history.needles` looks for them; DuckDB judges the lines that are left.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from ..history.needles import Needle
from ..history.where import Condition
from .magnitudes import PLAIN_NAME, beyond, equal

if TYPE_CHECKING:
    import duckdb

Node = Mapping[str, Any]
_SIGNS: Final = {
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
}
_MIRRORED: Final = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
_NUMERIC: Final = frozenset({"BIGINT", "DOUBLE"})
_NUMBER: Final = re.compile(r"-?\d+(\.\d*)?([eE][-+]?\d{1,3})?")
# DuckDB writes these its own way into a column of text, whatever stands in the line.
_REWRITTEN: Final = re.compile(
    r"[\[{].*|[-+]?(nan|inf|infinity|\d*\.\d*(e[-+]?\d+)?|\d+e[-+]?\d+)", re.IGNORECASE | re.DOTALL
)


def needles_of(connection: duckdb.DuckDBPyConnection, query: str, columns: Mapping[str, str]) -> list[Needle]:
    """Return, for each condition, what the line of each event that *query* is about holds.

    *columns* are those of the view with their types. Empty where nothing can be told; never raises.
    """
    try:
        quoted = query.replace("'", "''")
        told = connection.execute(f"SELECT json_serialize_sql('{quoted}')").fetchone()
        parsed = json.loads(told[0]) if told else {}
        node = parsed["statements"][0]["node"]
        if json.dumps(parsed).lower().count('"table_name": "events"') != 1:
            return []
        return [
            found for each in _of_events(node) for found in _conditions(each["where_clause"], _Scope.of(each, columns))
        ]
    except Exception:
        # A version of DuckDB whose trees look otherwise: the query is answered all the same, by reading all.
        return []


@dataclass(frozen=True)
class _Scope:
    """What names of columns mean: the table's own names, and its columns by their names in small letters."""

    tables: frozenset[str]
    columns: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, select: Node, columns: Mapping[str, str]) -> _Scope:
        alias = str(select["from_table"].get("alias") or "events").lower()
        return cls(frozenset({alias}), {name.lower(): (name, kind) for name, kind in columns.items()})

    def column(self, node: Node) -> tuple[str, str]:
        """Return the column that *node* is, and its type; nothing for anything else."""
        *table, name = [str(each).lower() for each in node.get("column_names") or [""]]
        if node.get("type") != "COLUMN_REF" or not self.tables.issuperset(table):
            return "", ""
        return self.columns.get(name, ("", ""))


def _of_events(node: Any) -> Iterator[Node]:
    """Yield the select that is from `events` and nothing else."""
    if isinstance(node, Mapping):
        source = node.get("from_table")
        if isinstance(source, Mapping) and source.get("type") == "BASE_TABLE":
            is_plain = not source.get("sample") and not source.get("column_name_alias")
            if str(source.get("table_name")).lower() == "events" and is_plain:
                yield node
            return
        for child in node.values():
            yield from _of_events(child)
    elif isinstance(node, list):
        for child in node:
            yield from _of_events(child)


def _conditions(node: Any, scope: _Scope) -> Iterator[Needle]:
    if not isinstance(node, Mapping):
        return
    kind, children = str(node.get("type")), node.get("children") or []
    if kind == "CONJUNCTION_AND":
        for child in children:
            yield from _conditions(child, scope)
    elif kind == "OPERATOR_IS_NOT_NULL":
        yield from _there(scope.column(children[0])[0])
    elif kind == "COMPARE_EQUAL":
        one, other = node["left"], node["right"]
        yield from _equal(scope.column(one), [other])
        yield from _equal(scope.column(other), [one])
    elif kind == "COMPARE_IN" and children:
        yield from _equal(scope.column(children[0]), children[1:])
    elif kind in _SIGNS:
        one, other, sign = node["left"], node["right"], _SIGNS[kind]
        yield from _beyond(scope.column(one), sign, other)
        yield from _beyond(scope.column(other), _MIRRORED[sign], one)
    elif kind == "COMPARE_BETWEEN":
        column = scope.column(node["input"])
        yield from _beyond(column, ">=", node["lower"])
        yield from _beyond(column, "<=", node["upper"])


def _there(name: str) -> Iterator[Needle]:
    """Where a value is no null, the line has its key."""
    if PLAIN_NAME.fullmatch(name):
        yield (f'"{name}"'.encode(),)


def _equal(column: tuple[str, str], constants: Sequence[Node]) -> Iterator[Needle]:
    name, kind = column
    if kind == "VARCHAR":
        texts = [_needle(_constant(node, "STRING")) for node in constants]
        found = tuple(text for text in texts if text)
        if len(found) == len(constants):
            yield found
    elif kind == "BIGINT":
        values = [_constant(node, "INTEGER") for node in constants]
        numbers = [int(value) for value in values if value and re.fullmatch(r"-?\d{1,15}", value)]
        pattern = equal(name, numbers) if len(numbers) == len(constants) else None
        if pattern:
            yield pattern
    elif kind == "DOUBLE" and len(constants) == 1:
        yield from _beyond(column, ">=", constants[0])
        yield from _beyond(column, "<=", constants[0])


def _needle(text: str | None) -> bytes | None:
    return None if text is None or _REWRITTEN.fullmatch(text) else Condition("_", "=", text).needle


def _beyond(column: tuple[str, str], sign: str, constant: Node) -> Iterator[Needle]:
    name, kind = column
    text = _constant(constant, "INTEGER") or _constant(constant, "NUMERIC")
    if kind not in _NUMERIC or text is None or not _NUMBER.fullmatch(text):
        return
    pattern = beyond(name, sign, Decimal(text), whole=kind == "BIGINT")
    yield from [pattern] if pattern else _there(name)


def _constant(node: Node, kind: str) -> str | None:
    """A constant of this *kind*, which is DuckDB's of literals, as text: in the trees of DuckDB 2 and 1."""
    if node.get("type") != "VALUE_CONSTANT":
        return None
    literal, value = node.get("literal"), node.get("value")
    if isinstance(literal, Mapping):
        return literal.get("text") if literal.get("kind") == kind else None
    told = value.get("value") if isinstance(value, Mapping) else None
    if isinstance(told, bool) or value is None:
        return None
    if kind == "STRING":
        return told if isinstance(told, str) else None
    scale = ((value.get("type") or {}).get("type_info") or {}).get("scale")
    if kind == "NUMERIC" and isinstance(told, (int, float)):
        return str(Decimal(told).scaleb(-scale) if isinstance(scale, int) else Decimal(repr(told)))
    return str(told) if kind == "INTEGER" and isinstance(told, int) and scale is None else None
