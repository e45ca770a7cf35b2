"""Reading the log: in order through rotation, past torn lines, backwards for the newest few, and on as it grows."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.errors import MissingExtra, UsageError
from navigator_obs.events.compression import SUFFIXES, compress, has_zstd
from navigator_obs.events.rotation import LogFile
from navigator_obs.history import logfiles
from navigator_obs.history.reader import read_events


def line(number: int, **fields: object) -> bytes:
    return json.dumps({"level": "INFO", "run_id": "r1", "n": number, **fields}, separators=(",", ":")).encode() + b"\n"


def numbers(log: Path, **wanted) -> list[int]:
    return [event["n"] for event, _ in read_events(log, **wanted)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "navigator.log"


class Writer:
    """A real log file with a small size, so that it rotates often."""

    def __init__(self, path: Path, backups: int = 50) -> None:
        self.file = LogFile(path, max_bytes=1000, backups=backups)
        self.count = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            self.file.append(line(self.count))
            self.count += 1


def test_rotated_files_are_read_in_the_order_of_time(log: Path):
    """More than nine rotated files are read by number, not by the alphabet, then the live one."""
    Writer(log).write(300)
    assert (log.parent / "navigator.log.11").exists()
    assert numbers(log) == list(range(300))


def test_a_log_that_is_opened_while_it_rotates_hides_no_file(log: Path):
    """However often that happens in between, all that was written by then comes out, once and in order."""
    child = os.fork()
    if child == 0:
        writer = Writer(log, backups=1_000)
        for _ in range(100):
            writer.write(50)
            time.sleep(0.01)
        os._exit(0)
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        found = numbers(log)
        assert found == list(range(len(found)))
    assert numbers(log) == list(range(5_000))


def test_the_raw_line_comes_with_the_event(log: Path):
    """Each event comes with its bytes as they are in the file."""
    log.write_bytes(line(1) + line(2))
    assert [raw for _, raw in read_events(log)] == [line(1)[:-1], line(2)[:-1]]


def pack(path: Path, kind: str) -> None:
    with path.open("rb") as source, path.with_name(path.name + SUFFIXES[kind]).open("wb") as target:
        compress(source, target, kind)
    path.unlink()


@pytest.mark.skipif(not has_zstd(), reason="needs the zstd extra")
def test_compressed_files_are_read_as_well(log: Path):
    """Rotated files that were compressed, each in its way, read as before."""
    Writer(log).write(100)
    pack(log.parent / "navigator.log.2", "gzip")
    pack(log.parent / "navigator.log.3", "zstd")
    assert numbers(log) == list(range(100))
    assert numbers(log, limit=60) == list(range(40, 100))
    assert numbers(log, where=["n=70"]) == [70]


@pytest.mark.skipif(not has_zstd(), reason="needs the zstd extra")
def test_an_old_file_that_cannot_be_read_keeps_nobody_from_the_newer_ones(log: Path, monkeypatch):
    """Without zstd the newest events are there; whoever wants all is told what is missing."""
    writer = Writer(log)
    writer.write(100)
    pack(log.parent / "navigator.log.3", "zstd")
    monkeypatch.setitem(sys.modules, "zstandard", None)
    assert numbers(log, limit=5) == list(range(95, 100))
    with pytest.raises(MissingExtra, match="zstd"):
        numbers(log)


def test_torn_and_foreign_lines_are_left_out_and_told(log: Path):
    """Half a line, a line of another program and holes do not end the reading; the caller hears of them."""
    torn: list[bytes] = []
    log.write_bytes(line(1) + b'{"level":"INF\n' + b"Traceback\n" + b"\0\0\n" + b"[1]\n" + line(2) + line(3)[:-4])
    assert [event["n"] for event, _ in read_events(log, torn=torn.append)] == [1, 2]
    assert torn == [b'{"level":"INF', b"Traceback", b"[1]"]


def test_a_level_is_a_minimum(log: Path):
    """The level asked for and those above it are shown, however it is spelled."""
    levels = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    log.write_bytes(b"".join(line(number, level=level) for number, level in enumerate(levels)))
    assert numbers(log, level="warning") == [2, 3, 4]
    assert numbers(log, level="DEBUG") == [0, 1, 2, 3, 4]


def test_filters_hold_together(log: Path):
    """Run, level and all conditions must be met; a run id in another place of the line is not the run's."""
    log.write_bytes(
        line(1, year=2025) + line(2, year=2026) + line(3, run_id="r2", year=2026, parent="r1") + line(4, year="2026")
    )
    assert numbers(log, run_id="r1", where=["year=2026"]) == [2, 4]
    assert numbers(log, where=["year>2025", "n<3"]) == [2]


