"""A run's folder: claimed once, held by a lock, its summary replaced as a whole."""

from __future__ import annotations

import json
import os
import threading

import pytest

from navigator_obs.errors import UsageError
from navigator_obs.runs import folder


@pytest.mark.parametrize("run_id", ["20250818_143022-1a2b3c4d", "a", "dbt.run-7", "x" * 128])
def test_plain_ids_are_taken(run_id):
    """Letters, digits, dots, underscores and hyphens make an id."""
    assert folder.valid_run_id(run_id) == run_id


@pytest.mark.parametrize(
    "run_id", ["", ".", "..", "../../x", "a/b", "a\\b", "a b", "ä", "a\n", "x" * 129, 7, None, b"a"]
)
def test_no_id_leaves_the_folder_of_runs(run_id):
    """What could be a path, a control character or too long is refused, naming the value."""
    with pytest.raises(UsageError, match="must be 1 to 128"):
        folder.valid_run_id(run_id)


def test_a_folder_is_claimed_once(tmp_path):
    """The second to claim an id hears that it is taken."""
    assert folder.claim(tmp_path / "runs", "one", 0o700) == tmp_path / "runs" / "one"
    with pytest.raises(folder.IdTaken):
        folder.claim(tmp_path / "runs", "one", 0o700)


def test_fresh_ids_never_meet(tmp_path):
    """Threads that claim at once get a folder each."""
    made = []
    threads = [threading.Thread(target=lambda: made.append(folder.claim(tmp_path, None, 0o700))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 20


def test_only_the_user_may_look(tmp_path):
    """Folders and files are made for the user alone."""
    directory = folder.claim(tmp_path / "runs", "one", 0o700)
    lock = folder.Lock(directory)
    folder.write_summary(directory, {"schema_version": 1})
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    lock.close()


def test_the_lock_tells_whether_its_process_lives(tmp_path):
    """Held while it is open, free when it is closed or was never made; readers don't take each other for the run."""
    assert folder.is_locked(tmp_path) is False
    lock = folder.Lock(tmp_path)
    assert lock.held
    assert folder.is_locked(tmp_path) is True
    lock.close()
    lock.close()
    assert folder.is_locked(tmp_path) is False


def test_a_forked_child_that_closes_its_copy_leaves_the_lock_held(tmp_path):
    """Closing a copy never unlocks the parent's."""
    lock = folder.Lock(tmp_path)
    child = os.fork()
    if child == 0:
        lock.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert folder.is_locked(tmp_path) is True
    lock.close()


def test_a_reader_sees_a_whole_summary_or_none(tmp_path):
    """While the summary is replaced again and again, every look at it parses."""
    stop = threading.Event()
    versions = [{"schema_version": 1, "padding": letter * 50_000} for letter in "ab"]

    def replace():
        while not stop.is_set():
            for version in versions:
                folder.write_summary(tmp_path, version)

    writer = threading.Thread(target=replace)
    writer.start()
    try:
        seen = [folder.read_summary(tmp_path) for _ in range(300)]
    finally:
        stop.set()
        writer.join()
    assert all(summary in versions for summary in seen if summary is not None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["summary.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_summary_reads_as_none(tmp_path, content):
    """A reader never raises because of what it finds."""
    (tmp_path / "summary.json").write_bytes(content)
    assert folder.read_summary(tmp_path) is None


def test_the_summary_is_readable_by_people_and_programs(tmp_path):
    """It is indented JSON with a final newline; a synced one is the same."""
    folder.write_summary(tmp_path, {"a": {"b": 1}}, sync=True)
    text = (tmp_path / "summary.json").read_text()
    assert text == '{\n  "a": {\n    "b": 1\n  }\n}\n'
    assert json.loads(text) == {"a": {"b": 1}}


def test_a_draft_that_is_a_link_is_not_followed(tmp_path):
    """What somebody has put in the draft's place is taken away, and its target stays as it was."""
    target = tmp_path / "precious"
    target.write_text("kept")
    directory = tmp_path / "run"
    directory.mkdir()
    (directory / ".summary.json.new").symlink_to(target)
    folder.write_summary(directory, {"run": 1})
    assert target.read_text() == "kept"
    assert [path.name for path in directory.iterdir()] == ["summary.json"]


def test_a_draft_that_failed_is_taken_away(tmp_path):
    """It would hold space that a full disk needs for other things."""
    (tmp_path / "summary.json").mkdir()
    with pytest.raises(IsADirectoryError):
        folder.write_summary(tmp_path, {"run": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]


def test_the_reserve_has_its_blocks(tmp_path):
    """Space is set aside once, and given back once."""
    folder.lay_reserve(tmp_path)
    folder.lay_reserve(tmp_path)
    assert (tmp_path / ".reserve").stat().st_size == 128 * 1024
    folder.release_reserve(tmp_path)
    folder.release_reserve(tmp_path)
    assert list(tmp_path.iterdir()) == []
