"""A run's parameters on one line, as people read them: numbers with their thousands apart, years as a range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from ..fields import cut
from ..runs.reading import number
from .cells import figure, text

MAX_PARAMS: Final = 10
MAX_LENGTH: Final = 40
MAX_DEPTH: Final = 4
_LEAST_RANGE: Final = 3
_EARLIEST_YEAR: Final = 1000
# Below this a number may be a year, or a count that needs no help.
_LARGE: Final = 10_000


def shown(params: Mapping[str, Any]) -> str:
    """Return the first parameters as ``name=value``, and how many more there are.

    >>> shown({"years": [2025, 2026, 2027], "budget": 2.4e10, "rate": None, "last_year": 2027})
    'years=2025-2027  budget=24,000,000,000  rate=none  last_year=2027'
    """
    told = [f"{text(name)}={cut(value(given), MAX_LENGTH)}" for name, given in list(params.items())[:MAX_PARAMS]]
    more = len(params) - MAX_PARAMS
    return "  ".join([*told, *([f"… {more} more"] if more > 0 else [])])


def value(given: object, depth: int = 0) -> str:
    """Return one value; of a nested one its parts.

    >>> value({"a": 1e6, "b": [3, 1, None]}), value([1, 2, 3]), value(True)
    ('{a: 1,000,000, b: [3, 1, none]}', '[1, 2, 3]', 'true')
    """
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, (Mapping, list, tuple)):
        return _nested(given, depth) if depth < MAX_DEPTH else "…"
    known = number(given)
    if known is not None and known == int(known) and abs(known) < _LARGE:
        return str(int(known))
    return figure(given)


def _nested(given: Mapping[str, Any] | Sequence[Any], depth: int) -> str:
    if isinstance(given, Mapping):
        items = islice(given.items(), MAX_LENGTH)
        return f"{{{', '.join(f'{text(name)}: {value(item, depth + 1)}' for name, item in items)}}}"
    return _range(given) or f"[{', '.join(value(item, depth + 1) for item in given[:MAX_LENGTH])}]"


def _range(items: Sequence[Any]) -> str:
    """Years that follow each other are told by the first and the last."""
    if len(items) < _LEAST_RANGE or not all(type(item) is int for item in items):
        return ""
    first, last = items[0], items[-1]
    if first < _EARLIEST_YEAR:
        return ""
    return f"{first}-{last}" if list(items) == list(range(first, last + 1)) else ""
