"""A warning or an error on its way: its line, which is looked into only where somebody wants to know more."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, Final

from ..encoding import from_json

_TIME: Final = slice(len('{"timestamp":"'), len('{"timestamp":"2025-08-18T14:30:22.123456Z'))


class EventLine(Mapping[str, Any]):
    """An event that was rendered already, as the mapping that its line holds; parsed when it is first asked.

    Nearly all who hear of a warning or an error only count it, and that takes no more than what stands beside the line.
    """

    __slots__ = ("_event", "group", "line", "retold", "run_id", "words")

    def __init__(self, line: bytes, run_id: str | None, group: Hashable, words: str, *, retold: bool = False) -> None:
        self.line = line
        self.run_id = run_id
        self.group = group
        """The same for events that are one issue; events of one issue may have different ones. None: not known."""
        self.words = words
        """The exception's message; the event's where there is none."""
        self.retold = retold
        """Whether its exception was told before in this run."""
        self._event: dict[str, Any] | None = None

    @property
    def event(self) -> dict[str, Any]:
        """The event itself."""
        event = self._event
        if event is None:
            event = self._event = from_json(self.line)
        return event

    @property
    def time(self) -> str:
        """When it was logged."""
        return self.line[_TIME].decode()

    def __getitem__(self, key: str) -> Any:
        return self.event[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.event)

    def __len__(self) -> int:
        return len(self.event)
