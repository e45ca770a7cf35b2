"""Operations nest, measure and end rightly, whatever passes through them and wherever they run."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import gc
import inspect
import os
import pickle
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from rich.traceback import Traceback

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.events import scope
from navigator_obs.operations import metrics


def here():
    operation = scope.current().operation
    return None if operation is None else operation.path


# Nesting and figures


def test_names_join_to_a_path(open_run):
    """An operation inside another has the path of both."""
    with obs.operation("simulate") as outer, obs.operation("hiring") as inner:
        assert (outer.path, inner.path, here()) == ("simulate", "simulate/hiring", "simulate/hiring")
    assert here() is None
    assert open_run.counts() == {"simulate": 1, "simulate/hiring": 1}


def test_repeated_names_add_up(open_run):
    """Ten simulated years are ten operations of one path, not the last one."""
    for year in range(2025, 2035):
        with obs.context(year=year), obs.operation("year_simulation"):
            pass
    stats = open_run.take().operations["year_simulation"]
    assert stats.count == 10
    assert list(stats.by["year"]) == [str(year) for year in range(2025, 2035)]


def test_self_time_is_without_children_and_the_rest_is_unattributed(open_run, fake_clock):
    """An operation's self time, its children's and the run's own add up to the time that passed."""
    open_run.accumulator.root.begin()
    fake_clock.advance(1)
    with obs.operation("simulate"):
        fake_clock.advance(2)
        with obs.operation("hiring"):
            fake_clock.advance(4)
        with obs.operation("hiring"):
            fake_clock.advance(8)
        fake_clock.advance(16)
    fake_clock.advance(32)
    taken = open_run.take()
    assert taken.operations["simulate"].summary()["self_seconds"] == 18
    assert taken.operations["simulate"].summary()["total_seconds"] == 30
    assert taken.operations["simulate/hiring"].summary()["self_seconds"] == 12
    assert taken.unattributed_seconds == 33


def test_children_at_the_same_time_are_not_subtracted_twice(open_run, fake_clock):
    """A parent's self time leaves out the union of its children's times."""

    def child(name, started, stop):
        with obs.operation(name):
            started.set()
            stop.wait()

    with obs.operation("parent"):
        threads, stops = [], []
        for name in ("first", "second"):
            started, stop = threading.Event(), threading.Event()
            threads.append(threading.Thread(target=obs.carry(child), args=(name, started, stop)))
            stops.append(stop)
            threads[-1].start()
            started.wait()
            fake_clock.advance(1)
        for thread, stop in zip(threads, stops, strict=True):
            stop.set()
            thread.join()
            fake_clock.advance(1)
    operations = open_run.take().operations
    assert operations["parent"].summary()["total_seconds"] == 4
    assert operations["parent"].summary()["self_seconds"] == 1
    assert operations["parent/first"].summary()["total_seconds"] == 2
    assert operations["parent/second"].summary()["total_seconds"] == 2


def test_a_child_that_outlives_its_parent_is_still_not_unattributed(open_run, fake_clock):
    """As long as it is open, the time belongs to it and not to those above its parent."""
    open_run.accumulator.root.begin()
    parent, child = obs.operation("parent"), obs.operation("child")
    parent.__enter__()
    child.__enter__()
    fake_clock.advance(1)
    parent.__exit__(None, None, None)
    fake_clock.advance(2)
    child.__exit__(None, None, None)
    fake_clock.advance(4)
    taken = open_run.take()
    assert taken.unattributed_seconds == 4
    assert taken.operations["parent/child"].summary()["total_seconds"] == 3


@pytest.mark.parametrize("log", ["never", "end"])
def test_a_child_that_opens_after_its_parents_end_belongs_to_what_is_open_around_it(open_run, fake_clock, log):
    """A task that goes on in the scope of an operation that has ended keeps its path, and its time is not that of the
    operation around.
    """
    root = open_run.accumulator.root
    with obs.operation("all", log=log):
        with obs.operation("parent", log=log):
            task = contextvars.copy_context()
        late = task.run(obs.operation("late", log=log).__enter__)
        assert {node.path for node in open_run.accumulator.open} == {"all", "all/parent/late"}
        fake_clock.advance(4)
        task.run(late.__exit__, None, None, None)
        fake_clock.advance(1)
    assert (root.node.child, root.crowd) == (None, 0)
    operations = open_run.take().operations
    assert operations["all/parent/late"].total_ns == 4 * 10**9
    assert operations["all"].self_ns == 1 * 10**9


