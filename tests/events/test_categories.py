"""Each exception has the category of its root cause."""

from __future__ import annotations

import sqlite3

import pytest

from navigator_obs.events.exceptions import category


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "resource"),
        (OSError(28, "full"), "resource"),
        (PermissionError(13, "no"), "environment"),
        (ModuleNotFoundError("x"), "environment"),
        (ConnectionResetError(), "external"),
        (KeyboardInterrupt(), "interrupted"),
        (ZeroDivisionError(), "numeric"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), "data"),
        (sqlite3.OperationalError("locked"), "database"),
        (RuntimeError("CUDA out of memory"), "resource"),
        (KeyError("x"), "code"),
        (type("Strange", (Exception,), {})(), "unknown"),
    ],
)
def test_categories(error, kind):
    """Each kind of failure has its category."""
    assert category(error) == kind
