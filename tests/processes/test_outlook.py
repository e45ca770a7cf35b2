"""What stops a run is said before it happens: real programs against real limits of the kernel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

MB = 1_000_000
LIMIT = 400 * MB
GROWTH = 25 * MB
YEARS = range(2025, 2125)
MEMORY = Path("/sys/fs/cgroup")
PROGRAM = f"""
    import time
    import navigator_obs as obs
    obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
    held = []
    def warned():
        return "memory reaches" in open("logs/navigator.log").read()
    with obs.start_run("growing", years=range({YEARS.start}, {YEARS.stop})):
        for year in range({YEARS.start}, {YEARS.stop}):
            with obs.context(year=year), obs.operation("year_simulation"):
                held.append(bytearray(b"x" * {GROWTH}))
                time.sleep(0.4)
                # On a busy machine the ticks that look ahead may be late.
                waited = 0
                while year == {YEARS[7]} and not warned() and waited < 3_000:
                    time.sleep(0.1)
                    waited += 1
"""


def memory_group():
    """The folder of this process's own memory control group, and the name of the file with the limit in one below."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, name = line.split(":", 2)
        if "memory" in controllers.split(","):
            return MEMORY / "memory" / name.lstrip("/"), "memory.limit_in_bytes"
    return MEMORY, "memory.max"


@pytest.fixture
def limited():
    """The words with which a command begins that is to have `LIMIT` bytes of memory, without swap."""
    try:
        above, limit = memory_group()
        group = above / f"navigator-obs-outlook-{os.getpid()}"
        group.mkdir()
    except OSError as error:
        pytest.skip(f"needs the right to make control groups: {error}")
    try:
        (group / limit).write_text(f"{LIMIT}\n")
    except OSError as error:
        group.rmdir()
        pytest.skip(f"needs the memory controller in the control group: {error}")
    yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    deadline = time.monotonic() + 300
    while (group / "cgroup.procs").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    group.rmdir()


def test_the_year_in_which_memory_reaches_the_limit_is_named_before_the_kernel_ends_the_run(tmp_path, limited):
    """The warning is in the log while the run goes on; the year that it names is the one in which the run is killed,
    give or take two: the program and its libraries are not counted alike by the kernel and in the resident memory.
    """
    command = [*limited, sys.executable, "-c", textwrap.dedent(PROGRAM)]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == -9, done.stderr
    events = [json.loads(line) for line in (tmp_path / "logs/navigator.log").read_text().splitlines()]
    [warning] = [event for event in events if event["level"] == "WARNING"]
    named = re.fullmatch(r"memory reaches the 400 MB limit in year (\d+)", warning["message"])
    last = max(event["year"] for event in events if event.get("operation") == "year_simulation")
    assert named is not None
    assert abs(int(named[1]) - (last + 1)) <= 2
    assert warning["module"].startswith("navigator_obs.runs.")
    known = [event["year"] for event in events[: events.index(warning)] if "year" in event]
    assert max(known) < last - 2


def test_free_disk_is_that_of_where_the_run_writes_and_its_least_is_kept(tmp_path):
    """On a disk of its own of 50 MB, 30 MB of which the program takes and gives back."""
    program = """
        import os, time
        import navigator_obs as obs
        obs.configure(log_dir="small/logs", runs_dir="small/runs", console="off", run_report=False)
        with obs.start_run("writes") as run:
            with open("small/fill", "wb") as file:
                file.write(bytes(30_000_000))
            run.summary
            os.unlink("small/fill")
        found = run.summary["resources"]["limits"]
        print(found["disk_free_mb"], found["least_disk_free_mb"])
    """
    (tmp_path / "small").mkdir()
    mounted = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=50m tmpfs small && exec "$@"', "sh")
    probe = subprocess.run([*mounted, "true"], cwd=tmp_path, check=False, capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"needs the right to mount: {probe.stderr.strip()}")
    done = subprocess.run(
        [*mounted, sys.executable, "-c", textwrap.dedent(program)],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    free, least = map(float, done.stdout.split())
    assert least < 25
    assert 45 < free < 55


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_what_the_kernel_counts_for_the_run_and_its_children_is_in_the_summary(tmp_path):
    """CPU time of the program and of a subprocess add up; 40 MB written to a disk and synced show, of both."""
    child = """
        import os, time
        with open("from_child", "wb") as file:
            file.write(os.urandom(1_000_000) * 20)
            os.fsync(file.fileno())
        while time.process_time() < 0.6:
            pass
    """
    program = f"""
        import json, os, subprocess, sys, time
        import navigator_obs as obs
        obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
        with obs.start_run("busy") as run:
            with open("own", "wb") as file:
                file.write(os.urandom(1_000_000) * 20)
                os.fsync(file.fileno())
            began = time.process_time()
            while time.process_time() - began < 0.6:
                pass
            subprocess.run([sys.executable, "-c", {textwrap.dedent(child)!r}], check=True)
        found = run.summary["resources"]
        print(json.dumps([found["tree"]["cpu_seconds"], found["tree"]["disk_written_mb"], os.times()[:4]]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    cpu, written, times = json.loads(done.stdout)
    assert 1.2 <= cpu <= sum(times)
    if Path(f"/proc/{os.getpid()}/io").exists() and subprocess.run(
        ["df", "--output=fstype", "."], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout.split()[-1] not in {"tmpfs", "overlay"}:
        assert written >= 40