def test_recursion_has_a_path_for_each_depth_and_counts_nothing_twice(open_run, fake_clock):
    """A recursive function's calls lie inside each other; their self times add up to the whole."""

    @obs.operation
    def descend(depth):
        fake_clock.advance(1)
        if depth:
            descend(depth - 1)

    descend(2)
    operations = open_run.take().operations
    assert list(operations) == ["descend", "descend/descend", "descend/descend/descend"]
    assert sum(stats.self_ns for stats in operations.values()) == operations["descend"].total_ns == 3 * 10**9


def test_a_deep_recursion_ends_in_bounded_paths(open_run):
    """Paths stop to grow at some length, and every call is counted."""

    @obs.operation("a_name_of_some_length", log="never")
    def descend(depth):
        if depth:
            descend(depth - 1)

    descend(150)
    counts = open_run.counts()
    assert sum(counts.values()) == 151
    assert max(map(len, counts)) < 1_100


def test_one_object_may_be_entered_again_also_while_it_is_open(open_run):
    """`operation(...)` kept in a variable opens a new operation with each block."""
    loading = obs.operation("load", log="never")
    with loading:
        with loading:
            assert here() == "load/load"
        assert here() == "load"
    with loading:
        pass
    assert here() is None
    assert open_run.counts() == {"load": 2, "load/load": 1}


def test_threads_may_share_one_object(open_run):
    """Each thread ends the operation that it opened."""
    shared = obs.operation("shared", log="never")

    def work():
        for _ in range(200):
            with shared:
                pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert open_run.counts() == {"shared": 800}


def test_rows_are_added_and_what_is_no_count_is_ignored(open_run):
    """A database that answers -1 or NULL for a count does no harm."""
    with obs.operation("load", log="never") as op:
        for rows in (3, 4.0, None, -1, "many", float("nan")):
            op.add_rows(rows)
    assert open_run.take().operations["load"].rows == 7


def test_years_are_counted_by_their_outermost_operation(open_run, fake_clock):
    """Inside a year's operation others have the year too, but do not make it longer."""
    with obs.context(year=2025), obs.operation("year_simulation"):
        fake_clock.advance(3)
        with obs.operation("hiring"):
            fake_clock.advance(4)
    operations = open_run.take().operations
    assert operations["year_simulation"].by["year"]["2025"].outermost_ns == 7 * 10**9
    assert operations["year_simulation/hiring"].by["year"]["2025"].outermost_ns == 0
    assert [record.outermost for record in open_run.logged] == [{"year": False}, {"year": True}]


def test_open_operations_can_be_listed(open_run, fake_clock):
    """Oldest first, with what they are and how long they have been open."""
    with obs.context(year=2025), obs.operation("simulate"):
        fake_clock.advance(5)
        with obs.operation("hiring"):
            fake_clock.advance(1)
            listed = open_run.accumulator.open_operations()
    assert listed == [
        {
            "path": "simulate",
            "name": "simulate",
            "started": "2025-01-01T00:00:00.000000Z",
            "seconds": 6.0,
            "breakdown": {"year": 2025},
        },
        {
            "path": "simulate/hiring",
            "name": "hiring",
            "started": "2025-01-01T00:00:05.000000Z",
            "seconds": 1.0,
            "breakdown": {"year": 2025},
        },
    ]


def test_what_is_open_is_found_however_it_hangs_together(open_run):
    """Children at the same time, the one that is left of them, a generator that waits, and a child whose parent has
    ended.
    """

    @obs.operation(log="never")
    def rows():
        yield 1

    def opened():
        return {node.path for node in open_run.accumulator.open}

    lanes = [contextvars.copy_context() for _ in range(3)]
    held = [lane.run(obs.operation(f"lane{number}", log="never").__enter__) for number, lane in enumerate(lanes)]
    inner = lanes[1].run(obs.operation("inner", log="never").__enter__)
    waiting = lanes[2].run(rows)
    lanes[2].run(next, waiting)
    assert opened() == {"lane0", "lane1", "lane1/inner", "lane2", "lane2/rows"}
    lanes[0].run(held[0].__exit__, None, None, None)
    lanes[1].run(held[1].__exit__, None, None, None)
    assert opened() == {"lane1/inner", "lane2", "lane2/rows"}
    lanes[2].run(waiting.close)
    lanes[2].run(held[2].__exit__, None, None, None)
    assert opened() == {"lane1/inner"}
    lanes[1].run(inner.__exit__, None, None, None)
    assert opened() == set()
    root = open_run.accumulator.root
    assert (root.node.child, root.crowd) == (None, 0)


