"""How an open operation becomes a record and an event."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock, format_timestamp
from ..encoding import text
from ..events import exceptions, scope
from ..events.logger import emit
from ..fields import OPERATION_FIELDS
from .record import CANCELLED, FAILED, SUCCESS, OperationRecord
from .resources import MB, Reading, read_shared
from .series import WORTH_MEASURING_NS
from .stats import nanoseconds, seconds

if TYPE_CHECKING:
    from types import FrameType

    from .opened import OpenOperation

_OWN: Final = frozenset(field.name for field in OPERATION_FIELDS) | {"reason"}
_PASSED_OVER: Final = ("contextlib", __package__)
_VERBS: Final = {SUCCESS: "completed", FAILED: "failed", CANCELLED: "cancelled"}
_Place = tuple[str, str, int]


def finish(op: OpenOperation, end: int, error: BaseException | None) -> None:
    """Add the operation that ended at *end* (monotonic) to the run's figures, and tell of it where it is to be told."""
    after = None if op.reading is None else read_shared(op.reading)
    duration = max(end - op.start - op.paused_ns, 0)
    status = FAILED if op.reason is not None else status_of(error)
    logged = _is_logged(op, status, duration)
    if after is not None:
        op.link.series.measure = duration >= WORTH_MEASURING_NS
    end_ns = _microsecond(clock.time_ns() - clock.monotonic_ns() + end)
    record = _record(op, end_ns, end - op.start, duration, status)
    record.logged = logged
    if op.reading is not None and after is not None:
        _measure(op, record, op.reading, after)
    if logged and status == FAILED:
        record.error = _error(op, error)
    op.link.accumulator.add(record, op.link.series, end_ns)
    if logged:
        _tell_end(op, record, error)


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


def _record(op: OpenOperation, end_ns: int, lasted: int, duration: int, status: str) -> OperationRecord:
    busy = op.busy + (op.start + lasted - op.since if op.active else 0)
    return OperationRecord(
        name=op.link.name,
        path=op.link.path,
        status=status,
        start_time=format_timestamp(end_ns - lasted),
        end_time=format_timestamp(end_ns),
        duration_seconds=seconds(duration),
        self_seconds=seconds(max(duration - busy, 0)),
        rows=op.rows,
        breakdown=op.link.breakdown,
        outermost=op.link.outermost,
    )


def _measure(op: OpenOperation, record: OperationRecord, before: Reading, after: Reading) -> None:
    cpu_before, rss_before, mark_before = before
    cpu_after, rss_after, mark_after = after
    peak = max(rss_before, rss_after, op.sampled_bytes)
    if mark_after > mark_before:
        # It rose meanwhile: then the kernel knows the peak, however short it was and whoever held the GIL.
        peak = max(peak, mark_after)
    if not op.paused_ns:
        # While a generator waits, others use the CPU.
        record.cpu_seconds = seconds(_cpu(cpu_after - cpu_before, record))
    record.memory_delta_mb = round((rss_after - rss_before) / MB, 3)
    record.peak_memory_mb = round(peak / MB, 3)


def _cpu(used: int, record: OperationRecord) -> int:
    """CPU time without what asking for it costs, which shows beside work of microseconds."""
    duration = nanoseconds(record.duration_seconds)
    return max(min(used, duration) if duration < WORTH_MEASURING_NS else used, 0)


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


def _tell_end(op: OpenOperation, record: OperationRecord, error: BaseException | None) -> None:
    fields = record.event_fields()
    if op.reason:
        fields["reason"] = op.reason
    for own in (op.recorded, op.fields):
        if own:
            fields.update((f"field_{key}" if key in _OWN else key, value) for key, value in own.items())
    level, told = logging.INFO, None
    if record.status == FAILED and (error is None or not exceptions.was_reported(error)):
        # An exception that passes many operations is told by the innermost that logs; the others say that they failed.
        level, told = logging.ERROR, error
    place = op.place or _place()
    token = None if scope.current() is op else scope.set_scope(op)
    try:
        emit(place[0], level, f"{op.link.name} {_VERBS[record.status]}", fields, exception=told, caller=place)
        if told is not None:
            exceptions.mark_reported(told)
        _count_repeat(op, place)
    finally:
        if token is not None:
            scope.leave(token)
    # For the next of its kind; the fast path sees by itself when the settings have changed since.
    op.link.fragment = op.fragment


def _count_repeat(op: OpenOperation, place: _Place) -> None:
    repeats, limit = op.link.repeats, op.link.accumulator.log_limit
    repeats.count += 1
    if repeats.count == limit and isinstance(op.log, str):
        message = f"{op.link.name} repeats: from now on it is counted, and logged only when it fails"
        emit(place[0], logging.INFO, message, {"operation_log_limit": limit}, caller=place)


def _place() -> _Place:
    """Module, function and line of the code whose block it is."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_PASSED_OVER):
        frame = frame.f_back
    if frame is None:
        return "", "", 0
    return frame.f_globals.get("__name__") or "", frame.f_code.co_qualname, frame.f_lineno or 0
