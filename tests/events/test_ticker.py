"""One thread for all that happens by age."""

from __future__ import annotations

import os
import threading
import time

import pytest

from navigator_obs.events import ticker


def waiting(event):
    assert event.wait(300)


def tickers():
    return [thread for thread in threading.enumerate() if thread.name == "navigator-obs-ticker"]


def test_tasks_run_until_they_are_cancelled():
    """A task runs again and again; cancelled, it runs no more, and without tasks the thread ends."""
    calls, enough = [], threading.Event()

    def task():
        calls.append(1)
        if len(calls) == 3:
            enough.set()

    handle = ticker.every(0.01, task)
    waiting(enough)
    # That of a test before may be on its last steps.
    while len(tickers()) > 1:
        time.sleep(0.001)
    assert len(tickers()) == 1
    handle.cancel()
    handle.cancel()
    for thread in tickers():
        thread.join(300)
    assert tickers() == []


def test_a_failing_task_ends_no_other():
    """What a task raises is swallowed, and it is called again."""
    calls, enough, other = [], threading.Event(), threading.Event()

    def broken():
        calls.append(1)
        if len(calls) == 2:
            enough.set()
        raise RuntimeError

    handles = [ticker.every(0.01, broken), ticker.every(0.01, other.set)]
    waiting(enough)
    waiting(other)
    for handle in handles:
        handle.cancel()


def test_what_is_due_soon_is_done_along_with_what_is_due():
    """A task that would be due a moment after another does not wake the thread once more; one that is not, waits."""
    soon, late = (ticker.Handle(seconds, lambda: None) for seconds in (0.15, 1.0))
    for task in (soon, late):
        task.plan(100.0)
    assert (soon.due, late.due) == (100.15, 101.0)
    assert (soon.early, late.early) == pytest.approx((100.09, 100.94))


def test_a_new_task_does_not_wait_for_one_that_is_far_off():
    """Adding it wakes the thread."""
    far = ticker.every(600, lambda: None)
    done = threading.Event()
    near = ticker.every(0.01, done.set)
    waiting(done)
    for handle in (far, near):
        handle.cancel()


def test_a_forked_child_starts_without_tasks():
    """The parent's tasks are not the child's; it can have its own."""
    handle = ticker.every(60, lambda: None)
    pid = os.fork()
    if pid == 0:
        done = threading.Event()
        code = 0 if not ticker._ticker._tasks else 1
        ticker.every(0.01, done.set)
        os._exit(code if done.wait(300) else 2)
    assert os.waitpid(pid, 0)[1] == 0
    handle.cancel()
