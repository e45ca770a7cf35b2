"""A decorated function is an operation at each call, as a block is that is entered with ``with``."""

from __future__ import annotations

import asyncio
import contextvars
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.clock import clock
from navigator_obs.errors import UsageError
from navigator_obs.events import exceptions, scope
from navigator_obs.operations import metrics
from navigator_obs.testing import FakeClock

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


class Failed(Exception):
    """What an operation of a program fails with."""


def as_block(name, log, work):
    with obs.operation(name, log=log):
        work()


def as_call(name, log, work):
    obs.operation(name, log=log)(work)()


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
