"""A rule: a category, and the conditions under which an exception is of it."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterable
from typing import NamedTuple


class Rule(NamedTuple):
    """A category, and the conditions that must all hold; what is empty is not asked."""

    category: str
    types: frozenset[str]
    """Names of classes, with or without module, of which one is the exception's or stands above it."""
    errnos: frozenset[int]
    exits: frozenset[int]
    """Exit statuses: of a program, negative for a signal; of `SystemExit`, 128 + the signal."""
    origins: frozenset[str]
    """Top-level packages, in one of which it was raised."""
    message: re.Pattern[str] | None
    """What its message, in small letters, must contain."""
    named: re.Pattern[str] | None
    """What the class's own name must contain."""
    own: bool
    """Whether the application must have defined the class."""


def rule(
    category: str,
    *,
    types: str = "",
    errnos: str = "",
    exits: Iterable[int] = (),
    origins: str = "",
    message: str = "",
    named: str = "",
    own: bool = False,
) -> Rule:
    """Make a rule from words: *types*, *errnos* (``"ENOSPC EDQUOT"``) and *origins* with blanks between them."""
    return Rule(
        category,
        frozenset(types.split()),
        frozenset(getattr(errno, name) for name in errnos.split() if hasattr(errno, name)),
        frozenset(exits),
        frozenset(origins.split()),
        re.compile(message) if message else None,
        re.compile(named) if named else None,
        own,
    )


def signals(names: str) -> frozenset[int]:
    """Return the exit statuses that stand for these signals: Python's way and the shell's."""
    numbers = [getattr(signal, name).value for name in names.split() if hasattr(signal, name)]
    return frozenset(number for each in numbers for number in (-each, 128 + each))
