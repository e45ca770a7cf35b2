"""The fast path gives the bytes of the chain, or declines."""

from __future__ import annotations

import itertools
import json
import math
import threading

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from navigator_obs import config, testing
from navigator_obs.events import categories, emitting, fastpath, outlines, scope, setup, sinks
from navigator_obs.events.chain import chain
from navigator_obs.events.emitting import emit
from navigator_obs.events.logger import get_logger
from navigator_obs.events.sinks import outlet
from navigator_obs.fields import RESERVED
from navigator_obs.redaction import may_hold_secret


class Lines:
    """Stands where the log file does, and keeps its lines."""

    def __init__(self):
        self.lines = []

    def write(self, line, urgent=False):
        self.lines.append(line)

    def flush(self):
        pass

    def close(self):
        pass


@pytest.fixture
def both_ways(tmp_path):
    """Log the same thing by the fast path and by the chain alone; return both lines, and whether the fast path was
    taken.
    """
    setup.install(config.Config(log_dir=tmp_path, console="off", stdlib=False, capture_warnings=False, level="DEBUG"))
    outlet.file.close()
    outlet.file = Lines()
    fast = chain.fast

    def log_once(log, context, path, run_id, call):
        tag = scope.RunTag(run_id)
        tag.sequence = itertools.count(7)
        operation = None if path is None else scope._PathOnly(path)
        token = scope.set_scope(scope.Scope(context, operation, tag))
        try:
            call(log)
        finally:
            scope.leave(token)
        (line,) = outlet.file.lines
        outlet.file.lines.clear()
        return line

    def run(name, bound, context, path, run_id, call):
        with testing.fake_clock():
            taken = []
            original = type(fast).render
            type(fast).render = lambda *args: taken.append(original(*args)) or taken[-1]
            try:
                quick = log_once(get_logger(name, **bound), context, path, run_id, call)
            finally:
                type(fast).render = original
            chain.fast = None
            try:
                slow = log_once(get_logger(name, **bound), context, path, run_id, call)
            finally:
                chain.fast = fast
        return quick, slow, bool(taken and taken[-1])

    yield run
    outlet.file = None


KEYS = (
    st.text(st.characters(), max_size=8)
    | st.sampled_from([*sorted(RESERVED), "event", "exc_info", "self", "operation_path", "operation", "status"])
    | st.sampled_from(["password", "token_count", "year", "\0caller", "nonfinite", "cut_bytes", "field_level", "args"])
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=30)
    | st.sampled_from(["postgres://u:hunter2@db", "password=hunter2", "x" * 600, "ü" * 600, '"\\\n\x1b[31m', "{} %s %"])
)
VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(KEYS, SCALARS, max_size=2) | st.binary(max_size=3)
FIELDS = st.dictionaries(KEYS, SCALARS, max_size=4) | st.dictionaries(KEYS, VALUES, max_size=3)
NAMES = st.none() | st.text(max_size=10) | st.sampled_from(["planwise", "planwise.hiring"])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=NAMES,
    message=st.text(st.characters(), max_size=30) | VALUES,
    fields=FIELDS,
    bound=FIELDS,
    context=FIELDS,
    path=st.none() | st.text(max_size=10) | st.just("simulate/year_simulation"),
    run_id=st.none() | st.just("20250818_143022-1a2b3c4d"),
    level=st.sampled_from(["debug", "info", "warning", "error", "critical"]),
)
@example("a", "m", {"year": 1}, {"year": 2}, {"year": 3}, None, None, "info")
@example("a", "m", {}, {"year": 2}, {"year": 3}, None, None, "info")
@example("a", "m", {"event": 1}, {"event": 2}, {"event": 3}, "p", None, "info")
@example("a", "m", {"level": 1, "field_level": 2}, {}, {}, "p", None, "info")
def test_both_ways_give_the_same_bytes(both_ways, name, message, fields, bound, context, path, run_id, level):
    """Over any message, keys, values, context and bound values, the line is the same whichever way it was made, and
    parses.
    """

    def call(log):
        getattr(log, level)(message, **fields)

    quick, slow, _ = both_ways(name, bound, context, path, run_id, call)
    assert quick == slow
    event = json.loads(quick)
    assert event["run_id"] == run_id
    assert event["level"] == level.upper()
    assert event["seq"] == 7
    assert event["module"] == __name__
    assert event["function"].endswith("call")


MESSAGES = st.text(st.characters(), max_size=20) | st.sampled_from(
    [
        "no band for employee 7",
        "password=hunter2",
        "hunter2",
        "postgres://u:hunter2@db",
        "out of memory",
        "x",
        "7",
        ": x",
    ]
)


class InvalidToken(Exception):
    """A type whose name makes a secret of its message."""


class Silent(Exception):
    """One that has no text."""

    def __str__(self):
        raise ValueError


