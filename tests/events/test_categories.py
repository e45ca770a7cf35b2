"""Which kind of failure an exception is, and what told it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess

import pytest

from navigator_obs import assembly
from navigator_obs.errors import ConfigError, UsageError
from navigator_obs.events import categories
from navigator_obs.events.categories import CATEGORIES, Classifier, kind
from navigator_obs.events.category_rules import CAUSES, MISTAKES
from navigator_obs.events.exceptions import category, describe
from navigator_obs.events.rule import rule
from tests.events.raising import raised


class HeadcountError(ValueError):
    """The application's own."""


def caused(error, cause):
    error.__cause__ = cause
    return error


def strange():
    """A library's own exception: nothing is known of it, and the application did not make it."""
    return type("Strange", (Exception,), {"__module__": "json"})()


@pytest.fixture
def rules():
    yield categories.install
    categories.install({})


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "resource/memory"),
        (RuntimeError("CUDA out of memory"), "resource/memory"),
        (OSError(28, "full"), "resource/disk"),
        (PermissionError(13, "no"), "environment/permission"),
        (ModuleNotFoundError("x"), "environment/dependency"),
        (ConnectionResetError(), "external/network"),
        (KeyboardInterrupt(), "interrupted/user"),
        (SystemExit(143), "interrupted/scheduler"),
        (asyncio.CancelledError(), "interrupted/user"),
        (subprocess.CalledProcessError(-9, "dbt"), "interrupted/killed"),
        (subprocess.CalledProcessError(-11, "dbt"), "interrupted/crash"),
        (subprocess.CalledProcessError(127, "dbt"), "environment/dependency"),
        (subprocess.CalledProcessError(1, "dbt", stderr=b"No space left on device"), "resource/disk"),
        (subprocess.CalledProcessError(1, "dbt"), "external"),
        (
            subprocess.CalledProcessError(1, "x", stderr="duckdb.IOException: Could not set lock"),
            "database/lock",
        ),
        (RuntimeError("worker 3 said: OSError: [Errno 28] No space"), "resource/disk"),
        (ZeroDivisionError(), "numeric/division"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), "data/format"),
        (sqlite3.OperationalError("database is locked"), "database/lock"),
        (sqlite3.Error("odd"), "database"),
        (KeyError("x"), "code"),
        (ConfigError("x"), "config"),
        (UsageError("x"), "observability"),
        (HeadcountError("-5"), "model"),
        (strange(), "unknown"),
    ],
)
def test_each_kind_of_failure_has_its_category(error, expected):
    """Types, errno, exit status and message tell which kind of failure it is."""
    assert category(error) == expected
    assert category(error) in CATEGORIES


def test_the_root_cause_decides():
    """What the application raised from a cause is judged by the cause; a mere mistake gives way to a named cause."""
    assert category(caused(HeadcountError("hiring failed"), sqlite3.OperationalError("database is locked"))) == (
        "database/lock"
    )
    assert category(caused(ConfigError("no growth"), KeyError("growth"))) == "config"
    assert category(caused(HeadcountError("-5"), KeyError("salary"))) == "code"


def test_a_group_is_what_its_members_are():
    """Members that were cancelled because of another one do not decide, however deep that lies."""
    group = BaseExceptionGroup("tasks", [asyncio.CancelledError(), ExceptionGroup("inner", [OSError(28, "full")])])
    assert category(group) == "resource/disk"
    assert category(BaseExceptionGroup("tasks", [KeyboardInterrupt()])) == "interrupted/user"


def test_the_rule_is_told():
    """What told the category stands beside it."""
    assert describe(OSError(28, "full"))["category_rule"] == "errno ENOSPC"
    told = describe(sqlite3.OperationalError("database is locked"))["category_rule"]
    assert told == "type sqlite3.OperationalError, message has 'database is locked'"
    assert describe(strange())["category_rule"] == "no rule speaks"


