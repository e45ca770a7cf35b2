"""Any value becomes valid JSON, with its information kept, and nothing ever raises."""

from __future__ import annotations

import array
import collections
import dataclasses
import enum
import json
import math
import sys
import threading
import uuid
import weakref
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.encoding import finite, from_json, nonfinite_paths, shown, simplify, text, to_json
from navigator_obs.encoding import to_json_pretty as pretty
from tests.hostile import Colour, Liar, Raises, Recurses, ReturnsInt, circular, deep


class Rank(enum.IntEnum):
    TOP = 1


@dataclasses.dataclass
class Employee:
    name: str
    manager: object = None


Point = collections.namedtuple("Point", "x y")


class Model:
    def model_dump(self):
        return {"salary": Decimal("10.50")}


class BadInt(int):
    def __int__(self):
        raise RuntimeError("no")


class EndlessSequence(collections.abc.Sequence):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return index


class EndlessMapping(collections.abc.Mapping):
    def __len__(self):
        return 1

    def __getitem__(self, key):
        return key

    def __iter__(self):
        number = 0
        while True:
            yield number
            number += 1


class BrokenMapping(EndlessMapping):
    def __iter__(self):
        raise RuntimeError("no")


def circular_list():
    value = []
    value.extend([value, value])
    return value


def chained():
    try:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error
    except ValueError as error:
        return error


def circular_causes():
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    return one


def looped():
    value = weakref.WeakValueDictionary()
    value["x"] = Employee
    return value


