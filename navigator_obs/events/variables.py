"""What the variables of failing code held, as bounded plain data without secrets; recorded only where it is asked for.

Nothing of what is shown is asked: no `repr`, no property and no iterator of a foreign class runs, for it may be slow,
raise, log, or (as a database relation's does) go back to the database. An object shows its type and its attributes, a
table its shape. Nothing is kept: what is recorded is text, and what Python lays aside to show variables is given back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import PurePath
from types import BuiltinFunctionType, FrameType, FunctionType, GetSetDescriptorType, MemberDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from ..redaction import MARK, Redactor
from .exceptions import chain_of
from .ownership import is_of_library, is_of_toolkit

if TYPE_CHECKING:
    from ..config import Config

MAX_FRAMES: Final = 5
MAX_NAMES: Final = 20
MAX_ITEMS: Final = 10
MAX_DEPTH: Final = 3
MAX_TEXT: Final = 200
MAX_TOTAL: Final = 6_000
"""Characters of all values of one exception together."""
# Longer ones are not looked through for secrets, and not shown: a secret may begin before any cut.
_MAX_SEARCHED: Final = 10_000
_MORE: Final = "…"
_TELL_THEMSELVES: Final = (date, timedelta, Decimal, Fraction, UUID, complex, range)
_CODE: Final = (ModuleType, FunctionType, BuiltinFunctionType, type)
_TABLES: Final = frozenset({"numpy", "pandas", "polars", "pyarrow"})
_MOST_BITS: Final = 63
_redactor: Redactor | None = None


def install(config: Config | None) -> None:
    """Record variables from now on, or no longer, as the setting `capture_locals` says; no longer for None."""
    global _redactor
    wanted = config is not None and config.capture_locals
    _redactor = Redactor(config.redact_keys, config.redact_allow) if config is not None and wanted else None


def are_wanted() -> bool:
    """Return whether variables are recorded."""
    return _redactor is not None


def told_of(error: BaseException) -> dict[str, Any]:
    """Return what an event's `exception` has more where variables are wanted: `locals`; nothing otherwise. Never
    raises.

    It is a list of `module`, `function`, `line` and `values`, innermost first: of the application's own functions that
    the exception and its causes went through, and of the innermost one where all are a library's.
    """
    if _redactor is None:
        return {}
    try:
        teller = _Teller(_redactor)
        return {"locals": [_of_frame(frame, line, teller) for frame, line in _chosen(error)]}
    except Exception:
        # Frames that another thread goes on with may change in the middle of it.
        return {"locals": []}


def _chosen(error: BaseException) -> list[tuple[FrameType, int]]:
    walked: dict[int, tuple[FrameType, int]] = {}
    for link, _ in reversed(list(chain_of(error))):
        for frame, line in reversed(list(_frames(link))):
            walked.setdefault(id(frame), (frame, line))
    own = [step for step in walked.values() if _is_own(step[0])]
    return own[:MAX_FRAMES] or list(walked.values())[:1]


def _is_own(frame: FrameType) -> bool:
    return not is_of_toolkit(frame.f_globals.get("__name__")) and not is_of_library(frame.f_code.co_filename)


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    traceback = error.__traceback__
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno or 0
        traceback = traceback.tb_next


def _of_frame(frame: FrameType, line: int, teller: _Teller) -> dict[str, Any]:
    return {
        "module": frame.f_globals.get("__name__") or "",
        "function": frame.f_code.co_qualname,
        "line": line,
        "values": teller.named(_variables(frame)),
    }


def _variables(frame: FrameType) -> dict[str, Any]:
    """The variables of a frame: those that hold data, and of a module the newest, which the failing line is near."""
    laid_aside = frame.f_locals
    found = {
        name: value
        for name, value in list(laid_aside.items())
        if name.isidentifier() and not name.startswith("__") and not _is_code(value)
    }
    if frame.f_code.co_name == "<module>":
        return dict(list(found.items())[-MAX_NAMES:])
    _give_back(frame, laid_aside)
    return found


def _give_back(frame: FrameType, laid_aside: Any) -> None:
    """Before Python 3.13, asking for a function's variables leaves references to them for as long as it runs."""
    code = frame.f_code
    # The frame's, ours in two places, and the count's own: with one more, the program holds what `locals()` gave it.
    if sys.version_info < (3, 13) and type(laid_aside) is dict and sys.getrefcount(laid_aside) <= _NOBODY_ELSE:
        for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars):
            laid_aside.pop(name, None)