def test_a_run_inside_an_operation_begins_its_own_paths(open_run):
    """What happens in a run belongs to it, not to an operation around it."""
    tag, inner = scope.RunTag("inner"), metrics.Accumulator()
    metrics.install(tag, inner)
    with obs.operation("batch"):
        token = scope.enter(run=tag)
        with obs.operation("simulate", log="never"):
            pass
        scope.leave(token)
    metrics.remove(tag)
    assert list(inner.take().operations) == ["simulate"]
    assert open_run.counts() == {"batch": 1}


def test_contexts_that_change_keep_series_and_events_apart(open_run, recorder):
    """The same operation in one context after the other has each context's keys on its event, and each year's share."""
    for year, employee in ((2025, 1), (2025, 2), (2026, 3)):
        with obs.context(year=year, employee=employee), obs.operation("promote"), obs.operation("raise"):
            pass
    assert [(event["year"], event["employee"]) for event in recorder.events("raise completed")] == [
        (2025, 1),
        (2025, 2),
        (2026, 3),
    ]
    shares = open_run.take().operations["promote/raise"].by["year"]
    assert {year: share.count for year, share in shares.items()} == {"2025": 2, "2026": 1}


# How an operation ends


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("x"), "failed"),
        (TimeoutError(), "failed"),
        (StopIteration(), "success"),
        (StopAsyncIteration(), "success"),
        (KeyboardInterrupt(), "cancelled"),
        (SystemExit(3), "cancelled"),
        (asyncio.CancelledError(), "cancelled"),
        (GeneratorExit(), "cancelled"),
        (BaseExceptionGroup("both", [ValueError("x"), KeyboardInterrupt()]), "failed"),
        (BaseExceptionGroup("one", [KeyboardInterrupt()]), "cancelled"),
    ],
)
def test_the_status_tells_how_it_ended(open_run, error, status):
    """Errors fail it, stops from outside cancel it, and the end of an iteration is neither; all go on their way."""
    with pytest.raises(type(error)), obs.operation("step"):
        raise error
    assert [record.status for record in open_run.logged] == [status]
    assert here() is None


def test_an_operation_may_be_said_to_have_failed(open_run, recorder):
    """`fail` needs no exception; the event is an ERROR with the reason."""
    with obs.operation("validate") as op:
        op.fail("12 employees without salary")
    (record,) = open_run.logged
    assert (record.status, record.error["message"]) == ("failed", "12 employees without salary")
    (event,) = recorder.events("validate failed")
    assert (event["level"], event["reason"]) == ("ERROR", "12 employees without salary")


def test_one_exception_is_told_once(open_run, recorder):
    """The innermost operation logs the error with its exception, those around it only that they failed."""
    with pytest.raises(ZeroDivisionError), obs.operation("outer"), obs.operation("inner"):
        1 / 0
    inner, outer = recorder.events()
    assert (inner["message"], inner["level"], inner["exception"]["type"]) == (
        "inner failed",
        "ERROR",
        "ZeroDivisionError",
    )
    assert (outer["message"], outer["level"], outer["status"]) == ("outer failed", "INFO", "failed")
    assert "exception" not in outer
    assert [record.error["type"] for record in open_run.logged] == ["ZeroDivisionError"] * 2


def test_an_exception_raised_from_another_is_another(recorder):
    """The outer operation adds its own words, with the chain of causes."""
    with pytest.raises(RuntimeError), obs.operation("outer"):
        try:
            with obs.operation("inner"):
                raise KeyError("salary")
        except KeyError as error:
            raise RuntimeError("no census") from error
    assert [event["level"] for event in recorder.events()] == ["ERROR", "ERROR"]


# What is logged


def test_tasks_that_failed_are_told_once(open_run, recorder):
    """The group in which asyncio raises them again has nothing to add; one with something else in it has."""

    async def fails(error):
        with obs.operation("scenario"):
            raise error

    async def batch(error):
        with obs.operation("batch"):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fails(error))

    with pytest.raises(ExceptionGroup):
        asyncio.run(batch(ValueError("no")))
    with pytest.raises(ExceptionGroup), obs.operation("mixed"):
        raise ExceptionGroup("two", [ValueError("another")])
    told = [event["operation"] for event in recorder.events() if "exception" in event]
    assert told == ["scenario", "mixed"]
    assert [event["level"] for event in recorder.events("batch failed")] == ["INFO"]