EXPECTED = {
    "int": (7, 7),
    "float": (0.5, 0.5),
    "nan": (math.nan, None),
    "infinity": (-math.inf, None),
    "bool": (True, True),
    "bytes": (b"abc", "abc"),
    "binary": (b"\xff\x00", "ff00"),
    "bytearray": (bytearray(b"abc"), "abc"),
    "memoryview": (memoryview(b"abc"), "abc"),
    "set": ({3, 1, 2}, [1, 2, 3]),
    "mixed set": ({"a", 1}, [1, "a"]),
    "frozenset": (frozenset({1}), [1]),
    "tuple": ((1, "a"), [1, "a"]),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "array": (array.array("i", [1, 2]), [1, 2]),
    "range": (range(3), "range(0, 3)"),
    "decimal": (Decimal("1.10"), "1.10"),
    "fraction": (Fraction(1, 3), "1/3"),
    "complex": (1 + 2j, "(1+2j)"),
    "uuid": (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    "path": (Path("a/b"), "a/b"),
    "enum": (Colour.RED, "red"),
    "int enum": (Rank.TOP, 1),
    "datetime": (datetime(2025, 1, 2, 3, 4, 5), "2025-01-02T03:04:05"),
    "aware": (datetime(2025, 1, 2, tzinfo=UTC), "2025-01-02T00:00:00+00:00"),
    "offset": (datetime(2025, 1, 2, tzinfo=timezone(timedelta(hours=2))), "2025-01-02T00:00:00+02:00"),
    "date": (date(2025, 1, 2), "2025-01-02"),
    "time": (time(3, 4), "03:04:00"),
    "timedelta": (timedelta(minutes=1, milliseconds=500), 60.5),
    "numpy int": (np.int64(5), 5),
    "numpy float": (np.float64(0.5), 0.5),
    "numpy float32": (np.float32(0.5), 0.5),
    "numpy nan": (np.float64("nan"), None),
    "numpy bool": (np.bool_(True), True),
    "numpy array": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "numpy objects": (np.array([1, "a"], dtype=object), [1, "a"]),
    "numpy strings": (np.array(["a", "b"]), ["a", "b"]),
    "timestamp": (pd.Timestamp("2025-01-02"), "2025-01-02T00:00:00"),
    "not a time": (pd.NaT, "NaT"),
    "pandas timedelta": (pd.Timedelta(seconds=2), 2.0),
    "pandas na": (pd.NA, "<NA>"),
    "series": (pd.Series([1, 2]), [1, 2]),
    "frame": (pd.DataFrame({"a": [1, 2]}), {"type": "pandas.DataFrame", "rows": 2, "columns": ["a"]}),
    "dataclass": (Employee("ada", Employee("bob")), {"name": "ada", "manager": {"name": "bob", "manager": None}}),
    "namedtuple": (Point(1, 2), {"x": 1, "y": 2}),
    "pydantic-like": (Model(), {"salary": "10.50"}),
    "proxy": (MappingProxyType({"a": 1}), {"a": 1}),
    "class": (Employee, f"{__name__}.Employee"),
    "module": (math, str(math)),
    "exception": (ValueError("no"), {"type": "ValueError", "message": "no"}),
    "chain": (
        chained(),
        {"type": "ValueError", "message": "second", "cause": {"type": "KeyError", "message": "'first'"}},
    ),
    "group": (
        ExceptionGroup("two", [ValueError("a")]),
        {
            "type": "ExceptionGroup",
            "message": "two (1 sub-exception)",
            "exceptions": [{"type": "ValueError", "message": "a"}],
        },
    ),
    "2**63": (2**63, 2**63),
    "2**70": (2**70, str(2**70)),
    "lone surrogate": ("a\ud800b", "a\\ud800b"),
    "surrogate key": ({"\ud800": 1}, {"\\ud800": 1}),
    "keys of one text": ({1: "int", "1": "str"}, {"1 (int)": "int", "1": "str"}),
    "keys of one text, the other way": ({"1": "str", 1: "int"}, {"1": "str", "1 (int)": "int"}),
    "tuple keys": ({(1, 2): 3}, {"(1, 2)": 3}),
    "none key": ({None: 1}, {"None": 1}),
    "repr raises": (Raises(), f"<{Raises.__module__}.Raises: has no text>"),
    "repr returns an int": (ReturnsInt(), f"<{ReturnsInt.__module__}.ReturnsInt: has no text>"),
    "repr recurses": (Recurses(), f"<{Recurses.__module__}.Recurses: has no text>"),
    "bad int": (BadInt(3), 3),
    "circular dict": (circular(), {"name": "a", "self": "<dict: circular>"}),
    "circular list": (circular_list(), ["<list: circular>", "<list: circular>"]),
    "endless sequence": (EndlessSequence(), None),
    "endless mapping": (EndlessMapping(), None),
    "broken mapping": (BrokenMapping(), f"<{__name__}.BrokenMapping: cannot be rendered>"),
    "500 deep": (deep(500), None),
    "500 deep dict": (deep(500, dict), None),
    "10**5000": (10**5000, None),
    "-(10**5000)": (-(10**5000), None),
    "circular causes": (circular_causes(), None),
    "lock": (threading.Lock(), None),
    "weakref": (weakref.ref(Employee), None),
    "weak dictionary": (looped(), None),
    "function": (circular, None),
    "lambda": (lambda: 1, None),
    "namespace": (SimpleNamespace(a=1), "namespace(a=1)"),
    "object": (object(), None),
    "frame object": (sys._getframe(), None),
    "thread": (threading.current_thread(), None),
    "liar": (Liar(), None),
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize("render", [to_json, pretty, lambda value: to_json(simplify(value))])
def test_awkward_values_become_json(name, render):
    """Each awkward value renders to valid JSON, alone and nested, with what JSON can hold of it."""
    value, expected = EXPECTED[name]
    alone = json.loads(render(value))
    nested = json.loads(render({"value": [value]}))
    if expected is not None or name in {"nan", "infinity", "numpy nan"}:
        assert alone == expected
        assert nested == {"value": [expected]}
    else:
        assert alone not in (None, "")


def test_a_generator_is_not_consumed():
    """Rendering a generator takes nothing out of it."""
    numbers = (number for number in range(3))
    assert "generator" in json.loads(to_json({"numbers": numbers}))["numbers"]
    assert list(numbers) == [0, 1, 2]


def test_a_relation_is_not_executed():
    """A DuckDB relation is told by its columns; its query does not run."""
    relation = duckdb.sql("select error('was run') as salary")
    assert json.loads(to_json(relation))["columns"] == ["salary"]


def test_a_huge_integer_says_how_big_it_is():
    """One of thousands of digits is told in full, in hexadecimal; one of far more by its size and its beginning."""
    assert int(json.loads(to_json(10**5000)), 16) == 10**5000
    assert int(json.loads(to_json(-(10**5000))), 16) == -(10**5000)
    assert json.loads(to_json(10**50_000)).startswith("<int: 166097 bits, 0x")
    assert json.loads(to_json(-(10**50_000))).startswith("<int: 166097 bits, -0x")


def test_ten_thousand_keys_are_all_kept():
    """A dict of 10,000 keys renders whole; what a rebuilt collection had above that is counted."""
    assert len(json.loads(to_json({f"k{n}": n for n in range(10_000)}))) == 10_000
    rebuilt = simplify(dict.fromkeys(range(10_005)))
    assert len(rebuilt) == 10_001
    assert rebuilt["…"] == "5 more"
    assert simplify([0] * 10_001)[-1] == "… 1 more"


def test_a_ten_megabyte_string_is_rendered():
    """A long string is no problem here; what bounds an event is elsewhere."""
    assert len(to_json("x" * 10_000_000)) == 10_000_002


def test_many_keys_of_one_text_are_all_kept():
    """However many keys share a text and a type, each keeps its value under a name of its own."""

    class Same:
        def __repr__(self):
            return "same"

    rendered = json.loads(to_json({Same(): 1, Same(): 2, Same(): 3, "same": 4}))
    assert sorted(rendered.values()) == [1, 2, 3, 4]
    assert rendered["same"] == 4


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=20)
    | st.decimals()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.complex_numbers()
    | st.fractions(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(
            st.text(st.characters()) | st.integers() | st.none() | st.binary(max_size=5), inner, max_size=5
        )
        | st.builds(Employee, st.text(), inner)
    ),
    max_leaves=20,
)


