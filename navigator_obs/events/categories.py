"""Which kind of failure an exception is: by rules over type names, errno and message, from the root cause outwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ..encoding import text

_BY_TYPE_NAME: Final = {
    "MemoryError": "resource",
    "RecursionError": "code",
    "KeyboardInterrupt": "interrupted",
    "CancelledError": "interrupted",
    "SystemExit": "interrupted",
    "GeneratorExit": "interrupted",
    "TimeoutError": "resource",
    "PermissionError": "environment",
    "FileNotFoundError": "environment",
    "ImportError": "environment",
    "ConnectionError": "external",
    "CalledProcessError": "external",
    "BrokenProcessPool": "worker",
    "ZeroDivisionError": "numeric",
    "FloatingPointError": "numeric",
    "OverflowError": "numeric",
    "ArithmeticError": "numeric",
    "JSONDecodeError": "data",
    "UnicodeError": "data",
    "CheckFailed": "data",
    "ConfigError": "config",
    "AssertionError": "code",
    "AttributeError": "code",
    "NameError": "code",
    "TypeError": "code",
    "ValueError": "code",
    "LookupError": "code",
    "RuntimeError": "code",
}
_BY_MODULE: Final = {
    "duckdb": "database",
    "_duckdb": "database",
    "sqlite3": "database",
    "sqlalchemy": "database",
    "psycopg": "database",
}
_BY_ERRNO: Final = {
    12: "resource",
    23: "resource",
    24: "resource",
    28: "resource",
    122: "resource",
    13: "environment",
    30: "environment",
}
_OUT_OF_MEMORY: Final = re.compile(r"out of memory|cannot allocate memory", re.IGNORECASE)


def classify(chain: Sequence[BaseException]) -> str:
    """Return the category of an exception by its *chain* of causes, itself first and the root cause last; ``unknown``
    where no rule speaks.
    """
    return next(filter(None, map(_own_category, reversed(chain))), "unknown")


def _own_category(error: BaseException) -> str | None:
    if _OUT_OF_MEMORY.search(text(error)):
        return "resource"
    if isinstance(error, OSError) and error.errno in _BY_ERRNO:
        return _BY_ERRNO[error.errno]
    for kind in type(error).__mro__:
        found = _BY_MODULE.get(kind.__module__.partition(".")[0]) or _BY_TYPE_NAME.get(kind.__name__)
        if found:
            return found
    return None
