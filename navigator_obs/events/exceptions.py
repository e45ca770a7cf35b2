"""An exception becomes fields, fingerprint and category: pure functions of the exception alone.

The traceback is walked by hand. `traceback.format_exception` costs ten times as much on Python 3.11, mostly for
carets and for asking the file system whether each source file has changed.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ..encoding import text

if TYPE_CHECKING:
    from types import FrameType, TracebackType

MAX_FRAMES: Final = 60
MAX_CAUSES: Final = 16
_REPORTED: Final = "__navigator_obs_reported__"
_LIBRARY_PATHS: Final = ("site-packages", "dist-packages", f"python{sys.version_info.major}.{sys.version_info.minor}")
_CAUSE_TEXT: Final = "The above exception was the direct cause of the following exception:"
_CONTEXT_TEXT: Final = "During handling of the above exception, another exception occurred:"


def describe(error: BaseException) -> dict[str, Any]:
    """Return the exception as the plain fields of an event's `exception` key (see `fields.EXCEPTION_FIELDS`).

    >>> described = describe(ValueError("salary is negative"))
    >>> described["type"], described["message"], described["category"]
    ('ValueError', 'salary is negative', 'code')
    """
    chain = list(_chain(error))
    return {
        "type": type_name(error),
        "message": text(error),
        "traceback": _format_chain(chain),
        "frames": _frames(error.__traceback__),
        "causes": [
            {"type": type_name(cause), "message": text(cause), "link": link} for cause, link in chain[1:] if link
        ],
        "notes": _notes(error),
        "fingerprint": fingerprint(error),
        "category": category(error),
    }


def fingerprint(error: BaseException) -> str:
    """Return 12 hex digits that are the same for errors that are the same one.

    They come from the root cause's type and the innermost function of the application on the way to it, never from
    line numbers or messages, which change with the data and with each edit.
    """
    root = root_cause(error)
    place = _application_place(root.__traceback__) or _application_place(error.__traceback__) or ""
    return sha256(f"{type_name(root)}\n{place}".encode("utf-8", "replace")).hexdigest()[:12]


def root_cause(error: BaseException) -> BaseException:
    """Return the exception at the far end of the chain of causes; of a group, the root of its first member."""
    root = error
    for link, _ in _chain(error):
        root = link
    if isinstance(root, BaseExceptionGroup) and root.exceptions:
        return root_cause(root.exceptions[0])
    return root


def category(error: BaseException) -> str:
    """Return which kind of failure *error* is, judged from the root cause outwards; ``unknown`` where no rule
    speaks.
    """
    for link, _ in reversed(list(_chain(error))):
        found = _own_category(link)
        if found:
            return found
    return "unknown"


def type_name(error: BaseException) -> str:
    """Return the class's name, with its module unless it is built in: ``duckdb.CatalogException``."""
    kind = type(error)
    if kind.__module__ in {"builtins", "__main__"}:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}".replace("_duckdb.", "duckdb.")


def mark_reported(error: BaseException) -> None:
    """Remember on *error* itself that it was told, so that it is not told again by each operation that it passes."""
    try:
        setattr(error, _REPORTED, True)
    except Exception:
        # An exception class without a dict is told more than once, which is better than never.
        return


def was_reported(error: BaseException) -> bool:
    """Return whether `mark_reported` saw *error* before. One raised from it is another: it adds its own words."""
    return getattr(error, _REPORTED, False) is True


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """The exception, then each cause with how the one before is linked to it; circular chains end."""
    seen: set[int] = set()
    link, current = "", error
    while id(current) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(current))
        yield current, link
        if current.__cause__ is not None:
            link, current = "cause", current.__cause__
        elif current.__context__ is not None and not current.__suppress_context__:
            link, current = "context", current.__context__
        else:
            return


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())
    return [text(note) for note in notes] if isinstance(notes, (list, tuple)) else [text(notes)]


