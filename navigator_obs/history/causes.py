"""Why a run ended as it did: its errors, the cause first and what followed from it under it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ..events import categories
from .cause import CERTAIN, LIKELY, POSSIBLE, Cause
from .ended import endings
from .figures import table, tables
from .places import first_member, root_place

# What goes wrong with these makes other things go wrong; the others are where that shows.
_UPSTREAM: Final = frozenset({"resource", "environment", "external", "database", "worker", "config", "data"})
_DOWNSTREAM: Final = frozenset(
    {"code", "model", "numeric", "unknown", "worker", "data/missing", "environment/missing_file", "resource/time"}
)
_MAIN_THREAD: Final = "MainThread"
_EXIT: Final = "sys.exit: "


def causes(
    summary: Mapping[str, Any],
    *,
    directory: Path | None = None,
    past: Sequence[Mapping[str, Any]] = (),
) -> list[Cause]:
    """Return what went wrong in a run, the cause first; empty for one in which nothing did.

    *directory* is the run's, where its stacks lie; *past* are the summaries of earlier successes: an error that they
    survived led to nothing.
    """
    metadata = table(summary, "run_metadata")
    status, reason = str(metadata.get("status")), str(metadata.get("status_reason") or "")
    known = {str(issue.get("fingerprint")) for other in past for issue in _issues(other)}
    told = [_of_issue(issue) for issue in tables(table(summary, "issues"), "errors")]
    ended, checks = endings(summary, directory, past), list(failing(summary))
    if ended:
        # A signal or a dead process is no consequence of an error, but a run may hang because of one.
        errors = sorted(told, key=lambda error: error.time)
        led = [error for error in errors if ended[0].category == "stalled" and _may_stop(error, known)][:1]
        return [*led, *ended, *(error for error in errors if error not in led), *checks]
    if status in {"failed", "partial"} and reason and _is_untold(told, checks, known, reason):
        # It said so itself, with `sys.exit("…")`, or left years open.
        said = Cause(categories.UNKNOWN, POSSIBLE, f"the run's end: {status}", reason, time=_end(metadata))
        told.append(said)
    errors = _ordered(told, list(_survived(summary)), reason, known)
    if checks and all(error.category in {"unknown", "data/quality"} for error in errors):
        return [*checks, *errors]
    return [*errors, *checks]


def _end(metadata: Mapping[str, Any]) -> str:
    return str(metadata.get("end_time") or "9")


def _is_untold(told: Sequence[Cause], checks: Sequence[Cause], known: Collection[str], reason: str) -> bool:
    """Whether the reason says what no error does."""
    if reason.startswith(_EXIT) and not any(_ended_by(error, reason) for error in told):
        return True
    return not checks and all(error.fingerprint in known for error in told)


def _issues(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = table(summary, "issues")
    return [*tables(found, "errors"), *tables(found, "warnings")]


def _survived(summary: Mapping[str, Any]) -> Iterator[Cause]:
    """The exceptions that the program went on after, and only warned of."""
    for issue in tables(table(summary, "issues"), "warnings"):
        if table(table(issue, "first"), "exception").get("type"):
            yield _of_issue(issue)


def _may_stop(error: Cause, known: Collection[str]) -> bool:
    """Whether others may wait for ever because of it."""
    return error.fingerprint not in known and bool(error.thread or error.operation_path)


def _ordered(errors: list[Cause], survived: list[Cause], reason: str, known: Collection[str]) -> list[Cause]:
    """The error that ended the run, but before it what it may have come from; the rest as they came."""
    in_time = sorted(errors, key=lambda error: error.time)
    ending = next((error for error in reversed(in_time) if _ended_by(error, reason)), None)
    if ending is None:
        return sorted(in_time, key=lambda error: (error.fingerprint in known, error.category == categories.UNKNOWN))
    before = [
        error
        for error in sorted([*errors, *survived], key=lambda error: error.time)
        if error is not ending and error.time <= ending.time and error.fingerprint not in known
    ]
    first = [error for error in before if _leads(error, ending)][:1] or [ending]
    return [*first, *([ending] if ending not in first else []), *(e for e in in_time if e not in (*first, ending))]


def _ended_by(error: Cause, reason: str) -> bool:
    return bool(reason) and any(words and words in reason for words in (error.said, error.message))


def _leads(one: Cause, other: Cause) -> bool:
    downstream = other.category in _DOWNSTREAM or _level(other) in _DOWNSTREAM
    upstream = bool(one.thread) or (_level(one) in _UPSTREAM and one.category != "data/quality")
    return downstream and upstream and one.category != other.category


def _level(cause: Cause) -> str:
    return cause.category.partition("/")[0]


def _of_issue(issue: Mapping[str, Any]) -> Cause:
    event = table(issue, "first")
    exception = table(event, "exception")
    # A worker's traceback comes as a cause that is only text.
    chain = [link for link in tables(exception, "causes") if not str(link.get("type")).endswith("_RemoteTraceback")]
    root: Mapping[str, Any] = chain[-1] if chain else exception
    kind = str(root.get("type") or issue.get("type") or "")
    message = str(root.get("message") or ("" if kind and exception else issue.get("message")) or "")
    said = str(issue.get("message") or "") if chain else str(issue.get("event_message") or "")
    if kind.endswith("ExceptionGroup"):
        member = first_member(exception)
        kind, message, said = (*member, message) if member[0] else (kind, message, said)
    category = str(issue.get("category") or categories.UNKNOWN)
    return Cause(
        category=category,
        confidence=_confidence(category, str(issue.get("category_rule") or "")),
        rule=str(issue.get("category_rule") or "no rule speaks"),
        message=message,
        said="" if said == message else said,
        type=kind,
        place=root_place(exception),
        operation_path=str(issue.get("operation_path") or ""),
        context=table(issue, "context"),
        time=str(issue.get("first_time") or ""),
        count=int(issue.get("count") or 1),
        fingerprint=str(issue.get("fingerprint") or ""),
        thread=_thread(event),
    )


def _thread(event: Mapping[str, Any]) -> str:
    name = str(event.get("failed_thread") or event.get("thread") or "")
    return "" if name == _MAIN_THREAD else name


def _confidence(category: str, rule: str) -> str:
    if category == categories.UNKNOWN:
        return POSSIBLE
    if category in {"code", "model", "worker"} or rule.startswith(("message", "named", "a class")):
        return LIKELY
    return CERTAIN


def failing(summary: Mapping[str, Any]) -> Iterator[Cause]:
    """Yield the checks that failed, as causes."""
    for check in tables(summary, "checks"):
        if check.get("outcome") in {"fail", "error"}:
            yield Cause(
                category="data/quality",
                confidence=CERTAIN,
                rule=f"check {check.get('name')}: {check.get('outcome')}",
                message=_of_check(check),
                context={key: check[key] for key in ("year", "dataset") if check.get(key) is not None},
                time=str(check.get("time") or ""),
                count=int(check.get("failures") or 1),
                fingerprint=f"check:{check.get('name')}",
            )


def _of_check(check: Mapping[str, Any]) -> str:
    bounds = [f"{key} {check[key]}" for key in ("equals", "min", "max", "between") if check.get(key) is not None]
    unit = f" {check['unit']}" if check.get("unit") else ""
    return f"check {check.get('name')}: {check.get('value')}{unit}" + (
        f", valid: {', '.join(bounds)}" if bounds else ""
    )
