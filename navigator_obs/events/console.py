"""The readable line beside the JSON one: time, level, message, then what is worth a look.

It goes to stderr, which is looked up at each event: a progress bar that swaps `sys.stderr` stays whole. Text from
outside can neither forge a line nor drive the terminal: control characters are shown, not sent.
"""

from __future__ import annotations

import io
import os
import re
import select
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

from ..clock import parse_timestamp
from ..encoding import to_json
from ..fields import EVENT_FIELDS, OPERATION_FIELDS, cut, told_by_message
from .glyphs import written

STALL_SECONDS: Final = 1.0
"""How long a console that takes nothing may hold the program, once."""
# A pipe that says it has room takes a page, which is so many characters of any kind.
_PIECE: Final = 1024
# What terminals obey rather than show: controls, and what is invisible or turns the reading direction.
OBEYED: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_DIGITS: Final = 12
_LONGEST: Final = 200
_FIRST: Final = frozenset(field.name for field in EVENT_FIELDS)
_FORMATS: Final = {field.name: field.format for field in OPERATION_FIELDS if field.unit}
_COLOURS: Final = {"DEBUG": "2", "INFO": "32", "WARNING": "33", "ERROR": "31;1", "CRITICAL": "41;37;1"}
# Beside a number that shows its unit, the key need not.
_LABELS: Final = {"duration_seconds": "took", "peak_memory_mb": "peak", "rows_per_second": "rate"}
_HIDDEN: Final = frozenset({"operation_path", "self_seconds", "cpu_seconds", "memory_delta_mb", "status"})


def wants_colour(stream: TextIO | None, environ: Mapping[str, str] | None = None) -> bool:
    """Return whether *stream* is to be coloured: ``NO_COLOR`` says no, ``FORCE_COLOR`` yes, else whether it is a
    terminal.
    """
    environ = os.environ if environ is None else environ
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    try:
        return stream is not None and stream.isatty() and environ.get("TERM") != "dumb"
    except (ValueError, OSError):
        return False


def harmless(text: str) -> str:
    r"""Show control characters instead of sending them: a terminal obeys them, whoever wrote them.

    >>> harmless("all well" + chr(27) + "[2J")
    'all well\\x1b[2J'
    """
    return OBEYED.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


