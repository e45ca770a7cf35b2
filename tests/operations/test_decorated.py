"""A decorated function stays what it was, and each of its calls is an operation."""

from __future__ import annotations

import asyncio
import functools
import inspect
import pickle

import pytest
from rich.traceback import Traceback

import navigator_obs as obs
from navigator_obs.errors import UsageError


def test_an_argument_to_record_must_exist():
    """`record` is checked when the function is decorated."""
    with pytest.raises(UsageError, match=r"'yaer' is no argument of .*, did you mean 'year'"):

        @obs.operation(record=["yaer"])
        def simulate(year): ...


@pytest.mark.parametrize("arguments", [{}, {"record": ["year"]}, {"log": "both"}])
def test_a_traceback_of_rich_has_the_programs_own_frames_alone(arguments):
    """Typer and rich leave the wrapper of a decorated function out, of a coroutine function too."""

    @obs.operation("hire", **arguments)
    def hire(year):
        raise ValueError("no hires")

    @obs.operation("simulate", **arguments)
    async def simulate(year):
        hire(year)

    with pytest.raises(ValueError, match="no hires") as raised:
        asyncio.run(simulate(2025))
    trace = Traceback.from_exception(raised.type, raised.value, raised.tb).trace
    assert [frame.name for frame in trace.stacks[0].frames][-2:] == ["simulate", "hire"]


def test_a_decorated_function_keeps_what_it_is():
    """Name, docstring, signature and kind stay."""

    @obs.operation
    def load(path: str, *, limit: int = 3) -> int:
        """Load it."""
        return limit

    async def wait(): ...
    def rows():
        yield 1

    async def stream():
        yield 1

    assert (load.__name__, load.__doc__, load("x", limit=4)) == ("load", "Load it.", 4)
    assert str(inspect.signature(load)) == "(path: 'str', *, limit: 'int' = 3) -> 'int'"
    assert inspect.iscoroutinefunction(obs.operation(wait))
    assert inspect.isgeneratorfunction(obs.operation(rows))
    assert inspect.isasyncgenfunction(obs.operation(stream))


def test_methods_of_every_kind_can_be_decorated(open_run):
    """Plain, class and static methods, with the decorator inside or outside of theirs."""

    class Model:
        @obs.operation
        def step(self):
            return self

        @obs.operation
        @classmethod
        def build(cls):
            return cls

        @staticmethod
        @obs.operation("seed", log="never")
        def start():
            return 7

        @obs.operation("outer", log="never")
        @staticmethod
        def other():
            return 8

    model = Model.build()()
    assert (model.step(), Model.start(), model.other()) == (model, 7, 8)
    assert open_run.counts() == {"build": 1, "step": 1, "seed": 1, "outer": 1}


def test_callables_without_a_name_can_be_decorated(open_run):
    """A partial is named after its class unless a name is given."""
    assert obs.operation(functools.partial(int, "12"))() == 12
    assert obs.operation("parse")(functools.partial(int, "13"))() == 13
    assert open_run.counts() == {"partial": 1, "parse": 1}


def test_the_event_of_a_decorated_function_names_the_function(recorder):
    """Module, function and line are those of its definition."""

    @obs.operation
    def load(): ...

    load()
    (event,) = recorder.events("load completed")
    assert event["function"].endswith("load")
    assert event["logger"] == event["module"] == __name__


def test_arguments_are_recorded_by_name(open_run, recorder):
    """Given by position, by keyword or by default; the year holds for all that happens inside."""

    @obs.operation(record=["year", "kind", "seed"])
    def simulate(year, kind="hires", *rest, seed=42):
        obs.get_logger("planwise").info("inside")

    simulate(2025)
    simulate(kind="exits", year=2026, seed=1)
    ended = recorder.events("simulate completed")
    assert [(event["year"], event["kind"], event["seed"]) for event in ended] == [
        (2025, "hires", 42),
        (2026, "exits", 1),
    ]
    assert [event["year"] for event in recorder.events("inside")] == [2025, 2026]
    assert list(open_run.take().operations["simulate"].by["year"]) == ["2025", "2026"]


@obs.operation
def at_module_level(x):
    return 2 * x


def test_a_decorated_function_pickles():
    """It is found under its name, as multiprocessing needs it."""
    assert pickle.loads(pickle.dumps(at_module_level))(4) == 8
