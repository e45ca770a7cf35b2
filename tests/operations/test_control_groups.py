"""The control groups of a process are found from what the kernel says of it, whatever that is."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.operations.control_groups import NONE, groups_of

MOUNT = Path("/sys/fs/cgroup")
LINES = st.lists(
    st.sampled_from(["0::/", "0::/a/b", "4:cpu,memory:/a", "5:memory", "::", "", "x:y:z:w", "\x00"]) | st.text()
)


def said(folder, content):
    """What `/proc/self/cgroup` would say."""
    own = folder / "own"
    own.write_text(content, encoding="utf-8")
    return own


@pytest.mark.parametrize(
    ("content", "controller", "version", "folders"),
    [
        ("0::/batch/job\n", "memory", 2, ["batch/job", "batch", ""]),
        ("0::/\n", "cpu", 2, [""]),
        ("4:cpu,cpuacct:/job\n0::/\n", "cpu", 1, ["cpu/job", "cpu"]),
        ("4:cpu,cpuacct:/job\n0::/unified\n", "memory", 2, ["unified", ""]),
        ("4:cpuset:/job\n", "cpu", 2, []),
        ("0::/with:colon\n", "cpu", 2, ["with:colon", ""]),
    ],
)
def test_a_controller_counts_a_process_in_its_group_and_all_above(tmp_path, content, controller, version, folders):
    """Of both versions, the first has it where it is named there."""
    found = groups_of(controller, MOUNT, said(tmp_path, content))
    assert found == (version, tuple(MOUNT / folder for folder in folders))


def test_a_system_without_control_groups_has_no_folders(tmp_path):
    """So has one whose file is no text."""
    (tmp_path / "bytes").write_bytes(b"0::/\xff\xfe")
    assert groups_of("memory", MOUNT, tmp_path / "missing") == NONE
    assert groups_of("memory", MOUNT, tmp_path / "bytes") == NONE


@given(lines=LINES)
def test_whatever_the_kernel_says_no_folder_lies_outside_of_the_mount(tmp_path_factory, lines):
    """And nothing is raised."""
    own = said(tmp_path_factory.getbasetemp(), "\n".join(line.encode("utf-8", "replace").decode() for line in lines))
    assert all(folder.is_relative_to(MOUNT) for folder in groups_of("memory", MOUNT, own).folders)
