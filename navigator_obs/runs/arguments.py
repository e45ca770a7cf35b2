"""The arguments of runs held against what they may be: what is wrong is said at once, and what would be right."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping
from typing import Final

from ..encoding import shown, text
from ..errors import UsageError
from .observer import RunObserver

_MAX_NAME: Final = 200


def checked_name(name: object, whose: str = "a run") -> str:
    """Return *name*; raises UsageError where it is no text of a sensible length."""
    if not isinstance(name, str) or not name.strip() or len(name) > _MAX_NAME:
        raise UsageError(f"the name of {whose} must be a text of 1 to {_MAX_NAME} characters, not {text(name)[:300]!r}")
    return name


def checked_years(years: Iterable[int] | None) -> list[int]:
    """Return *years* as a list without repetitions; raises UsageError where they are no whole numbers."""
    if years is None:
        return []
    try:
        planned = [operator.index(year) for year in years]
    except Exception:
        raise UsageError(f"years={shown(years)} must be whole numbers, such as range(2025, 2030)") from None
    return list(dict.fromkeys(planned))


def checked_year(year: object) -> int:
    """Return *year* as a number; raises UsageError where it is no whole one."""
    try:
        if type(year) is not bool:
            return operator.index(year)  # type: ignore[arg-type]
    except Exception:
        pass
    raise UsageError(f"the year of a checkpoint must be a whole number, such as 2025; not {shown(year)}")


def checked_ids(ids: Mapping[str, object]) -> dict[str, str]:
    """Return *ids* as texts; raises UsageError where one is empty."""
    for name, value in ids.items():
        if value is None or not text(value).strip():
            raise UsageError(f"the id {name}={shown(value)} must be a text or a number")
    return {name: text(value)[:200] for name, value in ids.items()}


def checked_promise(seconds: object) -> float | None:
    """Return *seconds* as a number; raises UsageError where it is no positive one."""
    if seconds is None:
        return None
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 < seconds < float("inf"):
        return float(seconds)
    raise UsageError(f"promise={shown(seconds)} must be a number of seconds above 0, such as 60")


def checked_path(path: object) -> str:
    """Return *path* as a text; raises UsageError where it is no path."""
    try:
        # Of a path of bytes, too, if it is an object.
        named = "" if type(path) is bytes else os.fsdecode(path)  # type: ignore[arg-type]
    except Exception:
        named = ""
    if not named:
        raise UsageError(f"the path of an artifact must be a path, not {shown(path)}")
    return named


def checked_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return *tags*; raises UsageError where one is no text."""
    if isinstance(tags, str):
        raise UsageError(f"tags={tags!r} must be several texts, such as [{tags!r}]")
    try:
        given = tuple(tags)
    except Exception:
        raise UsageError(f"tags={shown(tags)} must be several texts, such as ['nightly']") from None
    for tag in given:
        if not issubclass(type(tag), str) or not tag:
            raise UsageError(f"a tag must be a text, not {shown(tag)}")
    return given


def checked_observers(observers: Iterable[RunObserver]) -> tuple[RunObserver, ...]:
    """Return *observers*; raises UsageError where one lacks a method of `RunObserver`."""
    given = tuple(observers)
    for observer in given:
        for method in ("run_started", "run_finished"):
            if not callable(getattr(observer, method, None)):
                raise UsageError(f"observer {shown(observer)} has no method {method}; see runs.observer.RunObserver")
    return given
