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
from navigator_obs.history.needles import holds

COLUMNS = {"level": "VARCHAR", "operation": "VARCHAR", "year": "BIGINT", "share": "DOUBLE", "größe": "BIGINT"}


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


@pytest.mark.parametrize(
    ("query", "needles"),
    [
        ("select * from events where level='ERROR'", [(b"ERROR",)]),
        ("from events e where e.level = 'ERROR' and 'hiring' = operation and 1=1", [(b"ERROR",), (b"hiring",)]),
        ("select count(*) from events where level in ('ERROR', 'CRITICAL')", [(b"ERROR", b"CRITICAL")]),
        ("select * from (select * from events where level='ERROR') where 1=1", [(b"ERROR",)]),
        ("select * from events where share is not null", [(b'"share"',)]),
        ("select * from events where share > -1", [(b'"share"',)]),
        ("select * from events where level='ERROR' or year=2", []),
        ("select * from events where not level='ERROR'", []),
        ("select * from events where not year > 2", []),
        ("select * from events where year not between 1 and 2", []),
        ("select * from events where level in ('ERROR', lower('x'))", []),
        ("select * from events where year='2027'", []),
        ("select * from events where year in (7, null)", []),
        ("select * from events where year=2027.0 or year=7", []),
        ("select * from events where größe > 7", []),
        ("select * from events where größe is not null", []),
        ("select * from events where operation=2027", []),
        ("select * from events where operation='[1,2]' or operation='2.50'", []),
        ("select * from events where operation='[1,2]' and operation='2.50' and operation='NaN'", []),
        ("select * from events where other.level='ERROR'", []),
        ("select * from events e(level, year, operation) where level='ERROR'", []),
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


@pytest.mark.parametrize(
    ("where", "found", "left_out"),
    [
        ("year = 2027", ["2027", "2027.2", '"2027"', "2.027e3"], ["2026", "20270", "null"]),
        ("year in (7, -2028)", ["7", "-2028"], ["77", "2028", "8"]),
        ("year > 100", ["101", "5000", "1e9"], ["99", "7", "-5", "null"]),
        ("2000 <= year", ["2000", "1999.6"], ["1899", "3"]),
        ("year between 20 and 30", ["20", "30"], ["19", "31"]),
        ("share < 0.001", ["0.0005", "-3", "1e-05", "0"], ["0.5", "0.002", "1"]),
        ("share = 0.25", ["0.25", "0.250"], ["0.3", "0.2", "2"]),
        ("events.share >= 1.5e3", ["1500", "2000"], ["1400", "15"]),
    ],
)
def test_numbers_are_told_by_their_digits(connection, where: str, found: list[str], left_out: list[str]):
    """A condition between a column of numbers and a number finds the lines that may meet it."""
    needles = needles_of(connection, f"select * from events where {where}", COLUMNS)
    assert needles
    key = "share" if "share" in where else "year"

    def held(numbers: list[str]) -> list[str]:
        return [number for number in numbers if holds(f'{{"{key}":{number}}}'.encode(), needles)]

    assert (held(found), held(left_out)) == (found, [])


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


NUMBERS = ("2024", "2026", "2026.5", "2026.4", "-1", "0", "-0.4", "7", "99", "100", "1e3", "2.026e3", "1E-4", "0.0007")
ODD = (
    "null",
    "true",
    '"2026"',
    '" 7 "',
    '"1e2"',
    '"x"',
    "NaN",
    "nan",
    "-nan",
    "Infinity",
    "[7]",
    '{"year":7}',
    "007",
    "",
)
HOSTILE = (
    *(
        f"{name} {sign} {number}"
        for name in ("year", "share")
        for sign in ("=", ">", "<=")
        for number in ("0", "7", "2026")
    ),
    "year > 99 and level = 'ERROR'",
    "year >= 100",
    "year < 1",
    "year between 7 and 100",
    "year in (7, 2026)",
    "share < 0.001",
    "share >= 0.0007",
    "share between 0.5 and 1e3",
    "share is not null",
    "operation is not null",
    "operation = 'hiring'",
    "operation = 'a/b'",
    "operation = '2026'",
    "operation = '[7]'",
    "level = 'ERROR'",
)
KEYS = ('"year"', '"share"', '"operation"', '"y\\u0065ar"', '"nested"', '"s\\u0068are"', '"Year"')
TEXTS = ('"hiring"', '"h\\u0069ring"', '"a/b"', '"a\\/b"', '"\\"year\\":7"', '"year"', '"größe"')
values = st.sampled_from((*NUMBERS, *ODD, *TEXTS))
members = st.builds(
    "{}{}:{}{}".format, st.sampled_from(KEYS), st.sampled_from(["", " "]), st.sampled_from(["", " "]), values
)
levels = st.sampled_from(['"level":"ERROR"', '"level":"INFO"', '"level":"\\u0045RROR"', '"level" : "ERROR"'])
lines = st.builds(
    lambda level, more, cut: f"{{{','.join([level, *more])}}}"[: cut or None],
    levels,
    st.lists(members, max_size=4),
    st.sampled_from([0] * 9 + [-1, -3, 9]),
)
# What tells the columns and their types.
ORDINARY = """{"timestamp":"2025-08-18T10:00:00Z","level":"INFO","operation":"x","year":1,"share":0.5}
"""


@pytest.mark.skipif(duckdb.__version__.startswith("1.0."), reason="it forgets whole lines beside torn ones")
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(lines, min_size=1, max_size=50), st.sampled_from(["", "\n"]), st.sampled_from(HOSTILE))
def test_hostile_lines_are_judged_as_by_reading_all(
    tmp_path: Path, monkeypatch, hostile: list[str], end: str, where: str
):
    """Torn, foreign, nested, escaped and doubled: each question has the answer that DuckDB has for the whole log."""
    config = Config(log_dir=tmp_path)
    config.log_path.write_text(ORDINARY + "\n".join(hostile) + end)
    monkeypatch.setattr(views, "columns_of", lambda *_: dict(COLUMNS))
    query = f"select {', '.join(COLUMNS)} from events where {where}"
    assert asked(monkeypatch, config, query, rare=1.0) == asked(monkeypatch, config, query, rare=-1.0)


def asked(monkeypatch, config: Config, query: str, *, rare: float) -> list[str]:
    monkeypatch.setattr(views, "_RARE", rare)
    with views.connected(config, query) as connection:
        return [str(row) for row in connection.execute(query).fetchall()]


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

    assert asked(monkeypatch, config, query, rare=1.0) == asked(monkeypatch, config, query, rare=-1.0)
