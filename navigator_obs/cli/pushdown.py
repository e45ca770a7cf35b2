"""What a query asks of the events as texts that their lines must hold: most lines then need no parsing.

Only what is sound is taken: of a query that names `events` once, the conditions that all must hold, between a column of
the view that is text and a plain text, or whole numbers and one of three digits or more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..history.where import Condition

if TYPE_CHECKING:
    import duckdb

Node = Mapping[str, Any]
# By a column's type: the kind of constant whose text stands in the line of an event that has that value.
_LITERALS: Final = {"VARCHAR": "STRING", "BIGINT": "INTEGER"}


def needles_of(
    connection: duckdb.DuckDBPyConnection, query: str, columns: Mapping[str, str]
) -> list[tuple[bytes, ...]]:
    """Return, for each condition, texts of which the line of each event that *query* is about holds at least one.

    *columns* are those of the view with their types. Empty where nothing can be told; never raises.
    """
    try:
        quoted = query.replace("'", "''")
        told = connection.execute(f"SELECT json_serialize_sql('{quoted}')").fetchone()
        parsed = json.loads(told[0]) if told else {}
        node = parsed["statements"][0]["node"]
        if json.dumps(parsed).lower().count('"table_name": "events"') != 1:
            return []
        kinds = {name.lower(): kind for name, kind in columns.items() if kind in _LITERALS}
        return [found for each in _of_events(node) for found in _conditions(each.get("where_clause"), kinds)]
    except Exception:
        # A version of DuckDB whose trees look otherwise: the query is answered all the same, by reading all.
        return []


def _of_events(node: Any) -> Iterator[Node]:
    """Yield the select that is from `events` and nothing else."""
    if isinstance(node, Mapping):
        source = node.get("from_table")
        if isinstance(source, Mapping) and source.get("type") == "BASE_TABLE":
            if str(source.get("table_name")).lower() == "events" and not source.get("sample"):
                yield node
            return
        for child in node.values():
            yield from _of_events(child)
    elif isinstance(node, list):
        for child in node:
            yield from _of_events(child)


def _conditions(node: Any, kinds: Mapping[str, str]) -> Iterator[tuple[bytes, ...]]:
    if not isinstance(node, Mapping):
        return
    kind, children = node.get("type"), node.get("children") or []
    if kind == "CONJUNCTION_AND":
        for child in children:
            yield from _conditions(child, kinds)
    elif kind == "COMPARE_EQUAL":
        one, other = node["left"], node["right"]
        yield from _equal(one, [other], kinds)
        yield from _equal(other, [one], kinds)
    elif kind == "COMPARE_IN" and children:
        yield from _equal(children[0], children[1:], kinds)


def _equal(column: Node, constants: list[Node], kinds: Mapping[str, str]) -> Iterator[tuple[bytes, ...]]:
    names = column.get("column_names") or []
    kind = kinds.get(str(names[-1]).lower()) if names else None
    if column.get("type") != "COLUMN_REF" or kind is None:
        return
    values = [_constant(node, _LITERALS[kind]) for node in constants]
    needles = [Condition("_", "=", value).needle for value in values if value is not None]
    found = tuple(needle for needle in needles if needle)
    if len(found) == len(constants):
        yield found


def _constant(node: Node, kind: str) -> str | None:
    """A constant of this *kind* as text, in the trees of DuckDB 2 and 1."""
    if node.get("type") != "VALUE_CONSTANT":
        return None
    literal, value = node.get("literal"), node.get("value")
    if isinstance(literal, Mapping):
        return literal.get("text") if literal.get("kind") == kind else None
    told = value.get("value") if isinstance(value, Mapping) else None
    wanted = str if kind == "STRING" else int
    return str(told) if isinstance(told, wanted) and not isinstance(told, bool) else None
