"""How an open operation becomes a record and an event."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock, format_timestamp
from ..encoding import text, to_json
from ..events import exceptions, scope
from ..events.logger import emit
from ..fields import OPERATION_FIELDS
from .parts import SECOND, seconds
from .record import CANCELLED, FAILED, SUCCESS, OperationRecord
from .resources import MB, SHARED_NS, read_shared
from .series import WORTH_MEASURING_NS

if TYPE_CHECKING:
    from types import FrameType

    from .opened import OpenOperation
    from .series import Link
    from .stats import Measured

_OWN: Final = frozenset(field.name for field in OPERATION_FIELDS) | {"reason"}
_PASSED_OVER: Final = ("contextlib", __package__)
_NOTHING: Final = (None, None, None)
_NOWHERE: Final = ("", "", 0)
_Figures = tuple[int | None, float | None, float | None]
_Place = tuple[str, str, int]


def finish(op: OpenOperation, end: int, error: BaseException | None) -> None:
    """Add the operation that ended at *end* (monotonic) to the run's figures, and tell of it where it is to be told."""
    link = op.link
    duration = max(end - op.start - op.paused_ns, 0)
    measured = _measured(op, duration)
    status = SUCCESS if error is None and op.reason is None else FAILED if op.reason is not None else status_of(error)
    logged = _is_logged(op, status, duration)
    end_ns = _microsecond(clock.time_ns() - clock.monotonic_ns() + end)
    own = max(duration - (op.busy + (end - op.since if op.child is not None else 0)), 0)
    weighted = own - op.lost_before
    if status == SUCCESS:
        ended = (end_ns, duration, own, weighted, op.rows, *measured)
        end_time = format_timestamp(end_ns) if logged else ""
        told = _told(link, ended, end_ns - end + op.start, end_time) if logged else None
        link.accumulator.add_told(link, ended, told, end_time)
    else:
        record = _record(op, end_ns, end - op.start, (duration, own, weighted), status, measured)
        record.logged = logged
        if logged and status == FAILED:
            record.error = _error(op, error)
        link.accumulator.add(record, link.series, end_ns)
    if logged:
        _tell_end(op, status, _event_fields(op, status, duration, own, measured), error)


def status_of(error: BaseException | None) -> str:
    """Return how an operation ended through which *error* passed.

    The exceptions that end an iteration are no failure. Those that are no `Exception` come from outside: a cancelled
    task, Ctrl-C, `sys.exit`, a generator closed early.
    """
    if error is None or isinstance(error, StopIteration | StopAsyncIteration):
        return SUCCESS
    if isinstance(error, Exception):
        return FAILED
    if isinstance(error, BaseExceptionGroup) and error.subgroup(Exception) is not None:
        return FAILED
    return CANCELLED


def _is_logged(op: OpenOperation, status: str, duration: int) -> bool:
    if op.log == "never":
        return False
    if status == FAILED:
        return True
    if isinstance(op.log, float):
        return seconds(duration) >= op.log
    return op.log != "failure" and op.link.repeats.count < op.link.accumulator.log_limit


def _microsecond(time_ns: int) -> int:
    """Cut to the resolution of timestamps, so that what is read back from a file adds up to the same."""
    return time_ns // 1000 * 1000


def _record(
    op: OpenOperation, end_ns: int, lasted: int, times: tuple[int, int, int], status: str, measured: _Figures
) -> OperationRecord:
    cpu, delta, peak = measured
    duration, own, weighted = times
    return OperationRecord(
        name=op.link.name,
        path=op.link.path,
        status=status,
        start_time=format_timestamp(end_ns - lasted),
        end_time=format_timestamp(end_ns),
        duration_seconds=seconds(duration),
        self_seconds=seconds(own),
        weighted_self_seconds=seconds(weighted),
        cpu_seconds=None if cpu is None else seconds(cpu),
        memory_delta_mb=delta,
        peak_memory_mb=peak,
        rows=op.rows,
        breakdown=op.link.breakdown,
        outermost=op.link.outermost,
    )


def _told(link: Link, ended: Measured, start_ns: int, end_time: str) -> str:
    """Return the record of an operation that has succeeded as JSON, in the form of `OperationRecord.to_dict`.

    Written here and not by way of an object, which takes four times as long.
    """
    _, duration, own, weighted, rows, cpu, delta, peak = ended
    head = link.told
    if head is None:
        head = link.told = _head(link)
    told = (
        f'{head}"start_time":"{format_timestamp(start_ns)}","end_time":"{end_time}"'
        f',"duration_seconds":{duration / 1e9!r},"self_seconds":{own / 1e9!r}'
        f',"weighted_self_seconds":{weighted / 1e9!r}'
    )
    if rows is not None:
        told += f',"rows":{rows}'
    if cpu is not None:
        told += f',"cpu_seconds":{cpu / 1e9!r}'
    return told + "}" if delta is None else f'{told},"memory_delta_mb":{delta!r},"peak_memory_mb":{peak!r}}}'


def _head(link: Link) -> str:
    same = {"name": link.name, "path": link.path, "status": SUCCESS, "logged": True}
    return to_json({**same, "breakdown": link.breakdown, "outermost": link.outermost}).decode()[:-1] + ","


