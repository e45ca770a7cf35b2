"""Compressed files read as what was written, and a missing library is named."""

from __future__ import annotations

import gzip
import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navigator_obs.errors import MissingExtra, ObsError
from navigator_obs.events import compression

KINDS = ["gzip", *(["zstd"] if compression.has_zstd() else [])]
needs_zstd = pytest.mark.skipif(not compression.has_zstd(), reason="needs the zstd extra")


def packed(folder, data, kind):
    path = folder / f"navigator.log.1{compression.SUFFIXES[kind]}"
    with path.open("wb") as target:
        compression.compress(io.BytesIO(data), target, kind)
    return path


@settings(max_examples=30)
@given(
    lines=st.lists(st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"") + b"\n")),
    kind=st.sampled_from(KINDS),
)
def test_what_is_read_is_what_was_written(lines, kind, tmp_path_factory):
    """Line by line, in blocks, and again from the beginning."""
    path = packed(tmp_path_factory.mktemp("packed"), b"".join(lines), kind)
    with compression.open_plain(path) as file:
        assert list(file) == lines
        file.seek(0)
        assert b"".join(iter(lambda: file.read(7), b"")) == b"".join(lines)
        file.seek(0)
        assert file.read() == b"".join(lines)
        assert file.fileno() > 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_large_file_becomes_a_small_one(tmp_path, kind):
    """Events that are much alike take a fraction of their size."""
    data = b"".join(b'{"level":"INFO","message":"year simulated","seq":%d}\n' % number for number in range(50_000))
    path = packed(tmp_path, data, kind)
    assert path.stat().st_size < len(data) / 8
    with compression.open_plain(path) as file:
        assert file.read() == data


@needs_zstd
def test_frames_behind_one_another_are_one_file(tmp_path):
    """As `cat a.zst b.zst` makes them."""
    one = packed(tmp_path, b"one\n", "zstd")
    one.write_bytes(one.read_bytes() * 3)
    with compression.open_plain(one) as file:
        assert file.readlines() == [b"one\n"] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_an_error_of_its_own(tmp_path, kind):
    """What is no such file can be opened; reading it says that it is damaged."""
    path = packed(tmp_path, b"one\n" * 1000, kind)
    whole = path.read_bytes()
    for damaged in (b"damaged" + whole[7:], whole[:-9] + b"\xff" * 9):
        path.write_bytes(damaged)
        with compression.open_plain(path) as file, pytest.raises(ObsError, match="is damaged"):
            file.read()


@needs_zstd
def test_without_zstd_files_say_what_they_need(tmp_path, monkeypatch):
    """The library is asked for at the first read, by the name of what brings it; other files are not kept back."""
    path = packed(tmp_path, b"one\n", "zstd")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert not compression.has_zstd()
    assert (compression.chosen("auto"), compression.chosen("zstd"), compression.chosen("off")) == ("gzip", "gzip", None)
    with (
        compression.open_plain(path) as file,
        pytest.raises(MissingExtra, match=r"pip install 'navigator-obs\[zstd\]'"),
    ):
        file.read()
    with compression.open_plain(packed(tmp_path, b"one\n", "gzip")) as file:
        assert file.read() == b"one\n"


@needs_zstd
def test_with_zstd_it_is_taken_where_the_choice_is_free():
    """`auto` is zstd where there is some, and `gzip` stays what was asked for."""
    assert (compression.chosen("auto"), compression.chosen("gzip")) == ("zstd", "gzip")


def test_every_tool_can_read_them(tmp_path):
    """A gzip file is one of gzip's own."""
    assert gzip.decompress(packed(tmp_path, b"one\n", "gzip").read_bytes()) == b"one\n"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("navigator.log.1", 1), ("navigator.log.12.gz", 12), ("navigator.log.3.zst", 3), ("navigator.log", None),
        ("navigator.log.old", None), ("navigator.log.1.bz2", None), ("other.log.1", None), ("navigator.log.-1", None),
    ],
)  # fmt: skip
def test_rotated_files_are_known_by_their_number(name, number):
    """Compressed or not; what another program put beside them has none."""
    assert compression.number_of(name, "navigator.log") == number
