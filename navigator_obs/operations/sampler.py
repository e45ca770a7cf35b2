"""The one sampler of this process: memory and CPU time of the process and its children, for all runs that are open.

It runs on the ticker's thread while a run is open. At each sample it looks at the memory, for the peak of each
operation that is open and for the curve of the run; twice a second it looks for children. C code that holds the GIL
keeps it waiting: the longest gap is told, and of what happened in it the kernel's high-water mark knows the peak.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..clock import clock
from ..config import Config
from ..events import ticker
from . import limits, resources
from .children import Children, Used, used_by_self
from .resources import MB
from .timeline import thinned

if TYPE_CHECKING:
    from .accumulator import Accumulator
    from .series import Link, OpenNode

SAMPLE_SECONDS: Final = Config.sample_seconds
SCAN_SECONDS: Final = 0.5
LIMITS_SECONDS: Final = 5.0
# What samples, and looking for children, may take of one core each: where it is more they come further apart.
_SHARE: Final = 0.002
# How much the newest cost counts, for one look that was disturbed says little.
_NEWEST: Final = 0.1
_NEAR: Final = 0.25
_FINE_SECONDS: Final = 60.0
_FINE_POINTS: Final = 5

Memory = tuple[int, int, int]
"""Resident bytes: of the process now, the most of it since the sample before, and of its children."""


class Watch:
    """What the sampler has seen for one run; `take` tells it."""

    def __init__(self, sampler: _Sampler, figures: Accumulator, folder: Path, started_ns: int) -> None:
        self.figures = figures
        self.nodes: Iterable[OpenNode] = ()
        self._sampler = sampler
        self._folder = folder
        self._started_ns = started_ns
        self._before = used_by_self().plus(sampler.scanned)
        # When, memory of the process and of its children, CPU time of all; in nanoseconds and bytes.
        self._seen: list[tuple[float, float, float, float]] = []
        self._peaks: dict[Link, int] = {}
        # Those that have ended since they were last taken: their own peaks may have fallen between two samples.
        self.ended: deque[tuple[Mapping[str, Any], float]] = deque(maxlen=10_000)
        self._peak = self._own_peak = self._processes = self._samples = self._gap_ns = 0
        self._last_ns = started_ns
        self._limits_due = 0
        self._room = limits.Room()
        self._held_then = 0
        self._least_room: int | None = None
        self._least_disk: int | None = None

    def see(self, now: int, memory: Memory, cpu_ns: int, processes: int) -> None:
        """Take one sample, while `nodes` were open: memory, CPU time and number of all processes."""
        # In straight lines: between other work, a call costs what ten lines do.
        before, self._last_ns = self._last_ns, now
        self._samples += 1
        self._gap_ns = max(self._gap_ns, now - before)
        self._processes = max(self._processes, processes)
        own, risen, children = memory
        self._own_peak = max(self._own_peak, risen)
        self._peak = max(self._peak, risen + children)
        self._seen.append((now, risen, children, cpu_ns))
        peaks = self._peaks
        for node in self.nodes:
            seen = (risen if getattr(node, "start", now) <= before else own) + children
            node.sampled_bytes = max(node.sampled_bytes, seen)
            peaks[node.link] = max(peaks.get(node.link, 0), seen)
        self.nodes = ()
        if len(self._seen) >= 1_000:
            # Nobody has taken them for long.
            self._seen = [*thinned(self._seen, 100)]

    def rise(self, memory: int, children: int) -> None:
        """Take what the process held at some moment of the run, in bytes, and its children."""
        self._own_peak = max(self._own_peak, memory)
        self._peak = max(self._peak, memory + children)

    def take(self) -> dict[str, Any]:
        """Return what is known by now, as a tick of the journal holds it.

        `timeline` and `peaks` (by breakdown key and value, in MB) are what has come since they were last taken; all
        else is since the run started, or now. But for `tree`, figures are of the process alone; its `cpu_seconds` are
        all that it has used.
        """
        with self._sampler.lock:
            now, (cpu_ns, rss, _), own = clock.monotonic_ns(), resources.read(), used_by_self()
            return {
                "memory_mb": _mb(rss),
                "peak_memory_mb": _mb(self._own_peak),
                "cpu_seconds": round(cpu_ns / 1e9, 6),
                "threads": own.threads or None,
                "open_files": own.open_files or None,
                "tree": self._tree(own.plus(self._sampler.scanned)),
                "limits": self._limits(now),
                "sampling": {
                    "samples": self._samples,
                    "longest_gap_seconds": round(max(self._gap_ns, now - self._last_ns) / 1e9, 3),
                },
                "timeline": self._take_points(_FINE_POINTS if now - self._started_ns < _FINE_SECONDS * 1e9 else 1),
                "peaks": self._take_peaks(),
            }

    def _take_points(self, most: int) -> list[list[float]]:
        seen, self._seen = self._seen, []
        began, before = self._started_ns, self._before.cpu_ns
        return [
            [round((at - began) / 1e9, 3), _mb(memory), _mb(children), round(max(cpu_ns - before, 0) / 1e9, 3)]
            for at, memory, children, cpu_ns in thinned(seen, most)
        ]

    def _take_peaks(self) -> dict[str, dict[str, float]]:
        """What was seen in what was open, and the own peaks of what has ended, by breakdown key and value."""
        seen, self._peaks = self._peaks, {}
        found: list[tuple[Mapping[str, Any], float]] = [(link.breakdown, _mb(count)) for link, count in seen.items()]
        found += [self.ended.popleft() for _ in range(len(self.ended))]
        peaks: dict[str, dict[str, float]] = {}
        for breakdown, peak_mb in found:
            for key, value in breakdown.items():
                by = peaks.setdefault(key, {})
                by[str(value)] = max(by.get(str(value), 0.0), peak_mb)
        return peaks

    def _tree(self, used: Used) -> dict[str, Any]:
        before, (processes, memory) = self._before, self._sampler.now
        return {
            "processes": processes,
            "most_processes": self._processes,
            "memory_mb": _mb(memory),
            "peak_memory_mb": _mb(self._peak),
            "cpu_seconds": round(max(used.cpu_ns - before.cpu_ns, 0) / 1e9, 6),
            "threads": used.threads,
            "open_files": used.open_files,
            "disk_read_mb": _since(before.read_bytes, used.read_bytes),
            "disk_written_mb": _since(before.written_bytes, used.written_bytes),
            "minor_page_faults": max(used.minor_page_faults - before.minor_page_faults, 0),
            "major_page_faults": max(used.major_page_faults - before.major_page_faults, 0),
            "voluntary_context_switches": max(used.voluntary_switches - before.voluntary_switches, 0),
            "involuntary_context_switches": max(used.involuntary_switches - before.involuntary_switches, 0),
        }

    def _limits(self, now: int) -> dict[str, Any]:
        if now >= self._limits_due:
            self._room, self._held_then = limits.memory_room(), self._sampler.now[1]
            self._limits_due = now + round(LIMITS_SECONDS * 1e9)
        limit, room, source = self._room
        if limit is not None and room is not None:
            # What the run has gained since the files were read is no room any more.
            room = min(max(room - self._sampler.now[1] + self._held_then, 0), limit)
            if room < _NEAR * limit:
                self._limits_due = now
            self._least_room = room if self._least_room is None else min(room, self._least_room)
        disk = limits.disk_free_bytes(self._folder)
        if disk is not None:
            self._least_disk = disk if self._least_disk is None else min(disk, self._least_disk)
        return {
            "memory_limit_mb": _mb(limit),
            "memory_limit_of": source,
            "memory_room_mb": _mb(room),
            "least_memory_room_mb": _mb(self._least_room),
            "disk_free_mb": _mb(disk),
            "least_disk_free_mb": _mb(self._least_disk),
        }


class _Sampler:
    def __init__(self) -> None:
        # Re-entrant, because a signal handler may end a run while this thread holds it.
        self.lock = threading.RLock()
        self._watches: list[Watch] = []
        self._children = Children()
        self._handle: ticker.Handle | None = None
        self._seconds = SAMPLE_SECONDS
        self._scan_due = self._mark = self._rss = self._children_rss = 0
        self._processes = 1
        self.scanned = Used()
        self._sample_ns = self._scan_ns = 0.0

    @property
    def now(self) -> tuple[int, int]:
        """How many processes there were at the last sample, and what they held in bytes."""
        return self._processes, self._rss + self._children_rss

    @property
    def is_on(self) -> bool:
        """Whether a run is open."""
        return self._handle is not None

    def watch(self, figures: Accumulator, folder: Path, started_ns: int, seconds: float) -> Watch:
        with self.lock:
            # What the high-water mark rose to before is no part of this run.
            self.sample()
            self._scan(clock.monotonic_ns())
            watch = Watch(self, figures, folder, started_ns)
            self._watches.append(watch)
            self._seconds = seconds if self._handle is None else min(seconds, self._seconds)
            self.sample()
            if self._handle is None:
                self._handle = ticker.every(self._seconds, self.sample)
            return watch

    def unwatch(self, watch: Watch) -> None:
        with self.lock:
            if watch not in self._watches:
                return
            self._scan_due = 0
            self.sample()
            self._watches.remove(watch)
            if not self._watches:
                if self._handle is not None:
                    self._handle.cancel()
                self._handle = None
                self._mark = 0
                self._children.close()

    def slow_down(self, seconds: float) -> None:
        """Have at least so many *seconds* between two samples."""
        with self.lock:
            self._seconds = max(self._seconds, seconds)
            self._keep_to_share()

    def sample(self) -> None:
        """Look; twice a second also for children. The ticker calls it."""
        with self.lock:
            now = clock.monotonic_ns()
            # What is open is asked before the memory: one that opens in between has no part in what is seen.
            for watch in self._watches:
                watch.nodes = watch.figures.open
            is_due = now >= self._scan_due
            if is_due:
                self._scan(now)
            began = time.thread_time_ns() if is_due else 0
            self._look(now)
            if is_due:
                self._sample_ns = _smoothed(self._sample_ns, began)
                self._keep_to_share()

    def _look(self, now: int) -> None:
        self._children_rss = children = self._children.rss_bytes() if self._processes > 1 else 0
        cpu_ns, rss, mark = resources.read()
        # What rose since the last sample was there, however short it was and whoever held the GIL.
        risen = max(rss, mark) if mark > self._mark > 0 else rss
        self._rss, self._mark = rss, mark
        for watch in self._watches:
            watch.see(now, (rss, risen, children), cpu_ns + self.scanned.cpu_ns, self._processes)

    def _keep_to_share(self) -> None:
        """Let the next look be as far off as looking is costly."""
        if self._handle is not None:
            self._handle.seconds = max(self._seconds, self._sample_ns / 1e9 / _SHARE)

    def set_back(self, mark: int, rss: int) -> None:
        with self.lock:
            if mark > self._mark > 0:
                for watch in self._watches:
                    watch.rise(mark, self._children_rss)
            self._mark = min(self._mark, rss)

    def _scan(self, now: int) -> None:
        began = time.thread_time_ns()
        self._children.scan()
        self.scanned, self._processes = self._children.used(), 1 + len(self._children)
        self._scan_ns = _smoothed(self._scan_ns, began)
        self._scan_due = now + round(max(SCAN_SECONDS * 1e9, self._scan_ns / _SHARE))

    def forget(self) -> None:
        """In a forked child: what was open is the parent's."""
        self._children.close()


