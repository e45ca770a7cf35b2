"""The shared log file: rotated by size, nothing lost or doubled, healed after a torn line."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navigator_obs.clock import format_timestamp
from navigator_obs.events import locking
from navigator_obs.events.rotation import LogFile, make_private_folder


def log_file(folder, *, max_bytes=1_000, backups=3, **more):
    return LogFile(folder / "navigator.log", max_bytes=max_bytes, backups=backups, **more)


def contents(folder):
    """All lines, oldest first."""
    paths = sorted(folder.glob("navigator.log.*"), key=lambda path: -int(path.suffix[1:]))
    return [
        line
        for path in [*paths, folder / "navigator.log"]
        if path.exists()
        for line in path.read_bytes().split(b"\n")[:-1]
    ]


def batches(sizes):
    numbers = iter(range(10**9))
    return [b"".join(b"%06d%s\n" % (next(numbers), b"x" * size) for size in batch) for batch in sizes]


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(0, 120), min_size=1, max_size=8), max_size=12),
    max_bytes=st.integers(50, 600),
    reopen=st.sets(st.integers(0, 11)),
)
def test_rotation_keeps_every_line_once_and_in_order(sizes, max_bytes, reopen, tmp_path_factory):
    """Whatever is appended, with however many writers in turn: all lines, in order, whole, in files of bounded size."""
    folder = tmp_path_factory.mktemp("rotation")
    log = log_file(folder, max_bytes=max_bytes, backups=200)
    written = batches(sizes)
    for number, batch in enumerate(written):
        if number in reopen:
            log.close()
            log = log_file(folder, max_bytes=max_bytes, backups=200)
        log.append(batch)
    assert contents(folder) == b"".join(written).split(b"\n")[:-1]
    for path in folder.glob("navigator.log*"):
        data = path.read_bytes()
        assert len(data) <= max_bytes or data.count(b"\n") == 1
    log.close()


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.lists(st.integers(0, 90), min_size=1, max_size=5), min_size=1, max_size=20),
    backups=st.integers(0, 4),
)
def test_the_newest_lines_are_kept(sizes, backups, tmp_path_factory):
    """With few backups the oldest files go: what is left is the end of what was written, without a gap."""
    folder = tmp_path_factory.mktemp("backups")
    log = log_file(folder, max_bytes=200, backups=backups)
    for batch in batches(sizes):
        log.append(batch)
    everything = b"".join(batches(sizes)).split(b"\n")[:-1]
    kept = contents(folder)
    assert kept
    assert kept == everything[-len(kept) :]
    assert len(list(folder.glob("navigator.log.[0-9]*"))) <= backups
    log.close()


def test_several_writers_and_threads_share_a_file(tmp_path):
    """Each writer has its own descriptors, and each is used by two threads: nothing is lost, torn or doubled."""
    logs = [log_file(tmp_path, max_bytes=2_000, backups=1_000) for _ in range(3)]

    def write(log, name):
        for number in range(100):
            log.append(f"{name}:{number}:{'x' * 30}\n".encode())

    threads = [
        threading.Thread(target=write, args=(log, f"{log_number}{twin}"))
        for log_number, log in enumerate(logs)
        for twin in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = contents(tmp_path)
    assert len(lines) == len(set(lines)) == 600
    for log_number in range(3):
        for twin in "ab":
            mine = [int(line.split(b":")[1]) for line in lines if line.startswith(f"{log_number}{twin}:".encode())]
            assert mine == list(range(100))
    for log in logs:
        log.close()


@pytest.mark.parametrize("torn", [b"torn", b"x" * 200_000])
def test_a_torn_last_line_is_cut_off(tmp_path, torn):
    """What a killed writer left of a line goes before the next is written; whole lines stay."""
    (tmp_path / "navigator.log").write_bytes(b"one\ntwo\n" + torn)
    log = log_file(tmp_path, max_bytes=10_000_000)
    log.append(b"three\n")
    assert contents(tmp_path) == [b"one", b"two", b"three"]
    (tmp_path / "navigator.log").write_bytes(torn)
    log.append(b"alone\n")
    assert contents(tmp_path) == [b"alone"]
    log.close()


def test_a_deleted_folder_is_made_again(tmp_path):
    """When the folder goes under it, the next line makes it anew, with the same permissions."""
    folder = tmp_path / "logs"
    log = log_file(folder)
    log.append(b"one\n")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    log.append(b"two\n")
    assert contents(folder) == [b"two"]
    assert folder.stat().st_mode & 0o777 == 0o700
    log.close()


def event(number, age_seconds):
    written = format_timestamp(time.time_ns() - int(age_seconds * 1e9))
    return f'{{"timestamp":"{written}","level":"INFO","message":"{number}"}}\n'.encode()


def test_a_file_that_is_old_enough_rotates(tmp_path):
    """Its age is that of its first event, whoever has written it, and whatever its size."""
    log = log_file(tmp_path, max_seconds=3_600)
    log.append(event(0, 3_500))
    log.append(event(1, 0))
    assert not (tmp_path / "navigator.log.1").exists()
    (tmp_path / "navigator.log").write_bytes(event(2, 3_700) + event(3, 10))
    log.close()
    log = log_file(tmp_path, max_seconds=3_600)
    log.append(event(4, 0))
    assert (tmp_path / "navigator.log.1").read_bytes().count(b"\n") == 2
    assert len(contents(tmp_path)) == 3
    log.close()


def test_size_and_age_hold_together(tmp_path):
    """Whichever comes first; an empty file is never too old, and a first line that is no event counts from now."""
    log = log_file(tmp_path, max_bytes=300, max_seconds=3_600)
    for number in range(10):
        log.append(event(number, 0))
    assert len(list(tmp_path.glob("navigator.log.*"))) == 2
    (tmp_path / "navigator.log").write_bytes(b"")
    log.append(b"no event\n")
    log.append(event(9, 0))
    assert (tmp_path / "navigator.log").read_bytes().startswith(b"no event\n")
    log.close()


SHARER = """
import sys
from pathlib import Path
from navigator_obs.events.rotation import LogFile
name, count, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
sizes = [int(size) for size in sys.argv[4].split(",")]
log = LogFile(Path("navigator.log"), max_bytes=most, backups=100_000)
number = 0
while number < count:
    batch = []
    for size in sizes:
        batch.append(f"{name}:{number}:{'x' * size}\\n".encode())
        number += 1
    log.append(b"".join(batch), patience_seconds=60)
    if number % 7 == 0:
        log.close()
