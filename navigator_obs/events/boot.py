"""Which start of the computer this is: of what was written before another one, the writers are gone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def boot_id() -> str | None:
    """Return what tells this start of the computer from all others; None where nothing does."""
    try:
        # As bytes: to look up an encoding imports it, and a fork at that moment leaves its child waiting for ever for
        # the thread that did.
        return _BOOT_ID.read_bytes().decode("ascii").strip()
    except (OSError, ValueError):
        return None
