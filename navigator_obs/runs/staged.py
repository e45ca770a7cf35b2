"""Records of operations on their way into a journal, many at a time, in a file mapped into memory beside it.

Copying a record there costs a tenth of writing it, and what is there survives `kill -9`. A reader finds what a killed
process has left.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..events.staging import SUFFIX, Staging, left_in

if TYPE_CHECKING:
    from .links import Buffer

STAGE_BYTES: Final = 128 * 1024


class Staged:
    """The area beside one journal. Where there can be none, `put` refuses, and all else does nothing."""

    def __init__(self, journal: Path) -> None:
        self._area: Staging | None = None
        self.put: Callable[[bytes], object] = _refuse
        """Keeps one record with its newline; ValueError where there is no room, or what is there can't be written."""
        self.is_draining = False
        try:
            self._area = Staging.create(journal.parent, STAGE_BYTES, name=journal.stem)
            self.put = self._area.store
        except (OSError, AttributeError, ValueError):
            # No room, no right or no such call here.
            pass

    def drain(self, write: Callable[[Buffer], str]) -> None:
        """Have all that is here written; where *write* returns the cause of a failure it stays, and nothing is added.

        A signal handler that comes in the middle finds it draining, and sealed.
        """
        area = self._area
        if area is None or self.is_draining or not area.waiting_bytes:
            return
        self.is_draining = True
        try:
            area.seal()
            data = area.waiting()
            if not write(memoryview(data)[:-1]):
                area.written(len(data))
                area.rewind()
        finally:
            self.is_draining = False

    def close(self) -> None:
        """Remove the file, unless it holds what could not be written: a reader finds that."""
        area, self._area, self.put = self._area, None, _refuse
        if area is not None and area.waiting_bytes:
            area.discard()
        elif area is not None:
            area.remove()

    def discard(self) -> None:
        """In a forked child: let go of it; it is the parent's."""
        area, self._area, self.put = self._area, None, _refuse
        if area is not None:
            area.discard()


def _refuse(line: bytes) -> object:
    raise ValueError(line)


def left_beside(journal: Path) -> list[bytes]:
    """Return the records that are staged beside a journal file. Half a one at the end was never acknowledged."""
    lines = left_in(journal.with_suffix(SUFFIX)).splitlines(keepends=True)
    return [line for line in lines if line.endswith(b"\n")]


def forget_left(journal: Path) -> None:
    """Remove what a killed process has left staged, once it stands in the journal. Raises OSError."""
    journal.with_suffix(SUFFIX).unlink(missing_ok=True)
