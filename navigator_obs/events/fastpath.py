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
from ..encoding import plain_line, to_json
from ..fields import RESERVED
from ..redaction import Redactor
from .processors import CALLER, LEVEL_NAMES, thread_name
from .scope import NO_RUN, Scope, current

_DECLINED_KEYS: Final = RESERVED | {"event", "exc_info", "stack_info", CALLER}
_CACHE_LIMIT: Final = 4096
_LONG_TEXT: Final = 512
_SECOND: Final = 1_000_000_000
_DIGITS: Final = tuple(f"{number:03d}" for number in range(1000))
_AFTER_TIME: Final = {level: f'Z","level":"{name}","message":' for level, name in LEVEL_NAMES.items()}


class Fragment(NamedTuple):
    """Some key/values rendered, with a comma before each; their names; which names of fields go well beside them."""

    rendered: str
    names: frozenset[str]
    fitting: dict[tuple[str, ...], bool]


NOTHING: Final = Fragment("", frozenset(), {})


class Caller(NamedTuple):
    """A place in the code, rendered: its module, and module and function up to the line number."""

    module: str
    rendered: str
    code: CodeType | None


class _Thread(threading.local):
    """Process and thread, rendered at the thread's first event."""

    def __init__(self) -> None:
        self.rendered = f',"process":{os.getpid()},"thread":{to_json(thread_name()).decode()},"seq":'


class FastPath:
    """Renders ordinary events for one configuration."""

    def __init__(self, redactor: Redactor, max_bytes: int) -> None:
        self._redactor = redactor
        self._max_bytes = max_bytes // 4
        self._fitting: dict[frozenset[str], dict[tuple[str, ...], bool]] = {}
        self._messages: dict[str, str] = {}
        self._harmless: set[str] = set()
        self._callers: dict[int | tuple[str, str], Caller] = {}
        self._thread = _Thread()
        self._second = (0, "")

    def render(
        self, name: str, bound: Fragment, level: int, message: str, fields: dict[str, Any], caller: Caller, line: int
    ) -> bytes | None:
        """Return the event's line, or None for one that must take the chain; only a line uses up a `seq`.

        *name* is the logger's, rendered, and empty for one without.
        """
        scope = current()
        context: Fragment | None = scope.fragment or self._of_scope(scope)
        try:
            text = self._messages.get(message) or self._of_message(message)
        except TypeError:
            # A message that is no text, and can't be looked up: a list, say.
            return None
        if not (text and context):
            return None
        body = self._body(fields, context)
        if body is None or len(body) + len(text) > self._max_bytes:
            return None
        if bound.names and not (bound.names.isdisjoint(fields) and bound.names.isdisjoint(context.names)):
            return None
        run = scope.run or NO_RUN
        run.written = seq = next(run.sequence)
        now = clock.current.time_ns()
        second, prefix = self._second
        since = now - second
        if not 0 <= since < _SECOND:
            since, prefix = self._new_second(now)
        micros = since // 1000
        return (
            f"{prefix}{_DIGITS[micros // 1000]}{_DIGITS[micros % 1000]}{_AFTER_TIME[level]}{text}{run.rendered}"
            f"{name or caller.module}{caller.rendered}{line}{self._thread.rendered}{seq}"
            f"{context.rendered}{bound.rendered}{',' if fields else ''}"
        ).encode() + body[1:]

    def fragment(self, values: Mapping[str, Any]) -> Fragment | None:
        """Render key/values that many events share; None where they are out of the ordinary."""
        fields = dict(values)
        rendered = self._body(fields, NOTHING)
        if rendered is None:
            return None
        names = frozenset(fields)
        if len(self._fitting) > _CACHE_LIMIT:
            self._fitting.clear()
        text = f",{rendered[1:-2].decode()}" if fields else ""
        return Fragment(text, names, self._fitting.setdefault(names, {}))

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

    def after_fork(self) -> None:
        """Forget the parent's process id."""
        self._thread = _Thread()

    def _new_second(self, now: int) -> tuple[int, str]:
        since = now % _SECOND
        prefix = f'{{"timestamp":"{clock.timestamp(now)[:20]}'
        # One tuple, so that no thread sees the second of one and the text of another.
        self._second = (now - since, prefix)
        return since, prefix

    def _body(self, fields: dict[str, Any], context: Fragment) -> bytes | None:
        """The fields rendered, if all of them are ordinary and none stands in the context too."""
        names = tuple(fields)
        if not context.fitting.get(names) and not self._judge(names, context):
            return None
        harmless = self._harmless
        for value in fields.values():
            kind = type(value)
            if kind is str:
                if value not in harmless and not self._is_harmless(value):
                    return None
            elif kind is float:
                if value - value != 0.0:
                    return None
            elif kind is not int and kind is not bool and value is not None:
                return None
        return plain_line(fields)

    def _judge(self, names: tuple[str, ...], context: Fragment) -> bool:
        verdict = (
            _DECLINED_KEYS.isdisjoint(names)
            and all(map(_is_encodable, names))
            and not any(map(self._redactor.is_secret_key, names))
            and context.names.isdisjoint(names)
        )
        _remember(context.fitting, names, verdict)
        return verdict

    def _is_harmless(self, value: str) -> bool:
        """Whether the text holds no secret and needs no care; short ones are remembered."""
        if len(value) > self._max_bytes or not _is_encodable(value) or self._redactor.text(value) != value:
            return False
        if len(value) < _LONG_TEXT:
            if len(self._harmless) >= _CACHE_LIMIT:
                self._harmless.clear()
            self._harmless.add(value)
        return True

    def _of_message(self, message: str) -> str | None:
        if type(message) is not str or not self._is_harmless(message):
            return None
        rendered = to_json(message).decode()
        if len(message) < _LONG_TEXT:
            _remember(self._messages, message, rendered)
        return rendered

    def _of_scope(self, scope: Scope) -> Fragment | None:
        values = dict(scope.context)
        if scope.operation is not None:
            values = {"operation_path": scope.operation.path, **values}
        scope.fragment = fragment = self.fragment(values)
        return fragment


def _caller(module: str, function: str, code: CodeType | None) -> Caller:
    name = to_json(module).decode()
    return Caller(name, f',"module":{name},"function":{to_json(function).decode()},"line":', code)


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _remember(cache: dict[Any, Any], key: Any, value: Any) -> None:
    if len(cache) >= _CACHE_LIMIT:
        cache.clear()
    cache[key] = value
