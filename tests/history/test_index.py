"""The index of many runs: it makes lists cheap, is never believed against the folders, and may be missing."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import time
from pathlib import Path

import pytest

from navigator_obs.events import places
from navigator_obs.history import index, store
from navigator_obs.history.store import History
from navigator_obs.runs.annotations import annotate

COUNT = 24


def write(runs_dir: Path, number: int, **more: object) -> Path:
    directory = runs_dir / f"run-{number:04d}"
    directory.mkdir(parents=True, exist_ok=True)
    metadata = {
        "run_id": directory.name,
        "name": ("baseline", "what-if")[number % 2],
        "start_time": f"2025-08-01T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.000000Z",
        "duration_seconds": 12.5 + number,
        "status": "success",
        "status_reason": None,
        "final": True,
        "tags": ["nightly"] if number % 3 == 0 else [],
        "parent_run_id": "run-0000" if number % 5 == 4 else None,
        **more,
    }
    summary = {
        "schema_version": 1,
        "run_metadata": metadata,
        "environment": {"cpus": 2},
        "execution_summary": {
            "errors": number,
            "warnings": 0,
            "rows": 1000 * number,
            "years_completed": list(range(2025, 2025 + number % 4)),
        },
        "performance_metrics": {},
    }
    (directory / "summary.json").write_text(json.dumps(summary, indent=2))
    return directory


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch) -> Path:
    """A folder whose files count as settled and as many, so that a test need neither wait nor write hundreds."""
    monkeypatch.setattr(index, "_SETTLED_NS", -(10**12))
    monkeypatch.setattr(store, "_MANY", 10)
    for number in range(COUNT):
        write(tmp_path / "runs", number)
    return tmp_path / "runs"


def told(runs_dir: Path) -> list[dict]:
    return [{**run.to_dict(), "figures": [*run.figures]} for run in History(runs_dir).list()]


def read_folders(runs_dir: Path, monkeypatch) -> list[dict]:
    """The list as it is without an index."""
    with monkeypatch.context() as patch:
        patch.setattr(store, "_MANY", 10**9)
        return told(runs_dir)


def rows(runs_dir: Path) -> dict:
    return index.read_rows(runs_dir)


def test_the_index_tells_what_the_folders_tell(runs_dir: Path, monkeypatch):
    """A list by the index is that of the folders, field by field."""
    annotate(runs_dir / "run-0003", "tag", by="ada", tag="slow")
    annotate(runs_dir / "run-0003", "pin", by="ada")
    expected = read_folders(runs_dir, monkeypatch)
    assert told(runs_dir) == expected
    assert len(rows(runs_dir)) == COUNT
    assert told(runs_dir) == expected


def test_rows_that_hold_are_not_read_again(runs_dir: Path, monkeypatch):
    """The second list opens no summary."""
    History(runs_dir).list()
    monkeypatch.setattr(index, "entry_of", lambda *_: pytest.fail("a folder was read that the index knows"))
    assert len(History(runs_dir).list()) == COUNT


def test_whatever_changes_is_seen_at_once(runs_dir: Path, monkeypatch):
    """A summary replaced or edited in place, a run added, removed, copied in or annotated: the list tells it."""
    told(runs_dir)
    write(runs_dir, 5, status="failed")
    edited = runs_dir / "run-0006" / "summary.json"
    before = edited.stat()
    edited.write_text(edited.read_text().replace('"baseline"', '"basement"'))
    os.utime(edited, ns=(before.st_atime_ns, before.st_mtime_ns))
    shutil.rmtree(runs_dir / "run-0007")
    shutil.copytree(runs_dir / "run-0008", runs_dir / "copied")
    write(runs_dir, 99)
    annotate(runs_dir / "run-0009", "tag", by="ada", tag="slow")
    found = {run["directory"].rpartition("/")[2]: run for run in told(runs_dir)}
    assert found["run-0005"]["status"] == "failed"
    assert found["run-0006"]["name"] == "basement"
    assert "run-0007" not in found
    assert found["copied"]["run_id"] == "run-0008"
    assert "run-0099" in found
    assert "slow" in found["run-0009"]["tags"]
    assert told(runs_dir) == read_folders(runs_dir, monkeypatch)
    annotate(runs_dir / "run-0009", "untag", by="ada", tag="slow")
    assert told(runs_dir) == read_folders(runs_dir, monkeypatch)
    assert "run-0007" not in rows(runs_dir)


def test_what_was_written_just_now_is_not_indexed_yet(runs_dir: Path, monkeypatch):
    """Two writes within one tick of the file system's clock look alike, so that a young file is read each time."""
    monkeypatch.setattr(index, "_SETTLED_NS", 10**12)
    assert len(told(runs_dir)) == COUNT
    assert rows(runs_dir) == {}


def test_a_run_that_has_not_ended_is_asked_each_time(runs_dir: Path):
    """Only an end is final: how others stand may change without any file being touched."""
    write(runs_dir, 3, status="running", final=False)
    (runs_dir / "run-0003" / "run.lock").touch()
    assert {run.status for run in History(runs_dir).list()} == {"success", "crashed"}
    assert "run-0003" not in rows(runs_dir)


