"""A traceback as frames and as text, walked by hand and rendered once for each way through the code.

`traceback.format_exception` costs ten times as much on Python 3.11, mostly for carets and for asking the file system
whether each source file has changed.
"""

from __future__ import annotations

import linecache
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ..redaction import redact_text
from .ownership import is_of_library, is_of_toolkit

if TYPE_CHECKING:
    from types import CodeType, FrameType, TracebackType

MAX_FRAMES: Final = 60
MAX_STACKS: Final = 512


def place_of(error: BaseException) -> tuple[str, str, int]:
    """Return module, function and line where *error* was raised; empty where it has no traceback."""
    frames = stack_of(error.__traceback__).frames
    return (frames[-1]["module"], frames[-1]["function"], frames[-1]["line"]) if frames else ("", "", 0)


class Stack(NamedTuple):
    """What a traceback shows, without the exception: its frames, their text, and the application's innermost place."""

    frames: list[dict[str, Any]]
    text: str
    place: str
    codes: tuple[CodeType, ...]


_NO_STACK: Final = Stack([], "", "", ())
_stacks: dict[tuple[int, ...], Stack] = {}


def stack_of(traceback: TracebackType | None) -> Stack:
    """Render a traceback, once for each way through the code: the same error comes back a thousand times."""
    if traceback is None:
        return _NO_STACK
    # The place in the byte code tells as much as the line, which would have to be looked up.
    steps: list[int] = []
    link: TracebackType | None = traceback
    while link is not None:
        steps.append(id(link.tb_frame.f_code))
        steps.append(link.tb_lasti)
        link = link.tb_next
    key = tuple(steps)
    found = _stacks.get(key)
    if found is None:
        if len(_stacks) >= MAX_STACKS:
            _stacks.clear()
        # The code objects are kept, so that no other can come to have the address of one.
        found = _stacks[key] = _render_stack(_without_ours(list(_walk(traceback))))
    return found


def _walk(traceback: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while traceback is not None:
        yield traceback.tb_frame, traceback.tb_lineno or 0
        traceback = traceback.tb_next


def _without_ours(walked: list[tuple[FrameType, int]]) -> list[tuple[FrameType, int]]:
    """Leave out the frames that only stand between a function and its caller: wrappers of decorated functions."""
    return [step for step in walked[:-1] if not _is_wrapper(step[0])] + walked[-1:]


def _is_wrapper(frame: FrameType) -> bool:
    # The modules that wrap say so to pytest and IPython as well.
    told = frame.f_globals
    return told.get("__tracebackhide__") is True and is_of_toolkit(told.get("__name__"))


def _render_stack(walked: list[tuple[FrameType, int]]) -> Stack:
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
    return Stack(frames, "\n".join(lines), _application_place(walked), codes)


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
        if not is_of_library(frame.f_code.co_filename):
            own = place
    return own or place
