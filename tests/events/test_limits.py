"""Of many like events some are written, and what was held back is counted."""

from __future__ import annotations

import os
import pickle
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.events import limits
from navigator_obs.events.limits import Gate, Limit, Sampler
from navigator_obs.testing import fake_clock


def test_once(recorder):
    """Each kind of event, which is a place in the code and a message, is written once."""
    log = obs.get_logger("planwise").limited(most=1)
    for _ in range(3):
        log.info("salary missing")
        log.info("level missing")
    assert [event["message"] for event in recorder.events()] == ["salary missing", "level missing"]


def test_every_nth(recorder):
    """The first and then every n-th; each says how many were held back before it."""
    log = obs.get_logger("planwise").limited(every=4)
    for number in range(10):
        log.info("step", number=number)
    assert [(event["number"], event.get("held_back")) for event in recorder.events("step")] == [
        (0, None),
        (4, 3),
        (8, 3),
    ]


def test_so_many_in_an_interval(recorder):
    """The count begins anew when the time is over, and the first one then says what was held back."""
    log = obs.get_logger("planwise").limited(most=2, seconds=60)
    with fake_clock() as clock:
        for number in range(10):
            log.info("step", number=number)
            clock.advance(15)
    told = [(event["number"], event.get("held_back")) for event in recorder.events("step")]
    assert told == [(0, None), (1, None), (4, 2), (5, None), (8, 2), (9, None)]


def test_a_limit_stays_with_the_logger(recorder):
    """Bound further, copied to another process or thread: the same limit over the same kinds."""
    log = obs.get_logger("planwise").limited(most=1)

    def speak(log):
        log.bind(year=2025).info("step")

    for _ in range(2):
        speak(log)
    speak(pickle.loads(pickle.dumps(log)))
    thread = threading.Thread(target=speak, args=(log,))
    thread.start()
    thread.join()
    [event] = recorder.events("step")
    assert event["year"] == 2025


def test_a_program_with_kinds_without_end_fills_no_memory(recorder):
    """Beyond the number that is remembered they begin to count anew."""
    log = obs.get_logger("planwise").limited(most=1)
    for number in range(limits.MAX_GATES + 10):
        log.info(str(number))
    assert len(limits._gates) <= limits.MAX_GATES


@given(st.integers(1, 50), st.integers(0, 300))
def test_threads_pass_no_more_than_the_limit(most, asked):
    """Exactly so many pass, whoever asks, and all others are told as held back."""
    gate = Gate(Limit(most=most))
    passed = []
    threads = [
        threading.Thread(target=lambda: passed.extend(gate.admit() is not None for _ in range(asked))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == min(most, 3 * asked)
    assert gate.take() == 3 * asked - sum(passed)


@given(st.floats(0.001, 1), st.integers(1, 3000))
def test_a_share_is_even_and_begins_with_the_first(rate, count):
    """At each moment the number that was chosen is the rate's share of those that came, to the next whole one."""
    sampler = Sampler(rate)
    chosen = 0
    for number in range(count):
        chosen += sampler.passes()
        assert number * rate - 1e-6 <= chosen <= number * rate + 1 + 1e-6
    assert chosen >= 1


@pytest.mark.parametrize(
    "wrong", [{}, {"most": 1, "every": 2}, {"most": 0}, {"every": -1}, {"most": 1.5}, {"most": 1, "seconds": 0}]
)
def test_a_wrong_limit_is_refused(wrong):
    """At once, where it is made: it takes one of the two numbers, and a time above nothing."""
    with pytest.raises(UsageError):
        obs.get_logger("planwise").limited(**wrong)


def test_a_forked_child_waits_for_no_lock_of_its_parents_threads(recorder):
    """A thread of the parent that counts at the moment of the fork does not stop the child, which tells its own."""
    log = obs.get_logger("planwise").limited(most=1)
    for _ in range(3):
        log.info("step")
    [gate] = limits._gates.values()
    inside, go_on = threading.Event(), threading.Event()

    def hold():
        with gate._lock:
            inside.set()
            go_on.wait(300)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(300)
    child = os.fork()
    if not child:
        os._exit(7 if limits.take_held_back() == {} else 1)
    go_on.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert limits.take_held_back() == {"step": 2}
