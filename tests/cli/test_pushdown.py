"""What a query asks of events as texts that lines must hold."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from navigator_obs.cli import views
from navigator_obs.cli.pushdown import needles_of
from navigator_obs.config import Config

COLUMNS = {"level": "VARCHAR", "operation": "VARCHAR", "year": "BIGINT"}


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "needles"),
    [
        ("select * from events where level='ERROR'", [(b"ERROR",)]),
        ("from events e where e.level = 'ERROR' and 'hiring' = operation and year > 3", [(b"ERROR",), (b"hiring",)]),
        ("select count(*) from events where level in ('ERROR', 'CRITICAL')", [(b"ERROR", b"CRITICAL")]),
        ("select * from (select * from events where level='ERROR') where 1=1", [(b"ERROR",)]),
        ("select * from events where level='ERROR' or year=2", []),
        ("select * from events where not level='ERROR'", []),
        ("select * from events where level in ('ERROR', lower('x'))", []),
        ("select * from events where year='2027'", []),
        ("select * from events where year=2027 and level='ERROR'", [(b"2027",), (b"ERROR",)]),
        ("select * from events where year in (2027, -2028)", [(b"2027", b"2028")]),
        ("select * from events where year=2027.0 or year=7", []),
        ("select * from events where year=7", []),
        ("select * from events where operation=2027", []),
        ("select 'ERROR' as word from events where word='ERROR'", []),
        ("select * from events where level='it''s'", []),
        ("select * from events a, events b where a.level='ERROR'", []),
        ("select * from events join (select 1) on true where level='ERROR'", []),
        ("with e as (from events) select * from e where level='ERROR'", []),
        ("select (select count(*) from events where level='ERROR') from events", []),
        ("no sql", []),
    ],
)
def test_only_what_is_sound_is_taken(connection, query: str, needles: list):
    """A condition counts where no event without the text could be part of the answer."""
    assert needles_of(connection, query, COLUMNS) == needles


LEVELS = ("INFO", "WARNING", "ERROR")
OPERATIONS = ("hiring", "hiring ERROR", "it's", "")
CONDITIONS = (
    *(f"level='{level}'" for level in LEVELS),
    "level in ('ERROR', 'WARNING')",
    "operation='hiring'",
    "operation='it''s'",
    "operation is null",
    "year > 2025",
    "year = 2026",
    "year in (2024, 2027)",
    "level <> 'INFO'",
)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(LEVELS), st.sampled_from(OPERATIONS), st.integers(2024, 2027)),
        min_size=1,
        max_size=12,
    ),
    st.lists(st.tuples(st.sampled_from(["and", "or"]), st.sampled_from(CONDITIONS)), min_size=1, max_size=3),
)
def test_the_answer_is_the_same_as_by_reading_all(tmp_path: Path, monkeypatch, events: list, conditions: list):
    """Whatever was looked for beforehand, DuckDB finds what it would find in the whole log."""
    config = Config(log_dir=tmp_path)
    told = [
        {
            "timestamp": f"2025-08-18T10:00:{at:02d}Z",
            "level": level,
            "message": str(at),
            "operation": name,
            "year": year,
        }
        for at, (level, name, year) in enumerate(events)
    ]
    config.log_path.write_text("".join(json.dumps(event, separators=(",", ":")) + "\n" for event in told))
    where = " ".join(word for pair in conditions for word in pair).partition(" ")[2]
    query = f"select message from events where {where} order by message"

    def asked(rare: float) -> list:
        monkeypatch.setattr(views, "_RARE", rare)
        with views.connected(config, query) as connection:
            return connection.execute(query).fetchall()

    assert asked(rare=1.0) == asked(rare=-1.0)
