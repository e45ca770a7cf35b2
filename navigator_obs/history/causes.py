"""Why a run ended as it did: its errors, the cause first and what followed from it under it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..events import categories
from ..events.programs import PRINTED, head, telling_line
from ..runs.reading import number, table, tables
from ..runs.statuses import CERTAIN, LIKELY, POSSIBLE
from .cause import Cause
from .ended import endings
from .places import root_place

# What goes wrong with these makes other things go wrong; the others are where that shows.
_UPSTREAM: Final = frozenset({"resource", "environment", "external", "database", "worker", "config", "data"})
_DOWNSTREAM: Final = frozenset(
    {"code", "model", "numeric", "unknown", "worker", "data/missing", "environment/missing_file", "resource/time"}
)
_FAILED: Final = frozenset({"fail", "error"})
UNMET: Final = frozenset({"warn", *_FAILED})
"""The outcomes of checks that did not pass."""
_MOST_DIGITS: Final = 1e15
_MAIN_THREAD: Final = "MainThread"
_EXIT: Final = "sys.exit: "
_WORDS: Final = re.compile(r"[a-z]{3,}")
_NEXT_LINK: Final = re.compile(r"\n\n(?:The above|During handling of the above) exception")
_NOTHING: Final = "NoneType"
_BY_TYPE: Final = re.compile(r"^type ([\w.]+)")


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
    told = [_of_issue(issue, reason) for issue in tables(table(summary, "issues"), "errors")]
    ended, checks = endings(summary, directory, past), list(failing(summary))
    unmet = list(failing(summary, UNMET))
    if ended:
        # A signal or a dead process is no consequence of an error, but a run may hang because of one.
        errors = sorted(told, key=lambda error: error.time)
        led = [error for error in errors if ended[0].category == "stalled" and _may_stop(error, known)][:1]
        return [*led, *ended, *(error for error in errors if error not in led), *checks]
    if status in {"failed", "partial"} and reason and _is_untold(told, checks, known, reason):
        # It said so itself, with `sys.exit("…")`, or left years open.
        said = Cause(categories.UNKNOWN, POSSIBLE, f"the run's end: {status}", reason, time=_end(metadata))
        told.append(said)
    errors = [_by_check(error, unmet) for error in _ordered(told, list(_survived(summary)), reason, known)]
    if checks and all(error.category in {"unknown", "data/quality"} for error in errors):
        return [*checks, *errors]
    return [*errors, *checks]


def _by_check(error: Cause, checks: Sequence[Cause]) -> Cause:
    """An error that only says that a check failed is a matter of the data."""
    words = set(_WORDS.findall(error.message.lower()))
    named = [check for check in checks if (name := _WORDS.findall(_name(check))) and words.issuperset(name)]
    if error.category not in {"code", "model", "unknown"} or not named:
        return error
    return replace(error, category="data/quality", confidence=LIKELY, rule=f"check {_name(named[0])} failed before it")


def _name(check: Cause) -> str:
    return check.fingerprint.removeprefix("check:").lower()


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
    """What the program went on after, and only warned of: exceptions, and what is plain from the words."""
    for issue in tables(table(summary, "issues"), "warnings"):
        cause = _of_issue(issue)
        if table(table(issue, "first"), "exception").get("type") or cause.category != categories.UNKNOWN:
            yield cause


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
    """Whether *other*, which came later, is such as *one* brings about."""
    if one.category == categories.UNKNOWN and not one.thread:
        # Words alone, after which something is missing at the same place.
        return not one.type and one.operation_path == other.operation_path and _NOTHING in other.message
    downstream = other.category in _DOWNSTREAM or _level(other) in _DOWNSTREAM
    upstream = bool(one.thread) or (_level(one) in _UPSTREAM and one.category != "data/quality")
    return downstream and upstream and one.category != other.category


def _level(cause: Cause) -> str:
    return cause.category.partition("/")[0]


def _of_issue(issue: Mapping[str, Any], reason: str = "") -> Cause:
    event = _telling_event(issue, reason)
    exception = table(event, "exception")
    category, rule = str(issue.get("category") or categories.UNKNOWN), str(issue.get("category_rule") or "")
    outer = str(exception.get("message") or issue.get("message") or "")
    deciding = _deciding(exception, rule)
    kind = str(deciding.get("type") or issue.get("type") or "")
    message = str(deciding.get("message") or ("" if kind and exception else issue.get("message")) or "")
    message, printed = head(message), _printed(exception)
    said = head(outer) if _links(exception) else str(event.get("message") or issue.get("event_message") or "")
    if not exception and category == categories.UNKNOWN:
        category, rule = categories.classify_words(message)
    return Cause(
        category=category,
        confidence=_confidence(category, rule),
        rule=rule or "no rule speaks",
        message=message,
        said="" if said == message else said,
        type=kind,
        place=root_place(exception) or root_place(table(table(issue, "first"), "exception")) or _said_at(event),
        operation_path=str(issue.get("operation_path") or ""),
        context=table(issue, "context"),
        time=str(issue.get("first_time") or ""),
        count=int(number(issue.get("count")) or 1),
        fingerprint=str(issue.get("fingerprint") or ""),
        thread=_thread(event),
        printed="" if printed == message else printed,
    )


def _said_at(event: Mapping[str, Any]) -> str:
    """Where it was logged, of what is only words."""
    known = event.get("function") and not str(event.get("module")).startswith("navigator_obs.runs")
    return f"{event.get('module')}:{event.get('line')} in {event.get('function')}" if known else ""


def _telling_event(issue: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
    """The first occurrence; the last one where that ended the run, and the first has other words."""
    first, last = table(issue, "first"), table(issue, "last")
    is_it = [any(words and words in reason for words in _words_of(event)) for event in (first, last)]
    return last if is_it == [False, True] else first


def _words_of(event: Mapping[str, Any]) -> tuple[str, str]:
    return head(str(table(event, "exception").get("message") or "")), str(event.get("message") or "")


def _deciding(exception: Mapping[str, Any], rule: str) -> Mapping[str, Any]:
    """The exception of the chain whose type told the category; the root cause where the rule names none."""
    links = [exception, *_links(exception)][::-1]
    named = _BY_TYPE.match(rule)
    telling = (link for link in links if named and named[1] in {str(link.get("type")), _bare(str(link.get("type")))})
    return next(telling, links[0])


def _links(exception: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    # A worker's traceback comes as a cause that is only text.
    return [link for link in tables(exception, "causes") if not str(link.get("type")).endswith("_RemoteTraceback")]


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def _printed(exception: Mapping[str, Any]) -> str:
    """The line by which a program that failed says why."""
    if exception.get("printed"):
        return str(exception["printed"])
    # Of a summary from before that was told.
    _, _, told = str(exception.get("traceback") or "").partition(f"\n{PRINTED}")
    return telling_line(_NEXT_LINK.split(told)[0].splitlines())


def _thread(event: Mapping[str, Any]) -> str:
    name = str(event.get("failed_thread") or event.get("thread") or "")
    return "" if name == _MAIN_THREAD else name


def _confidence(category: str, rule: str) -> str:
    if category == categories.UNKNOWN:
        return POSSIBLE
    if category in {"code", "model", "worker"} or rule.startswith(("message", "named", "a class")):
        return LIKELY
    return CERTAIN


def failing(summary: Mapping[str, Any], outcomes: Collection[str] = _FAILED) -> Iterator[Cause]:
    """Yield the checks that failed, as causes."""
    for check in tables(summary, "checks"):
        if str(check.get("outcome")) in outcomes:
            yield Cause(
                category="data/quality",
                confidence=CERTAIN,
                rule=f"check {check.get('name')}: {check.get('outcome')}",
                message=_of_check(check),
                context={key: check[key] for key in ("year", "dataset") if check.get(key) is not None},
                time=str(check.get("time") or ""),
                count=int(number(check.get("failures")) or 1),
                fingerprint=f"check:{check.get('name')}",
            )


def _of_check(check: Mapping[str, Any]) -> str:
    bounds = [f"{key} {_figure(check[key])}" for key in ("equals", "min", "max") if check.get(key) is not None]
    unit = f" {check['unit']}" if check.get("unit") else ""
    return f"check {check.get('name')}: {_figure(check.get('value'))}{unit}" + (
        f", valid: {', '.join(bounds)}" if bounds else ""
    )


def _figure(value: Any) -> str:
    known = number(value)
    if known is None:
        return str(value)
    return f"{known:,.0f}" if known == int(known) and abs(known) < _MOST_DIGITS else f"{known:,.6g}"
