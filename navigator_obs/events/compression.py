"""How rotated log files are compressed, and read again: gzip, which every Python has, and zstd where there is some.

zstd comes with Python from 3.14 on, and before that with the `zstandard` package (the `zstd` extra). No library is
imported until a file is compressed or read.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, BinaryIO, Final, NamedTuple, cast

from ..errors import MissingExtra, ObsError

SUFFIXES: Final[Mapping[str, str]] = MappingProxyType({"gzip": ".gz", "zstd": ".zst"})
"""By the kind of compression: how the names of its files end."""
_KINDS: Final = {suffix: kind for kind, suffix in SUFFIXES.items()}
_BLOCK_BYTES: Final = 1 << 18
_GZIP_LEVEL: Final = 6
# Of a log it leaves as much as gzip's 6 does or less, in a third of the time.
_ZSTD_LEVEL: Final = 3


def kind_of(path: Path) -> str:
    """Return how the file of this name is compressed: "gzip", "zstd", or "" where it is not.

    >>> kind_of(Path("navigator.log.2.zst")), kind_of(Path("navigator.log.1"))
    ('zstd', '')
    """
    return _KINDS.get(path.suffix, "")


def number_of(name: str, log_name: str) -> int | None:
    """Return the number of a rotated file of the log *log_name*, compressed or not; None for any other name.

    >>> number_of("navigator.log.12.gz", "navigator.log"), number_of("navigator.log.old", "navigator.log")
    (12, None)
    """
    if not name.startswith(f"{log_name}."):
        return None
    number = name[len(log_name) + 1 :]
    for suffix in _KINDS:
        number = number.removesuffix(suffix)
    return int(number) if number.isdecimal() else None


def chosen(wanted: str) -> str | None:
    """Return the kind of compression that *wanted* ("off", "gzip", "zstd", "auto") comes to here; None for none.

    Where there is no zstd that is gzip.
    """
    if wanted == "off":
        return None
    return "gzip" if wanted == "gzip" or not has_zstd() else "zstd"


def prepare(wanted: str) -> None:
    """Import what *wanted* takes: later, other threads import it, and a child that is forked then waits for them."""
    kind = chosen(wanted)
    if kind is not None:
        _library(kind)


def has_zstd() -> bool:
    """Return whether zstd files can be written and read here."""
    try:
        _library("zstd")
    except MissingExtra:
        return False
    return True


def compress(source: BinaryIO, target: BinaryIO, kind: str) -> None:
    """Write what *source* holds to *target*, compressed. Raises OSError, and MissingExtra where there is no zstd."""
    with _library(kind).writer(target) as packed:
        while block := source.read(_BLOCK_BYTES):
            packed.write(block)


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked as its name asks for. Raises OSError.

    That zstd is missing, or the content damaged, is said by the first read (MissingExtra, ObsError): one old file that
    can't be read keeps nobody from the newer ones.
    """
    kind, file = kind_of(path), path.open("rb")
    return cast(BinaryIO, io.BufferedReader(_Unpacked(file, kind), _BLOCK_BYTES)) if kind else file


class _Unpacked(io.RawIOBase):
    """What a compressed file holds, from its beginning; it can be gone back to the beginning."""

    def __init__(self, packed: BinaryIO, kind: str) -> None:
        self._packed = packed
        self._kind = kind
        self._reader: Any = None
        self._position = 0

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes. Raises MissingExtra without zstd, and ObsError where the file is damaged."""
        library = _library(self._kind)
        view = memoryview(buffer).cast("B")
        try:
            self._reader = self._reader or library.reader(self._packed)
            data = self._reader.read(len(view))
        except library.errors as error:
            raise ObsError(f"{self._packed.name} is damaged ({error}); without it the others can be read") from None
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to the beginning; anywhere else raises `io.UnsupportedOperation`."""
        if (offset, whence) == (0, os.SEEK_SET):
            self._packed.seek(0)
            self._reader, self._position = None, 0
        elif (offset, whence) != (0, os.SEEK_CUR):
            raise io.UnsupportedOperation("a compressed file is read from its beginning")
        return self._position

    def tell(self) -> int:
        """How many bytes were read."""
        return self._position

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """To its beginning."""
        return True

    def fileno(self) -> int:
        """The descriptor of the compressed file."""
        return self._packed.fileno()

    def close(self) -> None:
        """Close the compressed file."""
        self._packed.close()
        super().close()


class _Library(NamedTuple):
    """What opens a stream for reading and for writing, and what it raises for a damaged one."""

    reader: Callable[[IO[bytes]], Any]
    writer: Callable[[IO[bytes]], Any]
    errors: tuple[type[Exception], ...]


def _library(kind: str) -> _Library:
    """Return what reads and writes this kind; raises MissingExtra for zstd where there is none."""
    return _gzip() if kind == "gzip" else _zstd()


def _gzip() -> _Library:
    import gzip
    import zlib

    return _Library(
        lambda source: gzip.GzipFile(fileobj=source),
        lambda target: gzip.GzipFile("", "wb", _GZIP_LEVEL, target),
        (EOFError, gzip.BadGzipFile, zlib.error),
    )


def _zstd() -> _Library:
    # A Python of 3.14 may have been built without it.
    try:
        if sys.version_info >= (3, 14):
            return _zstd_of_python()
        return _zstd_of_package()
    except ImportError:
        raise MissingExtra(
            "files that end in .zst need zstd, which the zstd extra brings: pip install 'navigator-obs[zstd]'"
        ) from None


if sys.version_info >= (3, 14):

    def _zstd_of_python() -> _Library:
        from compression import zstd

        return _Library(
            zstd.ZstdFile,
            lambda target: zstd.ZstdFile(target, "w", level=_ZSTD_LEVEL),
            (EOFError, zstd.ZstdError),
        )


def _zstd_of_package() -> _Library:
    import zstandard

    return _Library(
        lambda source: zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True, closefd=False),
        lambda target: zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(target, closefd=False),
        (zstandard.ZstdError,),
    )
