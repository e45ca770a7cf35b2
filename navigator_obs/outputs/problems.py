"""What went wrong, for people: how much of it, errors and warnings with their place and causes, what was open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from ..events.programs import head
from ..fields import RESERVED, cut, format_count, format_seconds, told_by_message
from ..runs.frames import own_frame
from ..runs.reading import number, table, tables
from ..runs.statuses import LIVING
from . import failed_checks, variables
from .cells import Cell, Column, Section, cell, count_of, figure, joined, local_time, localized, text

MAX_ISSUES: Final = 5
MAX_OPEN: Final = 10
MAX_FRAMES: Final = 5
MAX_MESSAGE: Final = 600
MAX_FIELDS: Final = 4
MAX_FIELD: Final = 120
_OWN_LOGGERS: Final = frozenset({"navigator_obs.run", "navigator_obs.uncaught"})
_LINKS: Final = {"cause": "caused by", "context": "while handling", "member": "among them"}


def counts(summary: Mapping[str, Any]) -> Cell:
    """How many errors, warnings and checks; how many of them are checks, which have a table of their own."""
    found = table(summary, "execution_summary")
    total = {severity: int(number(found.get(severity)) or 0) for severity in ("errors", "warnings")}
    tone = "bad" if total["errors"] else "warn" if total["warnings"] else ""
    words = [count_of(count, severity[:-1]) + _of_checks(summary, severity, count) for severity, count in total.items()]
    outcomes = table(found, "checks")
    checks = [f"{format_count(outcomes[name])} {word}" for name, word in _OUTCOMES if number(outcomes.get(name))]
    return cell(joined([*words, f"checks: {', '.join(checks)}" if checks else ""]), tone)


_OUTCOMES: Final = (
    ("pass", "passed"),
    ("warn", "warned"),
    ("fail", "failed"),
    ("error", "broke"),
    ("skipped", "skipped"),
)


def _of_checks(summary: Mapping[str, Any], severity: str, total: int) -> str:
    shown = {id(group) for group in _groups(summary, severity)}
    count = sum(int(number(group.get("count")) or 0) for group in _all(summary, severity) if id(group) not in shown)
    if not count:
        return ""
    if total == 1:
        return " (from a check)"
    return f" ({'all' if count >= total else format_count(count)} from {'a check' if count == 1 else 'checks'})"


def messages(summary: Mapping[str, Any]) -> list[str]:
    """Return the messages of the errors that are shown."""
    return [_message(found) for found in _groups(summary, "errors")[:MAX_ISSUES]]


def issues(summary: Mapping[str, Any], severity: str) -> Section:
    """The errors or the warnings, each with what is needed to look for its cause."""
    groups = _groups(summary, severity)
    tone = "bad" if severity == "errors" else "warn"
    rows = [row for found in groups[:MAX_ISSUES] for row in _issue(found, tone)]
    more = len(groups) - MAX_ISSUES
    note = f"{more} more kinds of {severity} in summary.json" if more > 0 else ""
    return Section(severity.capitalize(), (Column("", flexible=True),), [(row,) for row in rows], note=note, prose=True)


def catalogue(summary: Mapping[str, Any], severity: str) -> Section:
    """All errors or all warnings, those of checks too, each with its fingerprint and the event that was the first."""
    groups = sorted(_all(summary, severity), key=lambda group: text(group.get("first_time")))
    tone = "bad" if severity == "errors" else "warn"
    rows = [row for found in groups for row in (*_issue(found, tone, frames=MAX_FRAMES), _first_of(found))]
    overflow = number(table(table(summary, "observability"), "overflow").get("issues")) or 0
    note = f"{overflow:,.0f} more are counted only" if overflow and severity == "errors" else ""
    return Section(severity.capitalize(), (Column("", flexible=True),), [(row,) for row in rows], note=note, prose=True)


def _first_of(found: Mapping[str, Any]) -> Cell:
    fingerprint, event = text(found.get("fingerprint")), event_id(table(found, "first"))
    return cell(f"    {joined([f'fingerprint {fingerprint}', f'event {event}' if event else ''])}", "dim")


def event_id(event: Mapping[str, Any]) -> str:
    """Return what names an event within its run: its process and its number there; empty where it has none.

    >>> event_id({"process": 4711, "seq": 42})
    '4711-42'
    """
    process, seq = event.get("process"), event.get("seq")
    return f"{process}-{seq}" if isinstance(process, int) and isinstance(seq, int) else ""


def _all(summary: Mapping[str, Any], severity: str) -> list[Mapping[str, Any]]:
    return tables(table(summary, "issues"), severity)


def _groups(summary: Mapping[str, Any], severity: str) -> list[Mapping[str, Any]]:
    """The one that ended the run first; without those of checks that did not pass, which have a table of their own."""
    checks = failed_checks.names(summary)
    reason = text(table(summary, "run_metadata").get("status_reason") or "")
    found = [group for group in _all(summary, severity) if not _is_of_a_check(table(group, "first"), checks)]
    return sorted(found, key=lambda group: _message(group) not in reason or not _message(group))


def _message(found: Mapping[str, Any]) -> str:
    """What it says, without what a program printed that has a line of its own."""
    message = found.get("message")
    return text(head(message) if isinstance(message, str) else message)


def _is_of_a_check(event: Mapping[str, Any], checks: frozenset[str]) -> bool:
    # An event of the program's own may have a field of that name.
    return event.get("logger") == "navigator_obs.checks" and text(event.get("check")) in checks


def _issue(found: Mapping[str, Any], tone: str, *, frames: int = 1) -> Iterator[Cell]:
    """*frames* is of how many functions the variables are shown, where there are any."""
    event = table(found, "first")
    exception = table(event, "exception")
    kind, printed = _kind(found, event), text(exception.get("printed") or "")
    message = _cut(_message(found))
    told = f"{kind}: {message}" if kind and not message.startswith(kind) else message or "?"
    said = _said(found, event)
    yield cell(said or told, tone)
    if said:
        yield cell(f"    {told}")
    if printed and printed not in message:
        yield cell(f"    it printed: {printed}")
    yield cell(f"    {_circumstances(found, event)}")
    place = _place(exception) if exception else "" if _is_declared(found) else _place_of(event)
    if place:
        yield cell(f"    {place}", "dim")
    for line in variables.lines(exception, frames):
        yield cell(f"    {line}", "dim")
    yield from _causes(exception)


def _causes(exception: Mapping[str, Any]) -> Iterator[Cell]:
    """The chain down to the root; a cause that was raised again in the same words, as pandas does, adds nothing."""
    for before, cause in pairwise([exception, *tables(exception, "causes")]):
        if cause.get("link") == "member" or _told(cause) != _told(before):
            yield cell(f"    {_LINKS.get(str(cause.get('link')), 'after')} {_cut(_told(cause))}")


def _kind(found: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    if _is_declared(found):
        return ""
    return text(found.get("type") or (event.get("warning") if _is_of_python(event) else ""))


def _is_of_python(event: Mapping[str, Any]) -> bool:
    """Whether it came through `warnings.warn`."""
    return event.get("logger") == "py.warnings"


def _is_declared(found: Mapping[str, Any]) -> bool:
    """Whether it is no event, but what the program gave as the reason of its failure."""
    return found.get("type") == "fail" and table(found, "first").get("logger") == "navigator_obs.run"


def _said(found: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """What the program said when it logged the exception; empty where it was not the program that spoke."""
    if not table(event, "exception") or "duration_seconds" in event:
        return ""
    if str(event.get("logger")) in _OWN_LOGGERS:
        return ""
    said = text(found.get("event_message") or event.get("message"))
    return "" if said == text(found.get("message")) else _cut(said)


def _told(exception: Mapping[str, Any]) -> str:
    return f"{text(exception.get('type'))}: {text(exception.get('message'))}"


def _circumstances(found: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    count = int(number(found.get("count")) or 1)
    first, last = local_time(found.get("first_time")), local_time(found.get("last_time"))
    path, category = text(found.get("operation_path")), text(found.get("category"))
    context = table(found, "context")
    return joined(
        [
            f"{count:,} times from {first} to {last}" if count > 1 else f"at {first}",
            "said with run.fail" if _is_declared(found) else "",
            f"in {path}" if path else "",
            *[f"{text(name)} {text(value)}" for name, value in context.items()][:MAX_FIELDS],
            *list(_fields(event, context))[:MAX_FIELDS],
            f"category: {category}" if category not in {"", "unknown"} else "",
        ]
    )


def _fields(event: Mapping[str, Any], context: Mapping[str, Any]) -> Iterator[str]:
    """The event's own fields, but for those that are told elsewhere."""
    if "duration_seconds" in event:
        return
    told = _TOLD_OF_WARNINGS if _is_of_python(event) else _TOLD_ELSEWHERE | told_by_message(event)
    if str(event.get("logger")) in _OWN_LOGGERS:
        told |= _TOLD_BY_REASON
    for name, value in event.items():
        if name not in RESERVED and name not in context and name not in told:
            yield f"{text(name)}={_short(value)}"


