"""A run is held to the progress that it promises, or to its own pace."""

from __future__ import annotations

from navigator_obs.runs.promise import LEAST_SECONDS, Promise


def kind(change):
    return None if change is None else change.kind


def pass_quietly(promise, fake_clock, seconds, mark):
    """Look each second, as the ticker does; return what the looks have told."""
    told = []
    for _ in range(seconds):
        fake_clock.advance(1)
        told.append(kind(promise.look(mark)))
    return [word for word in told if word]


def test_a_missed_promise_is_told_once_and_taken_back_by_progress(fake_clock):
    """Silence for as long as promised is a stall; the next thing that is done ends it."""
    promise = Promise(10)
    assert kind(promise.look("a")) is None
    assert pass_quietly(promise, fake_clock, 9, "a") == []
    assert pass_quietly(promise, fake_clock, 20, "a") == ["stalled"]
    assert promise.stalled["promise_seconds"] == 10
    assert pass_quietly(promise, fake_clock, 1, "b") == ["resumed"]
    assert promise.stalled is None


def test_progress_that_no_mark_tells_counts(fake_clock):
    """Figures that a tick has gained, say."""
    promise = Promise(10)
    for _ in range(50):
        fake_clock.advance(1)
        assert promise.look("a", moved=True) is None


def test_what_was_done_about_a_stall_is_no_progress(fake_clock):
    """That the stall itself is logged makes another mark."""
    promise = Promise(10)
    promise.look("a")
    assert pass_quietly(promise, fake_clock, 20, "a") == ["stalled"]
    promise.allow("b")
    assert pass_quietly(promise, fake_clock, 20, "b") == []


def test_a_stall_that_nobody_could_see_is_told_afterwards(fake_clock):
    """C code kept the ticker itself from running."""
    promise = Promise(10)
    promise.look("a")
    fake_clock.advance(30)
    found = promise.look("b")
    assert (found.kind, found.missed["promise_seconds"]) == ("unseen", 10)
    assert promise.stalled is None


def test_nothing_promised_is_nothing_missed(fake_clock):
    """A run without a promise that shows no pace is never stalled."""
    promise = Promise(None)
    promise.look("a")
    assert pass_quietly(promise, fake_clock, 5000, "a") == []


def test_the_own_pace_is_learnt_from_the_longest_year(fake_clock):
    """After three years; short years promise a minute, as small things take time that is not the simulation's."""
    promise = Promise(None)
    for year, seconds in enumerate([30, 50, 20], start=1):
        assert promise.seconds is None
        fake_clock.advance(seconds)
        promise.learn(year)
    assert promise.seconds == 250
    quick = Promise(None)
    for year in (1, 2, 3):
        fake_clock.advance(1)
        quick.learn(year)
    assert quick.seconds == LEAST_SECONDS


def test_what_was_promised_goes_before_what_was_learnt(fake_clock):
    """The program knows better."""
    promise = Promise(7)
    for year in (1, 2, 3):
        fake_clock.advance(100)
        promise.learn(year)
    assert promise.seconds == 7
