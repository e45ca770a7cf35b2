"""Any value rebuilt out of what JSON knows, with as much of its information kept as JSON can hold; nothing here raises.

What cannot be told whole says so in its place: a note where a structure is circular or too deep, a count where a
collection is cut.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

MAX_DEPTH: Final = 32
MAX_ITEMS: Final = 10_000
MAX_INT_DIGITS: Final = 1_000
MAX_INT_BITS: Final = 65_536
MAX_ROOM: Final = 16_000_000
_ROOM_OF_ITEM: Final = 4
_LEAST_OF_KEY: Final = 200
_LONGEST_SHOWN: Final = 200
_NO_NUMBERS: Final = frozenset({str, int, bool, type(None)})
_INT64: Final = range(-(2**63), 2**64)


def finite(value: float | None) -> float | None:
    """Return *value*, or None where it is NaN or infinite, which JSON lacks.

    >>> finite(float("nan")) is None
    True
    """
    return value if value is None or math.isfinite(value) else None


def nonfinite_paths(value: object) -> dict[str, str]:
    """Name each NaN or infinity inside plain *value*: ``{"rates.p95": "nan"}``. JSON holds null in its place."""
    try:
        return _nonfinite_paths(value, "", ())
    except Exception:
        # An object that answers nothing, not even what it is, ends the search; it is no plain value.
        return {}


def _nonfinite_paths(value: object, path: str, above: tuple[int, ...]) -> dict[str, str]:
    kind = type(value)
    if kind is float or (kind not in _NO_NUMBERS and isinstance(value, float)):
        number = float.__float__(value)  # type: ignore[arg-type]
        return {} if math.isfinite(number) else {path: str(number)}
    if kind in _NO_NUMBERS or len(above) > MAX_DEPTH or id(value) in above:
        return {}
    if kind is dict or isinstance(value, Mapping):
        items: Iterable[tuple[object, object]] = value.items()  # type: ignore[attr-defined]
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return {}
    found: dict[str, str] = {}
    for key, item in items:
        found |= _nonfinite_paths(item, f"{path}.{text(key)}" if path else text(key), (*above, id(value)))
    return found


def simplify(value: object, *, keep_nonfinite: bool = False, room: int = MAX_ROOM) -> Any:
    """Rebuild any value out of what JSON knows: dict, list, str, int, float, bool and None; never raises.

    Circular and too deep structures end in a note, and a key that would collide with another of the same text (``1``
    and ``"1"``) gets its type behind it. A collection of more than `MAX_ITEMS`, and what finds no place in *room*
    characters, end in a note that counts what was cut. NaN and infinities become None unless *keep_nonfinite*.

    >>> simplify({1: {"b"}, "1": float("inf")})
    {'1 (int)': ['b'], '1': None}
    """
    return _Rebuilding(keep_nonfinite, room).simplify(value, 0, ())


def note(value: object, what: str) -> str:
    """Return what stands in the place of a value that can't be told: its type, and why."""
    return f"<{_type_name(value)}: {what}>"


def _type_name(value: object) -> str:
    kind = type(value)
    try:
        return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    except Exception:
        # A metaclass may answer for its classes as it likes; what the type itself says, it can't.
        return str(type.__dict__["__name__"].__get__(kind))