def test_the_index_may_be_deleted_at_any_time(runs_dir: Path, monkeypatch):
    """Without it the list is the same, and it comes back by itself or by `reindex`."""
    expected = told(runs_dir)
    index.remove(runs_dir)
    assert list(runs_dir.glob(".index*")) == []
    assert told(runs_dir) == expected
    index.remove(runs_dir)
    assert History(runs_dir).reindex() == COUNT
    assert len(rows(runs_dir)) == COUNT
    assert History(runs_dir / "nowhere").reindex() is None


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + bytes(4096), b""])
def test_a_damaged_index_is_made_anew(runs_dir: Path, damage: bytes, monkeypatch):
    """A file that is no database misleads nobody."""
    expected = told(runs_dir)
    for suffix in ("-wal", "-shm"):
        (runs_dir / f"{index.INDEX_NAME}{suffix}").unlink(missing_ok=True)
    (runs_dir / index.INDEX_NAME).write_bytes(damage)
    assert told(runs_dir) == expected
    assert told(runs_dir) == expected
    assert len(rows(runs_dir)) == COUNT


def test_an_index_of_another_version_is_made_anew(runs_dir: Path):
    """Tables of an older or newer toolkit are thrown away: all that they held is in the folders."""
    expected = told(runs_dir)
    with sqlite3.connect(runs_dir / index.INDEX_NAME) as connection:
        connection.execute("DROP TABLE runs")
        connection.execute("CREATE TABLE runs (folder TEXT, other TEXT)")
        connection.execute(f"PRAGMA user_version={index.INDEX_VERSION + 1}")
    connection.close()
    assert told(runs_dir) == expected
    assert len(rows(runs_dir)) == COUNT


def test_a_lock_that_is_held_keeps_nobody_waiting(runs_dir: Path):
    """While another process writes for long, the list comes from the folders."""
    expected = told(runs_dir)
    write(runs_dir, 77)
    held = sqlite3.connect(runs_dir / index.INDEX_NAME, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    try:
        began = time.monotonic()
        assert len(told(runs_dir)) == len(expected) + 1
        assert time.monotonic() - began < 20
    finally:
        held.close()


@pytest.mark.skipif(not hasattr(os, "setuid") or os.geteuid() != 0, reason="needs another user")
@pytest.mark.parametrize("indexed", [True, False])
def test_who_may_only_read_gets_the_list_and_writes_nothing(runs_dir: Path, indexed: bool, monkeypatch):
    """In a folder of somebody else the list is told, with the index that is there or without any."""
    expected = told(runs_dir)
    if not indexed:
        index.remove(runs_dir)
    runs_dir.chmod(0o755)
    for folder in runs_dir.parents[:-2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    before = sorted(os.listdir(runs_dir))
    told_to_others = runs_dir.parent / "told.json"
    told_to_others.touch()
    told_to_others.chmod(0o666)

    def as_nobody() -> None:
        os.setuid(65534)
        told_to_others.write_text(json.dumps(told(runs_dir)))

    reader = multiprocessing.get_context("fork").Process(target=as_nobody)
    reader.start()
    reader.join()
    assert json.loads(told_to_others.read_text()) == expected
    assert sorted(os.listdir(runs_dir)) == before


def _list_often(runs_dir: Path, number: int) -> None:
    for turn in range(4):
        write(runs_dir, 1000 + number * 10 + turn)
        History(runs_dir).list()


def test_sixteen_writers_at_once_lose_nothing(runs_dir: Path, monkeypatch):
    """Runs end and lists are made in sixteen processes at once: each list is right, and so is what they leave."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_list_often, args=(runs_dir, number)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 16
    assert told(runs_dir) == read_folders(runs_dir, monkeypatch)
    assert len(rows(runs_dir)) == COUNT + 64


def test_a_summary_that_sqlite_cannot_hold_keeps_no_other_out(runs_dir: Path):
    """A number beyond 64 bits in a foreign summary is listed, from its folder."""
    path = write(runs_dir, 2) / "summary.json"
    path.write_text(path.read_text().replace('"errors": 2', f'"errors": {2**63}'))
    assert 2**63 in [run["errors"] for run in told(runs_dir)]
    assert len(rows(runs_dir)) == COUNT - 1


def test_the_file_is_as_open_as_the_folder(runs_dir: Path):
    """Who may not look into the folder may not look into its index."""
    runs_dir.chmod(0o700)
    told(runs_dir)
    assert (runs_dir / index.INDEX_NAME).stat().st_mode & 0o777 == 0o600


def test_network_file_systems_have_no_index(tmp_path: Path, runs_dir: Path, monkeypatch):
    """Their locks and shared memory are not to be relied upon."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:1 / {os.path.realpath(runs_dir)} rw - nfs4 nas:/ rw\n"
    )
    monkeypatch.setattr(places, "_MOUNTS", mounts)
    told(runs_dir)
    assert not (runs_dir / index.INDEX_NAME).exists()
