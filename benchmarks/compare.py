"""Old ratios against new ones. Ratios alone are compared: microseconds of two days are not."""

# ruff: noqa: RUF001 - the tables are for people, who write the sign of multiplication

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.table import aligned, figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Report

NOTABLE_PERCENT = 10.0
KEYS = {"cheapest_us": "cheapest", "median_us": "median", "process_us": "all threads"}


def render(old: Report, new: Report) -> str:
    """Each ratio that both documents have, what it was, what it is; changes of 10 % and more are marked."""
    if old["command"] != new["command"]:
        return f"nothing to compare: the file is of {old['command']!r}, this is {new['command']!r}"
    rows = [list(row) for row in changes(old, new)]
    if not rows:
        return "nothing to compare: no peer is in both"
    return "\n".join([f"against {old['time']} (ratios to {new['base']!r})", "", *aligned([HEAD, *rows])])


HEAD = ["", "case", "figure", "old ×", "new ×", "change", ""]


def changes(old: Report, new: Report) -> Iterator[tuple[str, ...]]:
    """One row per peer, case and figure that both have; the base, always 1, is left out."""
    before = {result["peer"]: result.get("ratios", {}) for result in old["results"]}
    for result in new["results"]:
        if result["peer"] in before and result["peer"] != new["base"]:
            for case, ratios in result.get("ratios", {}).items():
                yield from _case_changes(result["peer"], case, before[result["peer"]].get(case, {}), ratios)


def _case_changes(peer: str, case: str, old: dict[str, float], new: dict[str, float]) -> Iterator[tuple[str, ...]]:
    for key, title in KEYS.items():
        if old.get(key) and key in new:
            percent = (new[key] / old[key] - 1) * 100
            yield peer, case, title, figure(old[key]), figure(new[key]), f"{percent:+.0f} %", _mark(percent)


def _mark(percent: float) -> str:
    if abs(percent) < NOTABLE_PERCENT:
        return ""
    return "dearer" if percent > 0 else "cheaper"