@pytest.mark.parametrize("wrong", [{"level": "LOUD"}, {"where": ["year"]}, {"limit": 0}])
def test_wrong_arguments_are_refused_at_once(log: Path, wrong: dict):
    """Wrong use is said at the call, not at the first event."""
    with pytest.raises(UsageError):
        read_events(log, **wrong)


def test_a_missing_log_has_no_events(log: Path):
    """A log that was never written reads as empty."""
    assert numbers(log) == []


@given(sizes=st.lists(st.integers(0, 90), max_size=12), limit=st.integers(1, 15), block=st.integers(1, 200))
def test_the_newest_events_are_the_last_ones_of_all(tmp_path_factory, sizes: list[int], limit: int, block: int):
    """Reading backwards finds what reading everything ends with, wherever the blocks fall and a torn end lies."""
    log = tmp_path_factory.mktemp("log") / "navigator.log"
    half = len(sizes) // 2
    whole = [line(number, text="x" * size) for number, size in enumerate(sizes)]
    (log.parent / "navigator.log.1").write_bytes(b"".join(whole[:half]) + b'{"n":')
    log.write_bytes(b"".join(whole[half:]) + b'{"n": 99')
    before, logfiles._BLOCK_BYTES = logfiles._BLOCK_BYTES, block
    try:
        assert numbers(log, limit=limit) == numbers(log)[-limit:]
    finally:
        logfiles._BLOCK_BYTES = before


class Follower:
    """Drives a following iterator by hand: what has come so far, at each moment."""

    def __init__(self, log: Path, monkeypatch: pytest.MonkeyPatch, **wanted) -> None:
        monkeypatch.setattr("navigator_obs.history.reader.POLL_SECONDS", 0)
        self.seen: list[int] = []
        self.turns: Iterator[None] = self._turns(log, wanted)

    def _turns(self, log: Path, wanted: dict) -> Iterator[None]:
        self.quiet = 0
        for event, _ in read_events(log, follow=True, idle=self._idle, **wanted):
            self.seen.append(event["n"])
            yield

    def _idle(self) -> bool:
        self.quiet += 1
        self.between()
        return self.quiet >= self.rounds

    def run(self, *steps) -> list[int]:
        waiting = list(steps)
        self.rounds = len(steps) + 1
        self.between = lambda: waiting.pop(0)() if waiting else None
        for _ in self.turns:
            pass
        return self.seen


def test_following_shows_what_is_appended(log: Path, monkeypatch):
    """New lines come once each, after those that were there; half a line waits for its other half."""
    log.write_bytes(line(0))

    def append(data: bytes) -> None:
        with log.open("ab") as file:
            file.write(data)

    whole = line(2)
    steps = [lambda: append(line(1)), lambda: append(whole[:10]), lambda: append(whole[10:] + line(3))]
    assert Follower(log, monkeypatch).run(*steps) == [0, 1, 2, 3]


def test_following_survives_rotation(log: Path, monkeypatch):
    """Several rotations between two looks lose and repeat nothing."""
    writer = Writer(log)
    writer.write(5)
    steps = [lambda: writer.write(70), lambda: writer.write(1), lambda: writer.write(200)]
    assert Follower(log, monkeypatch).run(*steps) == list(range(276))


def test_following_survives_rotation_out_of_existence(log: Path, monkeypatch):
    """Where the file that was read has been removed by rotation, what came after it is shown, and nothing twice."""
    writer = Writer(log, backups=2)
    writer.write(5)
    seen = Follower(log, monkeypatch).run(lambda: writer.write(300))
    left = numbers(log)
    assert seen[: -len(left)] == list(range(len(seen) - len(left)))
    assert seen[-len(left) :] == left
    assert left[0] > len(seen) - len(left)


