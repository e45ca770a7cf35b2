"""What a power cut leaves is what the disk was told to hold: each write and each sync of a real program is watched."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

WATCHED = """
import json, os, sys, time
import navigator_obs as obs
from navigator_obs.events import sinks

durability, events = sys.argv[1], int(sys.argv[2])
synced = {}          # by inode: how many bytes the disk holds
folders = set()      # inodes of folders that were synced, with the names that they held then
real_datasync, real_sync = os.fdatasync, os.fsync

def fdatasync(descriptor):
    real_datasync(descriptor)
    found = os.fstat(descriptor)
    synced[found.st_ino] = found.st_size

def fsync(descriptor):
    real_sync(descriptor)
    folders.update(os.listdir(f"/proc/self/fd/{descriptor}"))

os.fdatasync, os.fsync = fdatasync, fsync

def on_disk():
    found = []
    for name in os.listdir("logs"):
        if name.startswith("navigator.log"):
            path = os.path.join("logs", name)
            with open(path, "rb") as file:
                lines = file.read(synced.get(os.fstat(file.fileno()).st_ino, 0)).splitlines()
            found += [json.loads(line).get("id") for line in lines]
    return {number for number in found if number is not None}

obs.configure(log_dir="logs", console="off", durability=durability, log_max_bytes=3_000, log_backups=1_000)
log = obs.get_logger("sim")
missing = []
for number in range(events):
    (log.warning if number % 7 == 0 else log.info)("event", id=number, padding="x" * 50)
    if durability == "full":
        missing += {number} - on_disk()
if durability == "group":
    began = time.monotonic()
    while len(on_disk()) < events and time.monotonic() - began < 30:
        time.sleep(0.05)
    missing = sorted(set(range(events)) - on_disk())
print(json.dumps({"missing": missing, "on_disk": len(on_disk()), "named": "navigator.log" in folders}), flush=True)
os._exit(0)
"""


def watch(folder, durability, events):
    environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WATCHED, durability, str(events)],
        cwd=folder, env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the names of a synced folder are read from /proc")


@pytest.mark.parametrize(("durability", "events"), [("full", 60), ("group", 400)])
def test_the_disk_holds_what_was_promised(tmp_path, durability, events):
    """Through rotations, "full" has each event on the disk when its call returns, "group" all of them a moment later,
    and the folder knows the file.
    """
    found = watch(tmp_path, durability, events)
    assert found == {"missing": [], "on_disk": events, "named": True}


def test_nothing_is_synced_where_nothing_is_promised(tmp_path):
    """The default survives a kill, and asks nothing of the disk."""
    assert watch(tmp_path, "process", 100) == {"missing": [], "on_disk": 0, "named": False}