def test_the_event_has_the_figures_the_place_and_the_path_once(open_run, recorder):
    """The end of an operation is one line with `operation`, its duration and where in the code it stands."""
    with obs.context(year=2025), obs.operation("load_census") as op:
        op.add_rows(5_000)
        op.set(source="census.parquet", status="mine")
    (line,) = recorder.lines()
    (event,) = recorder.events()
    assert event["message"] == "load_census completed"
    assert event["operation"] == event["operation_path"] == "load_census"
    assert (event["status"], event["field_status"], event["source"]) == ("success", "mine", "census.parquet")
    assert (event["rows"], event["year"], event["run_id"]) == (5_000, 2025, "a-run")
    assert event["duration_seconds"] >= event["self_seconds"] >= 0
    assert event["peak_memory_mb"] > 0
    assert event["cpu_seconds"] >= 0
    assert event["module"] == event["logger"] == __name__
    assert event["function"] == "test_the_event_has_the_figures_the_place_and_the_path_once"
    assert line.count(b'"operation_path"') == 1


def test_an_ordinary_event_inside_has_the_path_alone(recorder):
    """`operation` marks the events that have a duration."""
    with obs.operation("load_census"):
        obs.get_logger("planwise").info("reading")
    (event,) = recorder.events("reading")
    assert event["operation_path"] == "load_census"
    assert "operation" not in event


@pytest.mark.parametrize(
    ("log", "messages"),
    [
        ("end", ["step completed", "step failed"]),
        (True, ["step completed", "step failed"]),
        ("both", ["step started", "step completed", "step started", "step failed"]),
        ("failure", ["step failed"]),
        ("never", []),
        (False, []),
        (1000, ["step failed"]),
        (0.0, ["step completed", "step failed"]),
    ],
)
def test_log_says_when_there_is_an_event(open_run, recorder, log, messages):
    """At the end, at both ends, on failure, never, or when it took so many seconds; the figures have it anyway."""
    with obs.operation("step", log=log):
        pass
    with pytest.raises(ValueError, match="bad"), obs.operation("step", log=log):
        raise ValueError("bad")
    assert [event["message"] for event in recorder.events()] == messages
    stats = open_run.take().operations["step"]
    assert (stats.count, stats.failed) == (2, 1)


def test_a_path_that_repeats_is_no_longer_logged_and_says_so_once(recorder):
    """Beyond the limit each is counted, and failures are still logged."""
    tag, accumulator = scope.RunTag("busy"), metrics.Accumulator(log_limit=3)
    metrics.install(tag, accumulator)
    token = scope.enter(run=tag)
    for _ in range(10):
        with obs.operation("batch"):
            pass
    with pytest.raises(ValueError, match="bad"), obs.operation("batch"):
        raise ValueError("bad")
    scope.leave(token)
    metrics.remove(tag)
    messages = [event["message"] for event in recorder.events()]
    assert messages[:3] == ["batch completed"] * 3
    assert messages[3].startswith("batch repeats")
    assert messages[4:] == ["batch failed"]
    assert accumulator.take().operations["batch"].count == 11


def test_without_run_and_configuration_it_only_runs_the_code():
    """A library's decorated function needs no application."""

    @obs.operation
    def load():
        return here()

    assert load() == "load"
    with pytest.raises(ZeroDivisionError), obs.operation("x"):
        1 / 0


def test_a_block_ended_by_an_exit_stack_is_placed_in_the_program(recorder):
    """The event names the code that uses the stack, not the library that ends it."""
    with ExitStack() as stack:
        stack.enter_context(obs.operation("stacked"))
    assert recorder.events("stacked completed")[0]["module"] == __name__


# Wrong use


@pytest.mark.parametrize("log", ["ends", -1, None, [], float("nan")])
def test_a_wrong_log_is_refused_at_once(log):
    """The message names the value and what is valid."""
    with pytest.raises(UsageError, match="never") as caught:
        obs.operation("step", log=log)
    assert repr(log) in str(caught.value)


def test_a_near_miss_is_guessed():
    """`log="fialure"` is answered with what was meant."""
    with pytest.raises(UsageError, match="did you mean 'failure'"):
        obs.operation("step", log="fialure")


