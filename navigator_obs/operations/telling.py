"""What is told of an operation that has succeeded: its figures, rendered once for its event and for the journal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock, timestamp_bytes
from ..encoding import NEWLINE, strict_json, to_json
from ..events.emitting import emit, emit_ready
from ..settings import INFO
from . import nesting
from .node import BOTH, END
from .parts import SECOND
from .record import SUCCESS
from .resources import MB, SHARED_NS, read_shared
from .series import WORTH_MEASURING_NS

if TYPE_CHECKING:
    from types import FrameType

    from .opened import OpenOperation
    from .series import Link

_ALWAYS: Final = (END, BOTH)
Figures = tuple[int | None, float | None, float | None]
Place = tuple[str, str, int]
_PASSED_OVER: Final = ("contextlib", __package__)
NOTHING: Final = (None, None, None)
_NOWHERE: Final = ("", "", 0)


def succeed(op: OpenOperation, end: int) -> None:
    """Do what `ending.finish` does, for an operation that has succeeded in its own scope, and of which the program has
    said nothing more than rows.
    """
    link = op.link
    accumulator = link.accumulator
    duration = own = max(end - op.start, 0)
    if duration < SHARED_NS and not op.due and op.reading is not None:
        measured: Figures = None, 0.0, _in_mb(op.reading[1], op.sampled_bytes)
    else:
        measured = measure(op, duration)
    if op.busy or op.child is not None:
        own = nesting.own_time(op, end, duration)
    weighted = own - op.lost_before
    end_ns = (clock.time_ns() - clock.monotonic_ns() + end) // 1000 * 1000
    ended = (end_ns, duration, own, weighted, op.rows, *measured)
    known, fragment, scene = link.held
    if scene is None or known is not op.context:
        scene = link.scene(op.context)
    if not is_logged(op, duration):
        accumulator.add_told(link, scene, ended)
        return
    fields = figures(link.name, SUCCESS, duration, own, measured, op.rows)
    try:
        body = strict_json(fields, None, NEWLINE)
    except TypeError:
        # A name that is no proper text.
        body = to_json(fields) + b"\n"
    told = record(link, scene, body, None if weighted == own else weighted)
    end_time = timestamp_bytes(end_ns)
    accumulator.add_told(link, scene, ended, told, end_time)
    place = op.place or site(link)
    if not emit_ready(place, link.completed, tuple(fields), body, end_time):
        emit(place[0], INFO, link.completed, fields, caller=place)
    link.repeats.count += 1
    if link.repeats.count >= accumulator.log_limit:
        tell_limit(op, place)
    # For the next of its kind; the fast path sees by itself when the settings have changed since.
    if op.fragment is not fragment or known is not op.context:
        link.held = (op.context, op.fragment, scene)


def is_logged(op: OpenOperation, duration: int) -> bool:
    """Whether there is to be an event of an operation that has not failed."""
    log = op.log
    if log in _ALWAYS:
        return op.link.repeats.count < op.link.accumulator.log_limit
    return isinstance(log, float) and duration / SECOND >= log


def microsecond(time_ns: int) -> int:
    """Cut to the resolution of timestamps, so that what is read back from a file adds up to the same."""
    return time_ns // 1000 * 1000


def figures(name: str, status: str, duration: int, own: int, measured: Figures, rows: int | None) -> dict[str, Any]:
    """What the operation's own event carries (`fields.OPERATION_FIELDS`), without what is not known; the scope adds
    `operation_path`.
    """
    cpu, delta, peak = measured
    fields: dict[str, Any] = {
        "operation": name,
        "status": status,
        "duration_seconds": duration / SECOND,
        "self_seconds": own / SECOND,
    }
    if cpu is not None:
        fields["cpu_seconds"] = cpu / SECOND
    if delta is not None:
        fields["memory_delta_mb"], fields["peak_memory_mb"] = delta, peak
    if rows is not None:
        fields["rows"] = rows
        if duration:
            fields["rows_per_second"] = round(rows * SECOND / duration, 3)
    return fields


def record(link: Link, scene: str, body: bytes, weighted_ns: int | None) -> bytes:
    """Return the record of an operation that has succeeded as JSON, in the form of `OperationRecord.to_dict`, with the
    figures that *body* has, rendered and with a newline; *weighted_ns* is given where it is not its self time.

    It is without the times of its start and end, which a reader knows: see `OperationRecord.from_dict`.
    """
    head, skipped = link.told or _head(link)
    if weighted_ns is None:
        return b'%b"%b"%b' % (head, scene.encode(), body[skipped:-1])
    return b'%b"%b"%b,"weighted_self_seconds":%a}' % (head, scene.encode(), body[skipped:-2], weighted_ns / 1e9)


def _head(link: Link) -> tuple[bytes, int]:
    """What records of the link's operations begin with, up to the scene, and how much of their figures that has
    already.
    """
    same = {"name": link.name, "path": link.path, "status": SUCCESS, "logged": True}
    where = {"breakdown": link.breakdown, "outermost": link.outermost} if link.breakdown else {}
    head = to_json({**same, **where})[:-1] + b',"scene":'
    link.told = found = head, len(to_json({"operation": link.name, "status": SUCCESS})) - 1
    return found


def measure(op: OpenOperation, duration: int) -> Figures:
    """Return CPU time (ns), memory delta and peak (MB), as far as they were asked for."""
    before = getattr(op, "reading", None)
    if before is None:
        return NOTHING
    if duration < SHARED_NS and not op.due and not op.paused_ns:
        return None, 0.0, _in_mb(before[1], op.sampled_bytes)
    op.link.series.measure = duration >= WORTH_MEASURING_NS
    # For who looks at what is open, it still is.
    op.link.accumulator.aside.add(op)
    cpu_before, rss_before, mark_before = before
    cpu_after, rss_after, mark_after = read_shared(before)
    peak = max(rss_before, rss_after, op.sampled_bytes)
    if mark_after > mark_before:
        # It rose meanwhile: then the kernel knows the peak, however short it was and whoever held the GIL.
        peak = max(peak, mark_after)
    # While a generator waits, others use the CPU.
    cpu = None if op.paused_ns else _cpu(cpu_after - cpu_before, duration)
    return cpu, round((rss_after - rss_before) / MB, 3), round(peak / MB, 3)


# Beside shorter work the two looks at CPU time show themselves.
_SHOWN_NS: Final = 1_000_000
_shown: tuple[int, float] = (0, 0.0)


def _in_mb(rss: int, sampled: int) -> float:
    """The memory of an operation that is so short that looking again would cost a tenth of it: what one look says of it
    holds for all of it, and for the next ones.
    """
    global _shown
    most = sampled if sampled > rss else rss
    known, shown = _shown
    if known != most:
        shown = round(most / MB, 3)
        _shown = (most, shown)
    return shown


def _cpu(used: int, duration: int) -> int:
    """CPU time without what asking for it costs, which shows beside work of microseconds."""
    return max(min(used, duration) if duration < _SHOWN_NS else used, 0)


def count_repeat(op: OpenOperation, place: Place) -> None:
    """Count an event of the operation's path."""
    repeats = op.link.repeats
    repeats.count += 1
    if repeats.count >= op.link.accumulator.log_limit:
        tell_limit(op, place)