"""


@settings(max_examples=8, deadline=None)
@given(
    writers=st.lists(st.lists(st.integers(0, 400), min_size=1, max_size=6), min_size=2, max_size=3),
    max_bytes=st.integers(60, 3_000),
)
def test_processes_share_a_file_through_rotation(writers, max_bytes, tmp_path_factory):
    """Whatever the sizes, the limit and the number of processes: nothing is lost, torn or doubled, each one's lines are
    in their order, and no file is larger than it may be.
    """
    folder = tmp_path_factory.mktemp("shared")
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", SHARER, str(name), "120", str(max_bytes), ",".join(map(str, sizes))], cwd=folder
        )
        for name, sizes in enumerate(writers)
    ]
    assert [program.wait(timeout=300) for program in programs] == [0] * len(writers)
    lines = [line.split(b":") for line in contents(folder)]
    for name, sizes in enumerate(writers):
        mine = [(int(number), len(padding)) for writer, number, padding in lines if writer == str(name).encode()]
        assert mine == [(number, sizes[number % len(sizes)]) for number in range(len(mine))]
        assert 120 <= len(mine) < 120 + len(sizes)
    for path in folder.glob("navigator.log*"):
        assert path.stat().st_size <= max_bytes or path.read_bytes().count(b"\n") == 1


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path):
    """As logrotate does it: the moved file keeps its lines, later ones go to a new file of the old name."""
    log = log_file(tmp_path)
    log.append(b"one\n")
    (tmp_path / "navigator.log").rename(tmp_path / "moved")
    log.append(b"two\n")
    assert (tmp_path / "moved").read_bytes() == b"one\n"
    assert contents(tmp_path) == [b"two"]
    log.close()


def test_a_file_that_was_truncated_is_gone_on_with(tmp_path):
    """As `copytruncate` does it: writing goes on at the new end."""
    log = log_file(tmp_path)
    log.append(b"one\n")
    os.truncate(tmp_path / "navigator.log", 0)
    log.append(b"two\n")
    assert contents(tmp_path) == [b"two"]
    log.close()


def test_files_are_private(tmp_path):
    """Log, lock and folder are the user's alone, unless told otherwise."""
    log = log_file(tmp_path / "a" / "b")
    log.append(b"one\n")
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")} == {
        "b": 0o700,
        "navigator.log": 0o600,
        ".navigator.log.lock": 0o600,
    }
    open_log = log_file(tmp_path / "c", file_mode=0o640, dir_mode=0o750)
    open_log.append(b"one\n")
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "c" / "navigator.log").stat().st_mode & 0o777 == 0o640
    log.close()
    open_log.close()


def test_a_planted_symlink_is_not_followed(tmp_path):
    """A link in the log's place is refused, and its target stays as it was."""
    target = tmp_path / "target"
    target.write_text("precious")
    (tmp_path / "navigator.log").symlink_to(target)
    log = log_file(tmp_path)
    with pytest.raises(OSError, match="symbolic link"):
        log.append(b"one\n")
    assert target.read_text() == "precious"
    log.close()


def test_a_lock_that_is_held_for_too_long_is_an_error(tmp_path, monkeypatch):
    """Another process that was stopped while it held the lock costs a bounded time, not for ever."""
    monkeypatch.setattr(locking, "LOCK_TIMEOUT_SECONDS", 0.05)
    holder, log = log_file(tmp_path), log_file(tmp_path)
    with holder.exclusive(), pytest.raises(OSError, match="holds the lock"):
        log.append(b"one\n")
    log.append(b"two\n")
    assert contents(tmp_path) == [b"two"]
    holder.close()
    log.close()


def test_a_file_is_found_by_its_inode(tmp_path):
    """A file that has been rotated meanwhile is found under its new name."""
    log = log_file(tmp_path, max_bytes=10)
    log.append(b"12345678\n")
    inode = (tmp_path / "navigator.log").stat().st_ino
    log.append(b"12345678\n")
    assert log.find(inode) == tmp_path / "navigator.log.1"
    assert log.find(1) is None
    log.close()


def test_a_file_in_the_folders_place_is_an_error(tmp_path):
    """A folder can't be made where a file stands."""
    (tmp_path / "logs").write_text("")
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "logs")