class ConsoleSink:
    """Writes each event as one line (an exception below it) to the stderr of the moment.

    A stderr that takes nothing (a full pipe whose reader has stopped, a terminal held by Ctrl-S) is waited for once,
    for `STALL_SECONDS`; from then on events pass it by until it takes some again, and are counted there.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._passed_by = 0
        # In a forked child: the stream that it has from its parent.
        self._inherited: TextIO | None = None
        # The stream that was asked last whether it is to be coloured, and what it said.
        self._coloured: tuple[object, bool] = (None, False)

    def write(self, event: Mapping[str, Any], level: int) -> None:  # noqa: ARG002
        """Write one event; does nothing without a stderr."""
        stream = self._stream or sys.stderr
        if stream is None:
            return
        line = format_event(event, colour=self._is_coloured(stream)) + "\n"
        if self._passed_by:
            line = f"… {self._passed_by:,} events were not shown: the console took nothing\n{line}"
        if self._put(stream, line):
            self._passed_by = 0
        else:
            self._passed_by += 1

    def _is_coloured(self, stream: TextIO) -> bool:
        asked, answer = self._coloured
        if asked is not stream:
            answer = wants_colour(stream)
            self._coloured = stream, answer
        return answer

    def _put(self, stream: TextIO, line: str) -> bool:
        patience = 0.0 if self._passed_by else STALL_SECONDS
        # Between the question whether there is room and the write no other thread may take it.
        if not self._lock.acquire(timeout=patience):
            return False
        try:
            # A thread of the parent may have had the lock of the stream's own buffer, which is not renewed.
            directly = stream is self._inherited and type(stream) is io.TextIOWrapper
            return put(stream, line, patience, directly=directly)
        finally:
            self._lock.release()

    def after_fork(self) -> None:
        """In a forked child: a thread of the parent may have had the lock."""
        self._lock = threading.RLock()
        self._inherited = self._stream or sys.stderr


def put(stream: TextIO, text: str, patience_seconds: float = STALL_SECONDS, *, directly: bool = False) -> bool:
    """Write *text* as far as *stream* takes it, waiting at most so long; return whether all of it was taken.

    *directly* writes to its descriptor, past its buffer.
    """
    text = written(text, getattr(stream, "encoding", None))
    deadline = time.monotonic() + patience_seconds
    for start in range(0, len(text), _PIECE):
        if not _has_room(stream, deadline):
            return False
        piece = text[start : start + _PIECE]
        if directly:
            os.write(stream.fileno(), piece.encode(stream.encoding, "backslashreplace"))
            continue
        stream.write(piece)
        stream.flush()
    return True


def _has_room(stream: TextIO, deadline: float) -> bool:
    """Whether a piece can be written without waiting; waits for that until the deadline."""
    try:
        waiting = select.poll()
        waiting.register(stream.fileno(), select.POLLOUT)
    except (AttributeError, OSError, ValueError, TypeError):
        # No descriptor (a StringIO, a notebook's stream), or no such call here: it can't be asked.
        return True
    return bool(waiting.poll(max(deadline - time.monotonic(), 0.0) * 1000))


def format_event(event: Mapping[str, Any], *, colour: bool = False) -> str:
    """Return one event as people read it: local time, level, message, fields; an exception's traceback below.

    *event* has the keys of a log line. Shared by the live console and by whoever shows a log file later.
    """
    level = _one_line(str(event.get("level", "")))
    parts = [
        _paint(_local_time(event.get("timestamp")), "2", colour),
        _paint(f"{level:<8}", _COLOURS.get(level, "0"), colour),
        _paint(_one_line(str(event.get("message", ""))), "1", colour and level not in {"DEBUG", "INFO"}),
        *(_field(key, value, colour) for key, value in _shown(event)),
    ]
    exception = event.get("exception")
    below = f"\n{_traceback(exception, colour)}" if isinstance(exception, Mapping) else ""
    return " ".join(part for part in parts if part) + below


def _local_time(timestamp: object) -> str:
    try:
        nanoseconds = parse_timestamp(str(timestamp))
    except ValueError:
        return "--:--:--"
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    moment = time.localtime(seconds)
    return f"{moment.tm_hour:02}:{moment.tm_min:02}:{moment.tm_sec:02}.{rest // 1_000_000:03}"


def _shown(event: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    told = told_by_message(event)
    for key, value in event.items():
        if key in _FIRST or key in {"exception", "operation"} or key in told:
            continue
        if key in _HIDDEN and ("operation" in event or key == "operation_path"):
            continue
        yield key, value


def _field(key: str, value: Any, colour: bool) -> str:
    if isinstance(value, str):
        shown = _quoted(_one_line(cut(value, _LONGEST)))
    elif key in _FORMATS and isinstance(value, (int, float)):
        shown, key = _quoted(_one_line(_FORMATS[key](value))), _LABELS.get(key, key)
    elif type(value) is int:
        shown = str(value)
    else:
        shown = _quoted(_one_line(cut(to_json(_rounded(value)).decode(), _LONGEST)))
    return f"{_paint(f'{_one_line(key)}=', '2', colour)}{shown}"


def _rounded(value: Any) -> Any:
    """A float without the digits that only its arithmetic has put there."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _quoted(text: str) -> str:
    return f'"{text}"' if not text or (" " in text and not text[0].isdigit() and text[0] not in "[{") else text


def _one_line(text: str) -> str:
    if text.isprintable():
        return text
    return harmless(text.replace("\n", "\\n").replace("\t", " "))


def _traceback(exception: Mapping[str, Any], colour: bool) -> str:
    lines = str(exception.get("traceback") or exception.get("message", "")).splitlines()
    return "\n".join(_paint(f"  {harmless(line)}", "2" if line.startswith(" ") else "31", colour) for line in lines)


def _paint(text: str, code: str, colour: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if colour and text else text
