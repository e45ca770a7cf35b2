"""`operation` as a decorator: each call of a function, coroutine function, generator or async generator is one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any

from ..encoding import shown
from ..errors import UsageError, close_match
from .calls import each_call
from .node import BOTH
from .opened import OpenOperation, make

# For pytest and IPython, and for tracebacks in the log.
__tracebackhide__ = True
_Begin = Callable[[tuple[Any, ...], dict[str, Any]], OpenOperation]


def decorate(function: Any, name: str, log: str | float, record: tuple[str, ...]) -> Any:
    """Wrap *function* so that each call is an operation *name*, the function's own where that is empty.

    Name, signature, docstring and kind of the function stay. Raises
    `UsageError` for a class, for what can't be called, and for a name in *record* that is no argument.
    """
    if isinstance(function, classmethod | staticmethod):
        return type(function)(decorate(function.__func__, name, log, record))
    if isinstance(function, type) or not callable(function):
        raise UsageError(f"operation decorates functions and methods, not {shown(function)}")
    name = name or getattr(function, "__name__", "") or type(function).__name__
    place = _place(function)
    pick = _picker(function, record) if record else None

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> OpenOperation:
        return make(name, log, place, None if pick is None else pick(args, kwargs))

    if inspect.isasyncgenfunction(function):
        return _async_generator(function, begin)
    if inspect.iscoroutinefunction(function):
        return _coroutine(function, begin)
    if inspect.isgeneratorfunction(function):
        return _generator(function, begin)
    if pick is not None or log is BOTH:
        return _function(function, begin)
    return each_call(function, name, log, place)


def _place(function: Any) -> tuple[str, str, int]:
    inner = inspect.unwrap(function)
    code = getattr(inner, "__code__", None)
    module = getattr(function, "__module__", None) or ""
    return module, getattr(function, "__qualname__", ""), code.co_firstlineno if code else 0


def _picker(
    function: Callable[..., Any], record: tuple[str, ...]
) -> Callable[[tuple[Any, ...], dict[str, Any]], Mapping[str, Any]]:
    """Make what picks the arguments to record out of a call, knowing their positions and defaults beforehand."""
    parameters = inspect.signature(function).parameters
    single = {
        name: parameter
        for name, parameter in parameters.items()
        if parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    }
    for name in record:
        if name not in single:
            raise UsageError(
                f"record={shown(name)} is no argument of {getattr(function, '__qualname__', function)}, "
                f"which takes {', '.join(single) or 'none'}{close_match(name, single)}"
            )
    order = list(parameters)
    wanted = [(name, order.index(name), parameters[name]) for name in record]

    def pick(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mapping[str, Any]:
        found = {}
        for name, position, parameter in wanted:
            if name in kwargs:
                found[name] = kwargs[name]
            elif position < len(args) and parameter.kind is not parameter.KEYWORD_ONLY:
                found[name] = args[position]
            elif parameter.default is not parameter.empty:
                found[name] = parameter.default
        return found

    return pick


def _function(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        # For rich and Typer, which leave such a frame out of tracebacks.
        _rich_traceback_omit = True
        with begin(args, kwargs):
            return function(*args, **kwargs)

    return wrapper


def _coroutine(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        _rich_traceback_omit = True
        with begin(args, kwargs):
            return await function(*args, **kwargs)

    return wrapper


def _generator(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        with begin(args, kwargs) as op:
            step, given = generator.send, None
            while True:
                try:
                    item = step(given)
                except StopIteration as stop:
                    return stop.value
                op.pause()
                try:
                    given = yield item
                    step = generator.send
                except GeneratorExit:
                    op.resume()
                    generator.close()
                    raise
                except BaseException as error:
                    step, given = generator.throw, error
                op.resume()

    return wrapper


def _async_generator(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        with begin(args, kwargs) as op:
            step, given = generator.asend, None
            while True:
                try:
                    item = await step(given)
                except StopAsyncIteration:
                    return
                op.pause()
                try:
                    given = yield item
                    step = generator.asend
                except GeneratorExit:
                    op.resume()
                    await generator.aclose()
                    raise
                except BaseException as error:
                    step, given = generator.athrow, error
                op.resume()

    return wrapper


OpenOperation.wrap = staticmethod(decorate)
