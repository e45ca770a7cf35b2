"""The words for how a run stands, and for how sure that is; the glossary says what each means."""

from __future__ import annotations

from typing import Final

FINAL_STATUSES: Final = ("success", "failed", "partial", "interrupted", "terminated")
"""What a run can end with by itself."""
STATUSES: Final = ("running", "stalled", *FINAL_STATUSES, "crashed", "lost_contact")
LIVING: Final = frozenset({"running", "stalled"})
OPEN: Final = LIVING | {"lost_contact"}
"""Of a run in one of these, nobody knows that it has ended."""
CERTAIN: Final = "certain"
LIKELY: Final = "likely"
POSSIBLE: Final = "possible"
