"""How an open operation becomes a record and an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..clock import clock, format_timestamp, timestamp_bytes
from ..encoding import text, to_json
from ..events import exceptions, scope
from ..events.emitting import emit
from ..events.leaving import is_no_error
from ..events.retelling import mark_told, was_told
from ..fields import OPERATION_FIELDS
from ..settings import ERROR, INFO
from . import nesting, telling
from .parts import seconds
from .record import CANCELLED, FAILED, SUCCESS, OperationRecord

if TYPE_CHECKING:
    from .opened import OpenOperation
    from .telling import Figures

_OWN: Final = frozenset(field.name for field in OPERATION_FIELDS) | {"reason"}


def finish(op: OpenOperation, end: int, error: BaseException | None) -> None:
    """Add the operation that ended at *end* (monotonic) to the run's figures, and tell of it where it is to be told."""
    link = op.link
    duration = max(end - op.start - op.paused_ns, 0)
    measured = telling.measure(op, duration)
    status = SUCCESS if error is None and op.reason is None else FAILED if op.reason is not None else status_of(error)
    logged = op.log != "never" if status == FAILED else telling.is_logged(op, duration)
    end_ns = telling.microsecond(clock.time_ns() - clock.monotonic_ns() + end)
    own = nesting.own_time(op, end, duration)
    weighted = own - op.lost_before
    fields = telling.figures(link.name, status, duration, own, measured, op.rows)
    if status == SUCCESS:
        ended = (end_ns, duration, own, weighted, op.rows, *measured)
        scene, told, end_time = link.scene(op.context), None, b""
        if logged:
            end_time = timestamp_bytes(end_ns)
            told = telling.record(link, scene, to_json(fields) + b"\n", weighted)
            if op.paused_ns:
                # It began earlier than its duration says.
                begun = timestamp_bytes(end_ns - end + op.start)
                told = b'%b,"start_time":"%b","end_time":"%b"}' % (told[:-1], begun, end_time)
        link.accumulator.add_told(link, scene, ended, told, end_time)
    else:
        record = _record(op, end_ns, end - op.start, (duration, own, weighted), status, measured)
        record.logged = logged
        if logged and status == FAILED:
            record.error = _error(op, error)
        link.accumulator.add(record, link.series, end_ns)
    if logged:
        _tell_end(op, status, fields, error)


def status_of(error: BaseException | None) -> str:
    """Return how an operation ended through which *error* passed.

    The exceptions that end an iteration are no failure. Those that are no `Exception` come from outside: a cancelled
    task, Ctrl-C, `sys.exit`, a generator closed early; so do `typer.Exit` and what DuckDB makes of Ctrl-C.
    """
    if error is None or isinstance(error, StopIteration | StopAsyncIteration):
        return SUCCESS
    if isinstance(error, Exception):
        return CANCELLED if is_no_error(error) else FAILED
    if isinstance(error, BaseExceptionGroup) and error.subgroup(Exception) is not None:
        return FAILED
    return CANCELLED


def _record(
    op: OpenOperation, end_ns: int, lasted: int, times: tuple[int, int, int], status: str, measured: Figures
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
        scene=op.link.scene(op.context),
    )


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
    place = op.place or telling.place()
    emit(place[0], INFO, f"{op.link.name} started", {}, caller=place)


def _tell_end(op: OpenOperation, status: str, fields: dict[str, Any], error: BaseException | None) -> None:
    link = op.link
    if op.reason:
        fields["reason"] = op.reason
    for own in (op.recorded, op.fields):
        if own:
            fields.update((f"field_{key}" if key in _OWN else key, value) for key, value in own.items())
    level, told = INFO, None
    run_id = None if op.run is None else op.run.run_id
    if status == FAILED and (error is None or not was_told(error, run_id)):
        # An exception that passes many operations is told by the innermost that logs; the others say that they failed.
        level, told = ERROR, error
    place = op.place or telling.place()
    message = link.completed if status == SUCCESS else f"{link.name} {status}"
    token = None if scope.current() is op else scope.set_scope(op)
    try:
        emit(place[0], level, message, fields, exception=told, caller=place)
        if told is not None:
            # Also where nobody wanted the event.
            mark_told(told, run_id, as_error=True)
        telling.count_repeat(op, place)
    finally:
        if token is not None:
            scope.leave(token)
    # For the next of its kind; the fast path sees by itself when the settings have changed since.
    link.held = (op.context, op.fragment, None)
