"""Lines wait in a mapped file; whatever becomes of their writer, each reaches the log exactly once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navigator_obs.events import staging
from navigator_obs.events.places import FOLDER
from navigator_obs.events.rotation import LogFile
from navigator_obs.events.salvage import recover
from navigator_obs.events.staging import Staging

LINES = [b"%04d %s\n" % (number, b"x" * (number % 50)) for number in range(200)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs"


def log_of(folder: Path, max_bytes: int = 1_000_000) -> LogFile:
    return LogFile(folder / "navigator.log", max_bytes=max_bytes, backups=500)


def contents(folder: Path) -> bytes:
    paths = sorted(folder.glob("navigator.log.*"), key=lambda path: -int(path.suffix[1:]))
    return b"".join(path.read_bytes() for path in [*paths, folder / "navigator.log"] if path.exists())


def die(area: Staging) -> None:
    """What is left when the owner is killed: the file, and no lock."""
    area.discard()


class Stop(BaseException):
    """As Ctrl-C: no OSError."""


def test_lines_are_drained_in_order_and_counted(folder):
    """What was stored reaches the log, once, however often it is drained."""
    area, log = Staging.create(folder / FOLDER), log_of(folder)
    for line in LINES:
        area.store(line)
    assert area.waiting_bytes == sum(map(len, LINES))
    area.drain(log)
    area.drain(log)
    assert contents(folder) == b"".join(LINES)
    assert (area.drained_lines, area.drained_bytes, area.waiting_bytes) == (200, sum(map(len, LINES)), 0)
    area.remove()
    log.close()


def test_a_full_area_takes_no_more_until_it_is_rewound(folder):
    """A line without room is refused whole; sealed, drained and rewound, the area is as new."""
    area, log = Staging.create(folder / FOLDER, 64), log_of(folder)
    area.store(b"x" * 63 + b"\n")
    with pytest.raises(ValueError):  # noqa: PT011
        area.store(b"\n")
    area.drain(log)
    for line in (b"one\n", b"two\n"):
        area.seal()
        assert area.is_sealed
        with pytest.raises(ValueError):  # noqa: PT011
            area.store(b"\n")
        area.drain(log)
        area.rewind()
        area.store(line)
    area.drain(log)
    assert contents(folder) == b"x" * 63 + b"\none\ntwo\n"
    area.remove()
    log.close()


def test_a_sealed_area_ends_where_its_lines_end(folder):
    """Sealing is one step, so that an exception can't come in between; the end is found by the zeros behind it."""
    area = Staging.in_memory(4096)
    area.store(b"one\n")
    area.seal()
    area.seal()
    assert area.waiting_bytes == 4
    area.remove()


def test_the_living_are_let_alone(folder):
    """An area whose owner lives is not touched by a finder."""
    area, log = Staging.create(folder / FOLDER), log_of(folder)
    area.store(b"mine\n")
    assert recover(log) == 0
    area.drain(log)
    assert contents(folder) == b"mine\n"
    area.remove()
    log.close()


def test_the_dead_are_recovered_once(folder):
    """A dead owner's lines reach the log, and its area goes; a second finder finds nothing."""
    area, log = Staging.create(folder / FOLDER), log_of(folder)
    area.store(b"one\n")
    area.store(b"two\n")
    die(area)
    assert recover(log) == 8
    assert recover(log) == 0
    assert contents(folder) == b"one\ntwo\n"
    assert list((folder / FOLDER).iterdir()) == []
    log.close()


def test_a_line_that_was_never_finished_is_left_out(folder):
    """A kill in the middle of a copy leaves a piece without an end: it was not acknowledged, and does not appear."""
    area, log = Staging.create(folder / FOLDER), log_of(folder)
    area.store(b"one\n")
    area.store(b"torn")
    die(area)
    recover(log)
    assert contents(folder) == b"one\n"
    log.close()


def test_an_area_full_to_the_last_byte_is_recovered(folder):
    """Without a zero behind them, the lines end with the file."""
    area, log = Staging.create(folder / FOLDER, 64), log_of(folder)
    area.store(b"x" * 63 + b"\n")
    die(area)
    assert recover(log) == 64
    log.close()


