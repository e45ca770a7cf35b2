"""Moments as people write them."""

from __future__ import annotations

import pytest

from navigator_obs.clock import clock, parse_timestamp
from navigator_obs.errors import UsageError
from navigator_obs.history.since import moment


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("90m", 5400), ("1.5h", 5400), ("3d", 259200), ("2w", 1209600)]
)
def test_an_age_is_so_long_ago(text: str, seconds: int):
    """A number with a unit counts back from now."""
    assert abs(clock.time_ns() / 1e9 - parse_timestamp(moment(text)) / 1e9 - seconds) < 60


def test_days_and_times_are_the_readers(monkeypatch):
    """A date is midnight by the reader's clock; an offset is honoured."""
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert moment("2025-08-18") == "2025-08-18T04:00:00.000000Z"
        assert moment("2025-08-18T14:30") == "2025-08-18T18:30:00.000000Z"
        assert moment("2025-08-18T14:30+02:00") == "2025-08-18T12:30:00.000000Z"
        assert moment("yesterday") < moment("today") < moment("0s")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["", "soon", "3 years", "-2d", "2025-13-01", "9999999w"])
def test_anything_else_is_named(text: str):
    """The error names the text and what would be valid."""
    with pytest.raises(UsageError, match="90m, 12h, 3d"):
        moment(text)
