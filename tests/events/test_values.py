"""Whatever a program logs, wherever it stands in the event: one line of valid JSON, with its information kept."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import enum
import functools
import json
import math
import re
import sys
import threading
import types
import uuid
import weakref
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.fields import NOTE_FIELDS
from tests.hostile import Colour, Liar, Raises, Recurses, ReturnsInt, circular, deep

HERE = __name__


class Right(enum.Flag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass(slots=True)
class Employee:
    name: str
    password: str = "hunter2hunter2"


class Point(NamedTuple):
    x: int
    y: int


class Settings(pydantic.BaseModel):
    url: str = "postgres://sim:hunter2hunter2@db/plan"
    token: pydantic.SecretStr = pydantic.SecretStr("hunter2hunter2")
    born: date = date(2025, 1, 2)


class Endless:
    """Answers every question with itself."""

    def __getattr__(self, name):
        return self

    def __call__(self, *_, **__):
        return self


class Sneaky(int):
    def __repr__(self):
        return "nothing"

    __str__ = __repr__


class Loud:
    def __repr__(self):
        return "x" * 3_000_000


def group():
    try:
        try:
            raise ZeroDivisionError("none hired")
        except ZeroDivisionError as error:
            raise ExceptionGroup("years", [ValueError("2025"), ExceptionGroup("more", [KeyError("k")])]) from error
    except ExceptionGroup as error:
        return error


def dead_reference():
    return weakref.ref(Endless())


ANYTHING = object()
GENERATOR = (number for number in [1, 2])
LINE = f"forged\n{json.dumps({'level': 'CRITICAL'})}\r\u2028\x1b[2J\x00\x7f\x9b31m\u202e"

# What stands in the event; ANYTHING where only its being there can be said.
VALUES = {
    "none": (None, None),
    "circular": (circular(), {"name": "a", "self": "<dict: circular>"}),
    "500 deep": (deep(500), ANYTHING),
    "repr raises": (Raises(), f"<{Raises.__module__}.Raises: has no text>"),
    "repr recurses": (Recurses(), f"<{Recurses.__module__}.Recurses: has no text>"),
    "repr returns an int": (ReturnsInt(), f"<{ReturnsInt.__module__}.ReturnsInt: has no text>"),
    "liar": (Liar(), f"<{Liar.__module__}.Liar: cannot be rendered>"),
    "endless": (Endless(), ANYTHING),
    "bytes": (b"abc", "abc"),
    "binary": (b"\xff\x00", "ff00"),
    "memory": (memoryview(b"abcdef")[::2], "ace"),
    "set": ({3, 1, 2}, [1, 2, 3]),
    "decimal": (Decimal("1.10"), "1.10"),
    "decimal nan": (Decimal("NaN"), "NaN"),
    "fraction": (Fraction(1, 3), "1/3"),
    "uuid": (uuid.UUID(int=1), str(uuid.UUID(int=1))),
    "path": (Path("a/b"), "a/b"),
    "enum": (Colour.RED, "red"),
    "flag": (Right.READ | Right.WRITE, 3),
    "naive": (datetime(2025, 1, 2, 3, 4, 5), "2025-01-02T03:04:05"),
    "aware": (datetime(2025, 1, 2, tzinfo=UTC), "2025-01-02T00:00:00+00:00"),
    "date": (date(2025, 1, 2), "2025-01-02"),
    "time": (time(3, 4), "03:04:00"),
    "timedelta": (timedelta(minutes=1), 60.0),
    "numpy int": (np.int64(5), 5),
    "numpy bool": (np.bool_(True), True),
    "numpy wide": (np.longdouble("0.5"), "0.5"),
    "numpy array": (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    "numpy record": (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), [[1, 2.0]]),
    "numpy time": (np.datetime64("2025-01-02T03:04:05.123456789"), "2025-01-02T03:04:05.123456789"),
    "numpy times": (np.array(["2025-01-02", "NaT"], "datetime64[ns]"), ["2025-01-02T00:00:00.000000000", "NaT"]),
    "numpy span": (np.timedelta64(1_500, "ms"), 1.5),
    "numpy spans": (np.array([1, 2], "timedelta64[m]"), [60.0, 120.0]),
    "numpy masked": (np.ma.array([1, 2], mask=[0, 1]), [1, None]),
    "many numbers": (np.arange(50_000), [*range(9_999), "… 40001 more"]),
    "matrix": (np.zeros((5_000, 4)), [*[[0.0] * 4] * 2_499, "… 2501 more"]),
    "timestamp": (pd.Timestamp("2025-01-02", tz="UTC"), "2025-01-02T00:00:00+00:00"),
    "no time": (pd.NaT, "NaT"),
    "pandas na": (pd.NA, "<NA>"),
    "series": (pd.Series(range(20_000)), [*range(9_999), "… 10001 more"]),
    "categories": (pd.Categorical(["a", "b"]), ["a", "b"]),
    "frame": (pd.DataFrame({"a": [1, 2]}), {"type": "pandas.DataFrame", "rows": 2, "columns": ["a"]}),
    "polars frame": (
        pl.DataFrame({"a": [1]}),
        {"type": "polars.dataframe.frame.DataFrame", "rows": 1, "columns": ["a"]},
    ),
    "polars lazy": (pl.DataFrame({"a": [1]}).lazy(), {"type": "polars.lazyframe.frame.LazyFrame"}),
    "polars series": (pl.Series(range(12)), list(range(12))),
    "relation": (duckdb.sql("select 42 as a"), {"type": ANYTHING, "columns": ["a"]}),
    "dataclass": (Employee("ada"), {"name": "ada", "password": "[redacted]"}),
    "pydantic": (
        Settings(),
        {"url": "postgres://sim:[redacted]@db/plan", "token": ANYTHING, "born": "2025-01-02"},
    ),
    "named tuple": (Point(1, 2), {"x": 1, "y": 2}),
    "counter": (collections.Counter("aab"), {"a": 2, "b": 1}),
    "user dict": (collections.UserDict(a=1), {"a": 1}),
    "chain map": (collections.ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    "namespace": (types.SimpleNamespace(a=1), "namespace(a=1)"),
    "group": (
        group(),
        {
            "type": "ExceptionGroup",
            "message": "years (2 sub-exceptions)",
            "cause": {"type": "ZeroDivisionError", "message": "none hired"},
            "exceptions": [
                {"type": "ValueError", "message": "2025"},
                {
                    "type": "ExceptionGroup",
                    "message": "more (1 sub-exception)",
                    "exceptions": [{"type": "KeyError", "message": "'k'"}],
                },
            ],
        },
    ),
    "2**70": (2**70, str(2**70)),
    "10**5000": (10**5000, hex(10**5000)),
    "int of another text": (Sneaky(5), 5),
    "not a number": (math.nan, None),
    "infinity": (-math.inf, None),
    "lone surrogate": ("a\ud800b", "a\\ud800b"),
    "keys of one text": ({1: "int", "1": "str"}, {"1 (int)": "int", "1": "str"}),
    "odd keys": ({None: 1, (1, 2): 2, b"a": 3, 1.5: 4}, {"None": 1, "(1, 2)": 2, "b'a'": 3, "1.5": 4}),
    "ten thousand keys": ({f"k{n}": n for n in range(10_000)}, {f"k{n}": n for n in range(10_000)}),
    "ten megabytes": ("x" * 10_000_000, ANYTHING),
    "ten megabytes inside": ({"in": ["x" * 10_000_000]}, ANYTHING),
    "long repr": (Loud(), ANYTHING),
    "key of megabytes": ({"x" * 5_000_000: 1}, ANYTHING),
    "millions of items": ([[0] * 1_000] * 2_000, ANYTHING),
    "generator": (GENERATOR, ANYTHING),
    "range": (range(10**9), "range(0, 1000000000)"),
    "class": (Employee, f"{HERE}.Employee"),
    "module": (math, str(math)),
    "lock": (threading.Lock(), ANYTHING),
    "weak reference": (weakref.ref(Employee), ANYTHING),
    "dead reference": (dead_reference(), ANYTHING),
    "pattern": (re.compile("a"), "re.compile('a')"),
    "alias": (list[int], "list[int]"),
    "ellipsis": (..., "Ellipsis"),
    "frame object": (sys._getframe(), ANYTHING),
    "what forges lines": (LINE, LINE),
    "braces": ("{x} %s %d {0} {", "{x} %s %d {0} {"),
}


def agrees(found, expected):
    if expected is ANYTHING:
        return True
    if isinstance(expected, dict):
        return set(found) == set(expected) and all(agrees(found[key], expected[key]) for key in expected)
    return found == expected


@pytest.fixture
def log_one(recorder):
    def log(call):
        before = len(recorder.lines())
        call(obs.get_logger("planwise"))
        lines = recorder.lines()[before:]
        assert len(lines) == 1
        [line] = lines
        assert len(line) <= recorder.config.max_event_bytes
        assert b"hunter2" not in line
        event = json.loads(line, parse_constant=pytest.fail)
        assert event["logger"] == "planwise"
        assert not any(byte < 0x20 for byte in line)
        return event

    recorder.configure(log_max_bytes=1_000_000_000)
    return log


@pytest.mark.parametrize("name", VALUES)
def test_any_value_is_told_wherever_it_stands(log_one, name):
    """As a field, inside one, bound, in the context, as a key and as the message."""
    value, expected = VALUES[name]
    assert agrees(log_one(lambda log: log.info("told", value=value))["value"], expected)
    log_one(lambda log: log.info("told", value={"in": [value]}))
    assert "value" in log_one(lambda log: log.bind(value=value).info("told"))
    with obs.context(value=value):
        assert "value" in log_one(lambda log: log.info("told"))
    assert log_one(lambda log: log.info(value))["message"] is not None
    assert log_one(lambda log: log.error("told", exc_info=ValueError(value)))["exception"]["type"] == "ValueError"
    log_one(lambda log: log.info("told %s and %d", value, value))
    try:
        keyed = {value: 1}
    except (TypeError, ValueError):
        return
    log_one(lambda log: log.info("told", value=keyed))


def test_a_generator_keeps_what_it_has(log_one):
    """Logging it takes nothing out of it."""
    generator = (number for number in [1, 2])
    log_one(lambda log: log.info("told", value=generator, values=[generator]))
    assert list(generator) == [1, 2]


def test_what_was_not_a_number_is_told(log_one):
    """JSON has null in its place; the event says what and where it was."""
    event = log_one(lambda log: log.info("told", rates={"p50": math.nan, "all": np.array([1.0, -math.inf])}))
    assert event["rates"] == {"p50": None, "all": [1.0, None]}
    assert event["nonfinite"] == {"rates.p50": "nan", "rates.all.1": "-inf"}


@pytest.mark.parametrize("name", ["ten megabytes", "ten megabytes inside", "long repr", "key of megabytes"])
def test_what_was_cut_is_said(log_one, name):
    """A value beyond the limit ends where it was cut, and the event names it; its other fields are whole."""
    event = log_one(lambda log: log.info("told", before=1, value=VALUES[name][0], after=[2]))
    assert event["cut_bytes"]["value"] > 262_144
    assert event["value"].endswith("…")
    assert (event["before"], event["after"]) == (1, [2])


def test_what_was_left_out_of_a_collection_is_counted(log_one):
    """Where it stood, at each level."""
    value = log_one(lambda log: log.info("told", value=VALUES["millions of items"][0]))["value"]
    left = [int(str(item).split()[1]) for item in (value[-1], value[-2][-1]) if isinstance(item, str)]
    assert sum(len(items) for items in value[:-1]) < 100_000
    assert left[0] == 2_000 - len(value) + 1


RESERVED = "event level message timestamp run_id self logger exc_info exception seq process thread module".split()


@pytest.mark.parametrize("name", RESERVED)
def test_a_field_of_the_events_own_name_is_kept_and_forges_nothing(log_one, name):
    """Given, bound and in the context, as a text or as anything else."""
    plain = log_one(lambda log: log.info("told"))
    for value in ("forged", {"type": "Forged"}, 7, LINE):
        given = {name: value}
        for event in (
            log_one(lambda log, given=given: log.info("told", **given)),
            log_one(lambda log, given=given: log.bind(**given).info("told")),
        ):
            assert event["message"] == "told"
            assert (event["level"], event["run_id"], event["process"]) == ("INFO", None, plain["process"])
            assert "exception" not in event
            [kept] = [key for key in event if key.endswith(name) and event[key] == value]
            assert kept in {name, f"field_{name}"}


@pytest.mark.parametrize("name", [field.name for field in NOTE_FIELDS])
def test_a_field_of_a_notes_name_stays(log_one, name):
    """What the toolkit has to say of the event stands beside it."""
    for value in ("mine", {"mine": 1}, 7):
        assert log_one(lambda log, value=value: log.info("told", **{name: value}))[name] == value
        given = {name: value, "rate": math.nan, "long": "x" * 300_000}
        event = log_one(lambda log, given=given: log.info("told", **given))
        assert event[name] == value or (
            name == "cut_bytes" and isinstance(value, dict) and event[name].items() > value.items()
        )
        assert {"rate": "nan"} in event.values()


def test_functions_are_asked_only_for_what_they_can_say(log_one):
    """One without parameters is called; one that wants some, a coroutine function and a class are told by name."""

    def dear(size=2):
        return {"size": size}

    def wants(size):
        pytest.fail("never called")

    async def later():
        pytest.fail("never called")

    async def items():
        yield pytest.fail("never called")

    event = log_one(
        lambda log: log.info(
            "told", dear=dear, bound=[1, 2].__len__, part=functools.partial(dear, 3), wants=wants, later=later,
            items=items, part_later=functools.partial(later), failing=lambda: 1 / 0, kind=Employee,
        )
    )  # fmt: skip
    assert (event["dear"], event["part"]) == ({"size": 2}, {"size": 3})
    assert event["failing"] == "<ZeroDivisionError: division by zero>"
    assert event["kind"] == f"{HERE}.Employee"
    for name in ("wants", "later", "items"):
        assert event[name].startswith("<function ")
    assert "functools.partial" in event["part_later"]


def test_a_coroutine_that_nobody_awaits_is_told_once(recorder):
    """That Python complains about it while its event is made brings no event about the event."""
    with obs.context(work=asyncio.sleep):
        obs.get_logger("planwise").info("told", work=asyncio.sleep)
    assert len(recorder.events("told")) == 1
    assert len(recorder.events()) == 1


class Complains:
    """Fails whenever the garbage collector takes it, and logs from there."""

    def __repr__(self):
        Complains()
        return "complains"

    def __del__(self):
        raise RuntimeError("no")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_fails_while_a_failure_is_recorded_ends(recorder):
    """An exception in `__del__` whose event makes another one is recorded, and that one's is not."""
    with obs.context(value=Complains()):
        obs.get_logger("planwise").info("told")
    assert len(recorder.events("told")) == 1
    assert 1 <= len(recorder.events("exception that could not be raised")) <= 3


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.dates(), st.decimals(),
    st.timedeltas(), st.uuids(), st.complex_numbers(),
    st.sampled_from([np.float32(1), pd.NaT, Colour.RED]), st.builds(Liar), st.builds(Raises),
)  # fmt: skip
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.text(max_size=20), values, max_size=5), message=values)
def test_no_event_is_lost_or_forged(recorder, fields, message):
    """Whatever the message, the keys and the values: one event more, in valid JSON, whose own keys are the logger's."""
    before = len(recorder.lines())
    obs.get_logger("planwise").info(message, **fields)
    [line] = recorder.lines()[before:]
    event = json.loads(line, parse_constant=pytest.fail)
    assert list(event)[:3] == ["timestamp", "level", "message"]
    assert (event["level"], event["logger"], event["function"]) == (
        "INFO",
        "planwise",
        test_no_event_is_lost_or_forged.__name__,
    )
    assert len(event) >= 11 + len(fields) - ("nonfinite" in fields)
