"""Rotated files are compressed, and go by number, age and total size, whichever comes first."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.events import compression
from navigator_obs.events.compression import kind_of, number_of, open_plain
from navigator_obs.events.places import FOLDER
from navigator_obs.events.retention import Retention
from navigator_obs.events.rotation import LogFile
from navigator_obs.events.staging import Staging
from navigator_obs.history.reader import read_events

DAY_SECONDS = 86_400
needs_zstd = pytest.mark.skipif(not compression.has_zstd(), reason="needs the zstd extra")


def log_file(folder, *, backups=1_000, max_bytes=1_000):
    return LogFile(folder / "navigator.log", max_bytes=max_bytes, backups=backups)


def fill(log, count, start=0):
    for number in range(start, start + count):
        log.append(b"%06d%s\n" % (number, b"x" * 93))


def kept(log):
    """All lines, oldest first, whatever they are kept in."""
    lines = []
    for path in [*reversed(log.rotated_files()), log.path]:
        with open_plain(path) as file:
            lines += [int(line[:6]) for line in file]
    return lines


@settings(max_examples=40)
@given(
    backups=st.integers(0, 12),
    days=st.none() | st.integers(1, 12),
    total=st.none() | st.integers(1, 12),
    kind=st.sampled_from(["off", "gzip", *(["zstd"] if compression.has_zstd() else [])]),
    rounds=st.lists(st.integers(1, 40), min_size=1, max_size=4),
)
def test_the_limits_hold_together(backups, days, total, kind, rounds, tmp_path_factory):
    """Whatever the limits and however the lines come: what is kept is the end of what was written, without a gap, and
    within each limit; the live file always stays.
    """
    log = log_file(tmp_path_factory.mktemp("retention"), backups=backups)
    limit = Retention(kind, days, total * 1_000 if total else None)
    written = 0
    for count in rounds:
        fill(log, count, written)
        written += count
        for path in log.rotated_files():
            age = number_of(path.name, "navigator.log") * DAY_SECONDS - 60
            os.utime(path, (time.time() - age, time.time() - age))
        limit.apply(log)
        lines = kept(log)
        assert lines == list(range(written - len(lines), written))
        numbers = [number_of(path.name, "navigator.log") for path in log.rotated_files()]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) <= min(backups, days or backups)
        sizes = [path.stat().st_size for path in [log.path, *log.rotated_files()]]
        assert sum(sizes[1:]) + sizes[0] <= total * 1_000 or len(sizes) == 1 if total else True
        assert {kind_of(path) for path in log.rotated_files()} <= {"" if kind == "off" else kind}
    log.close()


def test_nothing_goes_that_may_stay(tmp_path):
    """Within all limits every line is kept, also what other programs put beside the log."""
    log = log_file(tmp_path)
    fill(log, 35)
    foreign = [tmp_path / "navigator.log.old", tmp_path / "navigator.log.1.bak", tmp_path / "other.log.1"]
    for path in foreign:
        path.write_text("mine")
    Retention("gzip", 1, 100_000).apply(log)
    assert kept(log) == list(range(35))
    assert [path.read_text() for path in foreign] == ["mine"] * 3
    log.close()


@needs_zstd
def test_what_is_compressed_keeps_its_time_and_permissions(tmp_path):
    """Age counts from the last event, not from the compressing; the file stays the user's alone."""
    log = log_file(tmp_path)
    fill(log, 15)
    [plain] = log.rotated_files()
    os.utime(plain, (1_000_000, 1_000_000))
    Retention("zstd").apply(log)
    [packed] = log.rotated_files()
    assert (packed.name, packed.stat().st_mtime, packed.stat().st_mode & 0o777) == (
        "navigator.log.1.zst",
        1_000_000,
        0o600,
    )
    log.close()


@needs_zstd
def test_another_kind_may_be_chosen_later(tmp_path):
    """What was compressed one way stays so, rotates on, and is read beside the new ones."""
    log = log_file(tmp_path)
    fill(log, 25)
    Retention("gzip").apply(log)
    fill(log, 20, 25)
    Retention("zstd").apply(log)
    assert [path.suffix for path in log.rotated_files()] == [".zst", ".zst", ".gz", ".gz"]
    assert kept(log) == list(range(45))
    log.close()


