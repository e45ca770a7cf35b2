"""Whether a diagnosis names the cause that a scenario really has."""

from __future__ import annotations

from navigator_obs.history.cause import Cause
from navigator_obs.history.diagnose import Diagnosis
from tests.history.scenarios import Expected


def names_the_cause(found: Diagnosis, expected: Expected) -> bool:
    """Whether the finding is of the right kind, and its first cause of the right category, with the words of it."""
    if expected.finding == "none":
        return found.is_healthy
    if expected.finding == "suspect":
        return _speaks([one.what for one in found.suspicions], expected.words)
    if expected.finding == "slower":
        return _speaks([one.what for one in found.slower], expected.words)
    return bool(found.causes) and _is_cause(found.causes[0], expected)


def _is_cause(cause: Cause, expected: Expected) -> bool:
    levels = {cause.category, cause.category.partition("/")[0]}
    told = [cause.type, cause.message, cause.said, cause.place, cause.rule]
    return (not expected.category or not levels.isdisjoint(expected.category)) and _speaks(told, expected.words)


def _speaks(told: list[str], words: tuple[str, ...]) -> bool:
    line = " ".join(told).lower()
    return bool(line) and all(word.lower() in line for word in words)


def names_what_changed(found: Diagnosis, expected: Expected) -> bool:
    """Whether the changes that explain it are named before all others; of the code, that it is another one."""
    first = [one.change for one in found.changed[: len(expected.changed)]]
    return all(
        any(change.kind == kind and (kind == "code" or name in change.name) for change in first)
        for kind, name in expected.changed
    )
