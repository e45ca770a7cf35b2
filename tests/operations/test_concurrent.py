"""Tasks, threads, signal handlers and forked children have operations of their own, and Ctrl-C leaves none open."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import pytest

import navigator_obs as obs
from navigator_obs.events import scope
from navigator_obs.operations import metrics
from tests.operations.here import here
from tests.operations.threads import in_threads


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


def test_threads_add_their_rows_to_one_operation_exactly(open_run):
    """Workers that share the operation of their caller lose none of each other's rows."""

    def work():
        for _ in range(20_000):
            op.add_rows(1)

    with obs.operation("shared", log="never") as op:
        in_threads(4, work)
    assert open_run.take().operations["shared"].rows == 80_000


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
