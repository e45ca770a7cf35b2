"""DuckDB as `sql` needs it: without what its Python package loads beside, which is half of a small query's time."""

from __future__ import annotations

import importlib
from types import ModuleType

from ..errors import MissingExtra


def duckdb_module() -> ModuleType:
    """Return DuckDB's module, its core where that stands by itself. Raises MissingExtra where there is none."""
    for name in ("_duckdb", "duckdb"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "connect") and hasattr(module, "Error"):
            return module
    raise MissingExtra("sql needs DuckDB, which the cli extra brings: pip install 'navigator-obs[cli]'")
