"""Timestamps, ids, and a clock that can be replaced."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs import testing
from navigator_obs.clock import clock, format_timestamp, new_run_id, parse_timestamp

UNTIL_9999 = 253_402_300_799 * 10**9


@given(st.integers(0, UNTIL_9999))
def test_timestamps_round_trip_to_the_microsecond(time_ns):
    """A timestamp parses back to the time it was made from, less what is below a microsecond."""
    text = format_timestamp(time_ns)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text)
    assert parse_timestamp(text) == time_ns // 1000 * 1000


@given(st.integers(0, UNTIL_9999 // 10**3))
def test_timestamps_are_those_of_datetime(micros):
    """The quick way gives what `datetime` gives."""
    expected = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
    text = format_timestamp(micros * 1000)
    assert datetime.fromisoformat(text).replace(tzinfo=None) - expected == (
        datetime.fromisoformat(text).replace(tzinfo=None) - datetime(1970, 1, 1)
    )


def test_other_offsets_are_honoured():
    """A timestamp of another zone is the same moment; one without a zone is taken as UTC."""
    assert parse_timestamp("2025-01-01T02:00:00+02:00") == parse_timestamp("2025-01-01T00:00:00Z")
    assert parse_timestamp("2025-01-01T00:00:00") == parse_timestamp("2025-01-01T00:00:00Z")


@pytest.mark.parametrize("text", ["", "yesterday", "2025-13-01T00:00:00Z"])
def test_no_timestamp_is_a_value_error(text):
    """What is no timestamp raises ValueError."""
    with pytest.raises(ValueError):  # noqa: PT011
        parse_timestamp(text)


def test_run_ids_say_when():
    """A run id is the UTC start time and eight hexadecimal digits; two of one second differ."""
    with testing.fake_clock("2025-08-18T14:30:22Z"):
        assert [new_run_id() for _ in range(2)] == ["20250818_143022-00000001", "20250818_143022-00000002"]
    assert re.fullmatch(r"\d{8}_\d{6}-[0-9a-f]{8}", new_run_id())


def test_a_replaced_clock_comes_back():
    """`use` returns the clock that it replaces."""
    fake = testing.FakeClock()
    before = clock.use(fake)
    assert clock.use(before) is fake
    assert clock.source is before
