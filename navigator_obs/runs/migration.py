"""Summaries of earlier schema versions, read as those of today. No file is changed: a record stays as it was written.

Version 0 is what has no `schema_version`: `run_metadata` with a status, and operations that knew no more of themselves
than how long the last one took.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from .reading import items, table

_SUCCESS: Final = {"success", "completed", "complete", "ok", "succeeded"}
_STATUSES: Final = {"running", "failed", "partial", "interrupted", "terminated", "crashed"}

Summary = dict[str, Any]


def migrated(summary: Summary) -> Summary:
    """Return *summary* as this version has it, or as much of it as there is.

    One of a later version is returned as it is: readers pass over what they do not know.

    >>> old = {"run_metadata": {"run_id": "a", "status": "completed", "end_time": "2025-08-18T14:30:22Z"}}
    >>> migrated(old)["run_metadata"]["status"], migrated(old)["run_metadata"]["final"]
    ('success', True)
    """
    version = version_of(summary)
    while version in _STEPS:
        summary = _STEPS[version](summary)
        version += 1
    return summary


def version_of(summary: Mapping[str, Any]) -> int:
    """Return the schema version of a summary; 0 where it says none."""
    version = summary.get("schema_version")
    return version if isinstance(version, int) and not isinstance(version, bool) else 0


def _from_0(summary: Summary) -> Summary:
    """Ended runs are final; operations get the figures that follow from a single one; issues are grouped."""
    new: Summary = {**summary, "schema_version": 1, "run_metadata": _metadata(table(summary, "run_metadata"))}
    if "performance_metrics" in summary:
        found = table(summary, "performance_metrics").items()
        new["performance_metrics"] = {path: _operation(one) for path, one in found if isinstance(one, Mapping)}
    if "configuration" in summary:
        given = table(summary, "configuration")
        new["configuration"] = dict(given) if "params" in given else {"params": dict(given), "sources": {}}
    if "issues" in summary:
        issues = table(summary, "issues")
        new["issues"] = {severity: _issues(items(issues, severity), severity) for severity in ("errors", "warnings")}
    if "execution_summary" in summary:
        new["execution_summary"] = _execution(table(summary, "execution_summary"), table(summary, "issues"))
    return new


def _metadata(old: Mapping[str, Any]) -> dict[str, Any]:
    status = str(old.get("status") or "").lower()
    known = "success" if status in _SUCCESS else status if status in _STATUSES else "failed" if status else "running"
    ended = bool(old.get("end_time")) or known != "running"
    return {"name": "?", **old, "status": known, "final": old.get("final", ended)}


def _operation(old: Mapping[str, Any]) -> dict[str, Any]:
    seconds = old.get("duration")
    figures = dict.fromkeys(("total_seconds", "self_seconds", "min_seconds", "p50_seconds", "max_seconds"), seconds)
    failed = int(str(old.get("status") or "success").lower() not in _SUCCESS)
    return {"count": 1, "failed": failed, "cancelled": 0, "rows": None, "by": {}, **figures, **old}


def _execution(old: Mapping[str, Any], issues: Mapping[str, Any]) -> dict[str, Any]:
    counted = {}
    for severity in ("errors", "warnings"):
        found = old.get(severity, old.get(f"total_{severity}", old.get(f"{severity[:-1]}_count")))
        counted[severity] = found if isinstance(found, int) else len(items(issues, severity))
    return {**old, **counted}


def _issues(found: Iterable[Any], severity: str) -> list[dict[str, Any]]:
    issues = []
    for one in found:
        told = dict(one) if isinstance(one, Mapping) else {"message": str(one)}
        time = told.get("timestamp")
        usual = {"count": 1, "type": None, "category": "unknown", "fingerprint": None, "first_time": time}
        event = {"timestamp": time, "level": severity[:-1].upper(), "message": told.get("message")}
        issues.append({**usual, "last_time": time, "first": event, "last": event, **told})
    return issues


_STEPS: Final[Mapping[int, Callable[[Summary], Summary]]] = {0: _from_0}