_NOBODY_ELSE: Final = 4


def _is_code(value: object) -> bool:
    """Whether *value* is a module, a function or a class, without asking it: a proxy answers for another object."""
    return any(kind in _CODE for kind in _ancestors(value))


def _ancestors(value: object) -> tuple[type, ...]:
    found: tuple[type, ...] = type.__dict__["__mro__"].__get__(type(value))
    return found


def _name_of(value: object) -> str:
    kind = type(value)
    module, name = _module_of(kind), type.__dict__["__qualname__"].__get__(kind)
    return name if module in {"builtins", "__main__"} else f"{module}.{name}"


def _module_of(kind: type) -> str:
    return str(type.__dict__["__module__"].__get__(kind))


class _Teller:
    """Tells values as plain data, until all together are long enough."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._room = MAX_TOTAL

    def named(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values by name, those that are secret replaced."""
        told = {name: self._under(name, value, 0) for name, value in islice(values.items(), MAX_NAMES)}
        return told if len(values) <= MAX_NAMES else {**told, _MORE: f"{len(values) - MAX_NAMES} more"}

    def _under(self, name: str, value: object, depth: int) -> Any:
        self._room -= len(name)
        return MARK if self._redactor.is_secret_key(name) and value is not None else self._value(value, depth)

    def _value(self, value: object, depth: int) -> Any:
        if self._room <= 0:
            return _MORE
        try:
            for kind in _ancestors(value):
                tell = _BY_TYPE.get(kind)
                if tell is not None:
                    return self._counted(tell(self, value, depth))
            return self._counted(self._object(value, depth))
        except Exception:
            return f"<{_name_of(value)}: cannot be read>"

    def _counted(self, told: Any) -> Any:
        self._room -= len(told) if type(told) is str else 8
        return told

    def _number(self, value: int, depth: int) -> Any:  # noqa: ARG002
        plain = int.__int__(value)
        return plain if plain.bit_length() <= _MOST_BITS else f"<int of {plain.bit_length():,} bits>"

    def _float(self, value: float, depth: int) -> Any:  # noqa: ARG002
        plain = float.__float__(value)
        return plain if plain - plain == 0.0 else str(plain)

    def _text(self, value: str, depth: int) -> str:  # noqa: ARG002
        length = str.__len__(value)
        if length > _MAX_SEARCHED:
            return f"<str of {length:,} characters>"
        plain = self._redactor.text(str.__str__(value))
        return plain if len(plain) <= MAX_TEXT else f"{plain[:MAX_TEXT]}… {len(plain) - MAX_TEXT:,} more"

    def _bytes(self, value: bytes, depth: int) -> str:  # noqa: ARG002
        return f"<{_name_of(value)} of {_LENGTHS[_first_of(value, _LENGTHS)](value):,} bytes>"

    def _itself(self, value: object, depth: int) -> str:
        kind = _first_of(value, _TELL_THEMSELVES)
        return self._text(kind.__repr__(value), depth)

    def _moment(self, value: Any, depth: int) -> str:
        kind = _first_of(value, (datetime, time))
        zone = kind.tzinfo.__get__(value)
        # Which is asked for the offset, and may be anybody's.
        known = zone is None or _module_of(type(zone)) in {"datetime", "zoneinfo"}
        return self._text(kind.isoformat(value), depth) if known else f"<{_name_of(value)}>"

    def _path(self, value: PurePath, depth: int) -> str:
        return self._text(PurePath.__str__(value), depth)

    def _mapping(self, value: dict[Any, Any], depth: int) -> Any:
        length = dict.__len__(value)
        if depth >= MAX_DEPTH:
            return f"<{_name_of(value)} of {length:,}>"
        told: dict[str, Any] = {}
        for key, item in islice(dict.items(value), MAX_ITEMS):
            name = str(self._value(key, MAX_DEPTH))
            told[name] = self._under(name, item, depth + 1)
        return told if length <= MAX_ITEMS else {**told, _MORE: f"{length - MAX_ITEMS:,} more"}

    def _items(self, value: Any, depth: int) -> Any:
        kind = _first_of(value, _COLLECTIONS)
        length = kind.__len__(value)
        if depth >= MAX_DEPTH:
            return f"<{_name_of(value)} of {length:,}>"
        told = [self._value(item, depth + 1) for item in islice(kind.__iter__(value), MAX_ITEMS)]
        return told if length <= MAX_ITEMS else [*told, f"{_MORE} {length - MAX_ITEMS:,} more"]

    def _object(self, value: object, depth: int) -> Any:
        name = _name_of(value)
        if name.partition(".")[0] in _TABLES:
            return _shape(value, name)
        attributes = {name: item for name, item in _attributes(value) if not name.startswith("_")}
        if not attributes or depth >= MAX_DEPTH:
            return f"<{name}>"
        told = {key: self._under(key, item, depth + 1) for key, item in islice(attributes.items(), MAX_ITEMS)}
        more = {_MORE: f"{len(attributes) - MAX_ITEMS:,} more"} if len(attributes) > MAX_ITEMS else {}
        return {f"<{name}>": {**told, **more}}