_TOLD_ELSEWHERE: Final = frozenset({"operation_path"})
# Why a run is called stalled.
_TOLD_BY_REASON: Final = frozenset({"since", "promise_seconds", "learnt", "open_operations"})
_TOLD_OF_WARNINGS: Final = frozenset({"operation_path", "warning", "file"})


def _short(value: object) -> str:
    shown = figure(value) if isinstance(value, float) else "none" if value is None else text(value)
    return cut(shown, MAX_FIELD)


def _place_of(event: Mapping[str, Any]) -> str:
    """Where an event without an exception was logged."""
    if not event.get("module") or (str(event.get("logger")) in _OWN_LOGGERS and _is_inside(str(event["module"]))):
        return ""
    if _is_of_python(event):
        return f"{text(event.get('file') or event['module'])}:{text(event.get('line'))}"
    logger = f" · logger {text(event['logger'])}" if event.get("logger") else ""
    function = f" in {text(event['function'])}" if event.get("function") else ""
    return f"{text(event['module'])}:{text(event.get('line'))}{function}{logger}"


def _is_inside(module: str) -> bool:
    """Whether it is the toolkit itself, or the thread in which it does what is due by age."""
    return module == "threading" or module.partition(".")[0] == "navigator_obs"


def _place(exception: Mapping[str, Any]) -> str:
    """The innermost line of the user's own code, which says more than the library's line below it."""
    frame = own_frame(exception)
    if frame is None:
        return ""
    source = text(frame.get("source")).strip()
    where = f"{text(frame.get('file'))}:{frame.get('line')} in {text(frame.get('function'))}"
    return f"{where}: {source}" if source else where


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"


