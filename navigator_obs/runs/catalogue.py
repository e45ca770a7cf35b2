"""The run's warnings and errors, grouped: what is the same one counts up, its first and last occurrence are kept.

`identify` says what an event is an occurrence of, `Gate` keeps the journal bounded while the run lives (first
occurrences in full, then counts), and `Catalogue` is the part of the fold that groups them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

from ..events import categories
from ..events.line import EventLine
from ..events.symptoms import shape
from ..fields import RESERVED

FULL_OCCURRENCES: Final = 5
MAX_GROUPS: Final = 250
MAX_LINE_GROUPS: Final = 1024
MAX_VARIANTS: Final = 10
OTHER_VARIANTS: Final = "…"
MAX_CONTEXT_KEYS: Final = 20
_ERRORS: Final = frozenset({"ERROR", "CRITICAL"})
# What changes between two tellings of the same thing: quoted names, numbers, addresses, ids.
_VARIABLE: Final = re.compile(
    r"'[^']*'|\"[^\"]*\"|\b[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}\b|\b0x[0-9a-fA-F]+\b|[-+]?\d[\d_,.]*(?:[eE][-+]?\d+)?"
)


def template(message: str) -> str:
    """Return *message* with what varies from one occurrence to the next left open.

    >>> template("plan 'B' lost 1,204 rows in 2027")
    'plan # lost # rows in #'
    """
    return _opened(shape(message[:1000]))


@lru_cache(maxsize=1024)
def _opened(words: bytes) -> str:
    return _VARIABLE.sub("#", words.decode("utf-8", "surrogatepass"))


def identify(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what *event* is an occurrence of: `severity`, `fingerprint`, `category` with `category_rule`, `fixed_by`
    and `retry`, `type`, `message` (the exception's, where there is one) and `event_message`.
    """
    severity = "errors" if event.get("level") in _ERRORS else "warnings"
    exception = event.get("exception")
    message = str(event.get("message", ""))
    if isinstance(exception, Mapping) and exception.get("fingerprint"):
        return {
            "severity": severity,
            "fingerprint": str(exception["fingerprint"]),
            **_category(str(exception.get("category") or categories.UNKNOWN), exception.get("category_rule")),
            "type": exception.get("type"),
            "message": str(exception.get("message") or message),
            "event_message": message,
        }
    words = f"{event.get('logger')}\n{template(message)}"
    return {
        "severity": severity,
        "fingerprint": sha256(words.encode("utf-8", "replace")).hexdigest()[:12],
        **(_category("data/quality", "a check") if _is_of_a_check(event) else _category(categories.UNKNOWN)),
        "type": event.get("warning") if event.get("logger") == "py.warnings" else None,
        "message": message,
        "event_message": message,
    }


def _category(category: str, rule: str | None = None) -> dict[str, Any]:
    """The category, what told it, who can fix it, and whether trying again helps."""
    known = categories.kind(category)
    return {"category": category, "category_rule": rule, "fixed_by": known.fixed_by, "retry": known.retry}


def _is_of_a_check(event: Mapping[str, Any]) -> bool:
    return "check" in event and event.get("logger") == "navigator_obs.checks"


def is_retold(event: Mapping[str, Any]) -> bool:
    """Whether the exception of *event* was told in this run before."""
    exception = event.get("exception")
    return isinstance(exception, Mapping) and exception.get("retold") is True


