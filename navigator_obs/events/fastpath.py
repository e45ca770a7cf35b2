"""The chain's result by a shorter way, for ordinary events that only the log file wants.

What repeats from event to event is rendered once and kept as bytes: the run and the context per scope, the caller per
code object, the thread per thread, the message per text. An event that is in any way out of the ordinary (a nested
value, a secret-looking key, a NaN, an exception, a key that stands in the context too …) is declined, and takes the
chain. A property test holds the bytes of both equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import CodeType, FrameType
from typing import Any, Final

from ..clock import MICROSECONDS, clock
from ..encoding import NEWLINE, strict_json, to_json
from ..fields import RESERVED
from ..redaction import may_hold_secret
from ..settings import ERROR, INFO, WARNING
from . import variables
from .exceptions import describe
from .line import EventLine
from .outlines import Outlines, Told
from .processors import CALLER, LEVEL_NAMES, Redact, exception_of
from .retelling import mark_told
from .scope import NO_RUN, Scope, current, get_scope
from .sites import CACHE_LIMIT, Fragment, Site, Thread, remember
from .symptoms import shape

_DECLINED_KEYS: Final = RESERVED | {"event", "exc_info", "stack_info", CALLER}
_LONG_TEXT: Final = 512
# Letters and digits alone are no secret below this length: ids, of which each event may have another one.
_SHORT_TEXT: Final = 15
_AFTER_TIME: Final = {level: f'","level":"{name}","message":' for level, name in LEVEL_NAMES.items()}


class FastPath:
    """Renders ordinary events for one configuration."""

    def __init__(self, redact: Redact, max_bytes: int) -> None:
        self.nothing = Fragment(b"", frozenset(), self)
        self._redact = redact
        self._redactor = redact.redactor
        self._outlines = Outlines(redact, self._is_harmless)
        self._max_bytes = max_bytes // 4
        # Names that go together: as a set where all are ordinary, None where one is not.
        self._names: dict[tuple[str, ...], frozenset[str] | None] = {}
        self._harmless: set[str] = set()
        self._thread = Thread()

    def render(
        self, name: str, bound: Fragment, level: int, message: str, fields: dict[str, Any], frame: FrameType
    ) -> bytes | None:
        """Return the line of an event that was logged in *frame*, or None for one that must take the chain.

        *name* is the logger's, rendered, and empty for one without. Only a line uses up a `seq`.
        """
        # Written out, and not in functions: calling one costs as much as a tenth of the floor.
        code = frame.f_code
        # An address is quicker than a hash of the code; the site has the code itself, so that no other is taken for it.
        key = id(code) + frame.f_lasti
        site = self._thread.sites.get(key)
        scope = get_scope()
        if scope is None or scope.run is None:
            scope = current()
        context = scope.fragment
        if (
            site is None
            or site.code is not code
            or not (site.message is message or (type(message) is str and site.message == message))
            or site.run is not (scope.run or NO_RUN)
            or site.bound is not bound
            or site.name is not name
            or site.level != level
            or site.names != tuple(fields)
        ):
            place = (frame.f_globals.get("__name__") or "", code.co_qualname, frame.f_lineno or 0)
            site = self._new_site(key, code, name, bound, level, message, fields, place)
            context = scope.fragment
        elif context is None or site.among is not context.names:
            context = self._fitting(site, scope)
        if site is None or context is None:
            return None
        return self._line(site, context, fields) if self._are_plain(fields) else None

    def render_issue(
        self, name: str, bound: Fragment, level: int, message: str, fields: dict[str, Any], frame: FrameType
    ) -> EventLine | None:
        """The same for a warning or an error, also with `exc_info`."""
        logger = name or frame.f_globals.get("__name__")
        if "exc_info" not in fields:
            line = self.render(name, bound, level, message, fields, frame)
            return None if line is None else self._issue(line, logger, level, message)
        given, line = fields.pop("exc_info"), None
        try:
            error = exception_of(given)
            told = None if error is None else self._exception(error)
            if error is not None and told is not None:
                line = self.render(name, bound, level, message, fields, frame)
            return None if line is None else self._issue(line, logger, level, message, told, error)
        finally:
            if line is None:
                # For the chain, whose turn it is then.
                fields["exc_info"] = given

    def render_at(
        self,
        name: str,
        level: int,
        message: str,
        fields: dict[str, Any],
        place: tuple[str, str, int],
        error: BaseException | None = None,
    ) -> bytes | EventLine | None:
        """The same for an event of which module, function and line are known."""
        if type(message) is not str or not self._are_plain(fields):
            return None
        told = None if error is None else self._exception(error)
        key = (place, message)
        site = self._thread.sites.get(key)
        if error is not None and told is None:
            return None
        scope = current()
        if site is None or not self._holds(site, scope, name, level, fields):
            site = self._new_site(key, None, name, self.nothing, level, message, fields, place)
        context = None if site is None else self._fitting(site, scope)
        line = None if site is None or context is None else self._line(site, context, fields)
        if line is None or (level < WARNING and error is None):
            return line
        return self._issue(line, name, level, message, told, error)

    def render_ready(
        self,
        name: str,
        message: str,
        names: tuple[str, ...],
        body: bytes,
        place: tuple[str, str, int],
        timestamp: bytes,
    ) -> bytes | None:
        """The same at level INFO where the fields are rendered already, and ordinary, and so is its *timestamp*.

        *names* are their keys, and *body* is one JSON object with a newline.
        """
        # Straight on, like `render`. The key is not that of `render_at`: of such a place logger and level are known.
        key = (message, place)
        site, scope = self._thread.sites.get(key), get_scope()
        if site is None or scope is None or site.run is not scope.run or site.names != names:
            site = self._new_site(key, None, name, self.nothing, INFO, message, names, place)
            scope = current()
        context = scope.fragment
        if site is not None and (context is None or site.among is not context.names):
            context = self._fitting(site, scope)
        if site is None or context is None or len(body) > self._max_bytes:
            return None
        parts = (timestamp, site.head, next(site.run.sequence), context.rendered, site.tail, body[1:])
        return b'{"timestamp":"%b%b%d%b%b%b' % parts

    def _issue(
        self,
        line: bytes,
        logger: str | None,
        level: int,
        message: str,
        told: Told | None = None,
        error: BaseException | None = None,
    ) -> EventLine:
        """The line as what taps hear of, with the exception as its last value where there is one."""
        run_id = (current().run or NO_RUN).run_id
        if told is None or error is None:
            return EventLine(line, run_id, (logger, level >= ERROR, shape(message)), message)
        retold = mark_told(error, run_id, as_error=level >= ERROR)
        rendered = b'%b,"retold":true}' % told.rendered[:-1] if retold else told.rendered
        whole = b'%b,"exception":%b}\n' % (line[:-2], rendered)
        group = told.outline and (told.outline, level >= ERROR)
        return EventLine(whole, run_id, group, told.message or message, retold=retold)

    def _exception(self, error: BaseException) -> Told | None:
        """Render the value of an event's `exception`; None for one that has to be cut, or that has variables."""
        if variables.are_wanted():
            return None
        told = self._outlines.render(error)
        if told is None:
            told = Told(to_json(self._redact.clean_exception(describe(error))), None, "")
        return told if len(told.rendered) < self._max_bytes else None

    def _holds(self, site: Site, scope: Scope, name: str, level: int, fields: dict[str, Any]) -> bool:
        """Whether all that the site was rendered for is still so, but for place and message, and the context."""
        return (
            site.run is (scope.run or NO_RUN)
            and site.name is name
            and site.level == level
            and site.names == tuple(fields)
        )

    def _new_site(
        self,
        key: object,
        code: CodeType | None,
        name: str,
        bound: Fragment,
        level: int,
        message: str,
        fields: Iterable[str],
        place: tuple[str, str, int],
    ) -> Site | None:
        scope = current()
        context = self._of_scope(scope)
        names = tuple(fields)
        if context is None or type(message) is not str or not self._is_harmless(message):
            return None
        if not (self._names_fit(names, context, bound) and len(message) < self._max_bytes):
            return None
        site = Site()
        site.code, site.name, site.level, site.message, site.names = code, name, level, message, names
        site.bound, site.among, site.run = bound, context.names, scope.run or NO_RUN
        thread = self._thread
        module, function = to_json(place[0]).decode(), to_json(place[1]).decode()
        head = (
            f'{_AFTER_TIME[level]}{to_json(message).decode()}{site.run.rendered}{name or module},"module":{module}'
            f',"function":{function},"line":{place[2]}{thread.rendered}'
        )
        site.head = head.encode()
        site.tail = b"%b," % bound.rendered if names else bound.rendered
        remember(thread.sites, key, site)
        return site

    def _fitting(self, site: Site, scope: Scope) -> Fragment | None:
        """The context of *scope*, where the site's names stand for themselves beside its own."""
        context = self._of_scope(scope)
        if context is not None and site.among is not context.names:
            if not self._names_fit(site.names, context, site.bound):
                return None
            site.among = context.names
        return context

    def _line(self, site: Site, context: Fragment, fields: dict[str, Any]) -> bytes | None:
        try:
            body = strict_json(fields, None, NEWLINE)
        except TypeError:
            # A number that JSON lacks, such as 2**70.
            return None
        if len(body) > self._max_bytes:
            return None
        start, stem = clock.millisecond
        passed = clock.time_ns() - start
        if not 0 <= passed < 1_000_000:
            passed, stem = clock.new_millisecond(passed + start)
        seq = next(site.run.sequence)
        parts = (stem, MICROSECONDS[passed // 1000], site.head, seq, context.rendered, site.tail, body[1:])
        return b'{"timestamp":"%b%b%b%d%b%b%b' % parts

    def fragment(self, values: Mapping[str, Any]) -> Fragment | None:
        """Render key/values that many events share; None where they are out of the ordinary."""
        if not values:
            return self.nothing
        fields = values if type(values) is dict else dict(values)
        names = self._ordinary(tuple(fields))
        if names is None or not self._are_plain(fields):
            return None
        try:
            return Fragment(b",%b" % strict_json(fields)[1:-1], names, self)
        except TypeError:
            return None

    def after_fork(self) -> None:
        """Forget the parent's process id."""
        self._thread = Thread()

    def _are_plain(self, fields: dict[str, Any]) -> bool:
        """Whether all values are ordinary."""
        harmless = self._harmless
        for value in fields.values():
            kind = type(value)
            if kind is str:
                if (
                    value not in harmless
                    and not (len(value) < _SHORT_TEXT and value.isalnum() and value.isascii())
                    and not self._is_harmless(value)
                ):
                    return False
            elif kind is float:
                if value - value != 0.0:
                    return False
            elif kind is not int and kind is not bool and value is not None:
                return False
        return True

    def _names_fit(self, names: tuple[str, ...], context: Fragment, bound: Fragment) -> bool:
        """Whether these names of fields, none of them secret or reserved, stand for themselves beside the others."""
        return (
            self._ordinary(names) is not None
            and context.names.isdisjoint(names)
            and bound.names.isdisjoint(names)
            and bound.names.isdisjoint(context.names)
        )

    def _ordinary(self, names: tuple[str, ...]) -> frozenset[str] | None:
        """Return the names as a set; None where one is secret, reserved, or out of the ordinary."""
        try:
            return self._names[names]
        except KeyError:
            ordinary = (
                _DECLINED_KEYS.isdisjoint(names)
                and all(map(_is_encodable, names))
                and not any(map(self._redactor.is_secret_key, names))
                and all(self._redactor.text(name) == name for name in names)
            )
            found = frozenset(names) if ordinary else None
            remember(self._names, names, found)
            return found

    def _is_harmless(self, value: str) -> bool:
        """Whether the text holds no secret and needs no care; short ones are remembered."""
        if len(value) > self._max_bytes or not _is_encodable(value):
            return False
        if may_hold_secret(value) and self._redactor.text(value) != value:
            return False
        if len(value) < _LONG_TEXT:
            if len(self._harmless) >= CACHE_LIMIT:
                self._harmless.clear()
            self._harmless.add(value)
        return True

    def _of_scope(self, scope: Scope) -> Fragment | None:
        fragment: Fragment | None = scope.fragment
        if fragment is None or fragment.owner is not self:
            operation = scope.operation
            values = scope.context if operation is None else {"operation_path": operation.path, **scope.context}
            scope.fragment = fragment = self.fragment(values)
        return fragment


def _is_encodable(value: str) -> bool:
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
