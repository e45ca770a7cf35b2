"""The hot path of operations: exact under any number of threads, and in constant memory."""

from __future__ import annotations

import gc

import pytest

import navigator_obs as obs
from navigator_obs.operations import metrics, resources
from tests.operations.threads import in_threads


def work_in_threads(threads, each):
    """Let each thread end so many operations, each inside another."""

    def work():
        for _ in range(each):
            with obs.operation("outer", log="never"), obs.operation("inner", log="never") as op:
                op.add_rows(1)

    in_threads(threads, work)


@pytest.mark.parametrize("log", ["end", "never", "both", 0.5])
def test_ending_what_was_never_entered_does_nothing(open_run, log):
    """It raises nothing and counts nothing, also with rows and an exception; entered later it is an operation."""
    never = obs.operation("never", log=log)
    never.add_rows(3)
    assert never.__exit__(None, None, None) is None
    with obs.operation("outer", log=log):
        assert never.__exit__(ValueError, ValueError("bad"), None) is None
    with never:
        pass
    never.__exit__(None, None, None)
    assert open_run.counts() == {"outer": 1, "never": 1}


@pytest.mark.torture
def test_eight_threads_of_a_hundred_thousand_operations_are_counted_exactly(open_run):
    """None is lost, doubled or left open, and each instant is given away once."""
    began = open_run.accumulator.root.node.start
    work_in_threads(8, 100_000)
    taken = open_run.take()
    assert {path: stats.count for path, stats in taken.operations.items()} == {"outer": 800_000, "outer/inner": 800_000}
    assert taken.operations["outer/inner"].rows == 800_000
    root = open_run.accumulator.root
    assert (root.node.child, root.crowd) == (None, 0)
    given = taken.unattributed_ns + sum(stats.weighted_ns for stats in taken.operations.values())
    passed = root.node.start + root.taken + root.node.busy - began
    # A thread may be stopped between its look at the clock and the division: then an instant is given to two.
    assert given == pytest.approx(passed, rel=0.1)


@pytest.mark.torture
def test_memory_is_the_same_after_ten_million_operations(open_run):
    """Operations add up in sums and buckets; nothing is kept of each."""

    def work(times):
        for _ in range(times):
            with obs.operation("year", log="never"):
                pass
        whole.merge(open_run.take())

    whole = metrics.Metrics()
    work(100_000)
    gc.collect()
    before = resources.rss_bytes()
    for _ in range(99):
        work(100_000)
    gc.collect()
    assert whole.operations["year"].count == 10_000_000
    assert resources.rss_bytes() < before + 2_000_000