def own_context(event: Mapping[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of *event* that the code around it had bound: *keys* are the context's."""
    names = [key for key in keys if key in event and key not in RESERVED]
    return {key: event[key] for key in names[:MAX_CONTEXT_KEYS]}


class Gate:
    """Decides which occurrences the journal gets in full, and counts the others until the next tick takes them.

    The caller keeps threads apart.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], int] = {}
        self._waiting: dict[tuple[str, str], dict[str, Any]] = {}
        # What the events of a group that is only counted by now are counted as.
        self._counted_as: dict[Hashable, tuple[str, str]] = {}

    def count(self, line: EventLine) -> bool:
        """Count *line* if one of its group was counted before, without a look at it; return whether that was done."""
        key = self._counted_as.get(line.group)
        if key is None:
            return False
        self._count(key, line.words, line.time, line)
        return True

    def admit(self, issue: dict[str, Any], group: Hashable = None) -> bool:
        """Return whether *issue* (a journal record) is to be written in full; otherwise it is counted here.

        *group* is that of an event line (see `EventLine.group`).
        """
        key = (issue["severity"], issue["fingerprint"])
        seen = self._seen.get(key, 0)
        if seen or len(self._seen) < 2 * MAX_GROUPS:
            self._seen[key] = seen + 1
            if seen < FULL_OCCURRENCES:
                return True
        else:
            key = (issue["severity"], "")
        if group is not None:
            categories.bounded(self._counted_as, MAX_LINE_GROUPS)[group] = key
        self._count(key, issue["message"], issue["time"], issue["event"])
        return False

    def _count(self, key: tuple[str, str], message: str, time: str, event: Mapping[str, Any]) -> None:
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = {"severity": key[0], "fingerprint": key[1], "count": 0, "variants": {}}
            self._waiting[key] = waiting
        waiting["count"] += 1
        _count_variant(waiting["variants"], template(message), 1)
        waiting["last_time"], waiting["event"] = time, event

    def take(self, *, whole: bool = False) -> list[dict[str, Any]]:
        """Return the counts since the last call; with *whole* the last event of each in full, else small."""
        waiting, self._waiting = self._waiting, {}
        counts = list(waiting.values())
        for count in counts:
            count["event"] = dict(count["event"]) if whole else _slim(count["event"])
        return counts


def _slim(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without traceback and frames."""
    exception = event.get("exception")
    if not isinstance(exception, Mapping):
        return dict(event)
    return {
        **event,
        "exception": {
            key: exception.get(key) for key in ("type", "message", "fingerprint", "category", "category_rule")
        },
    }


class Catalogue:
    """Issues by severity and fingerprint. Totals are exact; beyond `MAX_GROUPS` groups only they are kept."""

    def __init__(self) -> None:
        self.totals = {"errors": 0, "warnings": 0}
        self.overflow = 0
        self._groups: dict[str, dict[str, dict[str, Any]]] = {"errors": {}, "warnings": {}}

    def add(self, record: Mapping[str, Any]) -> None:
        """Take one occurrence, told in full."""
        severity, event = record["severity"], record["event"]
        self.totals[severity] += 1
        group = self._group(record)
        if group is None:
            self.overflow += 1
            return
        group["count"] += 1
        _count_variant(group["variants"], template(record["message"]), 1)
        _widen(group, record["time"], event)
        if record["time"] < group["first_time"]:
            # A worker's, whose share was read later.
            group.update(_beginning(record))

    def add_count(self, counted: Mapping[str, Any]) -> None:
        """Take occurrences that were counted since the last tick."""
        self.totals[counted["severity"]] += counted["count"]
        group = self._groups[counted["severity"]].get(counted["fingerprint"])
        if group is None:
            self.overflow += counted["count"]
            return
        group["count"] += counted["count"]
        for words, count in counted.get("variants", {}).items():
            _count_variant(group["variants"], words, count)
        _widen(group, counted["last_time"], counted["event"])

    def _group(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        groups = self._groups[record["severity"]]
        group = groups.get(record["fingerprint"])
        if group is None and len(groups) < MAX_GROUPS:
            group = groups[record["fingerprint"]] = {
                "fingerprint": record["fingerprint"],
                **{key: record.get(key) for key in ("category", "category_rule", "fixed_by", "retry")},
                "type": record.get("type"),
                "count": 0,
                "variants": {},
                **_beginning(record),
                "last_time": record["time"],
                "last": record["event"],
            }
        return group

    def summary(self) -> dict[str, list[dict[str, Any]]]:
        """Return the summary's `issues`, in the order of their first occurrence."""
        return {
            severity: [_copied(group) for group in sorted(groups.values(), key=_first_time)]
            for severity, groups in self._groups.items()
        }


def _copied(group: Mapping[str, Any]) -> dict[str, Any]:
    """What a summary keeps, while the group goes on counting."""
    return {**group, "variants": dict(group["variants"])}


def _beginning(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a group tells of its first occurrence."""
    event = record["event"]
    return {
        "message": record["message"],
        "event_message": record.get("event_message", record["message"]),
        "first_time": record["time"],
        "operation_path": event.get("operation_path"),
        "context": record.get("context") or {},
        "breadcrumbs": record.get("breadcrumbs") or [],
        "first": event,
    }


def _count_variant(variants: dict[str, int], words: str, count: int) -> None:
    """Count one way in which the same issue is worded; beyond `MAX_VARIANTS` all others share one count."""
    key = words if words in variants or len(variants) < MAX_VARIANTS else OTHER_VARIANTS
    variants[key] = variants.get(key, 0) + count


def _widen(group: dict[str, Any], last_time: str, last: Mapping[str, Any]) -> None:
    if last_time >= group["last_time"]:
        group["last_time"], group["last"] = last_time, last


def _first_time(group: Mapping[str, Any]) -> str:
    return str(group["first_time"])


def failure_issue(failed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the issue that stands for a failure of which nothing tells but the word of the program."""
    time, reason, path = str(failed.get("time")), failed["reason"], failed.get("operation_path")
    event = {"timestamp": time, "level": "ERROR", "message": reason, "logger": "navigator_obs.run"}
    if path:
        event["operation_path"] = path
    told = {"severity": "errors", "time": time, "event": event, **identify(event), "type": "fail"}
    book = Catalogue()
    book.add(told)
    return book.summary()["errors"][0]
