"""What a run leaves behind beside its record: outputs, backups, checkpoints, by size and digest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from ..clock import clock, format_timestamp
from ..encoding import simplify
from ..redaction import Redactor
from .allowance import Allowance
from .seal import digest_of

MAX_DIGEST_BYTES: Final = 64 * 1024 * 1024
_OWN_KEYS: Final = frozenset({"path", "kind", "bytes", "sha256", "time", "missing"})


def describe(
    path: str, kind: str, attributes: dict[str, Any], redactor: Redactor, allowance: Allowance
) -> dict[str, Any]:
    """Return the summary's entry for one artifact. Never raises.

    One that is not there says ``"missing": true``. Size and digest are null for it and for a folder, and the digest of
    a file larger than `MAX_DIGEST_BYTES` or for which *allowance* has no room: a simulation must not wait for it.
    """
    file = Path(path)
    size = _size(file)
    own = {f"field_{key}" if key in _OWN_KEYS else key: value for key, value in attributes.items()}
    return {
        "path": _shown(path, redactor),
        "kind": kind,
        "bytes": size,
        "sha256": None if size is None else _digest(file, size, allowance),
        "time": format_timestamp(clock.time_ns()),
        **({} if _exists(file) else {"missing": True}),
        **simplify(own),
    }


def _shown(path: str, redactor: Redactor) -> str:
    """As a path, unless it holds a secret: a path has no double slash, by which a URL's password is known."""
    cleaned = redactor.text(path)
    return os.fspath(Path(path)) if cleaned == path else cleaned


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except (OSError, ValueError):
        return False


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size if file.is_file() else None
    except (OSError, ValueError):
        return None


def _digest(file: Path, size: int, allowance: Allowance) -> str | None:
    if size > MAX_DIGEST_BYTES or not allowance.take(size):
        return None
    try:
        return digest_of(file)
    except OSError:
        return None