def open_operations(summary: Mapping[str, Any]) -> Section:
    """The operations that were open at the last look: of a dead run, what it was doing."""
    rows = [_opened(entry) for entry in tables(table(summary, "resources"), "open_operations")[-MAX_OPEN:]]
    living = str(table(summary, "run_metadata").get("status")) in LIVING
    title = "Open operations" if living else "Open when it was last seen"
    columns = (
        Column("operation", flexible=True),
        Column("since"),
        Column("open for", right=True),
        Column("", optional=True),
    )
    return Section(title, columns, rows)


def _opened(entry: Mapping[str, Any]) -> tuple[Cell, ...]:
    seconds = number(entry.get("seconds"))
    context = table(entry, "breakdown")
    return (
        cell(entry.get("path")),
        cell(local_time(entry.get("started") or entry.get("start_time")), "dim"),
        cell("" if seconds is None else format_seconds(seconds), "strong"),
        cell(joined([*(f"{text(name)} {text(value)}" for name, value in context.items()), _worker(entry)]), "dim"),
    )


def _worker(entry: Mapping[str, Any]) -> str:
    """Which worker it is that has it open: of several alike, only that tells one from another."""
    return f"worker {text(entry['worker'])}" if entry.get("worker") else ""


def last_events(events: Sequence[Mapping[str, Any]], beside: object) -> Section:
    """What was logged last, of a run that did not say how it ended, and in which operation."""
    rows = [
        (
            cell(local_time(event.get("timestamp")), "dim"),
            cell(event.get("level"), _LEVELS.get(str(event.get("level")), "")),
            cell(localized(text(event.get("message")), beside)),
            cell(event.get("operation_path"), "dim"),
        )
        for event in events
    ]
    columns = (Column(""), Column(""), Column("", flexible=True), Column("", flexible=True, optional=True))
    return Section("Last events", columns, rows)


_LEVELS: Final = {"WARNING": "warn", "ERROR": "bad", "CRITICAL": "bad"}