def _measured(op: OpenOperation, duration: int) -> _Figures:
    """Return CPU time (ns), memory delta and peak (MB), as far as they were asked for."""
    before = op.reading
    if before is None:
        return _NOTHING
    if duration < SHARED_NS and not op.due and not op.paused_ns:
        # So short that looking again costs a tenth of it; what one look says of memory holds for all of it.
        rss = max(before[1], op.sampled_bytes) / MB
        return None, 0.0, round(rss, 3)
    op.link.series.measure = duration >= WORTH_MEASURING_NS
    cpu_before, rss_before, mark_before = before
    cpu_after, rss_after, mark_after = read_shared(before)
    peak = max(rss_before, rss_after, op.sampled_bytes)
    if mark_after > mark_before:
        # It rose meanwhile: then the kernel knows the peak, however short it was and whoever held the GIL.
        peak = max(peak, mark_after)
    # While a generator waits, others use the CPU.
    cpu = None if op.paused_ns else _cpu(cpu_after - cpu_before, duration)
    return cpu, round((rss_after - rss_before) / MB, 3), round(peak / MB, 3)


def _cpu(used: int, duration: int) -> int:
    """CPU time without what asking for it costs, which shows beside work of microseconds."""
    return max(min(used, duration) if duration < WORTH_MEASURING_NS else used, 0)


def _event_fields(op: OpenOperation, status: str, duration: int, own: int, measured: _Figures) -> dict[str, Any]:
    """What the operation's own event carries (`fields.OPERATION_FIELDS`), without what is not known; the scope adds
    `operation_path`.
    """
    cpu, delta, peak = measured
    fields: dict[str, Any] = {
        "operation": op.link.name,
        "status": status,
        "duration_seconds": duration / SECOND,
        "self_seconds": own / SECOND,
    }
    if cpu is not None:
        fields["cpu_seconds"] = cpu / SECOND
    if delta is not None:
        fields["memory_delta_mb"], fields["peak_memory_mb"] = delta, peak
    if op.rows is not None:
        fields["rows"] = op.rows
        if duration:
            fields["rows_per_second"] = round(op.rows * SECOND / duration, 3)
    return fields


def _error(op: OpenOperation, error: BaseException | None) -> dict[str, Any]:
    clean = op.link.accumulator.redactor.text
    if error is None:
        return {"type": None, "message": clean(op.reason or ""), "fingerprint": None}
    return {
        "type": exceptions.type_name(error),
        "message": clean(text(error)),
        "fingerprint": exceptions.fingerprint(error),
    }


def tell_start(op: OpenOperation) -> None:
    """Log that the operation has started."""
    place = op.place or _place()
    emit(place[0], logging.INFO, f"{op.link.name} started", {}, caller=place)


def _tell_end(op: OpenOperation, status: str, fields: dict[str, Any], error: BaseException | None) -> None:
    link = op.link
    if op.reason:
        fields["reason"] = op.reason
    for own in (op.recorded, op.fields):
        if own:
            fields.update((f"field_{key}" if key in _OWN else key, value) for key, value in own.items())
    level, told = logging.INFO, None
    if status == FAILED and (error is None or not exceptions.was_reported(error)):
        # An exception that passes many operations is told by the innermost that logs; the others say that they failed.
        level, told = logging.ERROR, error
    place = op.place or _site(link)
    message = link.completed if status == SUCCESS else f"{link.name} {status}"
    token = None if scope.current() is op else scope.set_scope(op)
    try:
        emit(place[0], level, message, fields, exception=told, caller=place)
        if told is not None:
            exceptions.mark_reported(told)
        _count_repeat(op, place)
    finally:
        if token is not None:
            scope.leave(token)
    # For the next of its kind; the fast path sees by itself when the settings have changed since.
    link.fragment = op.fragment


def _count_repeat(op: OpenOperation, place: _Place) -> None:
    repeats, limit = op.link.repeats, op.link.accumulator.log_limit
    repeats.count += 1
    if repeats.count == limit and isinstance(op.log, str):
        message = f"{op.link.name} repeats: from now on it is counted, and logged only when it fails"
        emit(place[0], logging.INFO, message, {"operation_log_limit": limit}, caller=place)


def _site(link: Link) -> _Place:
    """Return `_place`, looked up anew only where the block is another than the last time."""
    # The six innermost frames are ours: this one's up to `__exit__`.
    frame: FrameType | None = sys._getframe(5)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PASSED_OVER):
        frame = frame.f_back
    if frame is None:
        return _NOWHERE
    known = link.site
    if known is None or known[0] is not frame.f_code or known[1] != frame.f_lasti:
        known = link.site = (frame.f_code, frame.f_lasti, _place_of(frame))
    place: _Place = known[2]
    return place


def _place() -> _Place:
    """Module, function and line of the code whose block it is."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PASSED_OVER):
        frame = frame.f_back
    return _NOWHERE if frame is None else _place_of(frame)


def _place_of(frame: FrameType) -> _Place:
    return frame.f_globals.get("__name__") or "", frame.f_code.co_qualname, frame.f_lineno or 0
