"""Less of something than the program needs, for the time of a block."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def limited(which: int, most: int) -> Iterator[None]:
    """Lower a soft limit of the process."""
    before, hard = resource.getrlimit(which)
    resource.setrlimit(which, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(which, (before, hard))


@contextmanager
def memory_limited(more_mb: int) -> Iterator[None]:
    """Leave the process this much more address space than it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    with limited(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + more_mb * 2**20):
        yield


@contextmanager
def somebody_else() -> Iterator[None]:
    """Act as a user without rights. Needs a superuser."""
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def small_disk(folder: Path, kilobytes: int = 64, options: str = "") -> Iterator[Path]:
    """Mount a file system of this size, in a namespace of the process's own. Needs a superuser."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    new_mounts = 0x00020000
    private = 1 << 18 | 1 << 14
    if libc.unshare(new_mounts) or libc.mount(b"none", b"/", None, private, None):
        raise AssertionError(f"no namespace: {os.strerror(ctypes.get_errno())}")
    place = folder / "disk"
    place.mkdir()
    data = ",".join(filter(None, [f"size={kilobytes}k", options]))
    if libc.mount(b"none", str(place).encode(), b"tmpfs", 0, data.encode()):
        raise AssertionError(f"no disk: {os.strerror(ctypes.get_errno())}")
    try:
        yield place
    finally:
        detach = 2
        libc.umount2(str(place).encode(), detach)


@contextmanager
def another_process(body: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python elsewhere until the block ends; it starts when that process has printed a line."""
    command = [sys.executable, "-c", body, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline(), "the other process did not get ready"
        try:
            yield process
        finally:
            process.kill()
