"""What rules may ask of an exception: the names of its type, errno, exit status, message and origin.

Also of one that was raised in another process and has come as text: a failed program's traceback on its stderr, or an
error that somebody has put into the message of another one.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any, Final, Self

from ..encoding import text
from .ownership import is_of_library

MAX_TEXT: Final = 4000
TOLD_BESIDE: Final = frozenset({"stderr", "output", "errno", "returncode", "code", "__notes__"})
"""What of an exception speaks besides its message and its way through the code."""
_TOLD: Final = re.compile(
    r"(?:^|[\s:(])([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Warning)): (.*)|^([A-Za-z_][\w.]*(?:Error|Exception))$",
    re.MULTILINE,
)
# The first words of DuckDB's messages, by which others hand them on.
_DUCKDB: Final = re.compile(
    r"^\s*(Binder|Catalog|Connection|Constraint|Conversion|HTTP|IO|Invalid Input|Out of Memory|Out of Range|Parser"
    r"|Permission|Serialization|Transaction|Type Mismatch) Error: (.*)",
    re.MULTILINE,
)
_ERRNO: Final = re.compile(r"\[Errno (\d+)\]")
# A class that stands above all of a module's exceptions, where their own names do not tell what they are.
_ABOVE: Final = {"duckdb": "duckdb.Error", "sqlite3": "sqlite3.Error"}


_STATEMENTS: Final = frozenset({"BinderException", "CatalogException", "ParserException"})


_SAME_DIGITS: Final = bytes.maketrans(b"0123456789", b"1" * 10)


def shape(message: str) -> bytes:
    """Return what is the same in messages that differ in their digits alone, but for those of a ``0x1f``.

    >>> shape("no band for employee 7") == shape("no band for employee 8")
    True
    """
    told = message.encode("utf-8", "surrogatepass")
    return told if b"0x" in told else told.translate(_SAME_DIGITS)


class Symptoms:
    """One exception, or one that is told of; each thing is looked up once."""

    def __init__(
        self, names: tuple[str, ...], raw: str, *, own: bool = False, error: BaseException | None = None
    ) -> None:
        self.names = names
        """Its class and those above it, each with and without its module; its own bare name first."""
        self.raw = raw
        self.own = own
        """Whether the application defines its class."""
        self._error = error

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Look at an exception. Its text is its message, and what the program printed if it was one that failed."""
        kind: Any = type(error)
        names, own = _of_kind(kind)
        raw = text(error)
        for printed in (getattr(error, "stderr", None), getattr(error, "output", None)):
            if printed:
                raw = f"{raw}\n{_as_text(printed)[-MAX_TEXT:]}"
        return cls(names, raw[: 2 * MAX_TEXT], own=own, error=error)

    def told(self) -> Self | None:
        """Return the symptoms of the last exception that this one's text tells of, if it does."""
        if "Error" not in self.raw and "Exception" not in self.raw:
            return None
        found = _TOLD.findall(self.raw)
        if not found:
            return None if _ABOVE["duckdb"] in self.names else self._told_by_duckdb()
        name, message, alone = found[-1]
        return type(self)(tuple(_names_of((name or alone).replace("_duckdb", "duckdb"))), message)

    def _told_by_duckdb(self) -> Self | None:
        found = _DUCKDB.search(self.raw)
        if found is None:
            return None
        name = f"{found[1].title().replace(' ', '')}Exception".replace("Io", "IO").replace("Http", "HTTP")
        names = tuple(_names_of(f"duckdb.{name}"))
        return type(self)((*names, "duckdb.ProgrammingError") if name in _STATEMENTS else names, found[2])

    @property
    def kind(self) -> Any:
        """What decides which rules may speak of it."""
        return type(self._error) if self._error is not None else self.names

    @cached_property
    def lowered(self) -> str:
        """The text in small letters."""
        return self.raw.lower()

    @cached_property
    def errno(self) -> int | None:
        """The number of the system's error."""
        number = getattr(self._error, "errno", None)
        told = _ERRNO.search(self.raw) if self._error is None else None
        return number if type(number) is int else int(told[1]) if told else None

    @cached_property
    def status(self) -> int | None:
        """The exit status that a failed program had, or that `sys.exit` was given."""
        status = getattr(self._error, "returncode", getattr(self._error, "code", None))
        return status if type(status) is int else None

    @cached_property
    def origin(self) -> str:
        """The top-level package of the code in which it was raised; C code has no frame of its own."""
        traceback, module = getattr(self._error, "__traceback__", None), ""
        while traceback is not None:
            module = traceback.tb_frame.f_globals.get("__name__") or ""
            traceback = traceback.tb_next
        return text(module).partition(".")[0]


def _as_text(printed: Any) -> str:
    return printed.decode("utf-8", "replace") if isinstance(printed, bytes) else text(printed)


@lru_cache(maxsize=512)
def _of_kind(kind: type) -> tuple[tuple[str, ...], bool]:
    """The names of a class, and whether it is the application's."""
    return tuple(_names(kind)), is_own(kind)


def asked_beside(kind: type[BaseException]) -> tuple[str, ...] | None:
    """Return what each exception of this class may tell beside its message, if nothing more is set on it: `errno`, say.

    None where that can't be known beforehand.
    """
    if kind.__getattribute__ is not BaseException.__getattribute__ or hasattr(kind, "__getattr__"):
        return None
    return None if issubclass(kind, BaseExceptionGroup) else tuple(name for name in TOLD_BESIDE if hasattr(kind, name))


def _names(kind: type) -> Iterator[str]:
    for above in kind.__mro__[:-1]:
        module = text(getattr(above, "__module__", "")).replace("_duckdb", "duckdb")
        yield from (above.__qualname__, f"{module}.{above.__qualname__}")


def _names_of(name: str) -> Iterator[str]:
    """The names that a class must have of which only its own is known."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type):
        yield from _names(kind)
        return
    yield from (name.rpartition(".")[2], name)
    top = name.partition(".")[0]
    if top in _ABOVE:
        yield _ABOVE[top]


def is_own(kind: type) -> bool:
    """Return whether the application defines this class, rather than Python or a library."""
    module = sys.modules.get(getattr(kind, "__module__", ""))
    file = getattr(module, "__file__", None)
    if kind.__module__ == "__main__":
        return True
    return isinstance(file, str) and not is_of_library(file)
