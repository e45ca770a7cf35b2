"""One ranked statement of an analysis, with the facts under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

WORSE: Final = "worse"
BETTER: Final = "better"
CHANGED: Final = "changed"


@dataclass(frozen=True)
class Finding:
    """One statement. *kind* is what it is about (``operation``, ``memory``, ``package`` …), *subject* which one of
    them; *verdict* is ``worse``, ``better`` or ``changed``. The higher *rank*, the more it matters. *evidence* has the
    facts, *before* and *after* among them where there are two.

    >>> Finding("rows", "run", "rows 100 → 0", "changed", 1.0, {"before": 100, "after": 0}).is_worse
    False
    """

    kind: str
    subject: str
    statement: str
    verdict: str
    rank: float
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_worse(self) -> bool:
        """Whether it is bad news."""
        return self.verdict == WORSE

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "kind": self.kind,
            "subject": self.subject,
            "statement": self.statement,
            "verdict": self.verdict,
            "rank": round(self.rank, 6),
            "evidence": dict(self.evidence),
        }


def ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return them in order: what matters most first, then by kind and subject, so that the order is always the same."""
    return tuple(sorted(findings, key=lambda found: (-found.rank, found.kind, found.subject)))
