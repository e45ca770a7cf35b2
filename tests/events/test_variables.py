"""What variables held is told in bounds, without secrets, without asking them, and only where it was asked for."""

from __future__ import annotations

import gc
import json
import sys
import threading
import weakref
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.config import Config
from navigator_obs.events import variables

ASKED: list[str] = []


class Hostile:
    """Whatever it is asked, it raises, and remembers that it was asked."""

    def __getattribute__(self, name):
        ASKED.append(name)
        raise RuntimeError(name)

    @property
    def __dict__(self):
        ASKED.append("__dict__")
        raise RuntimeError("__dict__")

    def __repr__(self):
        ASKED.append("__repr__")
        raise RuntimeError("__repr__")


class HostileKind(type):
    """The same of a class."""

    def __getattribute__(cls, name):
        ASKED.append(name)
        raise RuntimeError(name)


class OfHostileKind(metaclass=HostileKind):
    """An object whose class answers nothing."""


class Zone(tzinfo):
    """A time zone of somebody's."""

    def utcoffset(self, _):
        ASKED.append("utcoffset")
        return timedelta(hours=1)


class Words(str):
    """A text that is not what it says."""

    __slots__ = ()

    def __str__(self):
        ASKED.append("__str__")
        return "other"

    __repr__ = __len__ = __str__


@dataclass
class Plan:
    """A plan with a secret."""

    name: str
    password: str
    _cache: int = 0


@dataclass(slots=True)
class Slim:
    """One without a dict."""

    rate: float


Point = namedtuple("Point", "x y")


@pytest.fixture(autouse=True)
def wanted():
    ASKED.clear()
    variables.install(Config(capture_locals=True, redact_keys=("salary",)))
    yield
    variables.install(None)


def values_of(value):
    """What is told of a variable that holds *value* where an exception is raised."""
    try:
        raise ValueError("bad")
    except ValueError as error:
        [frame] = variables.told_of(error)["locals"]
        return frame["values"]["value"]


