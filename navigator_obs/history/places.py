"""Places in the application's code, read from texts: tracebacks, and where each thread stood when a run hung
(`stacks.log`) or crashed (`fault.log`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ..events.ownership import was_of_library
from ..runs.frames import own_frame

_FRAME: Final = re.compile(r'^[\s|]*File "([^"]+)", line (\d+),? in (.+?)\s*$')
_TRACEBACK: Final = "Traceback (most recent call last):"
# Stacks name no modules.
_TOOLKIT: Final = re.compile(r"[\\/]navigator_obs[\\/](?:events|operations|runs|history|outputs|integrations|cli)[\\/]")
_NEWS: Final = re.compile(r"no progress since|^Timeout \(|^Fatal Python error: ")
_THREAD: Final = re.compile(r"^(Current t|T)hread (.+?)( \(most recent call first\):)?$")
_MOST_BYTES: Final = 1_000_000


class Frame(NamedTuple):
    """A line of code that was being run."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        """Say it as compilers do, so that editors find it."""
        return f"{self.file}:{self.line} in {self.function}"

    @property
    def is_own(self) -> bool:
        """Whether it is the application's, not a library's or the toolkit's."""
        return not was_of_library(self.file) and not _TOOLKIT.search(self.file)


class Standing(NamedTuple):
    """What a thread was doing: its `frames`, outermost first."""

    thread: str
    is_current: bool
    frames: Sequence[Frame]

    @property
    def place(self) -> Frame | None:
        """The innermost line of the application's; None where it runs none."""
        return next((frame for frame in reversed(self.frames) if frame.is_own), None)


def root_place(exception: Mapping[str, Any]) -> str:
    """Return the innermost line of the application's own code on the way to the root cause of an event's `exception`.

    Of a group it is the first member's, of a worker's error the worker's.
    """
    text = str(exception.get("traceback") or "")
    # The root cause is told first, what was raised because of it after that.
    told = text.split(_TRACEBACK)[1:]
    before = text.split(_TRACEBACK)[:-1]
    members = [block for ahead, block in zip(before, told, strict=True) if ahead.endswith("| ")]
    for block in (*members, *told):
        own = [frame for frame in _frames(block.splitlines()) if frame.is_own]
        if own:
            return str(own[-1])
    frame = own_frame(exception)
    return f"{frame.get('file')}:{frame.get('line')} in {frame.get('function')}" if frame else ""


def standing(path: Path) -> list[Standing]:
    """Return what each thread did by the last news in `stacks.log` or `fault.log`, the main or failing one first; empty
    where there are none.
    """
    try:
        with path.open("rb") as file:
            lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    news = [at for at, line in enumerate(lines) if _NEWS.search(line)]
    threads = list(_threads(lines[news[-1] :] if news else ()))
    return sorted(threads, key=lambda one: not (one.is_current or _is_main(one)))


def _is_main(one: Standing) -> bool:
    return bool(one.frames) and one.frames[0].function == "<module>"


def _threads(lines: Sequence[str]) -> Iterator[Standing]:
    starts = [(at, found) for at, line in enumerate(lines) if (found := _THREAD.match(line))]
    ends = [*(at for at, _ in starts[1:]), len(lines)]
    for (at, found), end in zip(starts, ends, strict=False):
        frames = list(_frames(lines[at + 1 : end]))
        yield Standing(found[2], found[1] != "T", frames[::-1] if found[3] else frames)


def _frames(lines: Sequence[str]) -> Iterator[Frame]:
    for line in lines:
        found = _FRAME.match(line)
        if found:
            yield Frame(found[1], int(found[2]), found[3])
