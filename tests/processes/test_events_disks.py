"""Folders that move, disks that are full and consoles that take nothing, in real processes: the program goes on, and
what could not be written is counted."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.processes.programs import HEAD, events, ids, run

SMALL_DISK = (
    HEAD.replace("log_backups=100_000", "log_backups=1_000").replace("20_000", "100_000")
    + """
def fill():
    with open("ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"x" * 4096)
        except OSError:
            pass
"""
)


def test_a_deleted_log_folder_comes_back(tmp_path):
    """The folder is deleted under the program: later events are in a new one, and survive a kill again."""
    run(
        tmp_path,
        """
        import shutil
        log.info("event", id=1)
        sinks.flush()
        shutil.rmtree("logs")
        log.info("event", id=2)
        log.warning("event", id=3)
        while not os.path.isdir("logs/.staging"):
            time.sleep(0.01)
        log.info("event", id=4)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        expect=-9,
    )
    run(tmp_path, "")
    assert ids(tmp_path) == [2, 3, 4]


def test_a_log_that_is_moved_away_goes_on(tmp_path):
    """As logrotate does it: nothing is lost between the file that was moved and the new one."""
    run(
        tmp_path,
        """
        for number in range(300):
            log.info("event", id=number)
            if number % 50 == 49:
                sinks.flush()
                os.rename("logs/navigator.log", f"logs/navigator.log.moved{number}")
        """,
        head=HEAD.replace("20_000", "20_000_000"),
    )
    assert sorted(ids(tmp_path)) == list(range(300))


def test_a_change_of_directory_does_not_move_the_log(tmp_path):
    """A relative log folder stays where it was when the program started."""
    run(
        tmp_path,
        """
        log.info("event", id=1)
        os.mkdir("elsewhere"); os.chdir("elsewhere")
        for number in range(2, 500):
            log.warning("event", id=number)
        """,
    )
    assert sorted(ids(tmp_path)) == list(range(1, 500))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_log_folder_that_cannot_be_made(tmp_path):
    """Where no log can be written the program goes on, quietly, and what was dropped is counted."""
    (tmp_path / "logs").write_text("a file")
    done = run(
        tmp_path,
        """
        for number in range(3_000):
            log.info("event", id=number, padding="x" * 500)
        counts = sinks.counts()
        assert counts["written"] == 0, counts
        assert sum(counts["dropped"].values()) > 1_000, counts
        os.remove("logs")
        while sinks.counts()["written"] == 0:
            time.sleep(0.01)
        log.info("event", id="after")
        counts = sinks.counts()
        print(counts["written"], sum(counts["dropped"].values()))
        """,
    )
    assert done.stderr == ""
    written, dropped = map(int, done.stdout.split())
    told = events(tmp_path, "events were dropped")
    assert sum(event["dropped"] for event in told) == dropped
    assert written == sum(len(path.read_bytes().splitlines()) for path in (tmp_path / "logs").glob("navigator.log*"))
    assert len(ids(tmp_path)) + dropped == 3_001


class SmallDisk:
    def __init__(self, path, size):
        self.path = path
        path.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"a small file system can't be mounted here: {done.stderr.strip()}")

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = SmallDisk(tmp_path / "disk", "2m")
    yield disk.path
    disk.close()


def test_a_full_disk(small_disk):
    """The disk fills up and is freed: the program goes on without a word on stderr, emitted = written + dropped by
    cause, and the log says so.
    """
    done = run(
        small_disk,
        """
        emitted = 0
        def emit(count):
            global emitted
            for _ in range(count):
                (log.warning if emitted % 100 == 0 else log.info)("event", id=emitted, padding="x" * 500)
                emitted += 1
        emit(100)
        fill()
        emit(4_000)
        dropped = sinks.counts()["dropped"]
        assert set(dropped) == {"disk_full"}, dropped
        os.remove("ballast")
        while sinks.counts()["written"] < 200:
            time.sleep(0.05)
        emit(100)
        counts = sinks.counts()
        print(emitted, counts["written"], counts["dropped"]["disk_full"])
        """,
        head=SMALL_DISK,
    )
    assert done.stderr == ""
    emitted, written, dropped = map(int, done.stdout.split())
    told = events(small_disk, "events were dropped")
    assert sum(event["causes"]["disk_full"] for event in told) == dropped
    assert emitted + len(told) == written + dropped
    found = ids(small_disk)
    assert len(found) == len(set(found)) == emitted - dropped