class _Rebuilding:
    """Rebuilds one value; *room* is in characters, and goes down with each text, number and key."""

    def __init__(self, keep_nonfinite: bool, room: int) -> None:
        self._keep = keep_nonfinite
        self._room = room

    def simplify(self, value: object, depth: int, above: tuple[int, ...]) -> Any:
        try:
            scalar = _scalar(value)
            if scalar is not _NO_SCALAR:
                return self._take(scalar)
            if id(value) in above:
                return note(value, "circular")
            if depth >= MAX_DEPTH:
                return note(value, "nested too deep")
            return self._simplify_one(value, depth, (*above, id(value)))
        except Exception:
            return note(value, "cannot be rendered")

    def _take(self, scalar: Any) -> Any:
        if type(scalar) is not str:
            self._room -= _ROOM_OF_ITEM
            return scalar if self._keep or type(scalar) is not float else finite(scalar)
        room, self._room = max(self._room, 0), self._room - len(scalar) - _ROOM_OF_ITEM
        return scalar if len(scalar) <= room else f"{scalar[:room]}… {len(scalar) - room} more characters"

    def _key(self, name: str) -> str:
        kept = max(self._room, _LEAST_OF_KEY)
        self._room -= len(name)
        return name if len(name) <= kept else f"{name[:kept]}…"

    def _simplify_one(self, value: object, depth: int, above: tuple[int, ...]) -> Any:
        plain = step(value)
        if plain is not value:
            return self.simplify(plain, depth + 1, above)
        if isinstance(value, Mapping):
            return self._simplify_mapping(value, depth, above)
        if isinstance(value, (Sequence, AbstractSet)):
            return self._simplify_items(value, depth, above)
        return self._take(text(value))

    def _simplify_mapping(self, value: Mapping[Any, Any], depth: int, above: tuple[int, ...]) -> dict[str, Any]:
        items = _first(value.items())
        taken = {_clean_text(key) for key, _ in items if type(key) is str}
        out: dict[str, Any] = {}
        for key, item in items:
            if self._room <= 0:
                break
            name = self._key(_clean_text(key)) if type(key) is str else _free_name(self._key(text(key)), key, taken)
            if name in out:
                name = _free_name(name, key, taken)
            taken.add(name)
            out[name] = self.simplify(item, depth + 1, above)
        left = len(value) - len(out)
        return {**out, _free_name("…", None, taken): f"{left} more"} if left > 0 else out

    def _simplify_items(self, value: Sequence[Any] | AbstractSet[Any], depth: int, above: tuple[int, ...]) -> list[Any]:
        out: list[Any] = []
        for item in _stable(_first(value)) if isinstance(value, AbstractSet) else _first(value):
            if self._room <= 0:
                break
            out.append(self.simplify(item, depth + 1, above))
        left = len(value) - len(out)
        return [*out, f"… {left} more"] if left > 0 else out


def _free_name(name: str, key: object, taken: set[str]) -> str:
    """The key's text, with its type behind it where another key has that text, and a number where that does not do."""
    if name in taken:
        base = name = f"{name} ({_type_name(key)})"
        number = 2
        while name in taken:
            name, number = f"{base[:-1]} {number})", number + 1
    return name


def _first(items: Iterable[Any]) -> list[Any]:
    """The first items, as a copy: another thread may change the original meanwhile."""
    return [item for item, _ in zip(items, range(MAX_ITEMS), strict=False)]


def _stable(value: list[Any]) -> list[Any]:
    try:
        return sorted(value)
    except Exception:
        return sorted(value, key=text)


class _NoScalar:
    pass


_NO_SCALAR: Final = _NoScalar()


def _scalar(value: object) -> Any:
    if value is None or value is True or value is False:
        return value
    kind = type(value)
    if isinstance(value, int) and kind is int:
        return value if value in _INT64 else _big_int(value)
    if isinstance(value, float) and kind is float:
        return value
    if isinstance(value, Enum):
        return _NO_SCALAR
    if isinstance(value, str):
        return _clean_text(str.__str__(value))
    if isinstance(value, (int, float)):
        # The base's own conversion: a subclass may have made another thing of it.
        return _scalar(int.__int__(value) if isinstance(value, int) else float.__float__(value))
    return _NO_SCALAR


def _clean_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        # A lone surrogate (a file name of another encoding) is kept visible instead of losing the whole text.
        return value.encode("utf-8", "backslashreplace").decode()
    return value


def _big_int(value: int) -> str:
    bits = value.bit_length()
    if bits > MAX_INT_BITS:
        return f"<int: {bits} bits, {'-' if value < 0 else ''}0x{abs(value) >> (bits - 64):x}…>"
    # Decimal text of a huge integer costs quadratic time, and Python refuses beyond 4,300 digits.
    return hex(value) if bits > MAX_INT_DIGITS * 3 else str(value)