def _walk(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next


def _kept(traceback: TracebackType | None) -> tuple[list[tuple[FrameType, int]], int]:
    """The frames that are shown and how many in the middle are not: a runaway recursion has a thousand alike."""
    found = list(_walk(traceback))
    if len(found) <= MAX_FRAMES:
        return found, 0
    half = MAX_FRAMES // 2
    return found[:half] + found[-half:], len(found) - MAX_FRAMES


def _frames(traceback: TracebackType | None) -> list[dict[str, Any]]:
    return [
        {
            "module": frame.f_globals.get("__name__") or "",
            "function": frame.f_code.co_qualname,
            "file": frame.f_code.co_filename,
            "line": line or 0,
            "source": _source(frame, line),
        }
        for frame, line in _kept(traceback)[0]
    ]


def _source(frame: FrameType, line: int) -> str:
    return linecache.getline(frame.f_code.co_filename, line or 0, frame.f_globals).strip()


def _format_chain(chain: list[tuple[BaseException, str]]) -> str:
    parts: list[str] = []
    for position in range(len(chain) - 1, -1, -1):
        error, link = chain[position]
        parts.append(_format_one(error))
        if link:
            parts.append(f"\n{_CAUSE_TEXT if link == 'cause' else _CONTEXT_TEXT}\n")
    return "\n".join(parts)


def _format_one(error: BaseException) -> str:
    lines: list[str] = []
    kept, hidden = _kept(error.__traceback__)
    if kept:
        lines.append("Traceback (most recent call last):")
    for position, (frame, line) in enumerate(kept):
        if hidden and position == MAX_FRAMES // 2:
            lines.append(f"  [{hidden} frames left out]")
        lines.append(f'  File "{frame.f_code.co_filename}", line {line}, in {frame.f_code.co_name}')
        source = _source(frame, line)
        if source:
            lines.append(f"    {source}")
    message = text(error)
    lines.append(f"{type_name(error)}: {message}" if message else type_name(error))
    lines += _notes(error)
    if isinstance(error, BaseExceptionGroup):
        lines += [
            f"  | {line}" for member in error.exceptions[:MAX_CAUSES] for line in _format_one(member).splitlines()
        ]
    return "\n".join(lines)


def format_stack(frame: FrameType | None) -> str:
    """Return the stack down to *frame* as Python prints it, outermost first."""
    lines: list[str] = []
    while frame is not None and len(lines) < MAX_FRAMES:
        source = _source(frame, frame.f_lineno)
        place = f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}, in {frame.f_code.co_name}'
        lines.append(f"{place}\n    {source}" if source else place)
        frame = frame.f_back
    return "\n".join(reversed(lines))


def _application_place(traceback: TracebackType | None) -> str | None:
    """The innermost function that is the application's own rather than a library's; else the innermost of all."""
    place = own = None
    for frame, _ in _walk(traceback):
        place = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
        if not any(part in frame.f_code.co_filename for part in _LIBRARY_PATHS):
            own = place
    return own or place


_BY_TYPE_NAME: Final = {
    "MemoryError": "resource",
    "RecursionError": "code",
    "KeyboardInterrupt": "interrupted",
    "CancelledError": "interrupted",
    "SystemExit": "interrupted",
    "GeneratorExit": "interrupted",
    "TimeoutError": "resource",
    "PermissionError": "environment",
    "FileNotFoundError": "environment",
    "ImportError": "environment",
    "ConnectionError": "external",
    "CalledProcessError": "external",
    "BrokenProcessPool": "worker",
    "ZeroDivisionError": "numeric",
    "FloatingPointError": "numeric",
    "OverflowError": "numeric",
    "ArithmeticError": "numeric",
    "JSONDecodeError": "data",
    "UnicodeError": "data",
    "CheckFailed": "data",
    "ConfigError": "config",
    "AssertionError": "code",
    "AttributeError": "code",
    "NameError": "code",
    "TypeError": "code",
    "ValueError": "code",
    "LookupError": "code",
    "NotImplementedError": "code",
}
_BY_MODULE: Final = {
    "duckdb": "database",
    "_duckdb": "database",
    "sqlite3": "database",
    "sqlalchemy": "database",
    "psycopg": "database",
}
_BY_ERRNO: Final = {
    12: "resource",
    23: "resource",
    24: "resource",
    28: "resource",
    122: "resource",
    13: "environment",
    30: "environment",
}
_OUT_OF_MEMORY: Final = re.compile(r"out of memory|cannot allocate memory", re.IGNORECASE)


def _own_category(error: BaseException) -> str | None:
    if _OUT_OF_MEMORY.search(text(error)):
        return "resource"
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    for kind in type(error).__mro__:
        found = _BY_MODULE.get(kind.__module__.partition(".")[0]) or _BY_TYPE_NAME.get(kind.__name__)
        if found:
            return found
    return None
