"""A decorated function is an operation at each call, as a block is that is entered with ``with``."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import itertools
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.clock import clock
from navigator_obs.errors import UsageError
from navigator_obs.events import exceptions, scope
from navigator_obs.events.alone import FREE_THREADED
from navigator_obs.operations import metrics
from navigator_obs.testing import FakeClock
from tests.operations.conftest import OpenRun

# An operation: its name, when it logs, what it does meanwhile, rows, whether it fails, whether it opens a context, and
# the operations inside.
programs = st.recursive(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["never", "end", "both", "failure", 0.0]),
        st.integers(0, 2_000_000),
        st.none() | st.integers(0, 5),
        st.booleans(),
        st.booleans(),
        st.just([]),
    ),
    lambda inner: st.tuples(
        st.sampled_from("ab"),
        st.sampled_from(["never", "end", 0.001]),
        st.integers(0, 2_000_000),
        st.none(),
        st.booleans(),
        st.booleans(),
        st.lists(inner, max_size=3),
    ),
    max_leaves=12,
)


with_one_object = pytest.mark.skipif(FREE_THREADED, reason="without a global lock each call makes its own object")


class Failed(Exception):
    """What an operation of a program fails with."""


def as_block(name, log, work):
    with obs.operation(name, log=log):
        work()


@functools.cache
def decorated(name, log):
    """The one function whose calls are all the operations of that name."""
    return obs.operation(name, log=log)(lambda work: work())


def as_call(name, log, work):
    decorated(name, log)(work)


def run(program, fake, one):
    name, log, ns, rows, fails, in_context, inner = program

    def work():
        fake._passed += ns
        if rows is not None:
            scope.current().operation.add_rows(rows)
        for each in inner:
            run(each, fake, one)
        if fails:
            raise Failed

    try:
        if in_context:
            with obs.context(year=2025):
                one(name, log, work)
        else:
            one(name, log, work)
    except Failed:
        return


def figures(story, one):
    """Run the programs one after the other, in a run of their own; return all that is known of them afterwards."""
    fake, tag, heard = FakeClock(), scope.RunTag("a-run"), []
    previous = clock.use(fake)
    accumulator = metrics.Accumulator(on_logged=lambda *told: heard.append(told[1:4]))
    scope.open_run(tag)
    metrics.install(tag, accumulator)
    try:
        for program in story:
            contextvars.Context().run(run, program, fake, one)
        root = accumulator.root
        assert (accumulator.open, root.node.child, root.crowd, accumulator.broken) == (set(), None, 0, 0)
        taken = accumulator.take()
    finally:
        metrics.remove(tag)
        scope.close_run(tag)
        clock.use(previous)
    known = {path: stats.to_dict() for path, stats in taken.operations.items()}
    for stats in known.values():
        # Of memory and CPU time each look says something else.
        for changing in ("cpu_ns", "cpu_wall_ns", "memory_kb", "peak_memory_mb"):
            del stats[changing]
        stats["last"] = stats["last"][:3]
    return known, taken.unattributed_ns, heard


@settings(deadline=None)
@given(st.lists(programs, max_size=4))
def test_it_counts_as_a_block_does(story):
    """Whatever is nested in it, and however it ends."""
    assert figures(story, as_call) == figures(story, as_block)


@obs.operation(log="never")
def called(work=None):
    """Its object may be that of the call before."""
    here = scope.current().operation
    if work is not None:
        work()
    return id(here)


@with_one_object
def test_calls_from_one_scope_share_an_object(open_run):
    """As long as nobody has kept it, and each is counted."""
    with obs.operation("outer", log="never"):
        assert len({called() for _ in range(3)}) == 1
    assert open_run.counts() == {"outer": 1, "outer/called": 3}


def test_an_object_that_somebody_has_kept_is_not_used_again(open_run):
    """A copy of the context in which a call was made goes on in that call's scope, whatever is called next."""
    kept = []
    with obs.operation("outer", log="never"):
        called(lambda: kept.append(contextvars.copy_context()))
        inside = kept[0].run(scope.current).operation
        assert inside.ended
        called(lambda: kept.append(kept[0].run(lambda: (scope.current().operation, inside.ended))))
    assert kept[1] == (inside, True)