def shown(value: object) -> str:
    """Return the ``repr`` of any object for a message, bounded in length, or a note where it fails; never raises."""
    try:
        return _clean_text(str.__str__(repr(value)))[:_LONGEST_SHOWN]
    except Exception:
        return note(value, "has no text")


def text(value: object) -> str:
    """Return the text of any object: its ``str``, its ``repr``, or a note where both fail; never raises."""
    if type(value) is int:
        return _big_int(value)
    for render in (str, repr):
        try:
            return _clean_text(str.__str__(render(value)))
        except Exception:
            continue
    return note(value, "has no text")


def step(value: object) -> Any:
    """Take one step from a known type towards JSON; an unknown one comes back itself."""
    for kinds, convert in _BY_TYPE:
        if isinstance(value, kinds):
            return convert(value)
    kind = type(value)
    if kind.__module__.partition(".")[0] in _TABLES and hasattr(kind, "columns"):
        return _table(value)
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(kind)}
    for method in _CONVERTERS:
        if callable(getattr(kind, method, None)):
            return getattr(value, method)()
    for method in _LISTING:
        if callable(getattr(kind, method, None)):
            return _listed(value, method)
    return value


def _bytes(value: bytes | bytearray | memoryview) -> str:
    raw = bytes(value)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.hex()


def _exception(value: BaseException) -> dict[str, Any]:
    """Type, message, and what is linked to it: its cause, and a group's members."""
    out: dict[str, Any] = {"type": _type_name(value), "message": text(value)}
    cause = value.__cause__ or (None if value.__suppress_context__ else value.__context__)
    if cause is not None:
        out["cause"] = cause
    if isinstance(value, BaseExceptionGroup):
        out["exceptions"] = list(value.exceptions)
    return out


def _table(value: Any) -> dict[str, Any]:
    """A table by its shape: its rows belong in a file, and counting those of a lazy one would run its query."""
    out: dict[str, Any] = {"type": _type_name(value)}
    if type(value).__name__ == "DataFrame":
        out["rows"] = value.shape[0]
    if type(value).__name__ != "LazyFrame":
        out["columns"] = [text(column) for column in value.columns]
    return out


def _listed(value: Any, method: str) -> Any:
    """An array, a column or a number of a library's own as a list or number; of many items the first ones, and how many
    more there are.
    """
    plain = _of_time(value)
    if plain is not None:
        return plain
    shape = getattr(value, "shape", None) or ((len(value),) if hasattr(value, "__len__") else ())
    if not shape:
        number = getattr(value, method)()
        # Some that are wider than Python's have no number there.
        return number if type(number) is not type(value) else text(value)
    kept = max((MAX_ITEMS - 1) // max(math.prod(shape[1:]), 1), 1)
    if shape[0] <= kept:
        return getattr(value, method)()
    head = getattr(value, "iloc", value)[:kept]
    return [*getattr(head, method)(), f"… {shape[0] - kept} more"]


def _of_time(value: Any) -> Any:
    """Numpy's times as texts, and its spans as seconds: a list would have them as bare numbers. None for the rest."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if kind not in {"M", "m"} or hasattr(value, "iloc") or not hasattr(value, "astype"):
        return None
    flat = value[:MAX_ITEMS] if value.shape else value
    if kind == "M":
        return flat.astype(str).tolist()
    return (flat / type(value.dtype.type(1, "s"))(1, "s")).tolist()


_TABLES: Final = frozenset({"pandas", "polars", "duckdb", "_duckdb"})
_CONVERTERS: Final = ("_asdict", "model_dump", "isoformat")
_LISTING: Final = ("tolist", "to_list")
_BY_TYPE: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...]] = (
    ((PurePath, UUID, complex, range, Fraction, Decimal), str),
    (timedelta, timedelta.total_seconds),
    ((date, time), lambda value: value.isoformat()),
    (Enum, lambda value: value.value),
    ((bytes, bytearray, memoryview), _bytes),
    (BaseException, _exception),
    (type, lambda value: f"{value.__module__}.{value.__qualname__}"),
)
