"""The digest of data is the same for the same data, and of a table whatever the order."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.runs import digests
from navigator_obs.runs.digests import digest_of

CELLS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=5), st.binary(max_size=3),
    st.dates(), st.datetimes(), st.decimals(allow_nan=False, allow_infinity=False, places=2, max_value=10**9),
    st.lists(st.integers(0, 3), max_size=2),
)  # fmt: skip
ROWS = st.lists(st.fixed_dictionaries({"id": st.integers(0, 50), "value": CELLS}), min_size=1, max_size=8)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_order_does_not_count_in_tables(rows, chance):
    """Rows and columns may stand in any order."""
    mixed = [dict(reversed(row.items())) for row in rows]
    chance.shuffle(mixed)
    assert digest_of(mixed) == digest_of(rows)


@given(ROWS)
@settings(max_examples=200, deadline=None)
def test_with_numpy_and_without_it_is_one(rows):
    """A machine without numpy gives the same digest."""
    columns = digests._columns_of_rows(rows)
    assert digests._sums_in_numpy(np, columns, len(rows)) == digests._sums_in_python(columns, len(rows))


@given(ROWS, st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_another_cell_another_row_and_a_row_twice_are_seen(rows, place):
    """Each makes another digest."""
    other = [dict(row) for row in rows]
    other[place % len(rows)]["id"] += 1
    assert digest_of(other) != digest_of(rows)
    assert digest_of([*rows, rows[place % len(rows)]]) != digest_of(rows)


def workforce(rows: int = 500) -> pd.DataFrame:
    chance = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "id": np.arange(rows),
            "pay": chance.normal(5e4, 1e4, rows),
            "grade": chance.choice(["a", "b", "ü"], rows),
            "hired": pd.Timestamp("2020-01-01") + pd.to_timedelta(chance.integers(0, 900, rows), unit="D"),
            "active": chance.random(rows) > 0.5,
        }
    )


def test_one_table_has_one_digest_in_every_library():
    """pandas in several types, DuckDB and a list of dicts."""
    table = workforce()
    expected = digest_of(table)
    assert expected.rows == 500
    assert digest_of(table.sample(frac=1, random_state=3)[table.columns[::-1]]) == expected
    assert digest_of(table.astype({"id": "Int64", "grade": "category", "active": "boolean"})) == expected
    assert digest_of(table.astype({"id": "float64"})) == expected
    assert digest_of(table.to_dict("records")) == expected
    assert digest_of(duckdb.from_df(table).order("pay")) == expected


def test_a_difference_in_the_last_bit_is_seen():
    """No rounding hides where two runs part."""
    table = workforce()
    other = table.copy()
    other.loc[7, "pay"] = np.nextafter(other.loc[7, "pay"], np.inf)
    assert digest_of(other) != digest_of(table)
    swapped = table.copy()
    swapped["pay"] = table["pay"].to_numpy()[::-1]
    assert digest_of(swapped) != digest_of(table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (None, float("nan")),
        (None, pd.NA),
        (pd.NaT, None),
        (0.0, -0.0),
        (5, 5.0),
        (2**60, float(2**60)),
        (Decimal("1.5"), 1.5),
        (dt.date(2025, 1, 1), dt.datetime(2025, 1, 1)),
        (dt.datetime(2025, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))), pd.Timestamp("2025-01-01 10:00")),
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
    ],
)
def test_cells_that_mean_the_same_are_the_same(one, other):
    """Whichever library made them."""
    assert digest_of([{"x": one}]) == digest_of([{"x": other}])


@pytest.mark.parametrize(
    ("one", "other"),
    [("5", 5), ("", None), (0, None), (False, None), (2**53, 2**53 + 1), (b"a", "a"), ([1], "[1]"), (1, 1.0000000001)],
)
def test_cells_that_differ_are_told_apart(one, other):
    """Also where their texts look alike."""
    assert digest_of([{"x": one}]) != digest_of([{"x": other}])


def test_what_is_no_table_counts_as_it_is():
    """An array with its shape and order, a mapping by its keys, a set without an order."""
    array = np.arange(6.0)
    assert digest_of(array) != digest_of(array[::-1])
    assert digest_of(array) != digest_of(array.reshape(2, 3))
    assert digest_of(np.array([0.0, np.nan])) == digest_of(np.array([-0.0, -np.nan]))
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of([1, 2]) != digest_of([2, 1])
    assert digest_of(42).rows is None


def test_a_digest_is_the_same_in_every_process():
    """Also of sets of texts, whose order differs from process to process."""
    code = (
        "from navigator_obs.runs.digests import digest_of;"
        "print(digest_of({'names': {'ann', 'bob', 'eve'}}).digest, digest_of([{'a': 'x', 'b': 1.5}]).digest)"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    names, table = digest_of({"names": {"eve", "bob", "ann"}}), digest_of([{"b": 1.5, "a": "x"}])
    assert printed == {f"{names.digest} {table.digest}\n"}


def test_a_run_records_them_with_their_place(recorder):
    """Name, year and operation; in the summary in the order in which they were taken."""
    with obs.start_run("baseline") as run:
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation"):
                assert run.digest("workforce", [{"id": year}]) == digest_of([{"id": year}]).digest
        run.digest("seed", 42, year=2030)
    found = json.loads((run.directory / "summary.json").read_bytes())["digests"]
    assert [(one["name"], one["year"], one["operation_path"], one["rows"]) for one in found] == [
        ("workforce", 2025, "year_simulation", 1),
        ("workforce", 2026, "year_simulation", 1),
        ("seed", 2030, None, None),
    ]
    assert run.digest("workforce", []) is None


class Broken:
    """Data that can't be read."""

    columns = ("a",)
    shape = (1, 1)

    def __getitem__(self, name):
        raise RuntimeError("the table is gone")


def test_data_that_can_not_be_read_stops_nothing(recorder):
    """It is said in a warning."""
    with obs.start_run("baseline") as run:
        assert run.digest("workforce", Broken()) is None
        with pytest.raises(UsageError, match="the name of a digest must be a text"):
            run.digest("", [])
    [event] = recorder.events("a digest could not be taken")
    assert (event["digest"], event["error"]) == ("workforce", "RuntimeError: the table is gone")
