"""Where and with what a run runs. It must not slow the start: files are read, and git is asked beside it."""

from __future__ import annotations

import functools
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from ..operations import limits
from ..operations.control_groups import MOUNT, OWN, groups_of
from ..operations.resources import MB
from ..redaction import MARK, Redactor
from .worktree import git_state

T = TypeVar("T")
_MAX_VERSION: Final = 100
_MAX_IMPORTED: Final = 500
# Of what pip has installed, and, with the version of Python behind its own, of what the system's packages have.
_METADATA: Final = re.compile(r"(.+)-(?!py\d)([^-]+?)(?:-py\d[\d.]*)?\.(?:dist|egg)-info")


def collect(runs_dir: Path, redactor: Redactor) -> dict[str, Any]:
    """Return the summary's `environment`; what this system does not tell is null. Never raises."""
    found = {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "platform": _or_none(platform.platform),
        "cpus": _or_none(_cpus),
        "memory_mb": _or_none(_memory_mb),
        "memory_limit_mb": _or_none(_memory_limit_mb),
        "cpu_limit": _or_none(cpu_limit),
        "disk_free_mb": _or_none(lambda: round(shutil.disk_usage(runs_dir).free / MB)),
        "timezone": _or_none(_timezone),
        "git": _or_none(lambda: git_state(Path.cwd())),
        "working_directory": _or_none(os.getcwd),
    }
    # Some packages have names that speak of tokens.
    return {**redactor.clean_mapping(found), "packages": _or_none(lambda: packages(sys.path)) or {}}


def user_name() -> str | None:
    """Return the name of the user, or None where the system has none for the id."""
    return _or_none(_ask_for_user)


def _ask_for_user() -> str:
    """As `getpass.getuser` does, whose module takes longer to import than all else here."""
    told = next(filter(None, map(os.environ.get, ("LOGNAME", "USER", "LNAME", "USERNAME"))), None)
    if told is not None:
        return told
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


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
            folder = os.path.abspath(path)
            inside = _packages_in(folder, os.stat(folder).st_mtime_ns)
        except OSError:
            continue
        # Python imports the first one on the path.
        found = {**inside, **found}
    return dict(sorted(found.items()))


@functools.lru_cache(maxsize=256)
def _packages_in(folder: str, changed_ns: int) -> dict[str, str]:  # noqa: ARG001
    """Those in one folder as it was at its last change: a batch of runs has the same ones."""
    known = (_METADATA.fullmatch(name) for name in os.listdir(folder) if name.endswith("-info"))
    return {found[1].lower().replace("_", "-"): found[2] for found in known if found}


def imported(modules: Mapping[str, Any], installed: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of the packages that are imported: by their own word, else as they are *installed*.

    *modules* is `sys.modules`, *installed* what `packages` returns.
    """
    found: dict[str, str] = {}
    for name in sorted(_outsiders(modules)):
        # Not asked for: a module that makes it up when asked may warn or import.
        said = getattr(modules.get(name), "__dict__", {}).get("__version__")
        version = said if isinstance(said, str) else installed.get(name.lower().replace("_", "-"))
        if version:
            found[name] = version[:_MAX_VERSION]
    return dict(list(found.items())[:_MAX_IMPORTED])


def _outsiders(modules: Mapping[str, Any]) -> set[str]:
    """The names of top-level modules that are not Python's own."""
    names = {name.partition(".")[0] for name in list(modules)}
    return {name for name in names if name not in sys.stdlib_module_names and not name.startswith("_")}


def _cpus() -> int | None:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count()


def _memory_mb() -> int:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MB)
    except (AttributeError, ValueError, OSError):
        import psutil  # type: ignore[import-untyped,unused-ignore]

        return round(float(psutil.virtual_memory().total) / MB)


def _memory_limit_mb() -> int | None:
    limit = limits.group_limit_bytes()
    return None if limit is None else round(limit / MB)


def cpu_limit(mount: Path = MOUNT, own: Path = OWN) -> float | None:
    """Return how many processors' time the process's control groups let it use, such as 1.5; None without a limit."""
    version, folders = groups_of("cpu", mount, own)
    shares = (_share(folder / ("cpu.max" if version == 2 else "cpu.cfs_quota_us")) for folder in folders)
    known = [share for share in shares if share is not None]
    return round(min(known), 3) if known else None


def _share(path: Path) -> float | None:
    try:
        quota, *period = path.read_text(encoding="ascii").split()
        # Version 1 has the period in a file of its own.
        period = period or [path.with_name("cpu.cfs_period_us").read_text(encoding="ascii")]
    except (OSError, ValueError):
        return None
    return int(quota) / int(period[0]) if quota.isdigit() else None


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