def test_following_survives_compression(log: Path, monkeypatch):
    """Rotated files that were compressed between two looks are shown once."""
    writer = Writer(log)
    writer.write(5)

    def rotate_and_compress() -> None:
        writer.write(60)
        for path in log.parent.glob("navigator.log.?"):
            packed = path.with_name(f"{path.name}.gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            os.utime(packed, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
            path.unlink()

    assert Follower(log, monkeypatch).run(rotate_and_compress, lambda: writer.write(1)) == list(range(66))


def test_following_survives_a_healed_line(log: Path, monkeypatch):
    """Half a line that its successor cuts off is forgotten; the successor is shown."""
    log.write_bytes(line(0) + b'{"n": 1, "half')
    writer = Writer(log)
    writer.count = 1
    assert Follower(log, monkeypatch).run(lambda: writer.write(1)) == [0, 1]


def test_following_survives_deletion_and_truncation(log: Path, monkeypatch):
    """A log that somebody deletes or empties is followed from its new beginning."""
    log.write_bytes(line(0) + line(1))

    def replace() -> None:
        log.unlink()
        log.write_bytes(line(2) + line(3))

    assert Follower(log, monkeypatch).run(replace, lambda: log.write_bytes(line(4))) == [0, 1, 2, 3, 4]


def test_following_waits_for_a_log_that_is_not_there_yet(log: Path, monkeypatch):
    """A follower that was started before the program sees its first line."""
    assert Follower(log, monkeypatch).run(lambda: log.write_bytes(line(0))) == [0]


def test_following_starts_where_reading_ended(log: Path, monkeypatch):
    """What is appended while the first part is being read comes once, after it."""
    log.write_bytes(line(0) + line(1))
    monkeypatch.setattr("navigator_obs.history.reader.POLL_SECONDS", 0)
    looks = []
    events = read_events(log, follow=True, idle=lambda: bool(looks) or looks.append(1) or False)
    first = next(events)[0]["n"]
    with log.open("ab") as file:
        file.write(line(2))
    assert [first, *(event["n"] for event, _ in events)] == [0, 1, 2]


def test_events_since_a_moment(tmp_path: Path):
    """Older events are left out, also those of files that were written to last before it."""
    path = tmp_path / "navigator.log"
    old = tmp_path / "navigator.log.1"
    old.write_text('{"timestamp":"2025-08-17T10:00:00.000000Z","message":"old"}\n')
    os.utime(old, (1_755_424_800, 1_755_424_800))
    path.write_text(
        '{"timestamp":"2025-08-18T10:00:00.000000Z","message":"before"}\n'
        '{"timestamp":"2025-08-18T12:00:00.000000Z","message":"after"}\n'
    )
    for more in ({}, {"limit": 5}):
        found = [event["message"] for event, _ in read_events(path, since="2025-08-18T11:00Z", **more)]
        assert found == ["after"]


def test_one_event_by_its_id(tmp_path: Path):
    """Process and seq together name one event of a run."""
    path = tmp_path / "navigator.log"
    told = [(7, 4), (7, 42), (7, 420), (8, 42)]
    path.write_text("".join(f'{{"message":"{p}-{s}","process":{p},"seq":{s}}}\n' for p, s in told))
    assert [event["message"] for event, _ in read_events(path, event_id="7-42")] == ["7-42"]
    with pytest.raises(UsageError, match="4711-42"):
        read_events(path, event_id="42")


@given(
    st.lists(st.sampled_from(["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]), max_size=60),
    st.sampled_from(["INFO", "WARNING", "ERROR"]),
    st.integers(20, 400),
)
def test_looking_in_blocks_finds_what_reading_lines_finds(
    tmp_path_factory: pytest.TempPathFactory, levels: list[str], level: str, block: int
):
    """Wherever blocks begin and end, a filtered read finds each line once, in order."""
    path = tmp_path_factory.mktemp("log") / "navigator.log"
    path.write_text("".join(f'{{"level":"{name}","message":"{at}"}}\n' for at, name in enumerate(levels)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logfiles, "_BLOCK_BYTES", block)
        found = [event["message"] for event, _ in read_events(path, level=level)]
    wanted = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    above = wanted[wanted.index(level) :]
    assert found == [str(at) for at, name in enumerate(levels) if name in above]
