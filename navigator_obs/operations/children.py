"""The processes below this one: their memory often, what they have used more seldom.

Simulations hand work to subprocesses (dbt) and forked pools, which then hold most of the memory. The tree is read from
`/proc/<pid>/task/<tid>/children` (proc_pid_task(5), Linux with CONFIG_PROC_CHILDREN), at a hundredth of the cost of
looking through all processes; elsewhere psutil is asked. A file of each child stays open, for 2 µs a look.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from . import resources
from .parts import either
from .resources import contents

_MOST: Final = 1_000
_TICK_NS: Final = 1_000_000_000 // (os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100)


@dataclass(slots=True)
class Used:
    """What processes have used so far, and have now; bytes that the system does not tell are None."""

    cpu_ns: int = 0
    minor_page_faults: int = 0
    major_page_faults: int = 0
    voluntary_switches: int = 0
    involuntary_switches: int = 0
    read_bytes: int | None = None
    written_bytes: int | None = None
    threads: int = 0
    open_files: int = 0

    def plus(self, other: Used) -> Used:
        """Return both together."""
        return Used(*[either(operator.add, getattr(self, name), getattr(other, name)) for name in Used.__slots__])


@dataclass(slots=True)
class _Child:
    pid: int
    descriptor: int
    shared: int = 0
    """Bytes of its resident memory that are its parent's too: a forked child begins as a copy that costs nothing."""
    settled: bool = False
    stat: list[bytes] = field(default_factory=list)

    def rss_bytes(self) -> int:
        if not self.settled:
            return 0
        try:
            resident = int(os.pread(self.descriptor, 64, 0).split(None, 2)[1]) * resources.PAGE
        except (OSError, ValueError, IndexError):
            return 0
        return max(resident - self.shared, 0)

    def look(self, own_stack: bytes) -> bool:
        """Read what it has used, and how much of its memory is its own; return whether it lives."""
        stat = _stat(self.pid)
        if len(stat) < _STACK + 1 or stat[0] in b"ZX":
            return False
        self.stat, known, self.shared = stat, self.settled or bool(self.stat), 0
        copied = stat[_STACK] == own_stack and own_stack != b"0"
        if copied:
            # With vfork it is for a moment the very memory of its parent: a copy counts when it is seen twice.
            self.settled = known
            private = _private_bytes(self.pid) if known else None
            self.shared = 0 if private is None else max(int(stat[_RSS]) * resources.PAGE - private, 0)
        self.settled = known if copied else True
        return True

    def close(self) -> None:
        try:
            os.close(self.descriptor)
        except OSError:
            return


class Children:
    """The processes below this one. `scan` finds them, `rss_bytes` looks at those that were found."""

    def __init__(self) -> None:
        self._known: dict[int, _Child] = {}
        self._told: list[tuple[int, int, int]] = []
        self._knows_tree = os.path.exists(f"/proc/self/task/{os.getpid()}/children")

    def __len__(self) -> int:
        return len(self._known) or len(self._told)

    def scan(self) -> None:
        """Find the processes that are below this one now, at most 1,000, and what they have used."""
        if not self._knows_tree:
            self._told = resources.psutil_children()
            return
        if not self._known and not _has_children():
            return
        own_stack = _stat(os.getpid())[_STACK : _STACK + 1]
        found = dict.fromkeys(_below(os.getpid()))
        for pid in self._known.keys() - found.keys():
            self._forget(pid)
        for pid in found:
            child = self._known.get(pid) or self._open(pid)
            if child is not None and not child.look(own_stack[0] if own_stack else b"0"):
                self._forget(pid)

    def rss_bytes(self) -> int:
        """Return the resident memory of all, in bytes, less what a forked child still shares with its parent."""
        if self._told:
            return sum(rss for rss, _, _ in self._told)
        return sum([child.rss_bytes() for child in self._known.values()]) if self._known else 0

    def used(self) -> Used:
        """Return what they have used, as of the last scan, and what those have that this process has waited for."""
        total = Used(*resources.usage(of_ended_children=True))
        for _, cpu_ns, threads in self._told:
            total = total.plus(Used(cpu_ns, threads=threads))
        for child in self._known.values():
            total = total.plus(_used_by(child))
        return total

    def close(self) -> None:
        """Let go of the files; in a forked child they are the parent's children."""
        for pid in list(self._known):
            self._forget(pid)

    def _open(self, pid: int) -> _Child | None:
        try:
            descriptor = os.open(f"/proc/{pid}/statm", os.O_RDONLY)
        except OSError:
            return None
        return self._known.setdefault(pid, _Child(pid, descriptor))

    def _forget(self, pid: int) -> None:
        self._known.pop(pid).close()