TYPES = st.sampled_from([ValueError, KeyError, InvalidToken, Silent, OSError])
ERRORS = st.lists(st.tuples(TYPES, MESSAGES, st.sampled_from(["cause", "context"])), min_size=1, max_size=3)


def _raise(links, note):
    kind, message, how = links[0]
    if len(links) == 1:
        raise kind(message)
    try:
        _raise(links[1:], None)
    except Exception as inner:
        error = kind(message)
        if note is not None:
            error.add_note(note)
        if how == "cause":
            raise error from inner
        raise error  # noqa: B904 - the other kind of link


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links=ERRORS, note=st.none() | MESSAGES, grouped=st.booleans(), fields=FIELDS)
@example([(InvalidToken, "hunter2hunter2", "cause")], None, False, {})
@example([(ValueError, "password", "cause"), (KeyError, "a", "context")], ": hunter2hunter2", False, {})
def test_both_ways_give_the_same_bytes_for_errors(both_ways, links, note, grouped, fields):
    """Whatever was raised, with whatever causes, notes and messages, is told the same way; also when it comes back."""

    def call(log):
        try:
            _raise(links, note)
        except Exception as error:
            told = ExceptionGroup("several", [error]) if grouped else error
            log.error("failed", **{**fields, "exc_info": told})

    for _ in range(2):
        quick, slow, _taken = both_ways("sim", {}, {"year": 2025}, "a", "r", call)
        assert quick == slow
        exception = json.loads(quick)["exception"]
        assert len(exception["causes"]) == len(links) - (not grouped)


class Odd(Exception):
    """One that tells more than its message, where it is given that."""

    errno = None


class Full(OSError):
    """One with an errno, by which rules go."""

    def __init__(self, message):
        super().__init__(28 if len(message) % 2 else 13, message)


NUMBERED = st.sampled_from(
    [
        "no band for employee {}",
        "{}",
        'quoted "{}" \u00fc',
        "at 0x{}f",
        "OSError: [Errno {}] it failed",
        "for {} rows",
        "password={}00",
        "AKIA{}",
        "status {}",
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    links=st.lists(st.tuples(TYPES | st.sampled_from([Odd, Full]), NUMBERED, st.just("cause")), min_size=1, max_size=2),
    numbers=st.lists(st.sampled_from([0, 5, 7, 13, 28, 503, 10**9, 10**15]), min_size=2, max_size=6),
    errno=st.sampled_from([None, 13, 28]),
)
def test_errors_that_differ_in_their_numbers_are_told_each_as_it_is(both_ways, links, numbers, errno):
    """What is remembered of an error never makes another one of it, whatever numbers it comes back with."""
    categories.install({"message: status 503": "external/service", "message: status": "config"})

    def call(log):
        try:
            _raise([(kind, words.format(number), how) for kind, words, how in links], None)
        except Exception as error:
            if errno is not None:
                error.errno = errno
            log.error("failed", exc_info=error)

    for number in numbers:
        quick, slow, _taken = both_ways("sim", {}, {"year": 2025}, "a", "r", call)
        assert quick == slow
        assert f"password={number}00" not in quick.decode()


def test_a_rule_that_asks_for_a_number_tells_numbers_apart(both_ways):
    """The category of an error goes by its own message, also where others differ from it in one digit."""

    def call(log):
        try:
            raise RuntimeError(message)
        except RuntimeError:
            log.exception("failed")

    told = {}
    for _ in range(2):
        for message in ("status 404", "status 503", "status 405"):
            categories.install({"message: status 50": "external/service", "message: status": "config"})
            quick, slow, _ = both_ways("sim", {}, {}, None, "r", call)
            assert quick == slow
            told[message] = json.loads(quick)["exception"]["category"]
    assert told == {"status 404": "config", "status 503": "external/service", "status 405": "config"}


def test_ordinary_errors_take_the_fast_path(both_ways):
    """An error with its causes, and a warning, are rendered the short way, inside a context and a run."""

    def call(log):
        try:
            _raise([(ValueError, "no band for employee 7", "cause"), (KeyError, "band", "context")], None)
        except ValueError:
            log.exception("failed", employee=7)

    for _ in range(2):
        quick, slow, taken = both_ways("sim", {"scenario": "base"}, {"region": 2}, "a", "r", call)
        assert taken
        assert quick == slow
    assert both_ways("sim", {}, {}, None, "r", lambda log: log.warning("odd", rows=3))[2]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=VALUES, fields=FIELDS, level=st.sampled_from([10, 20, 30, 40, 50]))
