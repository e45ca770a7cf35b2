"""The helpers for projects that test their own logging."""

from __future__ import annotations

import pytest

import navigator_obs as obs
from navigator_obs import testing
from navigator_obs.clock import clock
from navigator_obs.errors import UsageError

events = pytest.fixture(testing.events_fixture())


def test_captured_events_have_the_keys_of_a_line():
    """Events of any level are captured without any configuration, redacted and with their context."""
    with testing.captured_events() as captured, obs.context(year=2025):
        obs.get_logger("sim").debug("hired", password="hunter2")
    obs.get_logger("sim").info("later")
    (event,) = captured
    assert (event["level"], event["message"], event["year"], event["password"]) == (
        "DEBUG",
        "hired",
        2025,
        "[redacted]",
    )


def test_operations_and_checks_are_heard_without_any_configuration():
    """What instrumented code tells besides its own log calls can be tested as well, also of one that is used again."""
    hire = obs.operation("hire")(lambda count: obs.check("count", count, min=1))
    hire(3)
    with testing.captured_events() as captured:
        hire(2)
        hire(0)
    hire(1)
    testing.assert_logged(captured, "check count: 0 is below the minimum 1", operation_path="hire")
    assert [event["message"] for event in captured].count("hire completed") == 2


def test_capturing_leaves_the_sinks_alone(recorder):
    """Below the sinks' level only the captured list has the event; the file goes on as before."""
    with testing.captured_events() as captured:
        obs.get_logger("sim").debug("quiet")
        obs.get_logger("sim").info("loud")
    assert [event["message"] for event in captured] == ["quiet", "loud"]
    assert [event["message"] for event in recorder.events()] == ["loud"]


def test_the_fixture(events):
    """The fixture gives the events of the test."""
    obs.get_logger("sim").info("m", year=1)
    assert testing.assert_logged(events, "m", year=1)["logger"] == "sim"


def test_a_fixture_made_the_wrong_way_says_so():
    """`pytest.fixture(events_fixture)` gives each test a function, as forgetting the parentheses does."""
    with pytest.raises(UsageError, match=r"pytest\.fixture\(events_fixture\(\)\)"):
        testing.assert_logged(testing.events_fixture(), "hired")


def test_assert_logged_lists_what_was_logged(events):
    """A failing assertion shows the events that come near."""
    obs.get_logger("sim").info("hired", year=2025)
    with pytest.raises(AssertionError, match="2025"):
        testing.assert_logged(events, "hired", year=2026)
    with pytest.raises(AssertionError, match=r"\['hired'\]"):
        testing.assert_logged(events, "fired")


def test_the_fake_clock_stands_still():
    """Time passes only when told to, on every clock; ids count up; afterwards the real clock is back."""
    real = clock.source
    with testing.fake_clock() as fake:
        first = clock.time_ns()
        fake.advance(1.5)
        assert clock.time_ns() - first == 1_500_000_000
        assert clock.monotonic_ns() == clock.cpu_ns() == clock.thread_cpu_ns() == 1_500_000_000
        assert [clock.token_hex(4) for _ in range(2)] == ["00000001", "00000002"]
    assert clock.source is real