def test_errors_fit_on_a_full_disk(small_disk):
    """However many events a full disk costs, errors that come later are kept through a kill, and the run's summary is
    final and counts what was dropped.
    """
    run(
        small_disk,
        """
        obs.configure(runs_dir="runs", run_report=False)
        run = obs.start_run("baseline", run_id="full")
        log.info("event", id=-1)
        fill()
        for number in range(6_000):
            log.info("event", id=number, padding="x" * 500)
        assert sinks.counts()["dropped"]["disk_full"] > 1_000
        for number in range(20):
            try:
                raise ValueError(f"no salary for {number}")
            except ValueError:
                log.exception("failed", number=number)
        run.finish()
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        head=SMALL_DISK,
        expect=-9,
    )
    summary = json.loads((small_disk / "runs" / "full" / "summary.json").read_text())
    assert summary["run_metadata"]["final"] is True
    assert summary["execution_summary"]["errors"] == 20
    assert summary["execution_summary"]["events_dropped"] > 1_000
    (small_disk / "ballast").unlink()
    run(small_disk, "", head=SMALL_DISK)
    assert sorted(event["number"] for event in events(small_disk, "failed")) == list(range(20))


@pytest.mark.parametrize("checks", [360, 900])
def test_a_summary_larger_than_the_room_for_it(small_disk, checks):
    """On a full disk the end of a run needs the room that was set aside, in fewer bytes; where that is too little,
    whoever finds room later finishes it. Either way it has its verdict, and one seal that holds.
    """
    run(
        small_disk,
        """
        obs.configure(runs_dir="runs", run_report=False)
        with obs.start_run("baseline", run_id="full") as run:
            for number in range(int(os.environ["CHECKS"])):
                obs.check(f"check-{number}", number, min=0, dataset="workforce")
            run.summary
            with open("ballast", "wb", buffering=0) as ballast:
                for size in (65536, 512, 1):
                    try:
                        while True:
                            ballast.write(b"x" * size)
                    except OSError:
                        pass
        """,
        CHECKS=str(checks),
    )
    summary = json.loads((small_disk / "runs" / "full" / "summary.json").read_text())
    assert summary["run_metadata"]["final"] is (checks == 360)
    (small_disk / "ballast").unlink()
    program = [sys.executable, "-m", "navigator_obs", "--runs-dir", str(small_disk / "runs")]
    told = [
        subprocess.run([*program, verb, "full"], capture_output=True, text=True, check=False)
        for verb in ("show", "verify")
    ]
    assert [done.returncode for done in told] == [0, 0], told
    assert "success" in told[0].stdout
    assert f"checks: {checks} passed" in told[0].stdout


STALLED = """
import os, sys, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="on")
log = obs.get_logger("sim")
began = time.monotonic()
with obs.start_run("baseline"):
    for number in range(2_000):
        log.info("event", id=number, padding="x" * 100)
    longest = time.monotonic() - began
    print("logged", flush=True)
    sys.stdin.readline()
    log.info("event", id=number + 1)
print(longest, flush=True)
"""


def test_a_console_that_takes_nothing(tmp_path):
    """Nobody reads the pipe that stderr is: the program is held up once, for a second or so, the log has all; and when
    somebody reads again the console says how many it has missed.
    """
    (tmp_path / "program.py").write_text(STALLED)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "program.py"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == b"logged\n"
        seen = os.read(process.stderr.fileno(), 1 << 20)
        process.stdin.write(b"\n")
        process.stdin.flush()
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert float(out) < 30
    assert b"id=1 " in seen
    shown = (seen + err).decode()
    (missed,) = re.findall(r"… ([\d,]+) events were not shown", shown)
    assert int(missed.replace(",", "")) + shown.count(" id=") >= 2_000
    assert "id=2000" in shown
    assert ids(tmp_path) == list(range(2_001))


def test_a_disk_that_is_full_from_the_start(small_disk):
    """Without room for a staging area events are written one by one, and staged again once there is room."""
    run(
        small_disk,
        """
        ballast = open("ballast", "wb", buffering=0)
        try:
            while True:
                ballast.write(b"x" * 65_536)
        except OSError:
            pass
        ballast.close()
        os.truncate("ballast", os.path.getsize("ballast") - 300_000)
        for number in range(100):
            log.info("event", id=number)
        assert len(open("logs/navigator.log").readlines()) == 100
        os.remove("ballast")
        while not os.listdir("logs/.staging"):
            time.sleep(0.05)
        log.info("event", id=100)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        head=HEAD.replace("20_000", "1_000_000"),
        expect=-9,
    )
    run(small_disk, "", head=HEAD.replace("20_000", "1_000_000"))
    assert ids(small_disk) == list(range(101))


def test_a_read_only_log_folder(small_disk):
    """A log folder that turns read-only and back: the program goes on, and what could be kept is written then."""
    run(
        small_disk,
        """
        import subprocess
        log.info("event", id=0)
        sinks.flush()
        subprocess.run(["mount", "-o", "remount,ro", os.getcwd()], check=False)
        for number in range(1, 200):
            (log.warning if number % 10 == 0 else log.info)("event", id=number)
        subprocess.run(["mount", "-o", "remount,rw", os.getcwd()], check=True)
        """,
    )
    assert sorted(ids(small_disk)) == list(range(200))


def test_a_descriptor_that_the_program_took_is_not_written_to(tmp_path):
    """A program that closes all descriptors and opens files of its own finds nothing of ours in them."""
    run(
        tmp_path,
        """
        log.warning("event", id=1)
        os.closerange(3, 100)
        mine = [open(f"mine{number}.txt", "w+") for number in range(20)]
        log.warning("event", id=2)
        """,
    )
    assert not [path for path in tmp_path.glob("mine*.txt") if path.read_bytes()]
    assert 2 in ids(tmp_path)
