"""Calls that may hang are waited for so long and no longer."""

from __future__ import annotations

import os
import threading
import time

import pytest

from navigator_obs.events.guard import Guard


@pytest.fixture
def guard():
    made = Guard()
    yield made
    made.close()


def test_an_answer_comes_from_a_thread_of_its_own(guard):
    """Always the same thread, which is not the caller's."""
    first, second = (guard.run(threading.get_ident, 10, 0) for _ in range(2))
    assert first == second
    assert first not in {0, threading.get_ident()}


def test_a_call_that_hangs_is_waited_for_once(guard):
    """Others get their second answer at once while it hangs, and are made again once it is through."""
    hanging = threading.Event()
    assert guard.run(hanging.wait, 0.05, "late") == "late"
    began = time.monotonic()
    assert [guard.run(lambda: "made", 60, "late") for _ in range(100)] == ["late"] * 100
    assert time.monotonic() - began < 30
    hanging.set()
    assert guard.run(lambda: "made", 60, "late") in {"made", "late"}
    while guard.run(lambda: "made", 60, "late") == "late":
        time.sleep(0.001)


def test_a_late_call_is_made_all_the_same(guard):
    """What was asked for happens, though nobody waits for it any more."""
    hanging, done = threading.Event(), threading.Event()

    def call():
        hanging.wait()
        done.set()

    guard.run(call, 0.01, None)
    hanging.set()
    assert done.wait(300)


def test_a_call_that_asks_for_another_one_makes_it_itself(guard):
    """The thread never waits for itself."""
    assert guard.run(lambda: guard.run(lambda: "inner", 60, "late"), 60, "late") == "inner"


def test_what_a_call_raises_ends_nothing(guard):
    """Whoever asked gets the other answer; the next call is made."""
    assert guard.run(lambda: 1 / 0, 60, "otherwise") == "otherwise"
    assert guard.run(lambda: "made", 60, "late") == "made"


def test_closed_it_starts_anew(guard):
    """Its thread ends; the next call has one again."""
    ident = guard.run(threading.current_thread, 60, None)
    guard.close()
    ident.join(300)
    assert not ident.is_alive()
    assert guard.run(lambda: "made", 60, "late") == "made"


def test_a_forked_child_has_a_thread_of_its_own(guard):
    """Also where the parent's hangs at that moment."""
    hanging = threading.Event()
    guard.run(hanging.wait, 0.01, None)
    child = os.fork()
    if not child:
        guard.begin()
        os._exit(7 if guard.run(lambda: "made", 60, "late") == "made" else 1)
    hanging.set()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_many_threads_are_answered(guard):
    """Each gets its own answer."""
    answers = {}
    threads = [
        threading.Thread(target=lambda number=number: answers.update({number: guard.run(lambda: number, 60, -1)}))
        for number in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: number for number in range(40)}