@pytest.mark.parametrize("wrong", [3, "", dict])
def test_what_can_be_neither_named_nor_called_is_refused(wrong):
    """A number is no name and no function, and a class is not decorated."""
    with pytest.raises(UsageError):
        obs.operation(wrong)


def test_a_block_needs_a_name():
    """Only a function has one of its own."""
    with pytest.raises(UsageError, match="name"), obs.operation():
        pass


def test_an_argument_to_record_must_exist():
    """`record` is checked when the function is decorated."""
    with pytest.raises(UsageError, match=r"'yaer' is no argument of .*, did you mean 'year'"):

        @obs.operation(record=["yaer"])
        def simulate(year): ...


def test_a_slash_in_a_name_does_not_forge_a_path(open_run):
    """Paths are joined with slashes, so that a name's becomes a colon."""
    with obs.operation("models/staging"):
        pass
    assert open_run.counts() == {"models:staging": 1}


# Decorated functions


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


# Generators


def test_a_generators_time_is_its_own(open_run, fake_clock):
    """While it waits for its consumer, neither time nor scope are its own."""

    @obs.operation
    def batches():
        for _ in range(2):
            fake_clock.advance(1)
            assert here() == "consume/batches"
            yield
        fake_clock.advance(1)

    with obs.operation("consume"):
        for _ in batches():
            assert here() == "consume"
            fake_clock.advance(10)
    operations = open_run.take().operations
    assert operations["consume/batches"].summary()["total_seconds"] == 3
    assert operations["consume"].summary()["self_seconds"] == 20


def test_a_generator_keeps_its_protocol(open_run):
    """Sent values, thrown exceptions, and the value returned go through."""

    @obs.operation
    def echo():
        got = yield "first"
        try:
            got = yield got
        except KeyError as error:
            got = yield error.args[0]
        return got

    echoing = echo()
    assert next(echoing) == "first"
    assert echoing.send("a") == "a"
    assert echoing.throw(KeyError("b")) == "b"
    with pytest.raises(StopIteration) as stop:
        echoing.send("c")
    assert stop.value.value == "c"
    assert [record.status for record in open_run.logged] == ["success"]


def test_a_generator_closed_early_runs_its_cleanup_and_is_cancelled(open_run):
    """Its `finally` runs inside the operation, and the consumer goes on undisturbed."""
    places = []

    @obs.operation
    def rows():
        try:
            while True:
                yield 1
        finally:
            places.append(here())

    for _ in rows():
        break
    gc.collect()
    assert places == ["rows"]
    assert [record.status for record in open_run.logged] == ["cancelled"]
    assert here() is None


def test_a_generator_keeps_the_context_that_it_bound(open_run):
    """What its body binds holds inside it after each yield, and never outside."""

    @obs.operation(log="never")
    def rows():
        with obs.context(stage="load"):
            yield dict(scope.current().context)
            yield dict(scope.current().context)

    for context in rows():
        assert context == {"stage": "load"}
        assert dict(scope.current().context) == {}


def test_a_generator_may_go_on_in_another_thread(open_run):
    """It belongs then to what is open there, and its end leaves both threads' scopes as they were."""

    @obs.operation(log="never")
    def rows():
        yield 1
        yield 2

    consumed = rows()
    next(consumed)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: [list(consumed), here()]).result() == [[2], None]
    assert here() is None
    assert open_run.counts() == {"rows": 1}


def test_a_block_inside_a_generator_that_is_closed_elsewhere_does_no_harm(open_run):
    """The scope can't be left from another context, and the operation ends nevertheless."""

    def rows():
        with obs.operation("block", log="never"):
            yield 1

    consumed = rows()
    contextvars.copy_context().run(next, consumed)
    consumed.close()
    assert here() is None
    assert open_run.counts() == {"block": 1}


def test_a_block_held_open_by_a_generator_may_end_inside_another(open_run):
    """Blocks that end in another order than they began leave no scope behind."""

    def rows():
        with obs.operation("rows", log="never"):
            yield 1

    consumed = rows()
    next(consumed)
    with obs.operation("consumer", log="never") as consumer:
        assert list(consumed) == []
        assert here() == consumer.path
    assert here() is None
    assert open_run.counts() == {"rows/consumer": 1, "rows": 1}


# asyncio


