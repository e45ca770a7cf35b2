"""What becomes of a check: judged, told, and counted; also as a context for predicates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Literal, Self

from ..clock import clock, format_timestamp
from ..encoding import simplify, text
from ..errors import CheckFailed
from ..events import scope
from ..events.chain import chain
from ..events.emitting import emit
from ..redaction import MARK
from ..settings import ERROR, WARNING
from .current import listener

Severity = Literal["warning", "error"]
MAX_TEXT: Final = 200
MAX_EXAMPLES: Final = 5
MAX_COLUMNS: Final = 20
_GOOD: Final = frozenset({"pass", "skipped"})
_LARGEST_PLAIN: Final = 1e15
_LOGGER: Final = "navigator_obs.checks"
SEVERITIES: Final = {"warning": ("warn", WARNING), "error": ("fail", ERROR)}


@dataclass(frozen=True)
class Asked:
    """What a check asks for, and how its outcome is told."""

    name: str
    severity: Severity
    bounds: Mapping[str, Any]
    unit: str | None
    year: Any
    dataset: str | None
    stop: bool

    def judge(self, value: Any, **details: Any) -> bool:
        """Hold *value* against the bounds, and tell the outcome; return whether it passed."""
        violated, broken = _judge(value, self.bounds)
        outcome = "error" if broken else self.violated if violated else "pass"
        return self.conclude(outcome, value, broken, violated, **details)

    @property
    def violated(self) -> str:
        """The outcome of a violation."""
        return SEVERITIES[self.severity][0]

    def conclude(
        self,
        outcome: str,
        value: Any,
        reason: str = "",
        violated: str = "",
        *,
        violations: Any = None,
        checked: Any = None,
        examples: Any = (),
    ) -> bool:
        """Tell the outcome; return whether it is one to go on with. Raises `CheckFailed` if that was asked for."""
        began = clock.monotonic_ns()
        found = {
            "name": chain.redactor.text(self.name),
            "outcome": outcome,
            "severity": self.severity,
            **_shown(self.name, {"value": value, **self.bounds}),
            "unit": _word_or_none(self.unit),
            "dataset": _word_or_none(self.dataset),
            "year": _plain(scope.current().context.get("year") if self.year is None else self.year),
            "violations": _count(violations),
            "checked": _count(checked),
            "examples": _some(self.name, examples),
            "reason": _word_or_none(reason or None),
        }
        problem = "" if outcome in _GOOD else found["reason"] or _words(violated, found)
        _tell(found, problem)
        hears = listener()
        if hears is not None:
            hears.meter.worked(began)
        if self.stop and problem:
            raise CheckFailed(f"check {found['name']!r}: {problem}")
        return outcome in _GOOD


class Checking:
    """A check by predicates of your own: ``with obs.check("managers") as found:``.

    Call `expect` for each thing that must hold, once or for every row, or assert it; or put what is to be held against
    the check's bounds into `value`. An exception inside makes the outcome ``error``, for the check itself broke: it is
    recorded and goes no further, unless the check was told to stop the run. Afterwards `passed` is known.

    >>> from navigator_obs.runs.checks import check
    >>> with check("managers", severity="error") as found:
    ...     found.skip("there are none in the first year")
    >>> found.passed
    True
    """

    def __init__(self, asked: Asked) -> None:
        self.value: Any = None
        self.passed: bool | None = None
        self._asked = asked
        self._skipped: str | None = None
        self._reason = ""
        self._violations = self._checked = 0
        self._examples: list[Any] = []

    def expect(self, holds: Any, example: Any = None, reason: str = "") -> bool:
        """Count one thing that must hold; return whether it does. Of those that do not, five *example* are kept."""
        self._checked += 1
        if holds:
            return True
        self._violations += 1
        self._reason = self._reason or text(reason)
        if example is not None and len(self._examples) < MAX_EXAMPLES:
            self._examples.append(example)
        return False

    def skip(self, reason: str) -> None:
        """Hold nothing against anything: the outcome is ``skipped``."""
        self._skipped = text(reason)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> bool:
        if error is not None and not isinstance(error, Exception):
            return False
        try:
            self.passed = self._conclude(error)
        except CheckFailed as failed:
            self.passed = False
            raise failed from error
        return error is not None

    def _conclude(self, error: Exception | None) -> bool:
        asked, counted = self._asked, self._checked > 0
        details: dict[str, Any] = {
            "violations": self._violations if counted else None,
            "checked": self._checked if counted else None,
            "examples": self._examples,
        }
        if self._skipped is not None:
            return asked.conclude("skipped", None, self._skipped)
        if isinstance(error, AssertionError):
            return asked.conclude(asked.violated, self.value, text(error), "verdict", **details)
        if error is not None:
            return asked.conclude("error", self.value, f"{type(error).__name__}: {text(error)}", **details)
        if self._violations:
            return asked.conclude(asked.violated, self.value, self._reason or self._of_how_many(), **details)
        if asked.bounds:
            return asked.judge(self.value, **details)
        return asked.conclude("pass", self.value, **details)

    def _of_how_many(self) -> str:
        return "it does not hold" if self._checked == 1 else f"{self._violations:,} of {self._checked:,} do not hold"


def _example(given: Any) -> Any:
    """A row keeps its columns, each of them short."""
    plain = chain.redactor.clean(simplify(given))
    if not isinstance(plain, dict):
        return _short(plain)
    return {key[:MAX_TEXT]: _short(item) for key, item in islice(plain.items(), MAX_COLUMNS)}


def _count(given: Any) -> int | None:
    try:
        return None if given is None else max(int(given), 0)
    except (TypeError, ValueError, OverflowError):
        return None


def _some(name: str, examples: Any) -> list[Any]:
    """The first few of *examples*, a collection or a data frame, as records keep them."""
    try:
        if hasattr(examples, "head") and hasattr(examples, "columns"):
            head = examples.head(MAX_EXAMPLES)
            rows = head.to_dicts() if hasattr(head, "to_dicts") else head.to_dict("records")
        else:
            rows = [examples] if isinstance(examples, (str, bytes, Mapping)) else examples
        return [MARK if chain.redactor.hides(name, row) else _example(row) for row in islice(rows, MAX_EXAMPLES)]
    except Exception:
        # What can't be shown is no reason to lose the outcome.
        return []


def _judge(value: Any, bounds: Mapping[str, Any]) -> tuple[str, str]:
    """Return which bound is violated ("verdict" without any), and in words what broke; empty where there is nothing."""
    try:
        # NaN is not equal to itself, and inside no bounds nor outside.
        if bounds and (value is None or bool(value != value)):  # noqa: PLR0124
            return "", f"{'nothing' if value is None else 'NaN'} can't be compared"
        return _violated(value, bounds), _senseless(bounds)
    except Exception as error:
        return "", f"{type(error).__name__}: {text(error)}"


def _senseless(bounds: Mapping[str, Any]) -> str:
    """What is wrong with the bounds themselves: they are often worked out from data."""
    if any(bool(limit != limit) for limit in bounds.values()):  # noqa: PLR0124
        return "a bound is NaN"
    if {"min", "max"} <= bounds.keys() and bool(bounds["min"] > bounds["max"]):
        return f"the minimum {_word(bounds['min'])} is above the maximum {_word(bounds['max'])}"
    return ""


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
        bound, value = _word(found[violated]), found["value"]
        shown = _word(value) if _word(value) != bound else str(value)
        return f"{shown} is {_RELATIONS[violated]} {bound}{unit}"
    return "it does not hold" if violated else ""


def _word(plain: Any) -> str:
    """A value as people read it: with its thousands apart, and no more decimals than it takes to know it."""
    if isinstance(plain, bool) or not isinstance(plain, (int, float)):
        return f"'{plain}'" if isinstance(plain, str) else str(plain)
    if isinstance(plain, int) or abs(plain) >= _LARGEST_PLAIN or not math.isfinite(plain):
        return f"{plain:,}"
    return f"{int(plain):,}" if plain.is_integer() else f"{plain:,.2f}" if abs(plain) >= 1000 else f"{plain:.6g}"


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
        level = 40 if found["outcome"] == "error" else SEVERITIES[found["severity"]][1]
        fields = {key: item for key, item in found.items() if key not in {"name", "reason"} and item not in (None, [])}
        emit(_LOGGER, level, f"check {found['name']}: {problem}", {"check": found["name"], **fields})