@given(JSON_LIKE)
def test_any_value_is_valid_json(value):
    """Whatever is made of Python's values renders to JSON that parses, on one line, whichever way it goes."""
    for rendered in (to_json(value), to_json(simplify(value))):
        json.loads(rendered)
        assert b"\n" not in rendered
    json.loads(pretty(value))


@given(JSON_LIKE)
def test_simplified_values_are_plain(value):
    """A simplified value is what JSON gives back: nothing is left to convert."""
    plain = simplify(value)
    assert json.loads(json.dumps(plain)) == plain


@given(st.dictionaries(st.integers() | st.text() | st.booleans() | st.none() | st.binary(max_size=3), st.integers()))
def test_no_value_is_lost_to_its_key(value):
    """As many values come out as went in, whatever the keys' texts."""
    assert sorted(map(str, simplify(value).values())) == sorted(str(simplify(item)) for item in value.values())


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_values_round_trip(value):
    """What JSON can hold comes back as it was."""
    assert from_json(to_json(value)) == value
    assert simplify(value) == value


def test_nonfinite_numbers_are_named():
    """NaN and infinities, which JSON lacks, are told by their path."""
    value = {"rates": {"p95": math.nan, "ok": 1.0}, "list": [1, -math.inf], "text": "nan"}
    assert nonfinite_paths(value) == {"rates.p95": "nan", "list.1": "-inf"}
    assert simplify(value, keep_nonfinite=True)["list"][1] == -math.inf
    assert simplify(value)["list"][1] is None
    assert finite(math.inf) is None
    assert finite(2.5) == 2.5
    assert finite(None) is None


def test_nonfinite_paths_end_on_circular_values():
    """Looking for NaN neither hangs nor raises on a structure without end."""
    assert nonfinite_paths(deep(500)) == {}
    assert nonfinite_paths(circular_list()) == {}


@pytest.mark.parametrize("data", ["{", b"\xff", "", "{'a': 1}"])
def test_bad_json_is_a_value_error(data):
    """Parsing what is no JSON raises ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        from_json(data)


def test_text_of_anything():
    """The text of an object is its str, else its repr, else a note."""
    assert text("ü") == "ü"
    assert text(Raises()).endswith("Raises: has no text>")


class Faceless:
    """An object that does not even say what it is."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __repr__


class Nameless(type):
    """A kind of class that tells nothing of itself."""

    def __getattribute__(cls, name):
        raise RuntimeError("no name")


class Anonymous(metaclass=Nameless):
    """An object of such a class."""


def _dead():
    class Target:
        pass

    return weakref.proxy(Target())


@pytest.mark.parametrize("make", [Faceless, lambda: type.__call__(Anonymous), _dead], ids=["class", "meta", "proxy"])
def test_objects_that_answer_nothing_are_rendered(make):
    """An object of which even the type raises becomes a note, and raises nothing."""
    value = make()
    for holder in (value, [value], {"a": value}):
        assert from_json(to_json(holder))
        simplify(holder)
        assert nonfinite_paths(holder) == {}
    assert text(value)
    assert shown(value)


def test_huge_numbers_have_a_text():
    """A number that Python refuses to write out has a text, which is bounded."""
    assert len(text(10**5_000)) < 5_000
    assert len(text(10**50_000)) < 100
    assert len(shown(["x"] * 1_000)) <= 200
