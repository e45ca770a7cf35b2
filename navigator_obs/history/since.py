"""Moments as people write them: `90m`, `3d`, `today`, `2025-08-18`, `2025-08-18T14:30`."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from ..clock import clock
from ..errors import UsageError

_AGO: Final = re.compile(r"(\d{1,6}(?:\.\d+)?)\s*(s|m|h|d|w)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str) -> str:
    """Return the timestamp (RFC 3339, UTC, microseconds) that *text* means.

    A number with `s`, `m`, `h`, `d` or `w` is so long ago; `today` and `yesterday` and a date are their midnight, by
    the clock of the reader, as is a time without an offset. Raises UsageError for anything else.

    >>> moment("2025-08-18T14:30:22.5Z")
    '2025-08-18T14:30:22.500000Z'
    """
    found = _moment(text.strip())
    if found is None:
        raise UsageError(
            f"since={text!r} must be an age (90m, 12h, 3d, 2w), today, yesterday, a date (2025-08-18) or a time "
            "(2025-08-18T14:30)"
        )
    return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(text: str) -> datetime | None:
    now = datetime.fromtimestamp(clock.time_ns() / 1e9, tz=UTC)
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return now - timedelta(seconds=float(ago[1]) * _SECONDS[ago[2]])
        if text in {"today", "yesterday"}:
            # By the day, not by 24 hours: where clocks change a day has another length.
            day = now.astimezone().date() - timedelta(days=text == "yesterday")
            return datetime(day.year, day.month, day.day).astimezone()
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        return None
