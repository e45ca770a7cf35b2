"""The nearest memory limit of the process's control groups, of either version, and the room below it."""

from __future__ import annotations

import pytest

from navigator_obs.operations import limits, resources

MB = 1_000_000
NAMES = {1: ("memory.limit_in_bytes", "memory.usage_in_bytes"), 2: ("memory.max", "memory.current")}


@pytest.fixture(params=[1, 2])
def groups(request, tmp_path):
    """Makes control groups of one version below a folder, and says which one is the process's own."""
    version = request.param
    base = tmp_path / "cgroup" / "memory" if version == 1 else tmp_path / "cgroup"

    def make(path, limit, used, inactive=0):
        folder = base / path
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in zip(NAMES[version], (limit, used), strict=True):
            (folder / name).write_text(f"{value}\n")
        key = "total_inactive_file" if version == 1 else "inactive_file"
        (folder / "memory.stat").write_text(f"cache 7\n{'inactive_file 1' if version == 1 else ''}\n{key} {inactive}\n")

    own = tmp_path / "own"
    line = "4:cpu,memory:/batch/job\n0::/\n" if version == 1 else "0::/batch/job\n"
    own.write_text(f"8:pids:/elsewhere\n{line}" if version == 1 else line)
    make.no_limit = 9223372036854771712 if version == 1 else "max"
    make.places = (tmp_path / "cgroup", own)
    return make


def test_the_nearest_limit_is_that_of_the_group_with_the_least_room(groups):
    """A group above may be nearer to its limit than one's own, though its limit is larger."""
    groups("batch/job", 400 * MB, 100 * MB)
    groups("batch", 900 * MB, 850 * MB, 50 * MB)
    groups("", groups.no_limit, 5_000 * MB)
    assert limits.nearest_group(*groups.places) == limits.Group(900 * MB, 800 * MB)
    assert limits.group_limit_bytes(*groups.places) == 400 * MB


def test_pages_that_the_kernel_would_give_up_are_room(groups):
    """What is in use is the working set: usage less inactive file pages."""
    groups("batch/job", 400 * MB, 390 * MB, 300 * MB)
    found = limits.nearest_group(*groups.places)
    assert (found.used, found.room) == (90 * MB, 310 * MB)


def test_without_limits_the_machine_is_the_limit(groups):
    """A group without a limit is none."""
    groups("batch/job", groups.no_limit, 5 * MB)
    assert limits.nearest_group(*groups.places) is None
    total, available = resources.machine_memory()
    room = limits.memory_room(*groups.places)
    assert (room.limit, room.source) == (total, "machine")
    assert abs(room.room - available) < total


def test_a_group_above_its_limit_has_no_room(groups):
    """Room is never negative."""
    groups("batch/job", 4 * MB, 5 * MB)
    assert limits.memory_room(*groups.places) == limits.Room(4 * MB, 0, "control group")


def test_where_nothing_is_told_nothing_is_invented(tmp_path):
    """Missing files are no limits."""
    assert limits.nearest_group(tmp_path, tmp_path / "missing") is None
    assert limits.group_limit_bytes(tmp_path, tmp_path / "missing") is None
    assert limits.disk_free_bytes(tmp_path / "missing") is None


def test_free_disk_is_that_of_the_folder(tmp_path):
    """As `df` has it for this user."""
    assert limits.disk_free_bytes(tmp_path) > 0


def test_the_machine_has_more_memory_than_is_available():
    """Both in bytes."""
    total, available = resources.machine_memory()
    assert total > available > MB
