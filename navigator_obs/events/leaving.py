"""Exceptions by which a program is left on purpose, or stopped from outside, and that are no errors though they are of
`Exception`: those of click and Typer, and what DuckDB makes of a signal. Told by name, to import nothing.
"""

from __future__ import annotations

from typing import Final

from ..encoding import text

_FRAMEWORKS: Final = ("click.", "typer.", "asyncclick.")


def is_no_error(error: BaseException) -> bool:
    """Whether nothing has failed where *error* passes."""
    return is_interrupted_query(error) or is_abort(error) or command_exit(error) is not None


def is_interrupted_query(error: BaseException) -> bool:
    """Whether it is what DuckDB makes of a signal in a query: it asks Python for it and drops the exception it gets."""
    return isinstance(error, RuntimeError) and text(error) == "Query interrupted"


def is_abort(error: BaseException) -> bool:
    """Whether the user said no, as in ``raise typer.Abort()``."""
    return type(error).__name__ == "Abort" and _is_of_framework(error)


def command_exit(error: BaseException) -> int | None:
    """Return the exit code of ``typer.Exit(3)`` and of click's ``ctx.exit(3)``; None for any other exception."""
    return framework_code(error) if type(error).__name__ == "Exit" else None


def framework_code(error: BaseException) -> int | None:
    """Return the code with which click or Typer will end the process for *error*, one of their own."""
    code = getattr(error, "exit_code", None) if _is_of_framework(error) else None
    return code if isinstance(code, int) else None


def _is_of_framework(error: BaseException) -> bool:
    return type(error).__module__.startswith(_FRAMEWORKS)
