"""What the fast path remembers: key/values that many events share, and the places in the code that log."""

from __future__ import annotations

import os
import threading
from types import CodeType
from typing import Any, Final

from ..encoding import to_json
from .processors import thread_name
from .scope import RunTag

CACHE_LIMIT: Final = 4096


class Fragment:
    """Some key/values rendered, with a comma before each, by the one fast path that judged them ordinary."""

    __slots__ = ("names", "owner", "rendered")

    def __init__(self, rendered: bytes, names: frozenset[str], owner: object) -> None:
        self.rendered = rendered
        self.names = names
        self.owner = owner


class Site:
    """One place in the code that logs, with all that was the same when it last did: what need not be rendered again."""

    __slots__ = ("among", "bound", "code", "head", "level", "message", "name", "names", "run", "tail")

    code: CodeType | None
    name: str
    level: int
    message: str
    names: tuple[str, ...]
    bound: Fragment
    among: frozenset[str]
    """The names of a context beside which the site's own stand for themselves: one set for equal names."""
    run: RunTag
    head: bytes
    """From the level to the key of `seq`."""
    tail: bytes
    """What stands between the context and the event's own fields."""


class Thread(threading.local):
    """One thread's places, and process and thread, rendered at the thread's first event."""

    def __init__(self) -> None:
        # Each thread has its own: sites have its name in them.
        self.sites: dict[object, Site] = {}
        self.rendered = f',"process":{os.getpid()},"thread":{to_json(thread_name()).decode()},"seq":'


def remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    """Keep *value*; a cache that has reached its limit is emptied before."""
    if len(cache) >= CACHE_LIMIT:
        cache.clear()
    cache[key] = value
