"""Events in the toolkit's own name: what its upper stages have to say."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from ..settings import INFO
from .chain import chain
from .logger import BoundLogger, get_logger, give_up
from .processors import CALLER, Place, caller_of, outside_frame
from .sinks import outlet

if TYPE_CHECKING:
    from types import FrameType

_emitters: Final[dict[str, BoundLogger]] = {}


def emit(
    logger: str,
    level: int,
    message: str,
    fields: dict[str, Any],
    *,
    exception: BaseException | None = None,
    caller: tuple[str, str, int] | None = None,
) -> None:
    """Log in the name of the toolkit's upper stages; silent before `configure` where no test listens. Never raises.

    *level* is a number as in `logging`. *caller* is module, function and line of the code that it is about: the
    innermost frame outside of the toolkit when None; where a thread of the toolkit's own logs there is none, and it is
    the calling module.
    """
    log = _emitters.get(logger)
    if log is None:
        log = _emitters[logger] = get_logger(logger)
    if log._logger.level > level or (outlet.file is None and not outlet.extra):
        return
    try:
        place = caller_of(_whose()) if caller is None else caller
        fast = chain.fast if level >= log._logger.file_level else None
        line = None
        if fast is not None:
            line = fast.render_at(log._logger.rendered, level, message, fields, place, exception)
        if line is None:
            told = fields if exception is None else {**fields, "exc_info": exception}
            finished = log._finish(level, message, {**told, CALLER: Place(*place)})
    except Exception as error:
        give_up(log._logger, level, message, error, fields)
        return
    if line is None:
        log._deliver(level, finished)
    elif outlet.file is not None and type(line) is bytes and level < log._logger.others_level:
        outlet.file.write(line)
    else:
        log._logger.deliver_line(line, level)


def _whose() -> FrameType:
    frame = outside_frame()
    return sys._getframe(2) if frame is None or frame.f_globals.get("__name__") == "threading" else frame


def emit_ready(
    caller: tuple[str, str, int], message: str, names: tuple[str, ...], body: bytes, timestamp: bytes
) -> bool:
    """Log as `emit` does, at level INFO and in the name of the caller's module, what is rendered already (see
    `FastPath.render_ready`).

    Return False where this is a case for `emit`, and nothing was done.
    """
    log, fast, file = _emitters.get(caller[0]), chain.fast, outlet.file
    if log is None or fast is None or file is None:
        return False
    target = log._logger
    if target.level > INFO:
        return True
    if target.file_level > INFO:
        return False
    line = fast.render_ready(target.rendered, message, names, body, caller, timestamp)
    if line is None:
        return False
    if target.others_level > INFO:
        file.write(line)
    else:
        target.deliver_line(line, INFO)
    return True
