"""Every event and operation key: name, type, unit, meaning, formatter. The reference pages are made from these tables.

The summary's keys stand in `runs/summary.schema.json`, which describes itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Formatter = Callable[[float], str]


def format_seconds(seconds: float) -> str:
    """Render a duration for people, in the two largest units that matter.

    >>> [format_seconds(s) for s in (0.00000042, 0.00042, 0.042, 4.2, 83, 7440)]
    ['420 ns', '420 µs', '42 ms', '4.20 s', '1m 23s', '2h 04m']
    """
    if not seconds:
        return "0 s"
    if seconds < 0:
        return f"-{format_seconds(-seconds)}"
    if seconds < 0.0000009995:
        return f"{seconds * 1e9:.0f} ns"
    if seconds < 0.0009995:
        return f"{seconds * 1e6:.0f} µs"
    if seconds < 0.9995:
        return f"{seconds * 1e3:.0f} ms" if seconds >= 0.00995 else f"{seconds * 1e3:.1f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02d}m" if hours < 48 else f"{hours // 24}d {hours % 24:02d}h"


def format_time_left(seconds: float) -> str:
    """Render an estimated duration, which is known to the second at best.

    >>> [format_time_left(s) for s in (0.4, 34.4, 83, 7440)]
    ['0 s', '34 s', '1m 23s', '2h 04m']
    """
    return f"{seconds:.0f} s" if seconds < 59.5 else format_seconds(round(seconds))


def format_bytes(count: float) -> str:
    """Render a size in bytes: ``512 B``, ``12.3 kB``, ``4.56 GB`` (powers of 1,000)."""
    if abs(count) < 1000:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if abs(count) < 999.5:
            return f"{count:.1f} {unit}" if abs(count) < 99.95 else f"{count:.0f} {unit}"
    return f"{count / 1000:.1f} TB"


def format_mb(megabytes: float) -> str:
    """Render megabytes: ``425 MB``, ``1.23 GB``."""
    if abs(megabytes) < 9.995:
        return f"{megabytes:.1f} MB"
    return f"{megabytes:.0f} MB" if abs(megabytes) < 9999.5 else f"{megabytes / 1000:.1f} GB"


def format_count(number: float) -> str:
    """Render a count with thousands apart: ``12,345``."""
    return f"{number:,.0f}"


def format_percent(percent: float) -> str:
    """Render a share: ``3.1%``, ``42%``."""
    return f"{percent:.1f}%" if abs(percent) < 9.95 else f"{percent:.0f}%"


def format_rate(per_second: float) -> str:
    """Render a throughput: ``12,345/s``, ``0.42/s``."""
    return f"{format_per_second(per_second)}/s"


def format_per_second(count: float) -> str:
    """Render a throughput where its unit stands beside it: ``12,345``, ``0.42``."""
    return f"{count:,.0f}" if count >= 9.5 else f"{count:.2g}"


def cut(text: str, most: int) -> str:
    """Cut *text* to so many characters, with an ellipsis where something was cut.

    >>> cut("year_simulation", 8)
    'year_si…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


@dataclass(frozen=True)
class Field:
    """One key: its JSON type, its unit ("" for none), what it means, and how to show a number of it to people."""

    name: str
    type: str
    unit: str
    meaning: str
    format: Formatter = str


EVENT_FIELDS: Final = (
    Field("timestamp", "string", "", "when: RFC 3339, UTC, microseconds, `Z`"),
    Field("level", "string", "", "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`"),
    Field("message", "string", "", "what happened, in words"),
    Field("run_id", "string or null", "", "the run that it belongs to; null outside of any"),
    Field("logger", "string", "", "the logger's name"),
    Field("module", "string", "", "the module of the code that logged"),
    Field("function", "string", "", "the function of the code that logged"),
    Field("line", "integer", "", "its line"),
    Field("process", "integer", "", "the process id"),
    Field("thread", "string", "", "the thread's name"),
    Field("seq", "integer", "", "counts up per process and run: a gap is a loss that can be seen"),
)
"""The keys that each event has, in this order; context and the event's own fields follow."""

