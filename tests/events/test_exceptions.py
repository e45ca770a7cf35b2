"""An exception becomes fields, fingerprint and category."""

from __future__ import annotations

import json
import subprocess
import sys

from navigator_obs.encoding import to_json
from navigator_obs.events.exceptions import describe, fingerprint, root_cause
from navigator_obs.events.retelling import mark_told, was_told
from tests.events.raising import raised


def divide(by):
    return 1 / by


def load(name):
    try:
        divide(0)
    except ZeroDivisionError as error:
        raise RuntimeError(f"can't load {name}") from error


def recurse(depth):
    return recurse(depth + 1)


def test_what_a_failed_program_printed_is_told():
    """It says why, and the exception does not."""
    command = [sys.executable, "-c", "import no_such_package"]
    told = describe(raised(lambda: subprocess.run(command, check=True, capture_output=True)))
    assert told["notes"][-1].startswith("it printed: ")
    assert told["notes"][-1].endswith("ModuleNotFoundError: No module named 'no_such_package'")
    assert told["traceback"].endswith(told["notes"][-1])
    silent = describe(raised(lambda: subprocess.run(["false"], check=True)))
    assert silent["notes"] == []


def test_all_is_told():
    """Type, message, traceback as Python prints it, frames, the chain of causes and notes."""
    error = raised(lambda: load("census"))
    error.add_note("in year 2025")
    told = describe(error)
    assert (told["type"], told["message"], told["notes"]) == ("RuntimeError", "can't load census", ["in year 2025"])
    assert told["causes"] == [{"type": "ZeroDivisionError", "message": "division by zero", "link": "cause"}]
    assert told["frames"][-1]["function"] == "load"
    assert told["frames"][-1]["source"].startswith("raise RuntimeError")
    lines = told["traceback"].splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "The above exception was the direct cause of the following exception:" in lines
    assert lines[-2:] == ["RuntimeError: can't load census", "in year 2025"]
    assert (told["category"], told["category_rule"]) == ("numeric/division", "type ZeroDivisionError")


def test_the_fingerprint_is_of_the_cause_not_of_the_words():
    """Other words give the same fingerprint, another cause or place another one."""
    one, two = raised(lambda: load("a")), raised(lambda: load("b"))
    assert fingerprint(one) == fingerprint(two) == describe(one)["fingerprint"]
    assert fingerprint(one) != fingerprint(raised(lambda: int("x")))
    assert len(fingerprint(one)) == 12


def test_a_signal_is_the_same_wherever_it_strikes():
    """Ctrl-C in one function and in another are one issue; another signal's exception is another one."""

    def hire():
        raise KeyboardInterrupt

    def promote():
        raise KeyboardInterrupt

    def leave():
        raise SystemExit(143)

    assert fingerprint(raised(hire)) == fingerprint(raised(promote)) != fingerprint(raised(leave))


def test_a_group_is_what_its_members_are():
    """The order of a group's members, how they nest and how often each came make no difference; another member does."""
    one, two = raised(lambda: load("a")), raised(lambda: int("x"))
    group = ExceptionGroup("years", [one, two])
    assert fingerprint(group) == fingerprint(ExceptionGroup("other words", [two, ExceptionGroup("inner", [one, one])]))
    assert fingerprint(group) != fingerprint(ExceptionGroup("years", [one]))
    assert fingerprint(ExceptionGroup("years", [one])) == fingerprint(one)


def test_a_runaway_recursion_is_short():
    """A thousand frames alike are told by their ends."""
    told = describe(raised(lambda: recurse(0)))
    assert len(told["frames"]) == 60
    assert "frames left out]" in told["traceback"]


def test_circular_causes_end():
    """An exception that is its own cause's cause does not hang."""
    one, two = ValueError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    assert [cause["message"] for cause in describe(one)["causes"]] == ["two"]


def test_groups_tell_their_members():
    """A group's members stand in the traceback, and its root is the first member's."""
    group = ExceptionGroup("two", [raised(lambda: load("a")), ValueError("b")])
    told = describe(group)
    assert "ValueError: b" in told["traceback"]
    assert isinstance(root_cause(ExceptionGroup("g", [ExceptionGroup("h", [KeyError("x")])])), KeyError)
    assert describe(ExceptionGroup("g", [KeyError("x")]))["fingerprint"]


def test_the_members_of_a_group_are_the_end_of_its_chain():
    """Each member is named with its own causes, the first member last, so that the chain ends at the root cause."""
    first = ValueError("no census")
    first.__cause__ = OSError("gone")
    group = ExceptionGroup("two", [first, ExceptionGroup("inner", [KeyError("b")])])
    assert [(cause["type"], cause["message"], cause["link"]) for cause in describe(group)["causes"]] == [
        ("ExceptionGroup", "inner (1 sub-exception)", "member"),
        ("KeyError", "'b'", "member"),
        ("ValueError", "no census", "member"),
        ("OSError", "gone", "cause"),
    ]


class Odd(Exception):
    __notes__ = 5

    def __str__(self):
        raise RuntimeError("no text")


class Sealed(Exception):
    __slots__ = ()

    def __setattr__(self, name, value):
        raise AttributeError(name)


def test_odd_exceptions_are_described():
    """An exception without a text, or with odd notes, is still told; nothing raises."""
    told = describe(Odd())
    assert told["type"].endswith("Odd")
    assert told["notes"] == ["5"]
    json.loads(to_json(told))


def test_code_without_source_is_described():
    """Code that was made at run time has frames without source, also where its module's globals are odd."""
    for name in ("made", None, 5):
        error = raised(lambda name=name: exec("def f():\n    1 / 0\nf()", {"__name__": name, "__loader__": object()}))
        told = describe(error)
        assert told["frames"][-1]["source"] == ""
        json.loads(to_json(told))


def test_an_exception_remembers_that_it_was_told():
    """Told once is remembered on the exception itself; one that can't remember is told again."""
    error = ValueError("x")
    assert not was_told(error)
    assert not mark_told(error, "run", as_error=True)
    assert was_told(error)
    assert not was_told(RuntimeError("caused by it"))
    assert not mark_told(Sealed(), "run", as_error=True)
    assert not was_told(Sealed())


def test_each_run_hears_of_an_exception_once():
    """As a warning first and as an error later it is told twice; another run has not heard of it."""
    error = ValueError("x")
    told = [
        mark_told(error, run, as_error=as_error)
        for run, as_error in (("a", False), ("a", False), ("a", True), ("a", True), ("a", False), ("b", True))
    ]
    assert told == [False, True, False, True, True, False]
    group = ExceptionGroup("all", [error])
    assert was_told(group, "a")
    assert not was_told(ExceptionGroup("all", [error, KeyError()]), "a")
    assert mark_told(group, "a", as_error=True)
