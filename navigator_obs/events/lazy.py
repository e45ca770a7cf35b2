"""Values that are functions: what is dear to work out is worked out only for an event that is written."""

from __future__ import annotations

import inspect
from collections.abc import MutableMapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final

from ..encoding import text

_FUNCTIONS: Final = frozenset({FunctionType, MethodType, partial})
_ASYNCHRONOUS: Final = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


def evaluate_lazy(logger: Any, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG001
    """Replace each value that is a function without parameters by what it returns; one that fails tells how.

    A function that wants arguments, or a coroutine function, was logged for its own sake.
    """
    for key, value in event_dict.items():
        if type(value) in _FUNCTIONS and _takes_nothing(value):
            try:
                event_dict[key] = value()
            except Exception as error:
                event_dict[key] = f"<{type(error).__name__}: {text(error)}>"
    return event_dict


def _takes_nothing(function: Any) -> bool:
    """Whether calling it gives a value: it has no parameters to be filled in, and is no coroutine function."""
    if isinstance(function, partial):
        return not isinstance(function.func, FunctionType) or not function.func.__code__.co_flags & _ASYNCHRONOUS
    code = getattr(function, "__code__", None)
    if code is None:
        return True
    given = len(function.__defaults__ or ()) + isinstance(function, MethodType)
    wanted_by_name = code.co_kwonlyargcount - len(function.__kwdefaults__ or ())
    return code.co_argcount <= given and not wanted_by_name and not code.co_flags & _ASYNCHRONOUS
