"""What people say of a run later: tags, pins, notes and acknowledgements, in `annotations.jsonl` of its folder.

The file is appended to, one record a line, and stands outside of the run's seal: what was recorded stays as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..clock import clock, format_timestamp
from ..errors import UsageError, close_match
from .files import ANNOTATIONS_NAME

KINDS: Final = ("tag", "untag", "pin", "unpin", "note", "ack", "baseline", "unbaseline", "thinned")
MAX_TAG: Final = 100
MAX_TEXT: Final = 4_000

Record = dict[str, Any]


@dataclass
class Annotations:
    """What all records together say. `tags` and `untagged` are texts; `notes` the records of kind ``note``."""

    tags: list[str] = field(default_factory=list)
    untagged: set[str] = field(default_factory=set)
    pinned: bool = False
    baseline: bool = False
    acknowledged: bool = False
    notes: list[Record] = field(default_factory=list)
    acknowledgements: list[Record] = field(default_factory=list)

    def all_tags(self, recorded: Iterable[str]) -> tuple[str, ...]:
        """Return the tags that the run recorded itself and those that were added, without those taken away."""
        return tuple(tag for tag in dict.fromkeys([*recorded, *self.tags]) if tag not in self.untagged)


def annotate(directory: Path, kind: str, *, by: str, file_mode: int = 0o600, **told: Any) -> Record:
    """Append one record of *kind* to the annotations of the run in *directory*; return it.

    *by* is who says so; *told* are the record's other keys: `tag` for ``tag`` and ``untag``, `text` for ``note`` and,
    where something was said, for ``ack``. Raises UsageError for an unknown kind, an empty or too long text and a
    folder that can't be written to.

    >>> annotate(Path(), "tag", by="ada", tag="nightly")["kind"]
    'tag'
    """
    from ..encoding import to_json

    if kind not in KINDS:
        raise UsageError(f"kind={kind!r} must be one of {', '.join(KINDS)}{close_match(kind, KINDS)}")
    cleaned = {key: _checked(key, value) for key, value in told.items() if value is not None}
    record = {"timestamp": format_timestamp(clock.time_ns()), "kind": kind, "by": by, **cleaned}
    try:
        _append(directory / ANNOTATIONS_NAME, to_json(record) + b"\n", file_mode)
    except OSError as error:
        raise UsageError(f"can't write to {directory / ANNOTATIONS_NAME}: {error.strerror or error}") from None
    return record


def _checked(key: str, value: Any) -> Any:
    from ..redaction import Redactor

    most = MAX_TAG if key == "tag" else MAX_TEXT
    if not isinstance(value, str) or not value.strip() or len(value) > most:
        raise UsageError(f"{key}={str(value)[:80]!r} must be a text of 1 to {most:,} characters")
    if key == "tag" and ("," in value or not value.isprintable() or value != value.strip()):
        raise UsageError(f"tag={value!r} must be printable, without commas and without blanks around it")
    return Redactor().text(value)


def _append(path: Path, line: bytes, file_mode: int) -> None:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, file_mode)
    try:
        size = os.fstat(descriptor).st_size
        # A torn line of a writer that was killed must not swallow this one.
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" + line if torn else line)
    finally:
        os.close(descriptor)


def read_records(directory: Path) -> list[Record]:
    """Return the records, oldest first; a line that is none is passed over, and a missing file has none."""
    try:
        data = (directory / ANNOTATIONS_NAME).read_bytes()
    except OSError:
        return []
    from ..encoding import from_json

    found = []
    for line in data.splitlines():
        try:
            record = from_json(line)
        except ValueError:
            continue
        if isinstance(record, dict) and str(record.get("kind")) in KINDS:
            found.append(record)
    return found


def read_annotations(directory: Path) -> Annotations:
    """Return what the annotations of the run in *directory* amount to: later records go before earlier ones.

    >>> _ = annotate(Path(), "note", by="ada", text="the census was incomplete")
    >>> [note["text"] for note in read_annotations(Path()).notes]
    ['the census was incomplete']
    """
    return told_by(read_records(directory))


def told_by(records: Iterable[Mapping[str, Any]]) -> Annotations:
    """Return what *records* amount to.

    >>> told_by([{"kind": "pin"}, {"kind": "tag", "tag": "slow"}, {"kind": "unpin"}]).pinned
    False
    """
    found = Annotations()
    for record in records:
        _take(found, record)
    return found


def _take(found: Annotations, record: Mapping[str, Any]) -> None:
    kind, tag = record.get("kind"), str(record.get("tag") or "")
    if kind == "tag" and tag:
        found.untagged.discard(tag)
        found.tags = list(dict.fromkeys([*found.tags, tag]))
    elif kind == "untag" and tag:
        found.untagged.add(tag)
        found.tags = [kept for kept in found.tags if kept != tag]
    elif kind in {"pin", "unpin"}:
        found.pinned = kind == "pin"
    elif kind == "note":
        found.notes.append(dict(record))
    elif kind == "ack":
        found.acknowledged = True
        found.acknowledgements.append(dict(record))
    elif kind in {"baseline", "unbaseline"}:
        found.baseline = kind == "baseline"
