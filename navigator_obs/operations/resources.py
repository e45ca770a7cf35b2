"""What the process uses: memory, CPU time, threads, open files. The only importer of psutil in this stage.

On Linux the numbers come straight from the kernel, at a tenth of psutil's cost; elsewhere from psutil. Nothing here
raises: a number that can't be had is 0 or missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ..clock import SystemClock, clock

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MB: Final = 1_000_000
PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
# The kernels disagree about the unit of ru_maxrss.
_MAXRSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024


Reading = tuple[int, int, int]
"""One look at the process: CPU time in nanoseconds (all threads), resident bytes, the most there ever were."""


class _Statm:
    """`/proc/self/statm`, kept open: reading it again costs 1 µs."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def rss_bytes(self) -> int:
        descriptor = self._descriptor
        if descriptor is None:
            descriptor = self._descriptor = _open_statm()
        if descriptor < 0:
            return _psutil_rss()
        try:
            return int(os.pread(descriptor, 64, 0).split(None, 2)[1]) * PAGE
        except (OSError, ValueError, IndexError):
            # The program closed descriptors that it did not open, as daemons do.
            self._descriptor = None
            return _psutil_rss()

    def forget(self) -> None:
        """In a forked child: the descriptor still tells of the parent."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None and descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError:
                pass


def _open_statm() -> int:
    try:
        return os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return -1


_statm: Final = _Statm()
rss_bytes = _statm.rss_bytes
"""Return the resident memory of this process now, in bytes."""


class _HighWater:
    """The kernel's high-water mark of this process.

    `ru_maxrss` is a quarter of the cost of `VmHWM` and the same, but that it starts with the mark of the process that
    called exec, which for a subprocess is its parent (getrusage(2)): until it has risen above that, it says nothing.
    """

    def __init__(self) -> None:
        self._inherited: int | None = None

    def of(self, maxrss: int) -> int:
        """Return the mark, where `ru_maxrss` is so many bytes."""
        if self._inherited is None:
            self._inherited = maxrss if 0 < vm_hwm_bytes() < maxrss - MB else 0
        return maxrss if maxrss > self._inherited else vm_hwm_bytes() or maxrss

    def forget(self) -> None:
        """In a forked child, which begins anew."""
        self._inherited = None


def vm_hwm_bytes() -> int:
    """Return the kernel's `VmHWM` in bytes; 0 where it is not told."""
    try:
        with open("/proc/self/status", "rb", buffering=0) as file:
            return int(file.read(4096).partition(b"VmHWM:")[2].split(None, 1)[0]) * 1024
    except (OSError, ValueError, IndexError):
        return 0


_mark: Final = _HighWater()


def read() -> Reading:
    """Return CPU time, resident memory and the most there ever was of it; about 2 µs on Linux.

    The kernel also knows what no sampler thread can see, because C code held the GIL meanwhile. A forked child begins
    with what it has of its parent.
    """
    rss = rss_bytes()
    if resource is None:
        return clock.cpu_ns(), rss, max(rss, _psutil_peak())
    usage = resource.getrusage(resource.RUSAGE_SELF)
    if type(clock.source) is SystemClock:
        # The same call has the CPU time; asking the clock as well would cost as much again.
        cpu_ns = int((usage.ru_utime + usage.ru_stime) * 1e9)
    else:
        cpu_ns = clock.cpu_ns()
    return cpu_ns, rss, _mark.of(usage.ru_maxrss * _MAXRSS_UNIT)


class Usage(NamedTuple):
    """What the kernel has counted for processes: CPU time in nanoseconds, page faults, context switches."""

    cpu_ns: int = 0
    minor_page_faults: int = 0
    major_page_faults: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0


def usage(*, of_ended_children: bool = False) -> Usage:
    """Return what this process has used, or what its children have that it has waited for, and theirs."""
    if resource is None:
        return Usage() if of_ended_children else Usage(clock.cpu_ns())
    found = resource.getrusage(resource.RUSAGE_CHILDREN if of_ended_children else resource.RUSAGE_SELF)
    cpu_ns = round((found.ru_utime + found.ru_stime) * 1e9)
    return Usage(cpu_ns, found.ru_minflt, found.ru_majflt, found.ru_nvcsw, found.ru_nivcsw)