def test_tasks_nest_each_for_itself(open_run):
    """Concurrent tasks have their own paths; one that is cancelled or times out ends rightly."""

    @obs.operation
    async def fetch(name):
        with obs.operation(name, log="never"):
            await asyncio.sleep(0)
            assert here() == f"all/fetch/{name}"
            await asyncio.sleep(0.001 if name == "quick" else 60)

    async def main():
        with obs.operation("all"):
            quick, slow = asyncio.create_task(fetch("quick")), asyncio.create_task(fetch("slow"))
            await quick
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001):
                    await fetch("late")
            assert here() == "all"

    asyncio.run(main())
    statuses = [(record.path, record.status) for record in open_run.logged]
    assert statuses == [
        ("all/fetch", "success"),
        ("all/fetch", "cancelled"),
        ("all/fetch", "cancelled"),
        ("all", "success"),
    ]
    assert open_run.take().operations["all/fetch/slow"].cancelled == 1


def test_an_async_generator_is_an_operation(open_run):
    """It keeps its protocol, leaves its scope while it waits, and may be closed early."""
    places = []

    @obs.operation
    async def rows():
        try:
            got = yield 1
            try:
                yield got
            except KeyError:
                yield here()
            yield 4
        finally:
            await asyncio.sleep(0)
            places.append(here())

    async def main():
        stream = rows()
        assert await anext(stream) == 1
        assert here() is None
        assert await stream.asend(2) == 2
        assert await stream.athrow(KeyError) == "rows"
        await stream.aclose()
        assert [item async for item in rows()] == [1, None, 4]

    asyncio.run(main())
    assert places == ["rows", "rows"]
    assert [record.status for record in open_run.logged] == ["cancelled", "success"]


# Threads, signals, forks


@pytest.mark.parametrize("log", ["never", "end"])
def test_eight_threads_are_counted_exactly(open_run, log):
    """No operation, row or value is lost, while the metrics are taken in between."""
    threads, each = 8, 2_000 if log == "never" else 100
    whole, stop = metrics.Metrics(), threading.Event()
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def work():
        for number in range(each):
            with obs.operation("outer", log=log), obs.operation("inner", log=log) as op:
                op.add_rows(1)
            obs.count("done")
            obs.observe("number", number)

    def take():
        while not stop.is_set():
            whole.merge(open_run.take())

    try:
        workers = [threading.Thread(target=work) for _ in range(threads)]
        taker = threading.Thread(target=take)
        for thread in [taker, *workers]:
            thread.start()
        for thread in workers:
            thread.join()
        stop.set()
        taker.join()
    finally:
        sys.setswitchinterval(switch)
    whole.merge(open_run.take())
    expected = threads * each
    assert {path: stats.count for path, stats in whole.operations.items()} == {
        "outer": expected,
        "outer/inner": expected,
    }
    assert whole.operations["outer/inner"].rows == expected
    assert whole.operations["outer"].sketch.buckets.total() == expected
    assert whole.summary()["counters"][0]["value"] == expected
    assert whole.summary()["distributions"][0]["sum"] == threads * each * (each - 1) // 2
    assert len(open_run.logged) == (2 * expected if log == "end" else 0)
    assert whole.operations["outer"].self_ns >= 0


def test_an_operation_in_a_signal_handler_does_not_hang(open_run):
    """The handler interrupts the thread anywhere, also while it adds to the metrics."""
    handled = []

    def handler(number, frame):
        with obs.operation("handler", log="never"):
            obs.count("signals")
        handled.append(number)

    previous = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        done = 0
        while len(handled) < 50:
            with obs.operation("work", log="never"):
                obs.observe("x", 1)
            done += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    taken = open_run.take()
    counted = sum(stats.count for path, stats in taken.operations.items() if path.endswith("handler"))
    assert counted == len(handled)
    assert taken.summary()["counters"][0]["value"] == len(handled)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_reports_its_own_and_not_its_parents_operations(open_run):
    """What was open at the fork is the parent's to report; what the child opens is the child's; no lock is inherited
    locked.
    """
    with obs.operation("before", log="never"):
        pass
    reader, writer = os.pipe()
    accumulator = open_run.accumulator
    with obs.operation("parent"):
        accumulator.lock.acquire()
        child = os.fork()
        if not child:
            code = 1
            try:
                with obs.operation("child", log="never"):
                    pass
                scope.current().operation.__exit__(None, None, None)
                taken = accumulator.take()
                os.write(writer, repr((sorted(taken.operations), len(open_run.logged))).encode())
                code = 0
            finally:
                os._exit(code)
        accumulator.lock.release()
        assert os.waitpid(child, 0)[1] == 0
    assert os.read(reader, 1000).decode() == repr((["parent/child"], 0))
    os.close(reader)
    os.close(writer)
    assert open_run.counts() == {"before": 1, "parent": 1}


