"""Whether a run's record is what was written: its links hold, and its files are those of the seal.

It reads and never writes, and takes nobody's word for it: each file is read in full. What it can prove depends on what
was kept out of reach of whoever might have changed the record: see `docs/explanation/seal.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ..encoding import shown
from ..errors import UsageError
from . import leavings, seal
from .breaks import UNKEYED, UNLINKED, breaks_in
from .files import JOURNAL_NAME, SEAL_NAME
from .folder import read_summary
from .liveness import status_of
from .reading import items, table
from .records import end_record, head, worker_shares
from .statuses import LIVING

INTACT: Final = "intact"
ALTERED: Final = "altered"
UNSEALED: Final = "unsealed"
RUNNING: Final = "running"
_DIGEST: Final = re.compile(r"[0-9a-f]{16,64}")
_STEP: Final = 1 << 20
# What is wrong with a run that has lost its seal is that nobody can tell what is wrong.
_NO_SEAL: Final = "no seal"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which file, what kind of thing, in which lines where that can be told, in words."""

    path: str
    kind: str
    what: str
    first_line: int | None = None
    last_line: int | None = None

    @property
    def place(self) -> str:
        """The lines in words; empty where the whole file is meant."""
        if self.first_line is None:
            return ""
        several = self.first_line != self.last_line
        return f"lines {self.first_line} to {self.last_line}" if several else f"line {self.first_line}"


@dataclass(frozen=True)
class Verification:
    """What was found: a *verdict*, and what it rests on.

    The verdict is ``intact``; ``altered`` where there are problems; ``unsealed`` where what is there holds together and
    nothing tells whether it is all; ``running`` for a run that has not ended. *seal* is the digest of the seal,
    *key_id* tells the key that it was made with, *files* how many it covers, *sized* those large ones of which it knows
    the size alone, *removed* which retention has taken, *beside* the files that it does not cover. Where artifacts were
    looked at, *artifacts* says how many stood as they were left, and *unproven* which of them have no digest.
    """

    run_id: str
    verdict: str
    seal: str | None
    sealed_at: str | None
    sealed_by: str | None
    key_id: str | None
    files: int
    sized: tuple[str, ...]
    removed: tuple[str, ...]
    beside: tuple[str, ...]
    problems: tuple[Problem, ...]
    artifacts: int | None = None
    unproven: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def verify(
    directory: Path, *, key: bytes | None = None, expected: str | None = None, artifacts: bool = False
) -> Verification:
    """Hold the files of the run in *directory* against its links and its seal.

    *key* is the one that the run was recorded with; *expected* the digest of its seal, or the first 16 digits of it or
    more, as somebody has kept it elsewhere. With *artifacts* the files that the run has left outside the folder are
    read as well, and held against what the record says of them. Raises UsageError for a wrong *expected*, and where a
    key is needed that was not given; OSError where a file can't be read.
    """
    if expected is not None and not _DIGEST.fullmatch(expected):
        raise UsageError(f"the expected seal {shown(expected)} must be 16 to 64 hexadecimal digits, as verify prints")
    sealed = seal.records(directory)
    first = next((record for record in sealed if record["kind"] == "seal"), {})
    _need_key(first.get("key_id") or head(directory / JOURNAL_NAME).get("key_id"), key)
    alive = not sealed and status_of(directory)["status"] in LIVING
    listed, removed = _listed(sealed), _removed(sealed)
    files = list(_of_files(directory, listed, removed))
    changed = {problem.path for problem in files}
    problems = [*_of_links(directory, key, changed), *files, *_of_seal(directory, sealed, key, expected)]
    if not sealed and not alive:
        problems += _of_missing_seal(directory, expected)
    told = leavings.left_by(directory) if artifacts else []
    astray = [Problem(left.path, *wrong) for left in told if (wrong := _of_artifact(left))]
    problems += astray
    return Verification(
        run_id=directory.name,
        verdict=_verdict(problems, sealed=bool(first), alive=alive),
        seal=_stated(first) if first else None,
        sealed_at=first.get("time"),
        sealed_by=first.get("by"),
        key_id=first.get("key_id"),
        files=len(listed),
        sized=tuple(name for name, file in listed.items() if file["sha256"] is None),
        removed=tuple(sorted(removed)),
        beside=tuple(name for name in seal.covered(directory) if sealed and name not in listed),
        problems=tuple(problems),
        artifacts=len(told) - len(astray) if artifacts else None,
        unproven=tuple(left.path for left in told if left.sha256 is None and left.place.exists()),
    )


def _verdict(problems: list[Problem], *, sealed: bool, alive: bool) -> str:
    if any(problem.kind != _NO_SEAL for problem in problems):
        return ALTERED
    return RUNNING if alive else INTACT if sealed else UNSEALED


