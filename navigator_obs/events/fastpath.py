"""The chain's result by a shorter way, for ordinary events that only the log file wants.

What repeats from event to event is rendered once and kept as bytes: the run and the context per scope, the caller per
code object, the thread per thread, the message per text. An event that is in any way out of the ordinary (a nested
value, a secret-looking key, a NaN, an exception, a key that stands in the context too …) is declined, and takes the
chain. A property test holds the bytes of both equal.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from .. import clock
from ..encoding import to_json
from ..fields import RESERVED
from ..redaction import Redactor
from .processors import CALLER, LEVEL_NAMES
from .scope import NO_RUN, Scope, current

_DECLINED_KEYS: Final = RESERVED | {"event", "exc_info", "stack_info", CALLER}
_CACHE_LIMIT: Final = 4096
_LONG_TEXT: Final = 512
_INT64: Final = 2**63


class Fragment(NamedTuple):
    """Some key/values rendered, with a comma before each, and their names."""

    rendered: bytes
    names: frozenset[str]


_EMPTY: Final = Fragment(b"", frozenset())


class Caller(NamedTuple):
    """A place in the code: its module, and module and function rendered up to the line number."""

    module: str
    rendered: bytes
    code: CodeType | None


class _ThreadFragment(threading.local):
    """Process and thread as bytes; made anew where the thread was renamed or the process forked."""

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.name = ""
        self.rendered = ""


class FastPath:
    """Renders ordinary events for one configuration; `render` returns None for any other."""

    def __init__(self, redactor: Redactor, max_bytes: int) -> None:
        self._redactor = redactor
        self._max_bytes = max_bytes
        self._keys: dict[tuple[str, ...], bool] = {}
        self._messages: dict[str, bytes] = {}
        self._harmless: set[str] = set()
        self._callers: dict[int | tuple[str, str], Caller] = {}
        self._thread = _ThreadFragment()

    def render(
        self,
        name: str | None,
        bound: Fragment,
        level: int,
        message: str,
        fields: dict[str, Any],
        caller: Caller,
        line: int,
    ) -> bytes | None:
        """Return the event's line, or None for one that must take the chain. Its `seq` is used up only in the first
        case.
        """
        if not self._ordinary(fields):
            return None
        scope = current()
        context = scope.fragments or self._of_scope(scope)
        text = self._messages.get(message) or self._of_message(message)
        if context is None or text is None or not context.names.isdisjoint(fields):
            return None
        if bound.names and not (bound.names.isdisjoint(fields) and bound.names.isdisjoint(context.names)):
            return None
        body = to_json(fields)
        if len(body) + len(text) > self._max_bytes // 4:
            return None
        thread = self._thread
        if thread.thread.name is not thread.name:
            self._of_thread(thread)
        run = scope.run or NO_RUN
        return b"".join(
            (
                f'{{"timestamp":"{clock.timestamp(clock.current.time_ns())}","level":"{LEVEL_NAMES[level]}","message":'.encode(),
                text,
                run.rendered,
                to_json(name or caller.module),
                caller.rendered,
                f"{line}{thread.rendered}{run.next_seq()}".encode(),
                context.rendered,
                bound.rendered,
                b"," + body[1:] + b"\n" if fields else b"}\n",
            )
        )

    def fragment(self, values: Mapping[str, Any]) -> Fragment | None:
        """Render key/values that many events share; None where they are out of the ordinary."""
        if not values:
            return _EMPTY
        fields = dict(values)
        if not self._ordinary(fields):
            return None
        return Fragment(b"," + to_json(fields)[1:-1], frozenset(fields))

    def _ordinary(self, fields: dict[str, Any]) -> bool:
        names = tuple(fields)
        verdict = self._keys.get(names)
        if verdict is None:
            verdict = self._judge(names)
        if not verdict:
            return False
        for value in fields.values():
            kind = type(value)
            if kind is str:
                if value not in self._harmless and not self._is_harmless(value):
                    return False
            elif kind is float:
                if value - value != 0.0:
                    return False
            elif kind is int:
                if not -_INT64 <= value < _INT64:
                    return False
            elif kind is not bool and value is not None:
                return False
        return True

    def _judge(self, names: tuple[str, ...]) -> bool:
        verdict = _DECLINED_KEYS.isdisjoint(names) and not any(map(self._redactor.is_secret_key, names))
        try:
            "".join(names).encode()
        except UnicodeEncodeError:
            verdict = False
        _remember(self._keys, names, verdict)
        return verdict

    def _is_harmless(self, value: str) -> bool:
        """Whether the text has no secret and needs no care; short ones are remembered."""
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
        if self._redactor.text(value) is not value:
            return False
        if len(value) < _LONG_TEXT:
            if len(self._harmless) >= _CACHE_LIMIT:
                self._harmless.clear()
            self._harmless.add(value)
        return True

    def _of_message(self, message: str) -> bytes | None:
        if type(message) is not str or not self._is_harmless(message):
            return None
        rendered = to_json(message)
        if len(message) < _LONG_TEXT:
            _remember(self._messages, message, rendered)
        return rendered

    def _of_scope(self, scope: Scope) -> Fragment | None:
        values = dict(scope.context)
        if scope.operation is not None:
            values = {"operation_path": scope.operation.path, **values}
        scope.fragments = self.fragment(values)
        return scope.fragments

    def caller(self, frame: FrameType) -> Caller:
        """Return the place of *frame*."""
        code = frame.f_code
        found = self._callers.get(id(code))
        if found is None or found.code is not code:
            found = _caller(frame.f_globals.get("__name__") or "", code.co_qualname, code)
            # Kept under its address, which is quicker than hashing it, with the object itself, so that no other gets
            # the address.
            _remember(self._callers, id(code), found)
        return found

    def known_caller(self, place: tuple[str, str, int]) -> Caller:
        """Return the place of which module and function are known."""
        found = self._callers.get(place[:2])
        if found is None:
            found = _caller(place[0], place[1], None)
            _remember(self._callers, place[:2], found)
        return found

    def _of_thread(self, thread: _ThreadFragment) -> None:
        thread.thread = threading.current_thread()
        thread.name = thread.thread.name
        thread.rendered = f',"process":{os.getpid()},"thread":{to_json(thread.name).decode()},"seq":'

    def after_fork(self) -> None:
        """Forget the parent's process id."""
        self._thread = _ThreadFragment()


def _caller(module: str, function: str, code: CodeType | None) -> Caller:
    return Caller(module, b',"module":' + to_json(module) + b',"function":' + to_json(function) + b',"line":', code)


def _remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    if len(cache) >= _CACHE_LIMIT:
        cache.clear()
    cache[key] = value