def _smoothed(known_ns: float, began: int) -> float:
    spent = time.thread_time_ns() - began
    return known_ns + _NEWEST * (spent - known_ns)


_sampler = _Sampler()


def watch(figures: Accumulator, folder: Path, started_ns: int, seconds: float = SAMPLE_SECONDS) -> Watch:
    """Begin to sample for a run that started at *started_ns* (monotonic) and writes into *folder*, each so many
    *seconds*; where several runs are open, at the highest rate that one of them asks for.
    """
    return _sampler.watch(figures, folder, started_ns, seconds)


def unwatch(watch: Watch) -> None:
    """Sample a last time for the run, and stop where it was the last one; harmless when done twice."""
    _sampler.unwatch(watch)


def set_back(mark: int, rss: int) -> None:
    """Take the high-water mark, in bytes, of the process, which holds *rss*: it is set back, and not seen again."""
    _sampler.set_back(mark, rss)


def memory_bytes() -> int:
    """Return what the process and its children held at the last sample, in bytes; 0 where no run is open."""
    return _sampler.now[1] if _sampler.is_on else 0


def slow_down(seconds: float) -> None:
    """Have at least so many *seconds* between two samples, until the runs that are open have ended: the toolkit is to
    cost less.
    """
    _sampler.slow_down(seconds)


def _mb(count: float | None) -> Any:
    return None if count is None else round(count / MB, 3)


def _since(before: int | None, now: int | None) -> float | None:
    return None if before is None or now is None else round(max(now - before, 0) / MB, 3)


def _after_fork() -> None:
    global _sampler
    _sampler.forget()
    _sampler = _Sampler()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
