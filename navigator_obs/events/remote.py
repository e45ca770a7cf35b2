"""Errors that come back from a worker process: Python gives them the worker's traceback as a cause that is only text.

What was raised in the worker is the error; the text is where that was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_NAMES: Final = frozenset({"_RemoteTraceback", "RemoteTraceback"})
_MODULES: Final = ("concurrent.", "multiprocessing.", "multiprocess.", "joblib.", "loky.")
_FRAME: Final = re.compile(r'^(\s*)File "([^"]+)", line (\d+), in (.+)$')
_HEAD: Final = "Traceback (most recent call last):"
_OURS: Final = Path(__file__).parents[1]
_WRAPPERS: Final = frozenset(
    str(_OURS / name) for name in ("events/scope.py", "operations/calls.py", "operations/decorating.py")
)
_POOLS: Final = re.compile(r"[\\/](?:concurrent[\\/]futures|multiprocessing|multiprocess|loky|joblib)[\\/]")


def is_remote(error: BaseException) -> bool:
    """Whether it is no error, but a worker's traceback."""
    return is_remote_type(type(error))


def is_remote_type(kind: type[BaseException]) -> bool:
    """Whether exceptions of this kind are workers' tracebacks."""
    return kind.__name__ in _NAMES and kind.__module__.startswith(_MODULES)


def remote_text(error: BaseException) -> str:
    """Return the worker's traceback, without the quotes around it and the frames of the toolkit and of pools."""
    lines = str(error).strip().strip('"').strip("\n").splitlines()
    return "\n".join(line for block in _blocks(lines) if not _is_between(block[0]) for line in block)


def remote_frames(text: str) -> list[dict[str, Any]]:
    """Return the frames that a worker's traceback tells, outermost first, those of the last exception in it."""
    return list(_frames(text.rpartition(_HEAD)[2]))


def remote_root(text: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the type of the root cause that a worker's traceback tells first, and its frames; empty where none is."""
    told = text.partition(_HEAD)[2].partition(_HEAD)[0]
    kind = next((line for line in told.splitlines() if line and not line[0].isspace()), "")
    return kind.partition(":")[0], list(_frames(told))


def _frames(told: str) -> Iterator[dict[str, Any]]:
    for block in _blocks(told.splitlines()):
        frame = _FRAME.match(block[0])
        if frame:
            file, line, function = frame.groups()[1:]
            source = block[1].strip() if len(block) > 1 else ""
            module = Path(file).stem
            yield {"module": module, "function": function, "file": file, "line": int(line), "source": source}


def _blocks(lines: list[str]) -> Iterator[list[str]]:
    """Each frame with the lines that belong to it; other lines by themselves."""
    block: list[str] = []
    indent: int | None = None
    for line in lines:
        frame = _FRAME.match(line)
        belongs = indent is not None and not frame and len(line) - len(line.lstrip()) > indent
        if block and not belongs:
            yield block
            block = []
        block.append(line)
        if not belongs:
            indent = None if frame is None else len(frame[1])
    if block:
        yield block


def _is_between(line: str) -> bool:
    frame = _FRAME.match(line)
    return frame is not None and (frame[2] in _WRAPPERS or bool(_POOLS.search(frame[2])))