def test_each_thread_has_an_object_of_its_own(open_run):
    """Calls of one function that are open at the same time in threads are operations of their own."""
    both, seen = threading.Barrier(2), []

    def work():
        for _ in range(50):
            called(lambda: (both.wait(), seen.append(scope.current().operation)))

    with obs.operation("outer", log="never"):
        threads = [threading.Thread(target=obs.carry(work)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert all(len({id(op) for op in pair}) == 2 for pair in zip(seen[::2], seen[1::2], strict=True))
    assert open_run.counts() == {"outer": 1, "outer/called": 100}


def test_a_call_counts_for_the_run_that_is_open():
    """Also where the function was called in another run, or in none, just before; and a forked child counts its own."""
    for _ in range(2):
        called()
        opened = OpenRun()
        with obs.context(year=2025), obs.operation("outer", log="never"):
            called()
            called()
            child = os.fork()
            if child == 0:
                called()
                os._exit(opened.counts() != {"outer/called": 1})
            assert os.waitpid(child, 0)[1] == 0
        assert opened.counts() == {"outer": 1, "outer/called": 2}
        opened.close()


@with_one_object
def test_memory_that_was_sampled_in_one_call_is_not_that_of_the_next(open_run):
    """A peak of the call before does not stay with the object."""

    def sample():
        scope.current().operation.sampled_bytes = 10**12

    def be_measured():
        scope.current().operation.link.links["called"].series.measure = True

    with obs.operation("outer", log="never"):
        # The first one of a path is measured, and no plain one.
        called()
        then = called(sample)
        be_measured()
        last = called()
    peak = open_run.take().operations["outer/called"].peak_memory_mb
    assert then == last
    assert peak < 10**5


@with_one_object
def test_ctrl_c_at_its_end_closes_it(open_run, monkeypatch):
    """Also where it comes when the function has returned, and while its figures are added."""

    def interrupted(*_):
        raise KeyboardInterrupt

    @obs.operation(log="never")
    def promote():
        return None

    with obs.operation("outer", log="never") as outer:
        promote()
        for what in ("BATCH", "clock"):
            reads = itertools.chain([clock.monotonic_ns, interrupted], itertools.repeat(clock.monotonic_ns))
            with monkeypatch.context() as patch:
                if what == "BATCH":
                    patch.setattr("navigator_obs.operations.calls.BATCH", 0)
                    patch.setattr(open_run.accumulator, "fold", interrupted)
                else:
                    patch.setattr(clock, "monotonic_ns", lambda reads=reads: next(reads)())
                with pytest.raises(KeyboardInterrupt):
                    promote()
            assert open_run.accumulator.open == {outer}
            assert scope.get_scope() is outer
            assert outer.child is None


@pytest.mark.parametrize("log", ["never", "end"])
def test_an_operation_that_ends_in_a_copy_of_its_context_does_no_harm(open_run, log):
    """Its scope can't be left from there, and the operation ends nevertheless."""
    op = obs.operation("block", log=log)
    lane = contextvars.copy_context()
    lane.run(op.__enter__)
    lane.copy().run(op.__exit__, None, None, None)
    op.__exit__(None, None, None)
    assert open_run.accumulator.open == set()
    assert open_run.counts() == {"block": 1}


@obs.operation
def plain():
    raise KeyError("salary")


@obs.operation(record=["year"])
def recorded(year):
    plain()


@obs.operation
def generated():
    yield recorded(2025)


@obs.operation
async def awaited():
    list(generated())


def outermost():
    asyncio.run(awaited())


def test_a_traceback_has_no_frames_of_ours(recorder):
    """Neither in the log nor in pytest's, whatever was decorated, nor those of what was carried; all others stay."""
    with pytest.raises(KeyError) as raised:
        obs.carry(outermost)()
    described = recorder.events("plain failed")[0]["exception"]
    assert [frame["function"] for frame in described["frames"]] == ["plain"]
    told = exceptions.describe(raised.value)
    names = [frame["function"] for frame in told["frames"] if frame["module"] == __name__]
    assert [name for name in names if "test" not in name] == ["outermost", "awaited", "generated", "recorded", "plain"]
    assert not [frame for frame in told["frames"] if frame["module"].startswith("navigator_obs")]
    assert "navigator_obs" not in told["traceback"].replace(__file__, "")
    shown = [entry.frame.code.name for entry in raised.traceback.filter(raised)]
    assert "wrapper" not in shown
    assert "__call__" not in shown


def test_where_ours_raised_it_the_last_frame_stays(recorder):
    """An error about a wrong call stands where it was raised, below the caller."""
    with pytest.raises(UsageError) as raised:
        obs.operation(7)
    frames = exceptions.describe(raised.value)["frames"]
    assert frames[-1]["module"].startswith("navigator_obs.operations")
    assert frames[0]["module"] == __name__
