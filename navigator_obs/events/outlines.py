"""An exception rendered, with room for its messages: the same error comes back a thousand times, with other data in it.

What is asked of each one is its way through the code, its types and its category, which depends on the message. All
else is described, cleaned and rendered once.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ..encoding import text, to_json
from .exceptions import chain_of, describe, judged
from .processors import Redact
from .tracebacks import Stack, stack_of

MAX_OUTLINES: Final = 256
_MOST_LINKS: Final = 8
# Stands for a message: long enough for a secret, wherever one could stand, and not to be found in code.
_SLOT: Final = "xxxx{}navigatorxobsxmessagexxxx"
_SLOTS: Final = re.compile(rb"xxxx(\d+)navigatorxobsxmessagexxxx")


class _Outline:
    """The bytes between the messages, and which message stands where; no pieces where it takes more than that."""

    def __init__(self, stacks: list[Stack], rendered: bytes) -> None:
        # Kept, so that no other stack can come to have the address of one.
        self.stacks = stacks
        self.pieces = tuple(int(piece) if piece.isdigit() else piece for piece in _SLOTS.split(rendered))


class Outlines:
    """Renders exceptions for one configuration."""

    def __init__(self, redact: Redact, is_harmless: Callable[[str], bool]) -> None:
        self._redact = redact
        self._is_harmless = is_harmless
        self._outlines: dict[tuple[object, ...], _Outline] = {}

    def render(self, error: BaseException) -> bytes | None:
        """Return what `to_json` makes of the cleaned description; None for an error that is out of the ordinary."""
        links = list(chain_of(error))
        if len(links) > _MOST_LINKS or any(map(_is_unusual, links)):
            return None
        messages = [text(link) for link, _ in links]
        if not all(message and self._is_harmless(message) for message in messages):
            return None
        key: list[object] = [judged(error)]
        for link, how in links:
            key += (type(link), id(stack_of(link.__traceback__)), how)
        outline = self._outlines.get(tuple(key)) or self._new_outline(tuple(key), error, links)
        said = [to_json(message)[1:-1] for message in messages]
        pieces = [said[piece] if type(piece) is int else piece for piece in outline.pieces]
        return b"".join(pieces) or None  # type: ignore[arg-type]

    def _new_outline(
        self, key: tuple[object, ...], error: BaseException, links: list[tuple[BaseException, str]]
    ) -> _Outline:
        slots = {id(link): _SLOT.format(number) for number, (link, _) in enumerate(links)}
        described = describe(error, lambda link: slots.get(id(link)) or text(link))
        cleaned = self._redact.clean_exception(described)
        if len(self._outlines) >= MAX_OUTLINES:
            self._outlines.clear()
        rendered = to_json(cleaned) if cleaned == described else b""
        outline = self._outlines[key] = _Outline([stack_of(link.__traceback__) for link, _ in links], rendered)
        return outline


def _is_unusual(link: tuple[BaseException, str]) -> bool:
    return isinstance(link[0], BaseExceptionGroup) or hasattr(link[0], "__notes__")
