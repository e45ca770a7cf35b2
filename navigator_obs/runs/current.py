"""Which run hears what happens here: the listener of the current scope's run in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..events import scope

if TYPE_CHECKING:
    from .listening import Listener

_listeners: Final[dict[scope.RunTag, Listener]] = {}


def install(tag: scope.RunTag, listener: Listener) -> None:
    """Have *listener* hear what happens within the run of *tag*."""
    _listeners[tag] = listener


def remove(tag: scope.RunTag) -> None:
    """Undo `install`; harmless when done twice."""
    _listeners.pop(tag, None)


def listener() -> Listener | None:
    """Return the listener of the run that holds here, or None."""
    return listener_of(scope.current().run)


def listener_of(tag: scope.RunTag | None) -> Listener | None:
    """Return the listener of a run, or None."""
    return None if tag is None else _listeners.get(tag)


def listeners() -> list[Listener]:
    """Return the listeners of this process."""
    return list(_listeners.values())
