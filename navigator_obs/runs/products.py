"""The part of the fold that knows what a run has left: its artifacts, its checkpoints, the digests of its data."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from .records import Record

MAX_ARTIFACTS: Final = 1000
MAX_CHECKPOINTS: Final = 10_000
MAX_DIGESTS: Final = 10_000
LATEST_CHECKPOINTS: Final = 100
_KEPT_OF_CHECKPOINT: Final = ("year", "path", "time")
_KEPT_OF_DIGEST: Final = ("name", "year", "operation_path", "digest", "rows", "time")


class Products:
    """Takes the records of what the run leaves. What there is no room for is counted in `overflow`."""

    def __init__(self) -> None:
        self.overflow = {"artifacts": 0, "checkpoints": 0, "digests": 0}
        self.years: set[int] = set()
        """The years that a checkpoint says are complete."""
        self._artifacts: list[dict[str, Any]] = []
        self._digests: list[dict[str, Any]] = []
        self._latest: deque[dict[str, Any]] = deque(maxlen=LATEST_CHECKPOINTS)

    def take_artifact(self, record: Record) -> None:
        """Take a file that was left."""
        if len(self._artifacts) < MAX_ARTIFACTS:
            self._artifacts.append(record["artifact"])
        else:
            self.overflow["artifacts"] += 1

    def take_digest(self, record: Record) -> None:
        """Take the digest of data at one point."""
        if len(self._digests) < MAX_DIGESTS:
            self._digests.append({key: record[key] for key in _KEPT_OF_DIGEST})
        else:
            self.overflow["digests"] += 1

    def take_checkpoint(self, record: Record) -> None:
        """Take that a year is complete."""
        if len(self.years) < MAX_CHECKPOINTS:
            self.years.add(record["year"])
        else:
            self.overflow["checkpoints"] += 1
        self._latest.append({key: record.get(key) for key in _KEPT_OF_CHECKPOINT})

    @property
    def has_backup(self) -> bool:
        """Whether one of the artifacts is a backup."""
        return any(artifact.get("kind") == "backup" for artifact in self._artifacts)

    def summary(self) -> dict[str, Any]:
        """Return the summary's `checkpoints`, `digests` and `artifacts`."""
        return {
            "checkpoints": list(self._latest),
            "digests": [dict(digest) for digest in self._digests],
            "artifacts": [dict(artifact) for artifact in self._artifacts],
        }
