"""Conditions on an event: `year=2027`, `duration_seconds>=1.5`, `exception.type~Constraint`.

A condition compares by the type of what the event holds: numbers as numbers, text as text. A dotted key descends into
objects (and lists, by position or into any item), unless the event has the dotted key itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import UsageError

_SHAPE: Final = re.compile(r"(?P<key>[^=!<>~]+?)\s*(?P<sign>!=|>=|<=|=|>|<|~)\s*(?P<value>.*)", re.DOTALL)
_WORDS: Final[Mapping[str, bool | None]] = {"true": True, "false": False, "null": None}
# What every JSON writer leaves as it is inside a string: only such a text can be looked for in the raw line.
_AS_WRITTEN: Final = re.compile(r"[A-Za-z0-9 _.,:;/@#%&*+()\[\]{}|$^-]+")
# So every JSON writer writes it, at least with a fraction of zero behind it. Fewer digits are in each line's time.
_WHOLE: Final = re.compile(r"-?[1-9][0-9]{2,14}")
SIGNS: Final = ("=", "!=", ">", ">=", "<", "<=", "~")


@dataclass(frozen=True)
class Condition:
    """One condition. `sign` is ``=``, ``!=``, ``>``, ``>=``, ``<``, ``<=``, or ``~`` for "contains this text"."""

    key: str
    sign: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read ``key=value``; raises UsageError where *text* has no key or no sign, or compares size with no number.

        >>> Condition.parse("year=2027").holds({"year": 2027})
        True
        """
        match = _SHAPE.fullmatch(text.strip())
        if not match:
            raise UsageError(f"where={text!r} must be a key, one of {' '.join(SIGNS)}, and a value, such as year=2027")
        condition = cls(match["key"].strip(), match["sign"], _unquoted(match["value"]))
        if condition.sign[0] in "<>" and condition._number is None:
            raise UsageError(f"where={text!r} compares size, so it needs a number after {condition.sign}")
        return condition

    def holds(self, event: Mapping[str, Any]) -> bool:
        """Return whether *event* meets the condition. ``!=`` also holds where the key is missing."""
        if self.sign == "!=":
            return not self._any(event, self._equals)
        return self._any(event, self._test)

    @property
    def needle(self) -> bytes | None:
        """Bytes that the raw line of each event that meets the condition holds; None where there are none to name."""
        if self.sign == "=" and _WHOLE.fullmatch(self.value):
            return self.value.lstrip("-").encode()
        textual = self._number is None and self.value not in _WORDS
        if self.sign in "=~" and textual and _AS_WRITTEN.fullmatch(self.value):
            return self.value.encode()
        return None

    @property
    def _test(self) -> Callable[[Any], bool]:
        return self._equals if self.sign == "=" else self._contains if self.sign == "~" else self._is_beyond

    def _any(self, event: Mapping[str, Any], test: Callable[[Any], bool]) -> bool:
        return any(test(value) for value in values_at(event, self.key))

    def _equals(self, value: Any) -> bool:
        if isinstance(value, list):
            return any(self._equals(item) for item in value)
        if value is None or isinstance(value, bool):
            return self.value in _WORDS and _WORDS[self.value] is value
        if isinstance(value, (int, float)):
            return self._number is not None and self._number == value
        return isinstance(value, str) and value == self.value

    def _contains(self, value: Any) -> bool:
        if isinstance(value, list):
            return any(self._contains(item) for item in value)
        return isinstance(value, str) and self.value in value

    def _is_beyond(self, value: Any) -> bool:
        bound = self._number
        if bound is None or isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        if value == bound:
            return "=" in self.sign
        return value > bound if ">" in self.sign else value < bound

    @property
    def _number(self) -> int | float | None:
        return _number(self.value)


def parse_all(texts: Iterable[str | Condition]) -> tuple[Condition, ...]:
    """Read several conditions; all of them must hold. Raises UsageError for the first that is none."""
    return tuple(text if isinstance(text, Condition) else Condition.parse(text) for text in texts)


def values_at(event: Any, key: str) -> Iterator[Any]:
    """Yield every value that *key* names in *event*; a missing one counts as null.

    >>> list(values_at({"exception": {"causes": [{"type": "KeyError"}]}}, "exception.causes.type"))
    ['KeyError']
    """
    found = list(_descend(event, key))
    yield from found or [None]


def _descend(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, Mapping):
        if key in value:
            yield value[key]
            return
        head, dot, rest = key.partition(".")
        while dot:
            if head in value:
                yield from _descend(value[head], rest)
                return
            # A key of the event may itself hold dots.
            more, dot, rest = rest.partition(".")
            head = f"{head}.{more}"
    elif isinstance(value, list):
        yield from _descend_list(value, key)


def _descend_list(items: list[Any], key: str) -> Iterator[Any]:
    head, dot, rest = key.partition(".")
    if head.isdecimal():
        if int(head) < len(items):
            item = items[int(head)]
            yield from _descend(item, rest) if dot else [item]
        return
    for item in items:
        yield from _descend(item, key)


def _unquoted(value: str) -> str:
    value = value.strip()
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value


def _number(text: str) -> int | float | None:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