# Of whatever kind it is, and whether it has ended or not: nobody waits, and it can still be waited for afterwards.
_ANY: Final = os.WEXITED | os.WNOHANG | os.WNOWAIT | 0x40000000 if hasattr(os, "waitid") else 0


def _has_children() -> bool:
    """Whether this process has any: one call, where to look for them takes a dozen."""
    try:
        os.waitid(os.P_ALL, 0, _ANY)
    except ChildProcessError:
        return False
    except (OSError, AttributeError):
        # There is no such call, or it is forbidden here.
        return True
    return True


# Fields of /proc/<pid>/stat (proc_pid_stat(5)), counted from the state, which stands behind the name.
_MINFLT, _CMINFLT, _MAJFLT, _CMAJFLT, _UTIME, _THREADS, _RSS, _STACK = 7, 8, 9, 10, 11, 17, 21, 25


def _stat(pid: int) -> list[bytes]:
    return contents(f"/proc/{pid}/stat").rpartition(b") ")[2].split()


def _used_by(child: _Child) -> Used:
    stat = child.stat
    read, written = _disk_bytes(child.pid)
    return Used(
        # User and system time, and both of its own children that have ended.
        cpu_ns=sum(map(int, stat[_UTIME : _UTIME + 4])) * _TICK_NS,
        minor_page_faults=int(stat[_MINFLT]) + int(stat[_CMINFLT]),
        major_page_faults=int(stat[_MAJFLT]) + int(stat[_CMAJFLT]),
        read_bytes=read,
        written_bytes=written,
        threads=int(stat[_THREADS]),
        open_files=resources.open_files(child.pid) or 0,
    )


def used_by_self() -> Used:
    """Return what this process has used; bytes read and written include those of children that it has waited for."""
    return Used(
        *resources.usage(), *_disk_bytes(os.getpid()), threads=resources.threads() or 0,
        open_files=resources.open_files() or 0,
    )  # fmt: skip


def _disk_bytes(pid: int) -> tuple[int | None, int | None]:
    """Bytes that a process, and its children that have ended, have read from disks and written to them."""
    data = contents(f"/proc/{pid}/io")
    read, written = _after(data, b"\nread_bytes: "), _after(data, b"\nwrite_bytes: ")
    cancelled = _after(data, b"\ncancelled_write_bytes: ") or 0
    return read, None if written is None else max(written - cancelled, 0)


def _private_bytes(pid: int) -> int | None:
    """Memory that this process alone has: in a copy of its parent, what either has changed since."""
    data = contents(f"/proc/{pid}/smaps_rollup")
    clean, dirty = _after(data, b"Private_Clean:"), _after(data, b"Private_Dirty:")
    return None if clean is None or dirty is None else (clean + dirty) * 1024


def _after(data: bytes, name: bytes) -> int | None:
    at = data.find(name)
    return int(data[at + len(name) :].split(None, 1)[0]) if at >= 0 else None


def _below(pid: int) -> Iterator[int]:
    """All processes below *pid*, nearest first."""
    waiting, found = [pid], 0
    while waiting and found < _MOST:
        children = _children_of(waiting.pop(0))
        found += len(children)
        waiting += children
        yield from children


def _children_of(pid: int) -> list[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [int(child) for thread in threads for child in contents(f"/proc/{pid}/task/{thread}/children").split()]
