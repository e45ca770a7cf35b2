"""What can go wrong in the *use* of the toolkit.

ObsError
├── UsageError        a wrong argument (also a ValueError)
│   └── ConfigError   a wrong setting: argument, environment variable or file
├── RunNotFound       no run of that name, id or prefix (also a LookupError)
├── MissingExtra      an optional library is not installed (also an ImportError)
└── CheckFailed       a data-quality check failed that was told to stop the run

Nothing here is raised because of a value that is logged, a full disk or a dead sink: once the
toolkit is configured, recording never breaks the program that it records.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of 1 for the same text: a slip of two letters in a short name is near, three letters in common are not.
_NEAR = 0.7


class ObsError(Exception):
    """The base of every exception that navigator-obs raises."""


class UsageError(ObsError, ValueError):
    """A wrong argument. The message names the value and what would be valid."""


class ConfigError(UsageError):
    """A wrong setting. The message names the setting, where it came from and what would be valid."""


class RunNotFound(ObsError, LookupError):
    """No run answers to this id, prefix or name."""


class MissingExtra(ObsError, ImportError):
    """An optional library is missing. The message says which extra brings it."""


class CheckFailed(ObsError):
    """A data-quality check failed, and its caller asked that this should stop the run."""


def close_match(value: str, valid: Iterable[str]) -> str:
    """Return ``", did you mean 'x'?"`` for the nearest valid name, or an empty string where none is near.

    >>> close_match("levle", ["level", "console"]), close_match("bogus", ["logs"])
    (", did you mean 'level'?", '')
    """
    # Imported for a mistake alone: every command would pay for it.
    from difflib import get_close_matches

    found = get_close_matches(value, list(valid), n=1, cutoff=_NEAR)
    return f", did you mean {found[0]!r}?" if found else ""
