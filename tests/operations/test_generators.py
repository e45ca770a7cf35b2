"""A generator is an operation for as long as it works, wherever it goes on and however it ends."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from concurrent.futures import ThreadPoolExecutor

import pytest

import navigator_obs as obs
from navigator_obs.clock import seconds_between
from navigator_obs.events import scope
from tests.operations.here import here


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
    [record, _] = open_run.logged
    assert record.path == "consume/batches"
    assert seconds_between(record.start_time, record.end_time) == 23


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