class Hostile:
    """An object that refuses whatever it is asked."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __float__ = __index__ = __bool__ = __repr__


def test_an_operation_half_entered_is_not_open(open_run, monkeypatch):
    """Ctrl-C while an operation is entered leaves neither an open operation nor its scope behind."""
    before = scope.get_scope()

    def interrupted():
        raise KeyboardInterrupt

    for log in ("never", "end", "both"):
        op = obs.operation("load", log=log)
        with monkeypatch.context() as patch:
            patch.setattr("navigator_obs.operations.opened.clock.monotonic_ns", interrupted)
            with pytest.raises(KeyboardInterrupt):
                op.__enter__()
        assert open_run.accumulator.open == set()
        assert scope.get_scope() is before
    with obs.operation("load", log="never"):
        assert [item["path"] for item in open_run.accumulator.open_operations()] == ["load"]
    assert open_run.counts() == {"load": 1}


def test_an_operation_interrupted_at_its_end_is_closed(open_run, monkeypatch):
    """Ctrl-C while an operation ends closes it all the same, and towards its parent as well."""

    def interrupted(*_):
        raise KeyboardInterrupt

    with obs.operation("outer"), obs.operation("load"):
        pass
    for log, what in (("never", "opened.BATCH"), ("end", "telling.succeed")):
        with obs.operation("outer", log="never") as outer:
            op = obs.operation("load", log=log)
            op.__enter__()
            with monkeypatch.context() as patch:
                name = f"navigator_obs.operations.{what}"
                patch.setattr(name, 0 if "BATCH" in what else interrupted)
                patch.setattr(open_run.accumulator, "fold", interrupted)
                with pytest.raises(KeyboardInterrupt):
                    op.__exit__(None, None, None)
            assert open_run.accumulator.open == {outer}
            assert scope.get_scope() is outer
            assert outer.child is None


def test_names_breakdowns_and_errors_hold_no_secrets(open_run):
    """A secret in a name, a breakdown value or an exception's text does not reach the figures or the records."""
    with obs.context(year="https://u:hunter2@host/" + "x" * 200):
        with obs.operation("fetch postgres://u:hunter2@db/x"):
            pass
        with pytest.raises(ValueError, match="hunter2"), obs.operation("op password=hunter2"):
            raise ValueError("password=hunter2")
        with obs.operation("told") as op:
            op.fail("token=hunter2")
    assert "hunter2" not in repr(open_run.logged)
    assert "hunter2" not in repr(open_run.take().to_dict())


def test_a_secret_breakdown_key_hides_its_values():
    """Where runs are broken down by a secret, its values are told apart from none."""
    from navigator_obs.operations.series import breakdown_of
    from navigator_obs.redaction import Redactor

    context = {"token": "hunter2", "year": 2025}
    assert breakdown_of(("token", "year"), context, Redactor()) == {"token": "[redacted]", "year": 2025}


@pytest.mark.parametrize("make", [lambda: 10**5_000, lambda: -(10**30), Hostile], ids=["huge", "large", "hostile"])
def test_any_breakdown_value_is_taken(open_run, make):
    """A breakdown value that has no text, or is too large a number, costs no operation."""
    with obs.context(year=make()), obs.operation("load", log="never"):
        pass
    assert open_run.counts() == {"load": 1}


def test_rows_that_no_file_can_hold_are_refused(open_run):
    """Rows beyond 64 bits, and what answers nothing, are ignored; the sum ends at the greatest."""
    with obs.operation("load", log="never") as op:
        for rows in (10**400, 2**63, Hostile(), 3):
            op.add_rows(rows)
        assert op.rows == 3
        op.add_rows(2**63 - 1)
    assert open_run.take().operations["load"].rows == 2**63 - 1


def test_wrong_use_is_told_whatever_the_value():
    """A wrong argument raises UsageError even when it has no text."""
    for wrong in (lambda: obs.operation("x", log=Hostile()), lambda: obs.operation(Hostile(), record=["x"])):
        with pytest.raises(UsageError, match="Hostile: has no text"):
            wrong()
