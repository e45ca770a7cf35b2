"""Context, operation and run: per thread and task, and carried where they do not go by themselves."""

from __future__ import annotations

import asyncio
import functools
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import navigator_obs as obs
from navigator_obs.events import scope
from navigator_obs.events.scope import RunTag, carry, context, current


def seen():
    here = current()
    return dict(here.context), here.operation and here.operation.path, here.run and here.run.run_id


def test_blocks_nest_and_end():
    """An inner key hides an outer one until its block ends, also by an exception; one object may be entered again."""
    with context(year=2025, region=1):
        again = context(year=2026)
        try:
            with again, again:
                assert seen()[0] == {"year": 2026, "region": 1}
                raise KeyError
        except KeyError:
            pass
        assert seen()[0] == {"year": 2025, "region": 1}
    assert seen()[0] == {}
    with context(self=1):
        assert seen()[0] == {"self": 1}


def test_tasks_have_their_own():
    """Tasks that run in turns each see their own context, and inherit that of their maker."""

    async def work(year):
        with context(year=year):
            for _ in range(5):
                await asyncio.sleep(0)
                assert seen()[0] == {"outer": 1, "year": year}
        return seen()[0]

    async def main():
        with context(outer=1):
            return await asyncio.gather(*(work(year) for year in range(10)), asyncio.to_thread(lambda: seen()[0]))

    assert asyncio.run(main()) == [{"outer": 1}] * 11


def test_threads_start_empty_and_carry_takes_the_scope_along():
    """A new thread has no context; a carried function has that of the moment it was carried, for its call only."""
    got = []
    token = scope.set_scope(scope.Scope({}, scope._PathOnly("a/b"), RunTag("run-1")))
    with context(year=2025):
        carried = carry(lambda: got.append(seen()))
    scope.leave(token)
    for target in (carried, lambda: got.append(seen())):
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()
    assert got == [({"year": 2025}, "a/b", "run-1"), ({}, None, None)]
    carried()
    assert got[-1] == got[0]
    assert seen() == ({}, None, None)


def test_pools_of_threads():
    """Each submitted function brings its own scope, whatever thread takes it."""
    with ThreadPoolExecutor(2) as pool:
        futures = []
        for year in range(20):
            with context(year=year):
                futures.append(pool.submit(carry(seen)))
        assert [future.result()[0]["year"] for future in futures] == list(range(20))


def add(a, b=0):
    """Adds."""
    return a + b, seen()[0]


def test_a_carried_function_looks_like_itself():
    """Name, docstring and arguments are those of the function; it can be carried twice, and a partial as well."""
    with context(year=1):
        carried = carry(add)
        assert (carried.__name__, carried.__doc__) == ("add", "Adds.")
        assert carried(1, b=2) == (3, {"year": 1})
        assert carry(functools.partial(add, 1))(2) == (3, {"year": 1})
    assert carry(carried)(1) == (1, {"year": 1})


def test_a_carried_function_travels(recorder):
    """Pickled, it brings context, run and operation along; without a run it has none."""
    with context(year=1):
        travelled = pickle.loads(pickle.dumps(carry(add)))
    assert travelled(1) == (1, {"year": 1})


def log_in_worker(number):
    obs.get_logger("worker").info("in worker", number=number)


def test_a_pool_of_processes(recorder):
    """A process pool's workers write to the same log with the context of the call."""
    with ProcessPoolExecutor(1) as pool, obs.context(year=2025):
        list(pool.map(carry(log_in_worker), range(5)))
    events = recorder.events("in worker")
    if len(events) < 5:
        recorder.configure()
        events = recorder.events("in worker")
    assert [(event["number"], event["year"]) for event in events] == [(number, 2025) for number in range(5)]


def test_a_foreign_thread_gets_the_only_open_run():
    """A thread without a scope counts for the run if there is just one; of several it can't know."""
    one, two = RunTag("one"), RunTag("two")

    def in_thread():
        got = []
        thread = threading.Thread(target=lambda: got.append(seen()[2]))
        thread.start()
        thread.join()
        return got[0]

    scope.open_run(one)
    assert in_thread() == "one"
    with context(year=1):
        assert seen() == ({"year": 1}, None, "one")
    scope.open_run(two)
    assert in_thread() is None
    scope.close_run(two)
    scope.close_run(two)
    assert in_thread() == "one"
    scope.close_run(one)
    assert in_thread() is None
    assert scope.open_runs() == []


def test_leaving_from_another_context_does_nothing():
    """A generator that is closed elsewhere leaves a scope that is not there: nothing happens."""
    import contextvars

    token = contextvars.copy_context().run(lambda: scope.enter(context={"a": 1}))
    scope.leave(token)
    assert seen() == ({}, None, None)


def test_numbers_are_never_given_twice():
    """Threads that count for one run get different numbers."""
    tag, got = RunTag("r"), []

    def take():
        got.extend([tag.next_seq() for _ in range(2_000)])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == list(range(1, 8_001))


def test_carry_takes_the_scope_into_a_coroutine():
    """A carried coroutine function has the scope where its body runs, also before and after it waits."""

    async def work():
        before = dict(scope.current().context)
        await asyncio.sleep(0)
        return before, dict(scope.current().context)

    with scope.context(year=2025):
        carried = scope.carry(work)
    assert asyncio.run(carried()) == ({"year": 2025}, {"year": 2025})
    assert dict(scope.current().context) == {}