EXCEPTION_FIELDS: Final = (
    Field("type", "string", "", "the exception's class, with its module unless built in"),
    Field("message", "string", "", "its text"),
    Field("traceback", "string", "", "the traceback as Python prints it"),
    Field("frames", "array", "", "where: module, function, file, line and source, outermost first"),
    Field(
        "causes",
        "array",
        "",
        "from the nearest cause to the root: type, message, `link` (`cause`, `context`, or `member` of a group)",
    ),
    Field("notes", "array", "", "notes added with `add_note`"),
    Field("fingerprint", "string", "", "the same for errors that are the same one"),
    Field("category", "string", "", "which kind of failure it is, in one or two levels: `database/lock`"),
    Field("category_rule", "string", "", "what told the category"),
    Field("printed", "string", "", "where a program failed: why, in its own words; of dbt, which model or test"),
    Field("retold", "boolean", "", "true where this run has told the same exception before: it counts once"),
    Field("locals", "array", "", "with `capture_locals`: module, function, line and the `values` of its variables"),
)
"""The keys of an event's `exception`."""

OPERATION_FIELDS: Final = (
    Field("operation", "string", "", "the operation's name"),
    Field("operation_path", "string", "", "names from the outermost operation to this one, joined with `/`"),
    Field("status", "string", "", "`success`, `failed` or `cancelled`"),
    Field("duration_seconds", "number", "s", "wall time", format_seconds),
    Field("self_seconds", "number", "s", "wall time in which no child operation was open", format_seconds),
    Field("cpu_seconds", "number", "s", "CPU time of the process meanwhile, all threads", format_seconds),
    Field("memory_delta_mb", "number", "MB", "resident memory at its end less that at its start", format_mb),
    Field("peak_memory_mb", "number", "MB", "the most memory, children included, seen meanwhile", format_mb),
    Field("rows", "integer", "rows", "rows that it said it worked on", format_count),
    Field("rows_per_second", "number", "rows/s", "rows by wall time", format_rate),
)
"""The keys that an operation's own event adds. An ordinary event inside an operation has `operation_path` alone."""

PROGRESS_FIELDS: Final = (
    Field("steps_done", "integer", "steps", "steps of the loop that are done", format_count),
    Field("steps_total", "integer", "steps", "how many there are; missing where nobody knows", format_count),
    Field("eta_seconds", "number", "s", "time until the last one is done, as far as can be foretold", format_seconds),
    Field("memory_mb", "number", "MB", "resident memory, children included", format_mb),
)
"""The keys of an event by which `obs.track` tells how far a loop is."""

NOTE_FIELDS: Final = (
    Field("sample_rate", "number", "", "by which `sampling` rate it was chosen: it stands for 1 / rate events"),
    Field("held_back", "integer", "events", "how many like it `limited` has left out since the last one", format_count),
    Field("stack", "string", "", "the stack, where `stack_info` asked for it"),
    Field(
        "nonfinite", "object", "", "where NaN and infinities stood, which JSON lacks: path to `nan`, `inf` or `-inf`"
    ),
    Field("cut_bytes", "object", "", "which values `max_event_bytes` cut: the key to its size in bytes before"),
    Field("cut_keys", "integer", "keys", "how many keys had no room at all", format_count),
)
"""The keys by which the toolkit itself tells what is to be known of an event."""

RESERVED: Final = frozenset(field.name for field in EVENT_FIELDS) | {"exception"}
"""The keys that a user's field can't take: it is kept as `field_<name>`."""


def told_by_message(event: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of a check's event whose values its message tells to people; none of any other event.

    >>> sorted(told_by_message({"logger": "navigator_obs.checks", "check": "payroll", "value": 3, "max": 2}))
    ['check', 'equals', 'max', 'min', 'outcome', 'severity', 'value']
    """
    if event.get("logger") != "navigator_obs.checks":
        return frozenset()
    return _OF_CHECKS | _BOUNDS | {"value"} if _BOUNDS & event.keys() else _OF_CHECKS


_OF_CHECKS: Final = frozenset({"check", "outcome", "severity"})
_BOUNDS: Final = frozenset({"min", "max", "equals"})
