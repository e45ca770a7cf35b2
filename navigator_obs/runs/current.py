"""Which run hears what happens here: the run of the current scope, if this process is the one that records it."""

from __future__ import annotations

from typing import Any, Final, Protocol

from ..events import scope


class Recorder(Protocol):
    """The side of a run that its stage's other modules write to."""

    def record_check(self, check: dict[str, Any]) -> None:
        """Take the outcome of a data-quality check."""


_recorders: Final[dict[scope.RunTag, Recorder]] = {}


def install(tag: scope.RunTag, recorder: Recorder) -> None:
    """Have *recorder* hear what happens within the run of *tag*."""
    _recorders[tag] = recorder


def remove(tag: scope.RunTag) -> None:
    """Undo `install`; harmless when done twice."""
    _recorders.pop(tag, None)


def recorder() -> Recorder | None:
    """Return the recorder of the run that holds here, or None."""
    tag = scope.current().run
    return None if tag is None else _recorders.get(tag)
