"""The git work tree that a program runs from: commit and branch from its files, and beside the program what differs.

Git takes tens of milliseconds to tell what differs, and much longer in a large tree. So it is asked in a thread.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_GIT_DEPTH: Final = 40
MAX_DIFF_BYTES: Final = 2_000_000
DIFF_NAME: Final = "git.diff"
KEPT_NAME: Final = ".diffs"
_GIT: Final = ("git", "--no-optional-locks", "-c", "core.fsmonitor=false", "diff", "--no-ext-diff", "--no-textconv")


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


class Changes:
    """Asks git what differs from the commit; the answer is fetched later.

    *keep* is given the diff, and returns what the record says of it. It is called in a thread of its own.
    """

    def __init__(self, folder: Path, keep: Callable[[bytes], dict[str, Any] | None]) -> None:
        self._folder = folder
        self._keep = keep
        self._answer: dict[str, Any] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up = False
        self._thread: threading.Thread | None = threading.Thread(
            target=self._ask, name="navigator-obs-git", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            # No thread to be had, or the interpreter ends.
            self._thread = None

    def _ask(self) -> None:
        try:
            code = self._run("--quiet", "HEAD", "--")[0]
            if code not in {0, 1}:
                return
            diff = self._run("--no-color", "--binary", "HEAD", "--")[1] if code else b""
            self._answer = {"dirty": bool(code), "diff": self._keep(diff) if diff else None}
        except Exception:
            # No git, no commit yet, no right: then it is not known.
            return

    def _run(self, *arguments: str) -> tuple[int, bytes]:
        """Run git; return its exit code and what it printed, up to the most that is kept and one byte more."""
        self._process = process = subprocess.Popen(  # noqa: S603 - fixed arguments
            [*_GIT, *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert process.stdout is not None
        with process.stdout as pipe:
            if self._given_up:
                process.kill()
            printed = pipe.read(MAX_DIFF_BYTES + 1)
            if len(printed) > MAX_DIFF_BYTES:
                process.kill()
        return process.wait(), printed

    def answer(self, wait_seconds: float = 0.0) -> dict[str, Any] | None:
        """Return `dirty` and `diff` once, None while they are not known, and where they can't be."""
        thread = self._thread
        if thread is None:
            return None
        thread.join(wait_seconds)
        if thread.is_alive():
            return None
        self._thread = None
        return self._answer

    def close(self) -> None:
        """Give up waiting; leaves no process behind."""
        self._given_up = True
        process, thread = self._process, self._thread
        if process is not None and thread is not None:
            process.kill()
            thread.join(1.0)
        self._thread = None

    def forget(self) -> None:
        """In a forked child: process and thread are the parent's."""
        self._thread = self._process = None


def keep_diff(diff: bytes, directory: Path, clean: Callable[[str], str], file_mode: int) -> dict[str, Any]:
    """Keep a diff in the run's folder, once for all runs that have the same; return what the record says of it.

    `sha256` and `bytes` are those of the file `git.diff`, in which secrets are replaced by *clean*. A diff that is too
    large is not kept: then `kept` is false and `sha256` null.
    """
    if len(diff) > MAX_DIFF_BYTES:
        return {"sha256": None, "bytes": None, "kept": False}
    told = "\n".join(map(clean, diff.decode("utf-8", "backslashreplace").split("\n"))).encode()
    digest = hashlib.sha256(told).hexdigest()
    store = directory.parent / KEPT_NAME
    try:
        _write_once(store / f"{digest}.diff", told, file_mode)
        os.link(store / f"{digest}.diff", directory / DIFF_NAME)
    except OSError:
        # A file system without links: then each run has its own.
        _write_once(directory / DIFF_NAME, told, file_mode)
    return {"sha256": digest, "bytes": len(told), "kept": True}


def _write_once(path: Path, data: bytes, file_mode: int) -> None:
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), file_mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    draft.replace(path)
