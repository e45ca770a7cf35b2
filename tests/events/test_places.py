"""Where events are staged: beside the log, or on this computer where the log's file system may hang."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from navigator_obs.events import places
from navigator_obs.events.places import FOLDER, file_system, may_hang, staging_folders

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:50 / /srv/share rw,relatime shared:1 - nfs4 server:/share rw,vers=4.2
41 40 0:51 / /srv/share/local rw - tmpfs tmpfs rw
42 27 0:52 / /mnt/with\\040blank rw - fuse.sshfs ann@host: rw
"""


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    (tmp_path / "mountinfo").write_text(MOUNTS)
    monkeypatch.setattr(places, "_MOUNTS", tmp_path / "mountinfo")


@pytest.mark.parametrize(
    ("folder", "kind", "hangs"),
    [
        ("/srv/ann/logs", "ext4", False), ("/srv/share", "nfs4", True), ("/srv/share/a/b", "nfs4", True),
        ("/srv/share/local/logs", "tmpfs", False), ("/srv/shared", "ext4", False),
        ("/mnt/with blank/logs", "fuse.sshfs", True),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("mounts")
def test_the_nearest_mount_tells(folder, kind, hangs):
    """Also where one file system is mounted inside another one, and for folders that are not there yet."""
    assert file_system(Path(folder)) == kind
    assert may_hang(Path(folder)) is hangs


@pytest.mark.usefixtures("mounts")
def test_a_link_into_a_foreign_file_system_is_followed(tmp_path):
    """What counts is where the files are."""
    (tmp_path / "logs").symlink_to("/srv/share/logs")
    assert may_hang(tmp_path / "logs")


def test_where_nobody_tells_it_is_our_own(tmp_path, monkeypatch):
    """Without /proc there is no way to know."""
    monkeypatch.setattr(places, "_MOUNTS", tmp_path / "nothing")
    assert file_system(tmp_path) is None
    assert not may_hang(tmp_path)


def test_beside_the_log_unless_asked_for_elsewhere(tmp_path):
    """Another place is looked at first, and the one beside the log as well: something may have been left there."""
    log = tmp_path / "logs" / "navigator.log"
    assert staging_folders(log, None, is_foreign=False) == (log.parent / FOLDER,)
    elsewhere, beside = staging_folders(log, tmp_path / "fast", is_foreign=False)
    assert elsewhere.parent == tmp_path / "fast"
    assert elsewhere.name.startswith("logs-")
    assert beside == log.parent / FOLDER


def test_each_log_has_a_folder_of_its_own(tmp_path):
    """The same each time, and another one for another log of the same name."""
    one, other = tmp_path / "a" / "logs" / "navigator.log", tmp_path / "b" / "logs" / "navigator.log"
    assert staging_folders(one, tmp_path) == staging_folders(one, tmp_path)
    assert staging_folders(one, tmp_path)[0] != staging_folders(other, tmp_path)[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of what kind a file system is")
def test_on_this_computer_where_the_file_system_may_hang(tmp_path, monkeypatch):
    """In a folder that is the user's alone; one that somebody else could write to, or has made, is not taken."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    monkeypatch.setattr(places, "_OWN_PLACES", (first, second))
    log = tmp_path / "logs" / "navigator.log"
    own = first / f"navigator-obs-{os.geteuid()}"
    assert [path.parent for path in staging_folders(log, None, is_foreign=True)] == [own, log.parent]
    assert stat.S_IMODE(own.stat().st_mode) == 0o700
    own.chmod(0o777)
    assert staging_folders(log, None, is_foreign=True)[0].parent.parent == second
    own.rmdir()
    own.symlink_to(tmp_path)
    assert staging_folders(log, None, is_foreign=True)[0].parent.parent == second


def test_events_are_staged_where_the_setting_says(recorder):
    """A real logger's area stands there, its events reach the log, and nothing of it is left at the end."""
    recorder.configure(staging_dir=recorder.root / "fast")
    from navigator_obs import get_logger, shutdown

    get_logger("planwise").info("staged")
    [area] = [path for path in (recorder.root / "fast").rglob("*.stage") if path.stat().st_size > 400_000]
    assert b'"message":"staged"' in area.read_bytes()
    assert not list((recorder.log_dir / FOLDER).glob("*"))
    assert len(recorder.events("staged")) == 1
    shutdown()
    assert not list((recorder.root / "fast").rglob("*.stage"))
