"""Links the records of a file, each to the one before: what is edited, removed, added or moved later breaks a link.

The last key of a linked record is ``"link":"<number>:<digest>"``. The number counts up from 1. The digest is SHA-256,
or with a key HMAC-SHA-256 (RFC 2104), over the digest of the link before (nothing for the first), as hexadecimal text,
and all bytes of the file that stand between that link's closing brace and this digest. Records without a link are
covered by the next one that has one: a batch is linked once, by its last record.

Each link is judged by itself, from the digest that the one before it states. So a link that holds tells that its own
records are as they were written, and the number whether they stand where they stood.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from ..errors import ConfigError

Buffer = bytes | memoryview
LINK: Final = re.compile(rb',"link":"(\d{1,18}):([0-9a-f]{64})"\}')
MARK: Final = b',"link":"'
_WINDOW_BYTES: Final = 64 * 1024
_MIN_KEY_BYTES: Final = 16
_MAX_KEY_BYTES: Final = 1_000_000


class Digest(Protocol):
    """Returns the hexadecimal digest of some bytes, which come in pieces so that long ones need not be copied."""

    def __call__(self, *pieces: Buffer) -> str: ...


@dataclass(frozen=True, slots=True)
class Link:
    """What the next record is linked to: the last link, how many bytes the file has, and those behind the link."""

    number: int = 0
    digest: bytes = b""
    size: int = 0
    between: bytes = b""

    def extended(self, line: Buffer, digest: Digest) -> tuple[bytes, Link]:
        """Return *line*, one JSON object or several lines of them, as it is to be appended, and the link after it."""
        # Half a line may stand before it, of a write that failed in its middle.
        start = b"\n" if self.size and self.between[-1:] != b"\n" else b""
        whole, mark = memoryview(line)[:-1], b"%b%d:" % (MARK, self.number + 1)
        stated = digest(self.digest, self.between, start, whole, mark).encode()
        data = b"".join((start, whole, mark, stated, b'"}\n'))
        return data, Link(self.number + 1, stated, self.size + len(data), b"\n")

    def with_read(self, data: bytes) -> Link:
        """Return what it is once *data* was found in the file behind it."""
        found = _last_link(data)
        if found is None:
            return Link(self.number, self.digest, self.size + len(data), self.between + data)
        return Link(int(found[1]), found[2], self.size + len(data), data[found.end() :])


def digest_with(key: bytes | None) -> Digest:
    """Return the function that makes the digests."""
    if key is None:
        from hashlib import sha256

        begin: Callable[[], Any] = sha256
    else:
        import hmac

        begin = functools.partial(hmac.new, key, digestmod="sha256")

    def digest(*pieces: Buffer) -> str:
        state = begin()
        for piece in pieces:
            state.update(piece)
        found: str = state.hexdigest()
        return found

    return digest


def read_key(path: Path | None) -> bytes | None:
    """Return the key in the file *path*, a final line end left out; None for None.

    Raises ConfigError where it can't be read, or is too short to be a key.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            key = file.read(_MAX_KEY_BYTES).rstrip(b"\r\n")
    except (OSError, ValueError) as error:
        raise ConfigError(f"seal_key_file={str(path)!r} can't be read: {error}") from None
    if len(key) < _MIN_KEY_BYTES:
        raise ConfigError(
            f"seal_key_file={str(path)!r} holds {len(key)} bytes; a key has {_MIN_KEY_BYTES} or more, "
            "such as those of: openssl rand -hex 32"
        )
    return key


def key_or_none(path: Path | None) -> bytes | None:
    """Return the key as `read_key` does; None where it can't be read here: the record is then made without it."""
    try:
        return read_key(path)
    except ConfigError:
        return None


def last_link(descriptor: int) -> Link:
    """Return the last link of an open file, looking backwards from its end."""
    size, window = os.fstat(descriptor).st_size, _WINDOW_BYTES
    while True:
        start = max(0, size - window)
        data = read_from(descriptor, start)
        if start == 0 or _last_link(data) is not None:
            return Link(size=start).with_read(data)
        window *= 8


def read_from(descriptor: int, offset: int) -> bytes:
    """Return the bytes of an open file from *offset* to its end."""
    pieces = []
    while piece := _pread(descriptor, 1 << 20, offset):
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)


def _pread(descriptor: int, length: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, length)


def _last_link(data: bytes) -> re.Match[bytes] | None:
    """Find the last link that ends a line, or the file."""
    end = len(data)
    while (start := data.rfind(MARK, 0, end)) >= 0:
        found = LINK.match(data, start)
        if found and data[found.end() : found.end() + 1] in {b"", b"\n"}:
            return found
        end = start
    return None
