"""Operations nest, measure and end rightly, whatever passes through them."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import threading

import pytest

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.events import scope
from navigator_obs.operations import metrics
from tests.operations.here import here

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


def test_a_slash_in_a_name_does_not_forge_a_path(open_run):
    """Paths are joined with slashes, so that a name's becomes a colon."""
    with obs.operation("models/staging"):
        pass
    assert open_run.counts() == {"models:staging": 1}


# Secrets and hostile values


class Hostile:
    """An object that refuses whatever it is asked."""

    @property
    def __class__(self):
        raise RuntimeError("no class")

    def __repr__(self):
        raise RuntimeError("no text")

    __str__ = __float__ = __index__ = __bool__ = __repr__


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


class Stage(enum.StrEnum):
    HIRING = "hiring"


def test_a_name_may_be_of_a_class_of_texts(open_run):
    """Members of an enumeration name blocks and functions as plain texts do, each time they are entered."""

    @obs.operation(Stage.HIRING)
    def hire():
        pass

    block = obs.operation(Stage.HIRING)
    for _ in range(2):
        with block as opened:
            assert opened.path == "hiring"
    hire()
    assert [record.path for record in open_run.logged] == ["hiring"] * 3


def test_arguments_to_record_belong_to_a_function():
    """A block has none, and says at once what to use instead."""
    with pytest.raises(UsageError, match=r"record=\['year'\] is for decorators"), obs.operation("x", record=["year"]):
        pytest.fail("it was entered")