@settings(max_examples=120, deadline=None)
@given(
    count=st.integers(1, 40),
    drained_before=st.integers(0, 40),
    die_at=st.integers(0, 12),
    partial=st.floats(0, 1),
    max_bytes=st.integers(60, 3_000),
    others=st.booleans(),
)
def test_a_death_at_any_moment_of_a_write_loses_and_doubles_nothing(
    count, drained_before, die_at, partial, max_bytes, others, tmp_path_factory
):
    """Killed before, in the middle of or after any write, with rotation in between and others writing on: each stored
    line is in the log exactly once after recovery.
    """
    folder = tmp_path_factory.mktemp("logs")
    area, log = Staging.create(folder / FOLDER, 16_384), log_of(folder, max_bytes)
    for line in LINES[:drained_before]:
        area.store(line)
    area.drain(log)
    for line in LINES[drained_before : drained_before + count]:
        area.store(line)
    with pytest.MonkeyPatch.context() as patch:
        steps = iter(range(10**6))

        def step(call):
            def stopping(*args):
                if next(steps) == die_at:
                    raise Stop
                return call(*args)

            return stopping

        def torn_write(descriptor, data):
            number = next(steps)
            if number == die_at:
                os_write(descriptor, data[: int(len(data) * partial)])
                raise Stop
            return os_write(descriptor, data)

        os_write = os.write
        patch.setattr(os, "write", torn_write)
        patch.setattr(os, "replace", step(os.replace))
        patch.setattr(area, "placed", step(area.placed))
        patch.setattr(area, "written", step(area.written))
        try:
            area.drain(log)
        except Stop:
            pass
    log.close()
    die(area)
    if others:
        other = log_of(folder, max_bytes)
        other.append(b"9999 another\n")
        other.close()
    finder = log_of(folder, max_bytes)
    recover(finder)
    finder.close()
    lines = [line for line in contents(folder).splitlines(keepends=True) if not line.startswith(b"9999")]
    assert sorted(lines) == sorted(LINES[: drained_before + count])


@settings(max_examples=80, deadline=None)
@given(count=st.integers(1, 40), stop_at=st.integers(0, 12), max_bytes=st.integers(60, 3_000))
def test_an_exception_in_the_middle_of_a_write_doubles_nothing(count, stop_at, max_bytes, tmp_path_factory):
    """A signal handler may raise at any moment (Ctrl-C): the next drain goes on where the last one was cut short."""
    folder = tmp_path_factory.mktemp("logs")
    area, log = Staging.create(folder / FOLDER, 16_384), log_of(folder, max_bytes)
    for line in LINES[:count]:
        area.store(line)
    with pytest.MonkeyPatch.context() as patch:
        steps = iter(range(10**6))

        def step(call):
            def stopping(*args):
                before = next(steps) == stop_at
                result = None if before else call(*args)
                if before or next(steps) == stop_at:
                    raise Stop
                return result

            return stopping

        patch.setattr(os, "write", step(os.write))
        patch.setattr(area, "placed", step(area.placed))
        patch.setattr(area, "written", step(area.written))
        try:
            area.drain(log)
        except Stop:
            pass
    area.drain(log)
    assert contents(folder) == b"".join(LINES[:count])
    assert area.drained_lines == count
    area.remove()
    log.close()


def test_a_full_disk_loses_nothing_and_counts_right(folder, monkeypatch):
    """A write that the disk refuses half way is taken back; when there is room again, all lines arrive once."""
    area, log = Staging.create(folder / FOLDER), log_of(folder, 500)
    for line in LINES:
        area.store(line)
    os_write, room = os.write, [1_000]

    def write(descriptor, data):
        if room[0] <= 0:
            raise OSError(28, "No space left on device")
        done = os_write(descriptor, data[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space"):
        area.drain(log)
    before = area.drained_lines
    assert before == contents(folder).count(b"\n")
    monkeypatch.undo()
    area.drain(log)
    assert contents(folder) == b"".join(LINES)
    assert area.drained_lines == len(LINES)
    area.remove()
    log.close()


def test_foreign_files_are_let_alone(folder):
    """What is no area of ours stays, and does not stop recovery."""
    staging_folder = folder / FOLDER
    staging_folder.mkdir(parents=True)
    (staging_folder / f"note{staging.SUFFIX}").write_bytes(b"hello" * 100)
    (staging_folder / f"empty{staging.SUFFIX}").write_bytes(b"")
    (staging_folder / "other").write_bytes(b"x")
    area, log = Staging.create(staging_folder), log_of(folder)
    area.store(b"one\n")
    die(area)
    assert recover(log) == 4
    assert {path.name for path in staging_folder.iterdir()} == {
        f"note{staging.SUFFIX}",
        f"empty{staging.SUFFIX}",
        "other",
    }
    log.close()


def test_recovery_without_a_folder_does_nothing(folder):
    """Where nothing was ever staged there is nothing to do."""
    assert recover(log_of(folder)) == 0
    assert not folder.exists()


def test_areas_are_private(folder):
    """The staging folder and its files are the user's alone."""
    area = Staging.create(folder / FOLDER)
    assert (folder / FOLDER).stat().st_mode & 0o777 == 0o700
    assert area.path.stat().st_mode & 0o777 == 0o600
    area.remove()


def test_an_area_knows_whether_a_kill_would_lose_it(folder):
    """With a file it survives; once that is deleted, or without any, it does not."""
    area = Staging.create(folder / FOLDER)
    assert area.survives_kill
    area.path.unlink()
    assert not area.survives_kill
    area.remove()
    memory = Staging.in_memory(4096)
    assert not memory.survives_kill
    memory.remove()


def test_no_area_without_its_disk_space(folder, monkeypatch):
    """Where the space can't be reserved there is no area, and nothing is left behind."""
    monkeypatch.setattr(os, "posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(OSError, match="No space"):
        Staging.create(folder / FOLDER)
    assert list((folder / FOLDER).iterdir()) == []