def tell_limit(op: OpenOperation, place: Place) -> None:
    """Say, once, that the operation's path was logged as often as it may be."""
    if isinstance(op.log, str) and op.link.repeats.is_news():
        message = f"{op.link.name} repeats: from now on it is counted, and logged only when it fails"
        fields = {"operation_log_limit": op.link.accumulator.log_limit}
        emit(place[0], INFO, message, fields, caller=place)


def site(link: Link) -> Place:
    """Return `place`, looked up anew only where the block is another than the last time."""
    # The innermost frames are ours: this one's up to `__exit__`.
    frame: FrameType | None = sys._getframe(4)
    known = link.site
    if known is not None and frame is not None and known[0] is frame.f_code and known[1] == frame.f_lasti:
        found: Place = known[2]
        return found
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PASSED_OVER):
        frame = frame.f_back
    if frame is None:
        return _NOWHERE
    known = link.site = (frame.f_code, frame.f_lasti, _place_of(frame))
    return known[2]


def place() -> Place:
    """Module, function and line of the code whose block it is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PASSED_OVER):
        frame = frame.f_back
    return _NOWHERE if frame is None else _place_of(frame)


def _place_of(frame: FrameType) -> Place:
    return frame.f_globals.get("__name__") or "", frame.f_code.co_qualname, frame.f_lineno or 0
