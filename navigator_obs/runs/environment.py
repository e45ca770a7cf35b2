"""Where and with what a run runs. It must not slow the start: files are read, and git is asked beside it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from ..operations import limits
from ..redaction import MARK, Redactor

_GIT_DEPTH: Final = 40
T = TypeVar("T")
_MB: Final = 1_000_000


def collect(runs_dir: Path) -> dict[str, Any]:
    """Return the summary's `environment`; what this system does not tell is null. Never raises."""
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": _or_none(platform.platform),
        "cpus": _or_none(_cpus),
        "memory_mb": _or_none(_memory_mb),
        "memory_limit_mb": _or_none(_memory_limit_mb),
        "disk_free_mb": _or_none(lambda: round(shutil.disk_usage(runs_dir).free / _MB)),
        "timezone": _or_none(_timezone),
        "git": _or_none(lambda: git_state(Path.cwd())),
        "packages": _or_none(lambda: packages(sys.path)) or {},
        "working_directory": _or_none(os.getcwd),
    }


def user_name() -> str | None:
    """Return the name of the user, or None where the system has none for the id."""
    import getpass

    return _or_none(getpass.getuser)


def redacted_argv(argv: Iterable[str], redactor: Redactor) -> list[str]:
    """Return the command line with secrets replaced: ``--token x``, ``--token=x``, and values that look like one.

    >>> redacted_argv(["sim.py", "--db-password", "hunter2", "--seed=42"], Redactor())
    ['sim.py', '--db-password', '[redacted]', '--seed=42']
    """
    shown: list[str] = []
    secret_follows = False
    for argument in map(str, argv):
        name, equals, _ = argument.partition("=")
        is_secret = name.startswith("-") and redactor.is_secret_key(name.lstrip("-"))
        if secret_follows and not argument.startswith("-"):
            shown.append(MARK)
        elif is_secret and equals:
            shown.append(f"{name}={MARK}")
        else:
            shown.append(redactor.text(argument))
        secret_follows = is_secret and not equals
    return shown


def packages(paths: Iterable[str]) -> dict[str, str]:
    """Return the installed packages by the names of their metadata folders: opening each would cost half a second."""
    found: dict[str, str] = {}
    for path in paths:
        try:
            names = os.listdir(path or ".")
        except OSError:
            continue
        for name in names:
            package, _, version = name.removesuffix(".dist-info").rpartition("-")
            if name.endswith(".dist-info") and package:
                # Python imports the first one on the path.
                found.setdefault(package.lower().replace("_", "-"), version)
    return dict(sorted(found.items()))


def git_state(start: Path) -> dict[str, Any] | None:
    """Return commit and branch of the work tree around *start*, read from its files; `dirty` is not known yet."""
    folder = _git_folder(start)
    if folder is None:
        return None
    head = (folder / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return {"commit": head, "dirty": None, "branch": None}
    reference = head.removeprefix("ref: ")
    return {"commit": _commit_of(folder, reference), "dirty": None, "branch": reference.removeprefix("refs/heads/")}


def _git_folder(start: Path) -> Path | None:
    for folder in (start, *start.parents)[:_GIT_DEPTH]:
        found = folder / ".git"
        if found.is_dir():
            return found
        if found.is_file():
            # A linked work tree or a submodule: the file names the folder.
            return folder / found.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
    return None


def _commit_of(folder: Path, reference: str) -> str | None:
    common = folder / "commondir"
    root = folder / common.read_text(encoding="utf-8").strip() if common.is_file() else folder
    for base in (folder, root):
        if (base / reference).is_file():
            return (base / reference).read_text(encoding="utf-8").strip()
    packed = root / "packed-refs"
    if packed.is_file():
        for line in packed.read_text(encoding="utf-8").splitlines():
            if line.endswith(f" {reference}"):
                return line.partition(" ")[0]
    return None


class DirtyQuestion:
    """Asks git whether tracked files differ from the commit, in a process of its own; fetch the answer later."""

    def __init__(self, folder: Path) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                ["git", "--no-optional-locks", "diff", "--quiet", "--no-ext-diff", "HEAD", "--"],  # noqa: S607
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, ValueError):
            return

    def answer(self, wait_seconds: float = 0.0) -> bool | None:
        """Return True or False, or None while it is not known; it is asked no more once it was told or has failed."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(wait_seconds) if wait_seconds else self._process.poll()
        except subprocess.TimeoutExpired:
            return None
        if code is not None:
            self._process = None
        return {0: False, 1: True}.get(code) if code is not None else None

    @property
    def is_open(self) -> bool:
        """Whether an answer may still come."""
        return self._process is not None

    def close(self) -> None:
        """Give up waiting; leaves no process behind."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def forget(self) -> None:
        """In a forked child: the process is the parent's."""
        if self._process is not None:
            self._process.returncode = 0
            self._process = None


def _cpus() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()


def _memory_mb() -> int:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / _MB)
    except (AttributeError, ValueError, OSError):
        import psutil  # type: ignore[import-untyped,unused-ignore]

        return round(float(psutil.virtual_memory().total) / _MB)


def _memory_limit_mb() -> int | None:
    limit = limits.group_limit_bytes()
    return None if limit is None else round(limit / _MB)


def _timezone() -> str:
    given = os.environ.get("TZ", "").lstrip(":")
    if given:
        return given
    target = os.path.realpath("/etc/localtime")
    return target.partition("zoneinfo/")[2] or time.tzname[0]


def _or_none(ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except Exception:
        return None
