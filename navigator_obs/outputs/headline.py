"""The verdict on a run in one line: how it ended, how long it took, and how good that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ..fields import format_seconds
from ..runs.reading import number, table
from . import failed_checks
from .cells import text

TONES: Final[Mapping[str, str]] = {
    "success": "good",
    "running": "live",
    "stalled": "warn",
    "partial": "warn",
    "interrupted": "warn",
    "terminated": "warn",
    "lost_contact": "warn",
}
MARKS: Final[Mapping[str, str]] = {"good": "✓", "live": "●", "warn": "■", "bad": "✗"}
_PREPOSITIONS: Final = {"success": "in", "running": "for"}


class Headline(NamedTuple):
    """The verdict. `tone` is good, live, warn or bad."""

    mark: str
    name: str
    status: str
    duration: str
    run_id: str
    tone: str


def headline(summary: Mapping[str, Any]) -> Headline:
    """Return the verdict of a summary."""
    run = table(summary, "run_metadata")
    status = text(run.get("status") or "unknown")
    tone = "warn" if status == "success" and failed_checks.failures(summary) else TONES.get(status, "bad")
    seconds = number(run.get("duration_seconds"))
    duration = "" if seconds is None else f"{_PREPOSITIONS.get(status, 'after')} {format_seconds(seconds)}"
    return Headline(MARKS[tone], text(run.get("name") or "?"), status, duration, text(run.get("run_id") or "?"), tone)
