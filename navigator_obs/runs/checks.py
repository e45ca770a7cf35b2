"""Data-quality checks: a value held against bounds, or predicates of the program's own."""

from __future__ import annotations

from typing import Any, Final, overload

from ..encoding import shown, text
from ..errors import UsageError, close_match
from .checking import SEVERITIES, Asked, Checking, Severity

_UNSET: Final[Any] = object()


@overload
def check(
    name: str,
    value: Any,
    *,
    min: Any = ...,
    max: Any = ...,
    equals: Any = ...,
    between: tuple[Any, Any] | None = ...,
    severity: Severity = ...,
    unit: str | None = ...,
    year: int | None = ...,
    dataset: str | None = ...,
    violations: int | None = ...,
    checked: int | None = ...,
    examples: Any = ...,
    skip: str | None = ...,
    stop: bool = ...,
) -> bool: ...
@overload
def check(name: str, *, skip: str, year: int | None = ..., dataset: str | None = ...) -> bool: ...
@overload
def check(
    name: str,
    *,
    min: Any = ...,
    max: Any = ...,
    equals: Any = ...,
    between: tuple[Any, Any] | None = ...,
    severity: Severity = ...,
    unit: str | None = ...,
    year: int | None = ...,
    dataset: str | None = ...,
    stop: bool = ...,
) -> Checking: ...
def check(
    name: str,
    value: Any = _UNSET,
    *,
    min: Any = None,  # noqa: A002 - reads as what it means: check("rate", rate, min=0)
    max: Any = None,  # noqa: A002
    equals: Any = _UNSET,
    between: tuple[Any, Any] | None = None,
    severity: Severity = "warning",
    unit: str | None = None,
    year: int | None = None,
    dataset: str | None = None,
    violations: int | None = None,
    checked: int | None = None,
    examples: Any = (),
    skip: str | None = None,
    stop: bool = False,
) -> Any:
    """Hold *value* against bounds; record the outcome in the run, log a violation, and return whether it passed.

    *min* and *max* are inclusive, ``between=(low, high)`` gives both, *equals* compares with ``==``; without any of
    them *value* is the verdict itself and must be a bool. *severity* "warning" makes a violation a WARNING (outcome
    ``warn``), "error" an ERROR (outcome ``fail``). A value that can't be compared (None, NaN, a text with a number)
    has the outcome ``error``. *year* is the context's year when None. *violations* is how many of the *checked* things
    (rows, say) violate it, *examples* some of them, of which five are kept. With *skip*, the reason why, nothing is
    held against anything: the outcome is ``skipped``, and True is returned. With *stop*, `CheckFailed` is raised when
    the check does not pass. Works without a run, too. Raises UsageError for bounds that make no sense.

    Without *value* it is a context for predicates of your own, see `Checking`.

    >>> check("headcount", 5_012, min=1, max=20_000, year=2025)
    True
    >>> with check("salaries", dataset="workforce") as found:
    ...     for salary in (52_000, 48_000):
    ...         _ = found.expect(salary > 0, example=salary)
    >>> found.passed
    True
    """
    if not isinstance(severity, str) or severity not in SEVERITIES:
        valid = " or ".join(map(repr, SEVERITIES))
        raise UsageError(f"severity {shown(severity)} must be {valid}{close_match(text(severity), SEVERITIES)}")
    is_block = value is _UNSET and skip is None
    bounds = _bounds(name, True if is_block or skip is not None else value, min, max, equals, between)
    asked = Asked(name, severity, bounds, unit, year, dataset, stop)
    if is_block:
        return Checking(asked)
    details = {"violations": violations, "checked": checked, "examples": examples}
    if skip is not None:
        return asked.conclude("skipped", None, text(skip), **details)
    return asked.judge(value, **details)


def _bounds(name: str, value: Any, low: Any, high: Any, equals: Any, between: Any) -> dict[str, Any]:
    if not isinstance(name, str) or not name:
        raise UsageError(f"the name of a check must be a text, not {shown(name)}")
    if between is not None:
        if not isinstance(between, (tuple, list)) or len(between) != 2:
            raise UsageError(f"between={shown(between)} of check {name!r} must be a pair: between=(low, high)")
        if low is not None or high is not None:
            raise UsageError(f"check {name!r} takes between or min and max, not both")
        low, high = between
    given = {"min": low, "max": high} | ({} if equals is _UNSET else {"equals": equals})
    bounds = {bound: limit for bound, limit in given.items() if limit is not None}
    if not bounds and not _is_verdict(value):
        raise UsageError(
            f"check {name!r} needs min, max, equals or between; else its value must be a bool, not {text(value)[:99]}"
        )
    return bounds


def _is_verdict(value: Any) -> bool:
    return type(value).__name__ in {"bool_", "bool"}