def test_a_verdict_holds_for_all_numbers():
    """Errors that differ in a number have one verdict, and its words name none of them."""
    told = {describe(ValueError(f"negative in {number} rows"))["category_rule"] for number in (17, 42)}
    assert told == {"type ValueError, message has 'in # rows'"}


@pytest.mark.parametrize(("message", "same"), [(r"row \d+ is", True), ("(?i)code 42", False), ("a.{0,60}b", True)])
def test_errors_of_other_numbers_are_alike_unless_a_rule_asks_for_one(message: str, same: bool):
    """Only a rule that names a number keeps messages apart that differ in their digits; none of the package's does."""
    rules = Classifier([rule("config", message=message)])
    assert (rules.shape("employee 17 has no plan") == rules.shape("employee 23 has no plan")) == same


def test_rules_of_the_users_own_come_first(recorder, rules):
    """The setting names a class, or a message by a regular expression; a word of one's own may stand below a level."""
    recorder.configure(categories={"HeadcountError": "model/headcount", "message: quota .* used up": "resource/disk"})
    assert category(HeadcountError("x")) == "model/headcount"
    assert category(RuntimeError("quota of team A used up")) == "resource/disk"
    assert kind("model/headcount") == kind("model")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"E": "modle"}, "did you mean 'model'"), ({"message:(": "model"}, "no regular expression")],
)
def test_a_wrong_rule_is_refused(recorder, rules, wrong, words):
    """One line names the rule and what would be valid, and what held before still holds."""
    with pytest.raises(ConfigError, match=words) as caught:
        recorder.configure(categories=wrong)
    assert "\n" not in str(caught.value)
    assert assembly.configure(level="DEBUG") == assembly.current_config()
    assert assembly.current_config().categories == {}


def test_every_rule_has_a_known_category_and_a_condition():
    """No rule leads to a category that is not described, and none holds for everything."""
    for found in (*CAUSES, *MISTAKES):
        assert found.category in CATEGORIES
        assert found.types or found.errnos or found.exits or found.origins or found.message or found.named, found


def test_every_category_says_who_can_fix_it():
    """The words are few, so that a reader can filter by them."""
    assert {found.fixed_by for found in CATEGORIES.values()} == {
        "operator", "developer", "data owner", "provider", "nobody",
    }  # fmt: skip
    assert {found.retry for found in CATEGORIES.values()} == {"yes", "no", "maybe"}


def test_the_same_words_from_elsewhere_may_be_another_failure():
    """A missing key of the environment is a setting, the same key of a dict a mistake, in whatever order they come."""
    for _ in range(2):
        assert category(raised(lambda: os.environ["NO_SUCH_SETTING"])) == "config"
        assert category(raised(lambda: {}["NO_SUCH_SETTING"])) == "code"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("no rates: <urlopen error [Errno 111] Connection refused>", "external/network"),
        ("Database Error in model fct_workforce (models/fct_workforce.sql)", "database/sql"),
        ('Binder Error: Referenced column "salry" not found in FROM clause!', "database/sql"),
        ("gave up: ValueError: could not convert string to float: 'n/a'", "data/format"),
        ("/srv/out/report.csv: Permission denied", "environment/permission"),
        ("No space left on device", "resource/disk"),
        ("giving up", "unknown"),
    ],
)
def test_words_alone_may_tell_it(words: str, expected: str):
    """What was caught and logged without the exception."""
    assert categories.classify_words(words).category == expected


def test_types_are_remembered_within_bounds(monkeypatch):
    """A program that makes classes and messages without end does not fill the memory."""
    monkeypatch.setattr(categories, "MAX_TYPES", 10)
    monkeypatch.setattr(categories, "MAX_VERDICTS", 10)
    classifier = Classifier([rule("model", types="Made")])
    for number in range(50):
        assert classifier.classify([type("Made", (Exception,), {})("x" * number)]).category == "model"
    assert max(len(classifier._candidates), len(classifier._verdicts)) <= 10