def test_a_file_that_a_dead_writer_may_not_have_finished_waits(tmp_path):
    """Who recovers the writer looks into the file how much of its last lines arrived: until then it stays as it is."""
    log = log_file(tmp_path)
    area = Staging.create(tmp_path / FOLDER)
    area.store(b"000000%s\n" % (b"x" * 93))
    log.append(b"000000%s\n" % (b"x" * 93))
    area.placed(log.path.stat().st_ino, 0, 100)
    fill(log, 14, 1)
    Retention("gzip").apply(log, [tmp_path / FOLDER])
    assert [path.name for path in log.rotated_files()] == ["navigator.log.1"]
    area.drain(log)
    Retention("gzip").apply(log, [tmp_path / FOLDER])
    assert [path.name for path in log.rotated_files()] == ["navigator.log.1.gz"]
    assert kept(log) == list(range(15))
    area.remove()
    log.close()


def test_what_a_killed_compressor_left_goes(tmp_path):
    """An old draft is removed; one that may be at work is let alone."""
    log = log_file(tmp_path)
    fill(log, 15)
    old, new = tmp_path / ".navigator.log.1.4711.gz", tmp_path / ".navigator.log.1.4712.zst"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 7_200, time.time() - 7_200))
    Retention("gzip").apply(log)
    assert (old.exists(), new.exists()) == (False, True)
    log.close()


@needs_zstd
def test_a_program_compresses_beside_its_work(tmp_path, monkeypatch):
    """With `log_compress` the rotated files of a real program are small, and every event is read from them."""
    monkeypatch.chdir(tmp_path)
    obs.configure(log_dir="logs", console="off", log_max_bytes=20_000, log_backups=100, log_compress=True)
    log = obs.get_logger("planwise")
    for number in range(500):
        log.info("year simulated", number=number, padding="x" * 50)
    obs.shutdown()
    kinds = {kind_of(path) for path in (tmp_path / "logs").glob("navigator.log.*")}
    assert kinds == {"zstd"}
    found = [event["number"] for event, _ in read_events("logs/navigator.log") if "number" in event]
    assert found == list(range(500))


PACKERS = """
import sys
from pathlib import Path
from navigator_obs.events.places import FOLDER
from navigator_obs.events.retention import Retention
from navigator_obs.events.rotation import LogFile
name, kind = sys.argv[1:]
log = LogFile(Path("navigator.log"), max_bytes=2_000, backups=10_000)
for number in range(400):
    log.append(f"{name}{number:05}{'x' * 40}\\n".encode())
    if number % 20 == 0:
        Retention(kind).apply(log)
Retention(kind).apply(log)
"""


@needs_zstd
def test_several_processes_compress_one_log(tmp_path):
    """While others rotate under them: nothing is lost or doubled, and each one's lines stay in their order."""
    programs = [
        subprocess.Popen([sys.executable, "-c", PACKERS, name, kind], cwd=tmp_path)
        for name, kind in (("a", "gzip"), ("b", "zstd"), ("c", "zstd"))
    ]
    try:
        assert [program.wait(timeout=300) for program in programs] == [0, 0, 0]
    finally:
        for program in programs:
            program.kill()
            program.wait()
    log = log_file(tmp_path, backups=10_000)
    lines = []
    for path in [*reversed(log.rotated_files()), log.path]:
        with open_plain(path) as file:
            lines += [line[:6].decode() for line in file]
    for name in "abc":
        assert [line for line in lines if line[0] == name] == [f"{name}{number:05}" for number in range(400)]
    log.close()


def test_a_missing_library_is_said_once(recorder, monkeypatch):
    """Where zstd was asked for and there is none, a warning says what brings it, and gzip takes its place."""
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    recorder.configure(log_compress="zstd", log_max_bytes=1_000)
    [told] = recorder.events("zstd is missing: rotated log files are compressed with gzip")
    assert told["install"] == "pip install 'navigator-obs[zstd]'"
    assert compression.chosen("zstd") == "gzip"


@pytest.mark.parametrize(
    ("given", "meant"),
    [(True, "auto"), (False, "off"), ("true", "auto"), ("0", "off"), ("zstd", "zstd"), ("gzip", "gzip")],
)
def test_the_setting_was_once_a_flag(given, meant):
    """Flags still say whether to compress at all."""
    assert obs.Config(log_compress=given).log_compress == meant
