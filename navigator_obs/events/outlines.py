"""An exception rendered, with room for its messages: the same error comes back a thousand times, with other data in it.

What is asked of each one is its way through the code, its types and its category, which depends on the message. All
else is described, cleaned and rendered once. Where only digits of the message differ from one that was seen, which is
so for most errors that come by the thousand, the category is not asked for either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from ..encoding import text, to_json
from ..redaction import may_hold_secret
from . import categories
from .exceptions import chain_of, describe, judged
from .processors import Redact
from .programs import may_quote, printed
from .remote import is_remote_type
from .symptoms import TOLD_BESIDE, asked_beside
from .tracebacks import Stack, stack_of

MAX_OUTLINES: Final = 256
MAX_SHAPES: Final = 1024
_MOST_LINKS: Final = 8
_LONG_TEXT: Final = 512
# Stands for a message: long enough for a secret, wherever one could stand, and not to be found in code.
_SLOT: Final = "xxxx{}navigatorxobsxmessagexxxx"
_SLOTS: Final = re.compile(rb"xxxx(\d+)navigatorxobsxmessagexxxx")

_Links = Sequence[tuple[BaseException, str]]


class Outline:
    """The bytes around the messages, and which message stands where; no bytes where it takes more than that."""

    __slots__ = ("_parts", "_slots", "stacks")

    def __init__(self, stacks: list[Stack], rendered: bytes) -> None:
        # Kept, so that no other stack can come to have the address of one.
        self.stacks = stacks
        pieces = _SLOTS.split(rendered)
        self._parts, self._slots = pieces[::2], [int(slot) for slot in pieces[1::2]]

    def filled(self, said: list[bytes]) -> bytes:
        """Return the rendered exception with these messages, as they stand within quotes; empty where it has none."""
        if len(said) == 1:
            return said[0].join(self._parts)
        pieces = [self._parts[0]]
        for slot, part in zip(self._slots, self._parts[1:], strict=True):
            pieces += (said[slot], part)
        return b"".join(pieces)


class Told(NamedTuple):
    """An exception as bytes, what it has in common with others like it where that is known, and its message."""

    rendered: bytes
    outline: Outline | None
    message: str


class _Shape(NamedTuple):
    """What is known of errors of which only the digits of their messages differ."""

    outline: Outline
    is_quoted: bool
    """Whether something in a message must be escaped in JSON."""


class Outlines:
    """Renders exceptions for one configuration."""

    def __init__(self, redact: Redact, is_harmless: Callable[[str], bool]) -> None:
        self._redact = redact
        self._is_harmless = is_harmless
        self._outlines: dict[tuple[object, ...], Outline] = {}
        self._shapes: dict[tuple[object, ...], _Shape] = {}
        self._beside: dict[type[BaseException], tuple[str, ...] | None] = {}
        self._rules = categories.present()

    def render(self, error: BaseException) -> Told | None:
        """Return what `to_json` makes of the cleaned description; None for an error that is out of the ordinary."""
        if error.__cause__ is None and (error.__context__ is None or error.__suppress_context__):
            links = [(error, "")]
        else:
            links = list(chain_of(error))
        messages = [text(link) for link, _ in links]
        key = self._key_of(links, messages)
        shape = self._shapes.get(key) if key else None
        if shape is None or any(map(may_hold_secret, messages)):
            return self._render_anew(error, links, messages, key)
        said = [to_json(message)[1:-1] for message in messages] if shape.is_quoted else [*map(str.encode, messages)]
        return Told(shape.outline.filled(said), shape.outline, messages[0])

    def _key_of(self, links: _Links, messages: list[str]) -> tuple[object, ...]:
        """What decides on all but the digits of the messages; nothing where more would have to be asked."""
        rules = categories.present()
        if rules is not self._rules:
            self._shapes, self._rules = {}, rules
        key: list[object] = []
        for (link, how), message in zip(links, messages, strict=True):
            kind = type(link)
            if kind not in self._beside:
                categories.bounded(self._beside, MAX_SHAPES)[kind] = (
                    None if is_remote_type(kind) else asked_beside(kind)
                )
            beside = self._beside.get(kind)
            if beside is None or len(message) > _LONG_TEXT or may_quote(message):
                return ()
            if not TOLD_BESIDE.isdisjoint(link.__dict__):
                return ()
            key += (kind, id(stack_of(link.__traceback__)), how, rules.shape(message))
            for name in beside:
                told = getattr(link, name)
                if type(told) is not int and told is not None:
                    return ()
                key.append(told)
        return tuple(key)

    def _render_anew(
        self, error: BaseException, links: _Links, messages: list[str], shape: tuple[object, ...]
    ) -> Told | None:
        if len(links) > _MOST_LINKS or any(map(_is_unusual, links)):
            return None
        if not all(map(self._is_harmless, messages)) or any(map(may_quote, messages)):
            return None
        key: list[object] = [judged(error)]
        for (link, how), message in zip(links, messages, strict=True):
            # Without a message the text is another one.
            key += (type(link), id(stack_of(link.__traceback__)), how, bool(message))
        outline = self._outlines.get(tuple(key)) or self._new_outline(tuple(key), error, links, messages)
        said = [to_json(message)[1:-1] for message in messages]
        rendered = outline.filled(said)
        if not rendered:
            return None
        if shape and not any(map(may_hold_secret, messages)):
            is_quoted = said != [message.encode() for message in messages]
            categories.bounded(self._shapes, MAX_SHAPES)[shape] = _Shape(outline, is_quoted)
        return Told(rendered, outline, messages[0])

    def _new_outline(
        self, key: tuple[object, ...], error: BaseException, links: _Links, messages: list[str]
    ) -> Outline:
        slots = {id(link): _SLOT.format(number) for number, (link, _) in enumerate(links) if messages[number]}
        described = describe(error, lambda link: slots.get(id(link)) or text(link))
        cleaned = self._redact.clean_exception(described)
        rendered = to_json(cleaned) if cleaned == described else b""
        outline = Outline([stack_of(link.__traceback__) for link, _ in links], rendered)
        categories.bounded(self._outlines, MAX_OUTLINES)[key] = outline
        return outline


def _is_unusual(link: tuple[BaseException, str]) -> bool:
    error = link[0]
    if isinstance(error, BaseExceptionGroup) or is_remote_type(type(error)):
        return True
    return hasattr(error, "__notes__") or bool(printed(error))
