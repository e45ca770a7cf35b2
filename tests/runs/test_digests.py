"""The digest of data is the same for the same data, and of a table whatever the order."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
import subprocess
import sys
from collections import namedtuple
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


def rows_of_many_types():
    return [
        {
            "id": number, "name": f"n{number % 7}", "pay": number * 1.5 if number % 5 else None, "level": "L1",
            "hired": dt.date(2020, 1, 1 + number % 28), "active": number % 2 == 0, "rate": Decimal(number) / 4,
            "at": dt.datetime(2021, 1, 1, number % 24, tzinfo=dt.UTC), "tags": [1, 2] if number % 3 else [],
        }
        for number in range(100)
    ]  # fmt: skip


def test_a_polars_frame_has_the_digest_of_its_rows():
    """Shuffled, its columns in another order, as categories and in smaller types."""
    polars = pytest.importorskip("polars")
    rows = rows_of_many_types()
    frame = polars.DataFrame(rows)
    for same in (
        frame,
        frame.sample(fraction=1, shuffle=True, seed=3).select(sorted(frame.columns)),
        frame.with_columns(polars.col("level").cast(polars.Categorical), polars.col("id").cast(polars.Int32)),
    ):
        assert digest_of(same) == digest_of(rows)


def test_an_arrow_table_has_the_digest_of_its_rows():
    """In chunks, as a batch, as a dictionary, with missing cells; through pandas and DuckDB."""
    arrow = pytest.importorskip("pyarrow")
    rows = rows_of_many_types()
    table = arrow.Table.from_pylist(rows)
    place = table.column_names.index("level")
    for same in (
        table,
        arrow.concat_tables([table.slice(50), table.slice(0, 50)]),
        table.set_column(place, "level", table["level"].dictionary_encode()),
        table.combine_chunks().to_batches()[0],
        table.to_pandas(types_mapper=pd.ArrowDtype),
        duckdb.from_arrow(table).order("name"),
    ):
        assert digest_of(same) == digest_of(rows)


def test_rows_may_be_objects():
    """pydantic's models, dataclasses and named tuples, in any order."""
    pydantic = pytest.importorskip("pydantic")
    rows = rows_of_many_types()
    model = pydantic.create_model("Model", **dict.fromkeys(rows[0], (object, ...)))
    pair, row_type = namedtuple("Pair", rows[0]), dataclasses.make_dataclass("Row", rows[0])
    for make in (model, row_type, pair):
        assert digest_of([make(**row) for row in reversed(rows)]) == digest_of(rows)
        assert digest_of([make(**row) for row in rows[1:]]) != digest_of(rows)


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow", "numpy"])
def test_a_column_counts_to_its_last_cell(library):
    """With its order, and however long it is."""
    module = pytest.importorskip(library)
    make = {"pyarrow": "array", "numpy": "array"}.get(library, "Series")
    make = functools.partial(getattr(module, make), **({"dtype": object} if library == "numpy" else {}))
    cells = list(range(30_000))
    one = digest_of(make(cells))
    assert one == digest_of(make(list(cells)))
    cells[-7] = 0
    assert digest_of(make(cells)) != one
    assert digest_of(make(list(range(30_000))[::-1])) != one


@pytest.mark.parametrize("what", ["lazy", "generator", "object", "nested"])
def test_what_has_no_data_is_refused(recorder, what):
    """A digest of an address would be another one in each process, and that of a query says nothing of its rows."""
    polars = pytest.importorskip("polars")
    data = {
        "lazy": lambda: polars.LazyFrame({"a": [1]}),
        "generator": lambda: (number for number in range(3)),
        "object": object,
        "nested": lambda: {"model": [object()]},
    }[what]()
    with pytest.raises(TypeError):
        digest_of(data)
    with obs.start_run("baseline") as run:
        assert run.digest("workforce", data) is None
    [event] = recorder.events("a digest could not be taken")
    assert event["error"].startswith("TypeError: ")
