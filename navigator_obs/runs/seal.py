"""The seal of a run: `seal.jsonl`, which says of each file in the run's folder how large it is and what its digest is.

It is written when the run has ended and its summary is final, or by whoever finalises a dead run. It is linked as a
journal is (see `links`), and only ever appended to: what retention removes later is told by a record of its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import file_digest
from pathlib import Path
from typing import Any, Final

from ..clock import clock, format_timestamp
from ..encoding import to_json
from .allowance import Allowance
from .files import ANNOTATIONS_NAME, FAULT_NAME, JOURNAL_NAME, LOCK_NAME, SEAL_NAME, SUMMARY_NAME, WORKERS_FOLDER
from .journal import Journal
from .records import read

# What a program leaves in the folder may be as large as it likes: the end of a run must not wait for long.
MAX_DIGEST_BYTES: Final = 256_000_000
_OWN: Final = (SUMMARY_NAME, JOURNAL_NAME, FAULT_NAME)
_OUTSIDE: Final = frozenset({SEAL_NAME, ANNOTATIONS_NAME, LOCK_NAME, "workers/ended"})


def write(
    directory: Path,
    by: str,
    *,
    key: bytes | None = None,
    file_mode: int = 0o600,
    sync: bool = False,
    seconds: Callable[[], float] | None = None,
) -> str | None:
    """Seal the files that stand in *directory* now; return the seal's digest, None where it can't be written.

    *by* tells who seals: ``run``, or ``recovery`` where somebody has found the run dead. With *seconds*, which tells
    what time the run has taken, no more is read of what the program has left than befits that (see `allowance`). Never
    raises.
    """
    try:
        files = _described(directory, covered(directory), Allowance(seconds, most=MAX_DIGEST_BYTES))
    except OSError:
        return None
    return _append(directory, {"kind": "seal", "by": by, "files": files}, key, file_mode, sync=sync)


def extend(directory: Path, *, key: bytes | None = None, file_mode: int = 0o600) -> str | None:
    """Have the seal cover the files that have come into *directory* since, such as a report; see `write`."""
    try:
        sealed = [record for record in records(directory) if record["kind"] != "removal"]
        known = {file["path"] for record in sealed for file in record["files"]}
        came = [name for name in covered(directory) if name not in known]
        files = _described(directory, came, Allowance(most=MAX_DIGEST_BYTES))
    except (OSError, KeyError, TypeError):
        return None
    return _append(directory, {"kind": "addition", "files": files}, key, file_mode, sync=False) if files else None


def note_removal(directory: Path, names: Iterable[str], key: bytes | None = None, file_mode: int = 0o600) -> str | None:
    """Tell in the seal, before it is done, that files are removed on purpose; *names* are relative to *directory*.

    Their sizes and digests stay in the seal. Returns its new digest, None where it can't be written. Does nothing where
    there is no seal. Never raises.
    """
    if not (directory / SEAL_NAME).exists():
        return None
    return _append(directory, {"kind": "removal", "files": sorted(names)}, key, file_mode, sync=False)


def key_id(key: bytes | None) -> str | None:
    """Return what tells one key from another, and nothing of the key itself; None for None."""
    if key is None:
        return None
    import hmac

    return hmac.digest(key, b"navigator-obs key id", "sha256").hex()[:16]


def _append(directory: Path, record: dict[str, Any], key: bytes | None, file_mode: int, *, sync: bool) -> str | None:
    journal = Journal(directory / SEAL_NAME, file_mode=file_mode, sync=sync, key=key)
    stamp = {"time": format_timestamp(clock.time_ns()), "run_id": directory.name, "key_id": key_id(key)}
    try:
        return journal.digest if journal.append_line(to_json({**record, **stamp})) else None
    finally:
        journal.close()


def covered(directory: Path) -> list[str]:
    """Return the names of the files that a seal covers: all of the folder's, but for locks and what is added later."""
    return sorted(name for name in _names(directory, "") if name not in _OUTSIDE)


def _names(directory: Path, prefix: str) -> Iterator[str]:
    with os.scandir(directory) as found:
        for entry in found:
            # Hidden ones belong to the moment: a draft, a claim.
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _names(directory / entry.name, f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                yield f"{prefix}{entry.name}"


def _described(directory: Path, names: list[str], allowance: Allowance) -> list[dict[str, Any]]:
    """Return the seal's word on each file: its `path`, `bytes` and `sha256`.

    That is null for the largest of those that are not the run's own, so that all together are not too much to read.
    """
    sizes = {name: (directory / name).stat().st_size for name in names}
    digests: dict[str, str | None] = {}
    for name in sorted(names, key=sizes.__getitem__):
        own = name in _OWN or name.startswith(f"{WORKERS_FOLDER}/")
        digests[name] = digest_of(directory / name) if own or allowance.take(sizes[name]) else None
    return [{"path": name, "bytes": sizes[name], "sha256": digests[name]} for name in names]


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def records(directory: Path) -> list[dict[str, Any]]:
    """Return the records of the seal, none where there is no seal."""
    return list(read(directory / SEAL_NAME))
