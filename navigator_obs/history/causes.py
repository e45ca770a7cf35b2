"""Why a run ended as it did: its errors, the cause first and what followed from it under it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ..events import categories
from ..runs.frames import own_frame
from .figures import table, tables

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"
# Of a run that said no word: the reasons that recovery gives, which begin with such a word.
_BY_REASON: Final = {
    "oom": "interrupted/oom",
    "segfault": "interrupted/crash",
    "abort": "interrupted/crash",
    "bus_error": "interrupted/crash",
    "arithmetic_fault": "interrupted/crash",
    "illegal_instruction": "interrupted/crash",
    "fatal": "interrupted/crash",
    "reboot": "interrupted/reboot",
    "disk_full": "resource/disk",
    "killed": "interrupted/killed",
    "vanished": "interrupted/killed",
    "time_limit": "interrupted/scheduler",
    "stalled": "stalled",
}
_BY_STATUS: Final = {
    "interrupted": "interrupted/user",
    "terminated": "interrupted/scheduler",
    "stalled": "stalled",
    "crashed": "interrupted/killed",
}
# What goes wrong with these makes other things go wrong; the others are where that shows.
_UPSTREAM: Final = frozenset({"resource", "environment", "external", "database", "worker", "config"})
_DOWNSTREAM: Final = frozenset({"code", "model", "unknown", "worker", "data/missing", "environment/missing_file"})


@dataclass(frozen=True)
class Cause:
    """One thing that went wrong.

    *category* with who can fix it (*fixed_by*) and whether the same again may succeed (*retry*); *confidence* is
    "certain", "likely" or "possible", and *rule* what it rests on. *message* is the root cause's, *said* what the
    program made of it; *place* is the line of the application's own code.
    """

    category: str
    confidence: str
    rule: str
    message: str
    said: str = ""
    type: str = ""
    place: str = ""
    operation_path: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    time: str = ""
    count: int = 1
    fingerprint: str = ""

    @property
    def fixed_by(self) -> str:
        """Who can fix it."""
        return categories.kind(self.category).fixed_by

    @property
    def retry(self) -> str:
        """Whether the same again may succeed: "yes", "no" or "maybe"."""
        return categories.kind(self.category).retry

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**self.__dict__, "context": dict(self.context), "fixed_by": self.fixed_by, "retry": self.retry}


def causes(summary: Mapping[str, Any]) -> list[Cause]:
    """Return what went wrong in a run, the cause first; empty for one in which nothing did."""
    metadata = table(summary, "run_metadata")
    status, reason = str(metadata.get("status")), str(metadata.get("status_reason") or "")
    errors = _ordered([_of_issue(issue) for issue in tables(table(summary, "issues"), "errors")], reason)
    ending = _of_ending(status, reason, str(metadata.get("status_confidence") or LIKELY))
    checks = list(_of_checks(summary))
    if not errors and not checks and ending is None and status in {"failed", "partial"} and reason:
        # It said so itself, with `sys.exit("…")`, or left years open.
        return [Cause(categories.UNKNOWN, POSSIBLE, f"the run's end: {status}", reason)]
    if ending is not None:
        # A signal or a dead process is no consequence of an error, unless the kernel had to kill what took too much.
        return [ending, *errors, *checks]
    if checks and all(error.category in {"unknown", "data/quality"} for error in errors):
        return [*checks, *errors]
    return [*errors, *checks]


def _ordered(errors: list[Cause], reason: str) -> list[Cause]:
    """The error that ended the run, but before it what it may have come from; the rest as they came."""
    in_time = sorted(errors, key=lambda error: error.time)
    ending = next((error for error in reversed(in_time) if _ended_by(error, reason)), None)
    if ending is None:
        return sorted(in_time, key=lambda error: error.category == categories.UNKNOWN)
    upstream = [
        error for error in in_time if error is not ending and error.time <= ending.time and _leads(error, ending)
    ]
    first = upstream[:1] or [ending]
    return [*first, *([ending] if ending not in first else []), *(e for e in in_time if e not in (*first, ending))]


def _ended_by(error: Cause, reason: str) -> bool:
    return bool(reason) and any(words and words in reason for words in (error.said, error.message))


def _leads(one: Cause, other: Cause) -> bool:
    downstream = other.category in _DOWNSTREAM or _level(other) in _DOWNSTREAM
    return downstream and _level(one) in _UPSTREAM and one.category != other.category


def _level(cause: Cause) -> str:
    return cause.category.partition("/")[0]


def _of_issue(issue: Mapping[str, Any]) -> Cause:
    event = table(issue, "first")
    exception = table(event, "exception")
    # A worker's traceback comes as a cause that is only text.
    chain = [link for link in tables(exception, "causes") if not str(link.get("type")).endswith("_RemoteTraceback")]
    root: Mapping[str, Any] = chain[-1] if chain else exception
    message = str(root.get("message") or issue.get("message") or "")
    said = str(issue.get("message") or "") if chain else str(issue.get("event_message") or "")
    category = str(issue.get("category") or categories.UNKNOWN)
    return Cause(
        category=category,
        confidence=_confidence(category, str(issue.get("category_rule") or "")),
        rule=str(issue.get("category_rule") or "no rule speaks"),
        message=message,
        said="" if said == message else said,
        type=str(root.get("type") or issue.get("type") or ""),
        place=_place(exception),
        operation_path=str(issue.get("operation_path") or ""),
        context=table(issue, "context"),
        time=str(issue.get("first_time") or ""),
        count=int(issue.get("count") or 1),
        fingerprint=str(issue.get("fingerprint") or ""),
    )


def _confidence(category: str, rule: str) -> str:
    if category == categories.UNKNOWN:
        return POSSIBLE
    if category in {"code", "model", "worker"} or rule.startswith(("message", "named", "a class")):
        return LIKELY
    return CERTAIN


def _place(exception: Mapping[str, Any]) -> str:
    frame = own_frame(exception)
    return f"{frame.get('file')}:{frame.get('line')} in {frame.get('function')}" if frame else ""


def _of_ending(status: str, reason: str, confidence: str) -> Cause | None:
    if status not in _BY_STATUS:
        return None
    word = reason.partition(":")[0]
    category = _BY_REASON.get(word) or _BY_STATUS[status]
    if word.startswith("SIG"):
        category = "interrupted/user" if word.startswith("SIGINT") else "interrupted/scheduler"
    return Cause(category, confidence, f"the run's end: {status}", reason or status)


def _of_checks(summary: Mapping[str, Any]) -> Iterator[Cause]:
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
