"""One thing that went wrong in a run, as a diagnosis tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..events import categories


@dataclass(frozen=True)
class Cause:
    """One thing that went wrong.

    *category* with who can fix it (*fixed_by*) and whether the same again may succeed (*retry*); *confidence* is
    "certain", "likely" or "possible", and *rule* what it rests on. *message* is the root cause's, *said* what the
    program made of it, *printed* what another program said that failed. *place* is the line of the application's own
    code, *thread* the one that ran it where that was not the main one. *also* says at which lines other threads stood.
    """

    category: str
    confidence: str
    rule: str
    message: str
    said: str = ""
    type: str = ""
    place: str = ""
    operation_path: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    time: str = ""
    count: int = 1
    fingerprint: str = ""
    thread: str = ""
    also: Sequence[str] = ()
    printed: str = ""

    @property
    def fixed_by(self) -> str:
        """Who can fix it."""
        return categories.kind(self.category).fixed_by

    @property
    def retry(self) -> str:
        """Whether the same again may succeed: "yes", "no" or "maybe"."""
        return categories.kind(self.category).retry

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**self.__dict__, "context": dict(self.context), "fixed_by": self.fixed_by, "retry": self.retry}