CASES = [
    (None, None),
    (True, True),
    (2**63 - 1, 2**63 - 1),
    (10**5000, "<int of 16,610 bits>"),
    (0.5, 0.5),
    (float("nan"), "nan"),
    ("hired", "hired"),
    ("x" * 201, "x" * 200 + "… 1 more"),
    ("x" * 20_000, "<str of 20,000 characters>"),
    ("postgres://ada:s3cret@db/s", "postgres://ada:[redacted]@db/s"),
    (Words("hired"), "hired"),
    (b"abc", "<bytes of 3 bytes>"),
    (memoryview(b"abcd"), "<memoryview of 4 bytes>"),
    (Decimal("1.50"), "Decimal('1.50')"),
    (Path("/data/census.csv"), "/data/census.csv"),
    (datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00+00:00"),
    (datetime(2025, 1, 1, tzinfo=Zone()), "<datetime.datetime>"),
    ([1, "a", None], [1, "a", None]),
    (list(range(12)), [*range(10), "… 2 more"]),
    (Point(1, 2), [1, 2]),
    ({"db": {"token": "abc", "host": "local"}, 7: 1}, {"db": {"token": "[redacted]", "host": "local"}, "7": 1}),
    ({"salary": 5}, {"salary": "[redacted]"}),
    (OrderedDict(a=1), {"a": 1}),
    ({n: n for n in range(11)}, {**{str(n): n for n in range(10)}, "…": "1 more"}),
    ({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": "<dict of 1>"}}}),
    (Plan("A", "hunter2"), {f"<{__name__}.Plan>": {"name": "A", "password": "[redacted]"}}),
    (Slim(0.5), {f"<{__name__}.Slim>": {"rate": 0.5}}),
    (Hostile(), f"<{__name__}.Hostile>"),
    (OfHostileKind(), f"<{__name__}.OfHostileKind>"),
    (object(), "<object>"),
    (np.zeros((3, 4)), "<numpy.ndarray (3, 4)>"),
    (np.int64(3), 3),
    (np.float64(0.5), 0.5),
    (pd.DataFrame({"a": [1, 2]}), "<pandas.DataFrame (2, 1)>"),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_value_is_told_as_plain_data(number):
    """By its type: numbers and texts as they are, tables by their shape, objects by their attributes; never asked."""
    value, told = CASES[number]
    assert values_of(value) == told
    assert ASKED == []
    json.dumps(told)


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
    max_leaves=60,
)


@given(st.lists(plain, max_size=30))
def test_whatever_they_hold_it_is_short_and_never_raises(value):
    """All values of one exception together keep to a size, and can be rendered."""
    told = values_of(value)
    assert len(json.dumps(told, ensure_ascii=False)) < 3 * variables.MAX_TOTAL
    assert ASKED == []


def test_a_name_that_is_secret_hides_its_value():
    """As a key does, also one of the settings."""
    api_key, salary, headcount = "abc", 5, 7
    try:
        raise ValueError((api_key, salary, headcount))
    except ValueError as error:
        [frame] = variables.told_of(error)["locals"]
    assert {name: frame["values"][name] for name in ("api_key", "salary", "headcount")} == {
        "api_key": "[redacted]", "salary": "[redacted]", "headcount": 7,
    }  # fmt: skip


def fail(depth, **_more):
    if depth == 0:
        raise KeyError("salary")
    fail(depth - 1)


def test_the_innermost_functions_are_told_and_libraries_are_not():
    """At most five, from the root cause outwards; code, modules and names of Python's own are left out."""
    try:
        json.loads("{")
    except ValueError as error:
        found = variables.told_of(error)["locals"]
    assert [frame["function"] for frame in found] == ["test_the_innermost_functions_are_told_and_libraries_are_not"]
    try:
        fail(7)
    except KeyError as error:
        found = variables.told_of(error)["locals"]
    assert [frame["values"]["depth"] for frame in found] == [0, 1, 2, 3, 4]
    assert found[0]["module"] == __name__


def test_the_root_cause_comes_first():
    """Its own variables say more than those of the code that translated it."""
    try:
        try:
            fail(0)
        except KeyError as error:
            reason = "no column"
            raise ValueError(reason) from error
    except ValueError as error:
        found = variables.told_of(error)["locals"]
    assert [frame["function"] for frame in found] == ["fail", "test_the_root_cause_comes_first"]
    assert found[1]["values"]["reason"] == "no column"


def test_nothing_is_kept_alive():
    """A variable that is let go of, in a function that goes on, goes, although it was told before."""
    thing = type("Thing", (), {})()
    seen = weakref.ref(thing)
    try:
        raise ValueError("bad")
    except ValueError as error:
        told = variables.told_of(error)["locals"][0]["values"]
    assert "thing" in told
    del thing
    gc.collect()
    assert seen() is None


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="each call of locals() gives a dict of its own there")
def test_what_the_program_holds_of_its_variables_stays():
    """The dict that `locals()` gave it is not emptied."""
    held = locals()
    headcount = 7
    try:
        raise ValueError("bad")
    except ValueError as error:
        variables.told_of(error)
    assert held["headcount"] == headcount


def test_a_module_tells_its_newest_names(tmp_path):
    """Of hundreds of constants those that were made last."""
    code = "\n".join(f"name_{number} = {number}" for number in range(50)) + "\n1 / 0\n"
    try:
        exec(compile(code, "plan.py", "exec"), {"__name__": "plan"})
    except ZeroDivisionError as error:
        found = variables.told_of(error)["locals"][0]
    assert found["function"] == "<module>"
    assert list(found["values"].values()) == list(range(30, 50))


def test_variables_that_change_meanwhile_are_told_as_they_are():
    """Another thread may go on with a dict while it is read: no error comes of it."""
    value = {number: number for number in range(5)}
    stop = threading.Event()

    def change():
        number = 5
        while not stop.is_set():
            value[number] = value.pop(number - 5)
            number += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            assert values_of(value) is not None
    finally:
        stop.set()
        thread.join()


def raise_with(headcount, password):
    raise ValueError(f"headcount is {headcount}, {len(password)}")


@pytest.mark.parametrize("asked", [False, True])
def test_only_who_asks_gets_them(recorder, asked):
    """In the log and in the first and last occurrence of the run's catalogue, with the setting and not without."""
    variables.install(None)
    recorder.configure(capture_locals=asked)
    secret = "".join(["hunt", "er2"])
    with obs.start_run("baseline") as run:
        for headcount in (1, 2, 3):
            try:
                raise_with(headcount, secret)
            except ValueError:
                obs.get_logger("sim").exception("no payroll")
    [issue] = run.summary["issues"]["errors"]
    told = [issue[which]["exception"].get("locals") for which in ("first", "last")]
    logged = [event["exception"].get("locals") for event in recorder.events("no payroll")]
    assert "hunter2" not in json.dumps([told, logged, (run.directory / "journal.jsonl").read_text()])
    if not asked:
        assert told == [None, None]
        assert logged == [None] * 3
    else:
        assert [frames[0]["values"]["headcount"] for frames in told] == [1, 3]
        assert [frames[0]["values"] for frames in logged] == [
            {"headcount": number, "password": "[redacted]"} for number in (1, 2, 3)
        ]


def test_an_error_that_ends_a_run_tells_them(recorder):
    """Also one that neither an operation nor an event has told before."""
    recorder.configure(capture_locals=True)
    with pytest.raises(ValueError, match="headcount"), obs.start_run("baseline") as run:
        raise_with(7, "hunter2")
    assert run.summary["issues"]["errors"][0]["first"]["exception"]["locals"][0]["values"]["headcount"] == 7


def test_a_failed_operation_tells_them(recorder):
    """Its event carries the exception as an event of the program's does."""
    recorder.configure(capture_locals=True)
    with obs.start_run("baseline"), pytest.raises(ValueError, match="headcount"), obs.operation("hiring"):
        raise_with(7, "hunter2")
    [event] = [event for event in recorder.events() if event.get("operation") == "hiring"]
    assert event["exception"]["locals"][0]["values"]["headcount"] == 7


def test_an_event_that_is_too_long_does_without_them(recorder):
    """They go before all that was said."""
    recorder.configure(capture_locals=True, max_event_bytes=3000)
    text = " ".join(["hired"] * 30)
    try:
        raise ValueError(text)
    except ValueError:
        obs.get_logger("sim").exception("no payroll", story="so it went " * 300)
    [event] = recorder.events("no payroll")
    assert "locals" not in event["exception"]
    assert event["exception"]["message"] == text
