"""Exact peaks, where they are asked for: the kernel's high-water mark is told to those that are open, and set back.

Without it the mark helps only while it rises: a second allocation that no sample saw, and that was smaller than one
before, is missed. Here the mark is read where an operation that is measured begins or ends, counts for each that has
been open since it was last set back, and is set back by writing 5 to `/proc/self/clear_refs` (proc_pid_clear_refs(5)).
That costs about 0.2 ms, so it is done every 50 ms at most; and it lowers what `/usr/bin/time -v` tells of the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ..clock import clock
from . import metrics, resources, sampler

if TYPE_CHECKING:
    from .series import OpenNode

LEAST_NS: Final = 50_000_000
_FILE: Final = "/proc/self/clear_refs"


class _Mark:
    """Sets the mark back, and knows when it did."""

    def __init__(self) -> None:
        self._since_ns = clock.monotonic_ns()

    def read(self) -> resources.Reading:
        """Look at the process as `resources.read` does, and hand the mark on to what is open."""
        cpu_ns, rss, _ = resources.read()
        mark, now = resources.vm_hwm_bytes(), clock.monotonic_ns()
        if now - self._since_ns < LEAST_NS:
            return cpu_ns, rss, mark
        opened = metrics.open_nodes()
        if not _set_back():
            return cpu_ns, rss, mark
        sampler.set_back(mark, rss)
        for node in opened:
            if self._holds_for(node, mark):
                node.sampled_bytes = max(node.sampled_bytes, mark)
        self._since_ns = now
        return cpu_ns, rss, rss

    def _holds_for(self, node: OpenNode, mark: int) -> bool:
        """Whether the mark was reached while *node* was open: it was open all the time, or the mark has risen since."""
        start: Any = getattr(node, "start", None)
        if start is None or start <= self._since_ns:
            return start is not None
        reading: resources.Reading | None = getattr(node, "reading", None)
        return reading is not None and mark > reading[2]


def _set_back() -> bool:
    try:
        with open(_FILE, "wb", buffering=0) as file:
            file.write(b"5")
    except OSError:
        # Not Linux, or not allowed: the mark goes on rising, and is of use while it does.
        return False
    return True


def use(exact: bool) -> None:
    """Have operations read exact peaks from now on, or no longer."""
    resources.use_reader(_Mark().read if exact else None)