SHARED_NS: Final = 100_000
"""How old a reading may be to serve the next operation too: in 0.1 ms a program can touch about 0.4 MB."""

_latest: tuple[int, Reading] = (-SHARED_NS, (0, 0, 0))


def read_shared(other_than: Reading | None = None) -> Reading:
    """Return what `read` did a moment ago, if it did and is not *other_than*; otherwise read.

    Operations end and begin one after the other, and so need one look at the process where they meet, not two.
    """
    global _latest
    now = clock.monotonic_ns()
    taken, reading = _latest
    if not 0 <= now - taken < SHARED_NS or reading is other_than:
        reading = _reader()
        _latest = (now, reading)
    return reading


_reader: Callable[[], Reading] = read


def use_reader(reader: Callable[[], Reading] | None) -> None:
    """Have `read_shared` read in another way; None puts back `read`."""
    global _reader
    _reader = read if reader is None else reader


def contents(path: str) -> bytes:
    """Return what stands at the front of a file of the kernel's, at most 16 KiB; nothing where it can't be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        return os.read(descriptor, 16_384)
    except OSError:
        # Of a process that has ended in between.
        return b""
    finally:
        os.close(descriptor)


def machine_memory() -> tuple[int, int] | None:
    """Return the machine's memory and how much of it programs can still have without swapping, in bytes."""
    data = contents("/proc/meminfo")
    try:
        total, available = (int(data.partition(name)[2].split(None, 1)[0]) for name in (b"MemTotal:", b"MemAvailable:"))
        return total * 1024, available * 1024
    except (ValueError, IndexError):
        return _psutil_machine()


def _psutil_machine() -> tuple[int, int] | None:
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]

        memory = psutil.virtual_memory()
        return int(memory.total), int(memory.available)
    except Exception:
        return None


def threads() -> int | None:
    """Return how many threads this process has; None where that is not told."""
    try:
        # A folder has a link of each folder in it, beside its own two.
        links = os.stat("/proc/self/task").st_nlink
        return links - 2 if links > 2 else len(os.listdir("/proc/self/task"))
    except OSError:
        found: int | None = _ask_psutil("num_threads")
        return found


def open_files(pid: int | None = None) -> int | None:
    """Return how many files a process has open, by default this one; None where that is not told."""
    folder = f"/proc/{pid or 'self'}/fd"
    try:
        # Linux tells the number as the folder's size since 6.2.
        return os.stat(folder).st_size or len(os.listdir(folder))
    except OSError:
        found: int | None = _ask_psutil("num_fds") if pid is None else None
        return found


def _ask_psutil(method: str) -> Any:
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]

        return getattr(psutil.Process(), method)()
    except Exception:
        return None


def psutil_children() -> list[tuple[int, int, int]]:
    """Return resident bytes, CPU nanoseconds and threads of each process below this one, as psutil finds them."""
    try:
        import psutil  # type: ignore[import-untyped,unused-ignore]

        children = psutil.Process().children(recursive=True)
    except Exception:
        return []
    return [found for found in map(_of_child, children) if found is not None]


def _of_child(child: Any) -> tuple[int, int, int] | None:
    try:
        used = child.cpu_times()
        return int(child.memory_info().rss), int((used.user + used.system) * 1e9), int(child.num_threads())
    except Exception:
        # It has ended in between, or is somebody else's.
        return None


def _psutil_rss() -> int:
    memory = _ask_psutil("memory_info")
    return int(memory.rss) if memory is not None else 0


def _psutil_peak() -> int:
    return int(getattr(_ask_psutil("memory_info"), "peak_wset", 0))


def _after_fork() -> None:
    global _latest
    _latest = (-SHARED_NS, (0, 0, 0))
    _statm.forget()
    _mark.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