def _first_of(value: object, kinds: Iterable[type]) -> Any:
    return next(kind for kind in _ancestors(value) if kind in kinds)


def _shape(value: Any, name: str) -> Any:
    """Of an array or a table, whose own classes these are: its shape; of a single number of numpy's, the number."""
    shape = getattr(value, "shape", None)
    if shape == () and hasattr(value, "item"):
        number = value.item()
        return number if type(number) in {int, bool} else f"<{name} {number}>"
    return f"<{name} {shape}>" if type(shape) is tuple else f"<{name}>"


def _attributes(value: object) -> Iterator[tuple[str, Any]]:
    """What stands in an object's `__dict__` and slots, by the descriptors that Python made and no others."""
    for kind in reversed(_ancestors(value)):
        for name, found in list(type.__dict__["__dict__"].__get__(kind).items()):
            if name == "__dict__" and type(found) is GetSetDescriptorType:
                yield from list(found.__get__(value).items())
            elif type(found) is MemberDescriptorType and _module_of(kind) != "builtins":
                try:
                    yield name, found.__get__(value)
                except AttributeError:
                    continue


_LENGTHS: Final[dict[type, Callable[[Any], int]]] = {
    bytes: bytes.__len__,
    bytearray: bytearray.__len__,
    memoryview: lambda view: view.nbytes,
}
_COLLECTIONS: Final = (list, tuple, set, frozenset)
_BY_TYPE: Final[dict[type, Callable[[_Teller, Any, int], Any]]] = {
    type(None): lambda *_: None,
    bool: lambda _, value, __: value,
    int: _Teller._number,
    float: _Teller._float,
    str: _Teller._text,
    dict: _Teller._mapping,
    PurePath: _Teller._path,
    datetime: _Teller._moment,
    time: _Teller._moment,
    **dict.fromkeys(_LENGTHS, _Teller._bytes),
    **dict.fromkeys(_COLLECTIONS, _Teller._items),
    **dict.fromkeys(_TELL_THEMSELVES, _Teller._itself),
}
