"""What a call raises, as one has it who caught it."""

from __future__ import annotations

from collections.abc import Callable


def raised(call: Callable[[], object]) -> BaseException:
    """Return what *call* raises."""
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")
