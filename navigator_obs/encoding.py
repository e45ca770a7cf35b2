"""To and from JSON bytes, never failing on a value; the only importer of orjson.

Ordinary values go straight through orjson. Only what it refuses (circular structures, integers beyond 64 bits, lone
surrogates, non-string keys, …) is rebuilt piece by piece into plain values, with as much information kept as JSON can
hold.
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

import orjson

MAX_DEPTH: Final = 32
MAX_ITEMS: Final = 10_000
MAX_INT_DIGITS: Final = 1_000
_LONGEST_SHOWN: Final = 200
_NO_NUMBERS: Final = frozenset({str, int, bool, type(None)})
_INT64: Final = range(-(2**63), 2**64)
_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY


def to_json(value: object) -> bytes:
    """Render any value as compact JSON, UTF-8; never raises.

    NaN and infinities become null (see `nonfinite_paths`). Objects that JSON does not know become their text.

    >>> to_json({"year": 2025, "path": PurePath("census.parquet")})
    b'{"year":2025,"path":"census.parquet"}'
    """
    try:
        return orjson.dumps(value, _default, _OPTIONS)
    except Exception:
        return _careful(value, 0)


# For the event's fast path, which looks at the values itself: orjson's own function, which raises TypeError where it
# refuses, and its option for a newline at the end.
strict_json: Final = orjson.dumps
NEWLINE: Final = orjson.OPT_APPEND_NEWLINE


def to_json_pretty(value: object) -> bytes:
    """Render any value as JSON with two spaces of indentation and a final newline; never raises."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        return orjson.dumps(value, _default, options | _OPTIONS)
    except Exception:
        return orjson.dumps(simplify(value), option=options)


def from_json(data: bytes | bytearray | memoryview | str) -> Any:
    """Parse JSON; raises ValueError when *data* is none."""
    return orjson.loads(data)


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


def simplify(value: object, *, keep_nonfinite: bool = False) -> Any:
    """Rebuild any value out of what JSON knows: dict, list, str, int, float, bool and None; never raises.

    Circular and too deep structures end in a note, a long collection in a note that counts what was cut, and a key
    that would collide with another of the same text (``1`` and ``"1"``) gets its type behind it. NaN and infinities
    become None unless *keep_nonfinite*.

    >>> simplify({1: {"b"}, "1": float("inf")})
    {'1 (int)': ['b'], '1': None}
    """
    return _simplify(value, 0, (), keep_nonfinite)


def _careful(value: object, attempt: int) -> bytes:
    try:
        return orjson.dumps(simplify(value))
    except Exception:
        # Only a structure that another thread changes meanwhile comes here; what is left is its type.
        return _careful(value, 1) if attempt == 0 else orjson.dumps(_note(value, "cannot be rendered"))


def _note(value: object, what: str) -> str:
    return f"<{_type_name(value)}: {what}>"


def _type_name(value: object) -> str:
    kind = type(value)
    try:
        return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    except Exception:
        # A metaclass may answer for its classes as it likes; what the type itself says, it can't.
        return str(type.__dict__["__name__"].__get__(kind))


def _simplify(value: object, depth: int, above: tuple[int, ...], keep: bool) -> Any:
    try:
        scalar = _scalar(value)
        if scalar is not _NO_SCALAR:
            return scalar if keep or type(scalar) is not float else finite(scalar)
        if id(value) in above:
            return _note(value, "circular")
        if depth >= MAX_DEPTH:
            return _note(value, "nested too deep")
        return _simplify_one(value, depth, (*above, id(value)), keep)
    except Exception:
        return _note(value, "cannot be rendered")


def _simplify_one(value: object, depth: int, above: tuple[int, ...], keep: bool) -> Any:
    plain = _plain(value)
    if plain is not value:
        return _simplify(plain, depth + 1, above, keep)
    if isinstance(value, Mapping):
        return _simplify_mapping(value, depth, above, keep)
    if isinstance(value, (Sequence, AbstractSet)):
        return _simplify_items(value, depth, above, keep)
    return text(value)


def _simplify_mapping(value: Mapping[Any, Any], depth: int, above: tuple[int, ...], keep: bool) -> dict[str, Any]:
    items = _first(value.items())
    taken = {_clean_text(key) for key, _ in items if type(key) is str}
    out: dict[str, Any] = {}
    for key, item in items:
        name = _clean_text(key) if type(key) is str else _free_name(text(key), key, taken)
        if name in out:
            name = _free_name(name, key, taken)
        taken.add(name)
        out[name] = _simplify(item, depth + 1, above, keep)
    if len(value) > MAX_ITEMS:
        out["…"] = f"{len(value) - MAX_ITEMS} more"
    return out


def _free_name(name: str, key: object, taken: set[str]) -> str:
    """The key's text, with its type behind it where another key has that text, and a number where that does not do."""
    if name in taken:
        base = name = f"{name} ({_type_name(key)})"
        number = 2
        while name in taken:
            name, number = f"{base[:-1]} {number})", number + 1
    return name


def _simplify_items(
    value: Sequence[Any] | AbstractSet[Any], depth: int, above: tuple[int, ...], keep: bool
) -> list[Any]:
    items = _stable(value) if isinstance(value, AbstractSet) else value
    out = [_simplify(item, depth + 1, above, keep) for item in _first(items)]
    if len(value) > MAX_ITEMS:
        out.append(f"… {len(value) - MAX_ITEMS} more")
    return out


def _first(items: Iterable[Any]) -> list[Any]:
    """The first items, as a copy: another thread may change the original meanwhile."""
    return [item for item, _ in zip(items, range(MAX_ITEMS), strict=False)]


def _stable(value: AbstractSet[Any]) -> list[Any]:
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
    if value.bit_length() > MAX_INT_DIGITS * 3:
        # Decimal text of a huge integer costs quadratic time, and Python refuses beyond 4,300 digits.
        bits = value.bit_length()
        return f"<int: {bits} bits, {'-' if value < 0 else ''}0x{abs(value) >> (bits - 64):x}…>"
    return str(value)


def shown(value: object) -> str:
    """Return the ``repr`` of any object for a message, bounded in length, or a note where it fails; never raises."""
    try:
        return _clean_text(str.__str__(repr(value)))[:_LONGEST_SHOWN]
    except Exception:
        return _note(value, "has no text")


def text(value: object) -> str:
    """Return the text of any object: its ``str``, its ``repr``, or a note where both fail; never raises."""
    if type(value) is int:
        return _big_int(value)
    for render in (str, repr):
        try:
            return _clean_text(str.__str__(render(value)))
        except Exception:
            continue
    return _note(value, "has no text")


def _default(value: object) -> Any:
    """Orjson's hook for a type that it does not know."""
    plain = _plain(value)
    return simplify(value) if plain is value else plain


def _plain(value: object) -> Any:
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


_TABLES: Final = frozenset({"pandas", "polars", "duckdb", "_duckdb"})
_CONVERTERS: Final = ("_asdict", "model_dump", "tolist", "isoformat")
_BY_TYPE: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...]] = (
    ((PurePath, UUID, complex, range, Fraction, Decimal), str),
    (timedelta, timedelta.total_seconds),
    ((date, time), lambda value: value.isoformat()),
    (Enum, lambda value: value.value),
    ((bytes, bytearray, memoryview), _bytes),
    (BaseException, _exception),
    (type, lambda value: f"{value.__module__}.{value.__qualname__}"),
)
