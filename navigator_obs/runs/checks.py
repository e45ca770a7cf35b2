"""Data-quality checks: a value held against bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from ..clock import clock, format_timestamp
from ..encoding import simplify, text
from ..errors import CheckFailed, UsageError, close_match
from ..events import scope
from ..events.chain import chain
from ..events.logger import emit
from ..redaction import MARK
from .current import listener
from .words import shown

Severity = Literal["warning", "error"]
MAX_TEXT: Final = 200
_LARGEST_PLAIN: Final = 1e15
_LOGGER: Final = "navigator_obs.checks"
_SEVERITIES: Final = {"warning": ("warn", 30), "error": ("fail", 40)}
_UNSET: Final[Any] = object()


def check(
    name: str,
    value: Any,
    *,
    min: Any = None,  # noqa: A002 - reads as what it means: check("rate", rate, min=0)
    max: Any = None,  # noqa: A002
    equals: Any = _UNSET,
    between: tuple[Any, Any] | None = None,
    severity: Severity = "warning",
    unit: str | None = None,
    year: int | None = None,
    dataset: str | None = None,
    stop: bool = False,
) -> bool:
    """Hold *value* against bounds; record the outcome in the run, log a violation, and return whether it passed.

    *min* and *max* are inclusive, ``between=(low, high)`` gives both, *equals* compares with ``==``; without any of
    them *value* is the verdict itself and must be a bool. *severity* "warning" makes a violation a WARNING (outcome
    ``warn``), "error" an ERROR (outcome ``fail``). A value that can't be compared (None, NaN, a text with a number)
    has the outcome ``error``. *year* is the context's year when None. With *stop*, `CheckFailed` is raised when the
    check does not pass. Works without a run, too. Raises UsageError for bounds that make no sense.

    >>> check("headcount", 5_012, min=1, max=20_000, year=2025)
    True
    """
    bounds = _bounds(name, value, min, max, equals, between)
    if not isinstance(severity, str) or severity not in _SEVERITIES:
        valid = " or ".join(map(repr, _SEVERITIES))
        raise UsageError(f"severity {shown(severity)} must be {valid}{close_match(text(severity), _SEVERITIES)}")
    violated, broken = _judge(value, bounds)
    outcome = "error" if broken else _SEVERITIES[severity][0] if violated else "pass"
    found = {
        "name": chain.redactor.text(name),
        "outcome": outcome,
        "severity": severity,
        **_shown(name, {"value": value, **bounds}),
        "unit": _word_or_none(unit),
        "dataset": _word_or_none(dataset),
        "year": _plain(scope.current().context.get("year") if year is None else year),
    }
    problem = broken or _words(violated, found)
    _tell(found, problem)
    if stop and outcome != "pass":
        raise CheckFailed(f"check {found['name']!r}: {problem}")
    return outcome == "pass"


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


def _judge(value: Any, bounds: Mapping[str, Any]) -> tuple[str, str]:
    """Return which bound is violated ("verdict" without any), and in words what broke; empty where there is nothing."""
    try:
        # NaN is not equal to itself, and inside no bounds nor outside.
        if bounds and (value is None or bool(value != value)):  # noqa: PLR0124
            return "", f"{'nothing' if value is None else 'NaN'} can't be compared"
        return _violated(value, bounds), ""
    except Exception as error:
        return "", f"{type(error).__name__}: {text(error)}"


def _violated(value: Any, bounds: Mapping[str, Any]) -> str:
    if not bounds:
        return "" if value else "verdict"
    if "min" in bounds and not bool(value >= bounds["min"]):
        return "min"
    if "max" in bounds and not bool(value <= bounds["max"]):
        return "max"
    return "equals" if "equals" in bounds and not bool(value == bounds["equals"]) else ""


_RELATIONS: Final = {"min": "below the minimum", "max": "above the maximum", "equals": "not the expected"}


def _words(violated: str, found: Mapping[str, Any]) -> str:
    if violated in _RELATIONS:
        unit = f" {found['unit']}" if found["unit"] else ""
        return f"{_word(found['value'])} is {_RELATIONS[violated]} {_word(found[violated])}{unit}"
    return "it does not hold" if violated else ""


def _word(plain: Any) -> str:
    """A value as people read it: with its thousands apart, and no more decimals than it has."""
    if isinstance(plain, bool) or not isinstance(plain, (int, float)):
        return f"'{plain}'" if isinstance(plain, str) else str(plain)
    whole = isinstance(plain, float) and plain.is_integer() and abs(plain) < _LARGEST_PLAIN
    return f"{int(plain) if whole else plain:,}"


def _shown(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values as records keep them: numbers as numbers, of anything long the beginning of its text, no secrets."""
    return {key: MARK if chain.redactor.hides(name, value) else _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    """Secrets first: by its keys they are known, which a text no longer has."""
    return _short(chain.redactor.clean(simplify(value)))


def _word_or_none(value: Any) -> str | None:
    return None if value is None else text(_plain(value))


def _short(plain: Any) -> Any:
    if isinstance(plain, (dict, list)) or (isinstance(plain, str) and len(plain) > MAX_TEXT):
        return text(plain)[:MAX_TEXT]
    return plain


def _tell(found: dict[str, Any], problem: str) -> None:
    hearer = listener()
    if hearer is not None:
        hearer.note_check({"time": format_timestamp(clock.time_ns()), **found})
    if problem:
        level = 40 if found["outcome"] == "error" else _SEVERITIES[found["severity"]][1]
        fields = {key: item for key, item in found.items() if key != "name" and item is not None}
        emit(_LOGGER, level, f"check {found['name']}: {problem}", {"check": found["name"], **fields})
