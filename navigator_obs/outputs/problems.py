"""What went wrong, for people: errors and warnings with their place and causes, failed checks, what was open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..fields import format_seconds
from .cells import Cell, Column, Section, cell, joined, local_time, number, table, text

MAX_ISSUES: Final = 5
MAX_CHECKS: Final = 10
MAX_OPEN: Final = 10
MAX_MESSAGE: Final = 600
_LIBRARIES: Final = ("site-packages", "dist-packages", "/lib/python3", "\\lib\\")
_BAD_OUTCOMES: Final[Mapping[str, str]] = {"warn": "warn", "fail": "bad", "error": "bad"}


def messages(summary: Mapping[str, Any]) -> list[str]:
    """Return the messages of the errors that are shown."""
    return [text(found.get("message")) for found in _groups(summary, "errors")[:MAX_ISSUES]]


def issues(summary: Mapping[str, Any], severity: str) -> Section:
    """The errors or the warnings, each with what is needed to look for its cause."""
    groups = _groups(summary, severity)
    tone = "bad" if severity == "errors" else "warn"
    rows = [row for found in groups[:MAX_ISSUES] for row in _issue(found, tone)]
    more = len(groups) - MAX_ISSUES
    note = f"{more} more kinds of {severity} in summary.json" if more > 0 else ""
    return Section(severity.capitalize(), (Column("", flexible=True),), [(row,) for row in rows], note=note, prose=True)


def _groups(summary: Mapping[str, Any], severity: str) -> list[Mapping[str, Any]]:
    found = table(summary, "issues").get(severity)
    groups = [group for group in found if isinstance(group, Mapping)] if isinstance(found, list) else []
    # A check that did not pass also made an event; it has a table of its own.
    return [group for group in groups if "check" not in table(group, "first")]


def _issue(found: Mapping[str, Any], tone: str) -> Iterator[Cell]:
    event = table(found, "first")
    exception = table(event, "exception")
    kind, message = text(found.get("type")), _cut(text(found.get("message")))
    yield cell(f"{kind}: {message}" if kind and not message.startswith(kind) else message or "?", tone)
    yield cell(f"    {_circumstances(found)}")
    place = _place(exception)
    if place:
        yield cell(f"    {place}", "dim")
    causes = exception.get("causes")
    for cause in causes if isinstance(causes, list) else []:
        if isinstance(cause, Mapping):
            yield cell(f"    {_LINKS.get(str(cause.get('link')), 'after')} {_cut(_told(cause))}")


_LINKS: Final = {"cause": "caused by", "context": "while handling"}


def _told(exception: Mapping[str, Any]) -> str:
    return f"{text(exception.get('type'))}: {text(exception.get('message'))}"


def _circumstances(found: Mapping[str, Any]) -> str:
    count = int(number(found.get("count")) or 1)
    first, last = local_time(found.get("first_time")), local_time(found.get("last_time"))
    path, category = text(found.get("operation_path")), text(found.get("category"))
    context = [f"{text(name)} {text(value)}" for name, value in table(found, "context").items()]
    return joined(
        [
            f"{count:,} times from {first} to {last}" if count > 1 else f"at {first}",
            f"in {path}" if path else "",
            *context[:4],
            category if category not in {"", "unknown"} else "",
        ]
    )


def _place(exception: Mapping[str, Any]) -> str:
    """The innermost line of the user's own code, which says more than the library's line below it."""
    found = exception.get("frames")
    frames = [frame for frame in found if isinstance(frame, Mapping)] if isinstance(found, list) else []
    own = [frame for frame in frames if _is_own(frame)]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    source = text(frame.get("source")).strip()
    where = f"{text(frame.get('file'))}:{frame.get('line')} in {text(frame.get('function'))}"
    return f"{where}: {source}" if source else where


def _is_own(frame: Mapping[str, Any]) -> bool:
    file, module = str(frame.get("file")), str(frame.get("module"))
    ours = module.startswith("navigator_obs.") and not module.startswith("navigator_obs.demo")
    return not ours and not any(part in file for part in _LIBRARIES)


def _cut(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else f"{message[:MAX_MESSAGE]}…"


def checks(summary: Mapping[str, Any]) -> Section:
    """The checks that did not pass."""
    found = summary.get("checks")
    groups = [group for group in found if isinstance(group, Mapping)] if isinstance(found, list) else []
    bad = [group for group in groups if str(group.get("outcome")) in _BAD_OUTCOMES]
    bad.sort(key=lambda group: group.get("outcome") == "warn")
    rows = [_check(group) for group in bad[:MAX_CHECKS]]
    more = len(bad) - MAX_CHECKS
    note = f"{more} more in summary.json" if more > 0 else ""
    return Section("Checks that did not pass", _CHECK_COLUMNS, rows, note=note)


_CHECK_COLUMNS: Final = (
    Column("check", flexible=True),
    Column("outcome"),
    Column("value", right=True),
    Column("valid", optional=True),
    Column("", optional=True),
)


def _check(group: Mapping[str, Any]) -> tuple[Cell, ...]:
    outcome = str(group.get("outcome"))
    where = [f"{key} {text(group[key])}" for key in ("year", "dataset") if group.get(key) is not None]
    failures, count = number(group.get("failures")) or 0, number(group.get("count")) or 0
    often = f"{failures:,.0f} of {count:,.0f} times" if count > 1 else ""
    unit = f" {text(group['unit'])}" if group.get("unit") else ""
    return (
        cell(group.get("name")),
        cell(outcome, _BAD_OUTCOMES[outcome]),
        cell(f"{_value(group.get('value'))}{unit}"),
        cell(_bounds(group)),
        cell(joined([*where, often]), "dim"),
    )


def _bounds(group: Mapping[str, Any]) -> str:
    low, high, equals = (group.get(key) for key in ("min", "max", "equals"))
    if equals is not None:
        return f"= {_value(equals)}"
    if low is not None and high is not None:
        return f"{_value(low)} to {_value(high)}"
    return f"≥ {_value(low)}" if low is not None else f"≤ {_value(high)}" if high is not None else ""


def _value(value: object) -> str:
    known = number(value)
    if known is None:
        return text(value)
    return f"{known:,.0f}" if known == int(known) and abs(known) < 1e15 else f"{known:,.6g}"


def open_operations(summary: Mapping[str, Any]) -> Section:
    """The operations that were open at the last look: of a dead run, what it was doing."""
    found = table(summary, "resources").get("open_operations")
    opened = [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, list) else []
    rows = [_opened(entry) for entry in opened[-MAX_OPEN:]]
    living = table(summary, "run_metadata").get("status") in ("running", "stalled")
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
        cell(joined(f"{text(name)} {text(value)}" for name, value in context.items()), "dim"),
    )
