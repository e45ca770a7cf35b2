"""An exception becomes fields, fingerprint and category: pure functions of the exception alone.

The traceback is walked by hand. `traceback.format_exception` costs ten times as much on Python 3.11, mostly for
carets and for asking the file system whether each source file has changed.
"""

from __future__ import annotations

import linecache
import signal
import sys
from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..encoding import text
from ..redaction import redact_text
from . import categories

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

MAX_FRAMES: Final = 60
MAX_CAUSES: Final = 16
MAX_STACKS: Final = 512
_WITHOUT_PLACE: Final = (KeyboardInterrupt, SystemExit)
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
        "frames": [dict(frame) for frame in _stack(error.__traceback__).frames],
        "causes": [
            {"type": type_name(cause), "message": text(cause), "link": link} for cause, link in chain[1:] if link
        ],
        "notes": _notes(error),
        "fingerprint": _fingerprint(chain),
        "category": categories.classify([link for link, _ in chain]),
    }


def fingerprint(error: BaseException) -> str:
    """Return 12 hex digits that are the same for errors that are the same one.

    They come from the root cause's type and the innermost function of the application on the way to it, never from
    line numbers or messages, which change with the data and with each edit. A signal (Ctrl-C, SIGTERM) has no place: it
    strikes anywhere. A group is what its members are, in whatever order they came.
    """
    return _fingerprint(list(_chain(error)))


def _fingerprint(chain: list[tuple[BaseException, str]]) -> str:
    identities = {_identity(root, chain[0][0]) for root in _roots(chain[-1][0])}
    return sha256("\n\n".join(sorted(identities)).encode("utf-8", "replace")).hexdigest()[:12]


def _identity(root: BaseException, told: BaseException) -> str:
    """What makes *root* the same error as another one; *told* is the exception that it was the cause of."""
    if isinstance(root, _WITHOUT_PLACE):
        return type_name(root)
    place = _stack(root.__traceback__).place or _stack(told.__traceback__).place
    return f"{type_name(root)}\n{place}"


def _roots(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The root causes of a group's members, as far as they are told; of any other exception, itself."""
    if not isinstance(error, BaseExceptionGroup) or depth >= MAX_CAUSES:
        yield error
        return
    for member in error.exceptions[:MAX_CAUSES]:
        *_, (root, _) = _chain(member)
        yield from _roots(root, depth + 1)


def root_cause(error: BaseException) -> BaseException:
    """Return the exception at the far end of the chain of causes; of a group, the root of its first member."""
    return _leaf(list(_chain(error))[-1][0])


def _leaf(root: BaseException) -> BaseException:
    return root_cause(root.exceptions[0]) if isinstance(root, BaseExceptionGroup) and root.exceptions else root


def category(error: BaseException) -> str:
    """Return which kind of failure *error* is, judged from the root cause outwards; ``unknown`` where no rule
    speaks.
    """
    return categories.classify([link for link, _ in _chain(error)])


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


def from_signal_handler(error: BaseException) -> bool:
    """Return whether a signal handler of the program raised *error*: it is the program's own, wherever it struck."""
    handlers = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()} - {None}
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in handlers:
            return True
        traceback = traceback.tb_next
    return False


def _code_of(handler: Any) -> CodeType | None:
    return getattr(getattr(handler, "__func__", handler), "__code__", None)


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


def place_of(error: BaseException) -> tuple[str, str, int]:
    """Return module, function and line where *error* was raised; empty where it has no traceback."""
    frames = _stack(error.__traceback__).frames
    return (frames[-1]["module"], frames[-1]["function"], frames[-1]["line"]) if frames else ("", "", 0)


class _Stack(NamedTuple):
    """What a traceback shows, without the exception: its frames, their text, and the application's innermost place."""

    frames: list[dict[str, Any]]
    text: str
    place: str
    codes: tuple[CodeType, ...]


_NO_STACK: Final = _Stack([], "", "", ())
_stacks: dict[tuple[int, ...], _Stack] = {}


def _stack(traceback: TracebackType | None) -> _Stack:
    """Render a traceback, once for each way through the code: the same error comes back a thousand times."""
    if traceback is None:
        return _NO_STACK
    walked: list[tuple[FrameType, int]] = []
    key: list[int] = []
    while traceback is not None:
        frame, line = traceback.tb_frame, traceback.tb_lineno or 0
        walked.append((frame, line))
        key += (id(frame.f_code), line)
        traceback = traceback.tb_next
    found = _stacks.get(tuple(key))
    if found is None:
        if len(_stacks) >= MAX_STACKS:
            _stacks.clear()
        # The code objects are kept, so that no other can come to have the address of one.
        found = _stacks[tuple(key)] = _render_stack(walked)
    return found


def _render_stack(walked: list[tuple[FrameType, int]]) -> _Stack:
    kept, hidden = walked, 0
    if len(walked) > MAX_FRAMES:
        # A runaway recursion has a thousand frames alike: its ends tell the story.
        half = MAX_FRAMES // 2
        kept, hidden = walked[:half] + walked[-half:], len(walked) - MAX_FRAMES
    frames = [_frame(frame, line) for frame, line in kept]
    lines = ["Traceback (most recent call last):"]
    for position, frame in enumerate(frames):
        if hidden and position == MAX_FRAMES // 2:
            lines.append(f"  [{hidden} frames left out]")
        lines.append(_frame_text(frame, kept[position][0].f_code.co_name))
    codes = tuple(frame.f_code for frame, _ in walked)
    return _Stack(frames, "\n".join(lines), _application_place(walked), codes)


def _frame(frame: FrameType, line: int) -> dict[str, Any]:
    return {
        "module": frame.f_globals.get("__name__") or "",
        "function": frame.f_code.co_qualname,
        "file": frame.f_code.co_filename,
        "line": line,
        "source": _source(frame, line),
    }


def _frame_text(frame: dict[str, Any], name: str) -> str:
    place = f'  File "{frame["file"]}", line {frame["line"]}, in {name}'
    return f"{place}\n    {frame['source']}" if frame["source"] else place


def _source(frame: FrameType, line: int) -> str:
    return redact_text(linecache.getline(frame.f_code.co_filename, line or 0, frame.f_globals).strip())


def _format_chain(chain: list[tuple[BaseException, str]]) -> str:
    parts: list[str] = []
    for position in range(len(chain) - 1, -1, -1):
        error, link = chain[position]
        parts.append(_format_one(error))
        if link:
            parts.append(f"\n{_CAUSE_TEXT if link == 'cause' else _CONTEXT_TEXT}\n")
    return "\n".join(parts)


def _format_one(error: BaseException) -> str:
    stack = _stack(error.__traceback__).text
    lines = [stack] if stack else []
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
        lines.append(_frame_text(_frame(frame, frame.f_lineno or 0), frame.f_code.co_name))
        frame = frame.f_back
    return "\n".join(reversed(lines))


def _application_place(walked: list[tuple[FrameType, int]]) -> str:
    """The innermost function that is the application's own rather than a library's; else the innermost of all."""
    place = own = ""
    for frame, _ in walked:
        place = f"{frame.f_globals.get('__name__')}.{frame.f_code.co_qualname}"
        if not any(part in frame.f_code.co_filename for part in _LIBRARY_PATHS):
            own = place
    return own or place