def _need_key(made_with: object, key: bytes | None) -> None:
    if key is None and isinstance(made_with, str):
        raise UsageError(f"the run was recorded with the key {made_with}; give its file: --key FILE")


def _listed(sealed: list[dict[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """What the seal says of each file; the first word counts."""
    listed: dict[str, Mapping[str, Any]] = {}
    for record in sealed:
        for file in _files(record) if record["kind"] in {"seal", "addition"} else ():
            # What an edited seal says may be anything; that it was edited is told by its links.
            if isinstance(file, dict) and isinstance(file.get("path"), str) and isinstance(file.get("bytes"), int):
                listed.setdefault(file["path"], {"sha256": None, **file})
    return listed


def _removed(sealed: list[dict[str, Any]]) -> set[str]:
    return {str(name) for record in sealed if record["kind"] == "removal" for name in _files(record)}


def _files(record: Mapping[str, Any]) -> list[Any]:
    return items(record, "files")


def _stated(record: Mapping[str, Any]) -> str:
    return str(record.get("link", "")).partition(":")[2]


def _of_links(directory: Path, key: bytes | None, changed: set[str]) -> Iterator[Problem]:
    for path in [directory / JOURNAL_NAME, *worker_shares(directory)]:
        name = path.relative_to(directory).as_posix()
        if not path.exists():
            continue
        for found in breaks_in(path, key):
            # What a killed process has left is no problem, unless it came after the seal.
            if found.kind != UNLINKED or name in changed:
                yield Problem(name, found.kind, found.what, found.first, found.last)


def _of_files(directory: Path, listed: Mapping[str, Mapping[str, Any]], removed: set[str]) -> Iterator[Problem]:
    for name, file in listed.items():
        path = directory / name
        if path.is_symlink() or not path.is_file():
            if name not in removed:
                yield Problem(name, "missing", f"it was sealed with {file['bytes']:,} bytes")
            continue
        found = _compared(path, file["bytes"], file["sha256"])
        if found is not None:
            yield Problem(name, *found)


def _compared(path: Path, size: int, digest: str | None) -> tuple[str, str] | None:
    """Return what is wrong with a file that had this *size* and *digest*."""
    present = path.stat().st_size
    if present < size:
        return "truncated", f"it has {present:,} bytes of the {size:,} that were sealed"
    same = digest is None or _digest_of(path, size) == digest
    if present > size and same:
        return "added to", f"{present - size:,} bytes came after the seal"
    return None if same else ("edited", "it is not the file that was sealed")


def _of_artifact(left: leavings.Left) -> tuple[str, str] | None:
    if not left.place.exists():
        return "missing", "the run has left it; it is not there now"
    if left.bytes is None:
        return None
    present = left.place.stat().st_size
    if present != left.bytes:
        kind = "truncated" if present < left.bytes else "added to"
        return kind, f"it has {present:,} bytes; the run has left {left.bytes:,}"
    same = left.sha256 is None or seal.digest_of(left.place) == left.sha256
    return None if same else ("edited", "it is not the file that the run has left")


def _digest_of(path: Path, size: int) -> str:
    """Return the SHA-256 of the first *size* bytes."""
    digest = sha256()
    with path.open("rb") as file:
        while size and (piece := file.read(min(size, _STEP))):
            digest.update(piece)
            size -= len(piece)
    return digest.hexdigest()


def _of_seal(
    directory: Path, sealed: list[dict[str, Any]], key: bytes | None, expected: str | None
) -> Iterator[Problem]:
    name = SEAL_NAME
    if not sealed:
        return
    for found in breaks_in(directory / name, key):
        yield Problem(name, found.kind, found.what, found.first, found.last)
    kinds = [record["kind"] for record in sealed]
    if kinds.count("seal") != 1 or kinds[0] != "seal":
        yield Problem(name, "edited", f"it must begin with the one seal of the run, and has {kinds.count('seal')}")
    if expected is not None and not any(_stated(record).startswith(expected) for record in sealed):
        yield Problem(name, "other seal", f"it is not the seal {expected} that was expected")
    if key is not None and any(record.get("key_id") != seal.key_id(key) for record in sealed):
        yield Problem(name, UNKEYED, "it was not made with the key that was given")


def _of_missing_seal(directory: Path, expected: str | None) -> Iterator[Problem]:
    name = SEAL_NAME
    if expected is not None:
        yield Problem(name, "missing", f"the seal {expected} was expected")
    summary = read_summary(directory)
    if end_record(directory) or (summary and table(summary, "run_metadata").get("final")):
        yield Problem(name, _NO_SEAL, "the run has ended: its seal was taken away, or never could be written")
    else:
        yield Problem(name, _NO_SEAL, "the run died, and nobody has finalised it yet: what it wrote last may be gone")
