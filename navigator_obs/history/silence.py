"""Whether a run that lives is still heard of: its process records a tick each second, whatever the program does."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ..runs.clues import age_seconds, examine

LEAST_SECONDS: Final = 8.0


def silence(directory: Path) -> str | None:
    """Return in words that the living run in *directory* has not been heard of for some time; None where it has."""
    silent = age_seconds(examine(directory).last_time)
    if silent is None or silent < LEAST_SECONDS:
        return None
    why = "its process is stopped, or C code keeps Python from running"
    return f"no word for {silent:.0f} s, not even a tick: {why}"