def test_both_ways_give_the_same_bytes_for_upper_stages(both_ways, message, fields, level):
    """The way in which operations and runs log is the same by either path."""
    emitting._emitters.clear()

    def call(_):
        emit("navigator_obs.run", level, message, fields, caller=("sim", "main", 3))

    quick, slow, _ = both_ways(None, {}, {"year": 2025}, "a/b", "r", call)
    assert quick == slow
    event = json.loads(quick)
    assert (event["module"], event["function"], event["line"]) == ("sim", "main", 3)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"year": 2025, "rate": 0.03, "ok": True, "note": None, "path": "census.parquet"},
        {"note": "ü" * 100, "token_count": 3, "session_count": 4},
        {"long": "x" * 5_000},
        {"operation": "mine", "status": "ok"},
    ],
)
def test_ordinary_events_take_the_fast_path(both_ways, fields):
    """What programs mostly log is taken by the fast path, inside a context, an operation and a run."""
    for _ in range(2):
        quick, slow, taken = both_ways(
            "sim", {"scenario": "base"}, {"region": 2}, "a", "r", lambda log: log.info("m", **fields)
        )
        assert taken
        assert quick == slow


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"note": "password=hunter2"},
        {"rate": math.nan},
        {"rate": math.inf},
        {"big": 2**70},
        {"nested": {}},
        {"list": []},
        {"text": "\ud800"},
        {"\ud800": 1},
        {"level": "mine"},
        {"exc_info": True},
        {"event": 1},
        {"region": 5},
        {"scenario": "other"},
        {"operation_path": "mine"},
        {"huge": "x" * 300_000},
        {"lazy": lambda: 5},
    ],
)
def test_extraordinary_events_take_the_chain(both_ways, fields):
    """What needs care is declined, without using up a number."""
    quick, slow, taken = both_ways(
        "sim", {"scenario": "base"}, {"region": 2}, "a", "r", lambda log: log.info("m", **fields)
    )
    assert not taken
    assert quick == slow
    assert b"hunter2" not in quick


def test_a_thread_is_named_at_its_first_event(both_ways):
    """Each thread's lines carry its own name, by either way."""
    lines = []

    def work():
        lines.append(both_ways("sim", {}, {}, None, None, lambda log: log.info("m")))

    for name in ("worker-1", 'worker "2"'):
        thread = threading.Thread(target=work, name=name)
        thread.start()
        thread.join()
        quick, slow, taken = lines.pop()
        assert taken
        assert quick == slow
        assert json.loads(quick)["thread"] == name


@given(st.text("abcxyzeyJKIAsk0189", max_size=fastpath._SHORT_TEXT - 1))
def test_a_short_word_is_no_secret(word):
    """What the fast path does not look at closely would not have been found to be a secret."""
    assert not may_hold_secret(word)


def test_the_second_changes_with_the_clock(tmp_path):
    """The kept text of a second is renewed when time goes on, and when it goes back."""
    setup.install(config.Config(log_dir=tmp_path, console="off", stdlib=False))
    log = get_logger("sim")
    with testing.fake_clock("2025-12-31T23:59:59.999999Z") as clock:
        for step in (0, 0.000001, 1, -2, 86_400, 0.5):
            clock.advance(step)
            log.info("tick")
    sinks.flush()
    lines = (tmp_path / "navigator.log").read_bytes().splitlines()
    assert [json.loads(line)["timestamp"] for line in lines] == [
        "2025-12-31T23:59:59.999999Z",
        "2026-01-01T00:00:00.000000Z",
        "2026-01-01T00:00:01.000000Z",
        "2025-12-31T23:59:59.000000Z",
        "2026-01-01T23:59:59.000000Z",
        "2026-01-01T23:59:59.500000Z",
    ]


def test_caches_stay_bounded(tmp_path):
    """A program whose texts are all different keeps no more of them than the limit."""
    setup.install(config.Config(log_dir=tmp_path, console="off", stdlib=False))
    log = get_logger("sim")
    for number in range(10_000):
        log.info("message %d", number, text=f"value {number}")
    fast = chain.fast
    assert len(fast._thread.sites) <= 4096
    assert len(fast._harmless) <= 4096
    for number in range(2 * outlines.MAX_SHAPES):
        try:
            raise type("Made", (ValueError,), {})("x" * (number % 300))
        except ValueError:
            log.exception("failed")
    known = fast._outlines
    assert len(known._outlines) <= outlines.MAX_OUTLINES
    assert max(len(known._shapes), len(known._beside)) <= outlines.MAX_SHAPES


def test_a_new_configuration_judges_what_an_old_one_had_rendered(tmp_path):
    """Keys that become secret are redacted at once, also where a context or logger had been rendered before."""
    setup.install(config.Config(log_dir=tmp_path, console="off", stdlib=False))
    log = get_logger("sim", pin_code="bound-secret")
    with scope.context(badge="context-secret"):
        log.info("before")
        setup.install(config.Config(log_dir=tmp_path, console="off", stdlib=False, redact_keys=("badge", "pin_code")))
        log.info("after")
        get_logger("sim", pin_code="bound-secret").info("after")
    sinks.flush()
    after = [line for line in (tmp_path / "navigator.log").read_text().splitlines() if '"after"' in line]
    assert len(after) == 2
    assert not [line for line in after if "-secret" in line]
