"""What the dead left staged reaches the log once, also after a power cut."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navigator_obs.config import Config
from navigator_obs.events import staging
from navigator_obs.events.places import FOLDER
from navigator_obs.events.retention import Retention
from navigator_obs.events.rotation import LogFile
from navigator_obs.events.salvage import is_intended, recover, recover_log
from navigator_obs.events.staging import Staging
from navigator_obs.history.reader import read_events


def log_of(folder, **limits):
    return LogFile(folder / "navigator.log", **{"max_bytes": 1_000, "backups": 1_000, **limits})


def line(number):
    return b'{"level":"INFO","message":"event","seq":%d,"padding":"%s"}\n' % (number, b"x" * 60)


def numbers(folder):
    return [event["seq"] for event, _ in read_events(folder / "navigator.log")]


@settings(max_examples=60)
@given(
    lines=st.integers(0, 60),
    drained=st.integers(0, 60),
    mark=st.integers(0, 60),
    lost=st.integers(0, 200),
    compressed=st.booleans(),
)
def test_a_power_cut_doubles_nothing(lines, drained, mark, lost, compressed, tmp_path_factory):
    """Whatever the disk held of log and area, each as of its own moment: no event is there twice, and none that the log
    or the area had is missing.
    """
    folder = tmp_path_factory.mktemp("cut")
    log = log_of(folder)
    area = Staging.create(folder / FOLDER)
    drained, mark = min(drained, lines), min(mark, drained, lines)
    for number in range(drained):
        area.store(line(number))
        if number == mark - 1:
            area.drain(log)
    old = {word: area._words[word] for word in (staging._FLUSHED, staging._INTENT_END, staging._OFFSET, staging._INODE)}
    area.drain(log)
    for number in range(drained, lines):
        area.store(line(number))
    # The header as the disk last heard of it, when the last drain was not done yet.
    for word, value in old.items():
        area._words[word] = value
    area._words[staging._BOOT] ^= 1
    staged = list(range(mark, lines))
    area.discard()
    if lost and log.path.exists():
        size = log.path.stat().st_size
        os.truncate(log.path, max(0, size - lost))
    in_log = numbers(folder) if log.path.exists() else []
    if compressed:
        Retention("gzip").apply(log)
    recover(log, [folder / FOLDER])
    found = numbers(folder)
    assert len(found) == len(set(found))
    assert set(found) == set(in_log) | set(staged)
    assert not list((folder / FOLDER).iterdir())
    log.close()


def test_what_is_no_event_any_more_is_left_out(tmp_path):
    """A page that never reached the disk, or an older one: lines that it spoils do not come into the log."""
    log = log_of(tmp_path)
    area = Staging.create(tmp_path / FOLDER)
    for number in range(3):
        area.store(line(number))
    start = staging._HEADER_BYTES + len(line(0))
    area._memory[start : start + 20] = b'x"seq":7,"message":"'
    area._words[staging._BOOT] ^= 1
    area.discard()
    recover(log)
    assert numbers(tmp_path) == [0, 2]
    log.close()


def test_without_a_power_cut_nothing_is_judged(tmp_path):
    """What a kill left is taken as it is, twice if it was logged twice."""
    log = log_of(tmp_path)
    log.append(line(1))
    area = Staging.create(tmp_path / FOLDER)
    area.store(line(1))
    area.store(b"no event\n")
    area.discard()
    recover(log)
    assert (tmp_path / "navigator.log").read_bytes() == line(1) * 2 + b"no event\n"
    log.close()


def test_every_folder_is_looked_at(tmp_path):
    """Whichever setting an earlier program had."""
    log, folders = log_of(tmp_path), [tmp_path / "a", tmp_path / "b", tmp_path / "missing"]
    for number, folder in enumerate(folders[:2]):
        area = Staging.create(folder)
        area.store(line(number))
        area.discard()
    assert recover(log, folders) == 2 * len(line(0))
    assert numbers(tmp_path) == [0, 1]
    log.close()


def test_somebody_else_who_keeps_the_lock_is_told(tmp_path):
    """The area stays for the next one who looks."""
    log, other = log_of(tmp_path), log_of(tmp_path)
    area = Staging.create(tmp_path / FOLDER)
    area.store(line(0))
    area.discard()
    with other.exclusive(), pytest.raises(OSError, match="holds the lock"):
        recover(log, [tmp_path / FOLDER], 0.01)
    assert recover(log) == len(line(0))
    log.close()
    other.close()


def test_a_command_recovers_with_the_settings(tmp_path):
    """Where the settings stage elsewhere it looks there as well; where nothing was ever logged it makes nothing."""
    config = Config(log_dir=tmp_path / "logs", staging_dir=tmp_path / "fast")
    recover_log(config.log_path, config)
    assert list(tmp_path.iterdir()) == []
    from navigator_obs.events.places import staging_folders

    area = Staging.create(staging_folders(config.log_path, config.staging_dir)[0])
    area.store(line(0))
    area.discard()
    recover_log(config.log_path, config)
    assert numbers(tmp_path / "logs") == [0]


def test_an_open_question_is_seen(tmp_path):
    """Only a write that was begun and not counted, and only into that file."""
    area = Staging.create(tmp_path / FOLDER)
    area.store(line(0))
    assert not is_intended([tmp_path / FOLDER], 7)
    area.placed(7, 0, len(line(0)))
    assert is_intended([tmp_path / "other", tmp_path / FOLDER], 7)
    assert not is_intended([tmp_path / FOLDER], 8)
    area.written(len(line(0)))
    assert not is_intended([tmp_path / FOLDER], 7)
    area.remove()
