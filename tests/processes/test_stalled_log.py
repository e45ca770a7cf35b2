"""A log that takes nothing holds a program up once, for a bounded time: a stopped writer, a file system that hangs, a
pipe in the log's place.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from navigator_obs.config import Config
from navigator_obs.events.drain import BLOCK_SECONDS
from navigator_obs.events.salvage import recover_log

PROGRAM = """
import contextlib, json, os, pathlib, sys, time
import navigator_obs as obs
from navigator_obs.events import sinks
folder, level, seconds, ending = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
obs.configure(log_dir=folder, runs_dir="runs", console="off", run_report=False)
log = obs.get_logger("sim")
log.info("begun")
sinks.flush()
print("ready", flush=True)
sys.stdin.readline()

queued = {}

def own_time():
    # The time, less that in which a thread could run and others had the processor: a busy machine holds nobody up.
    for task in pathlib.Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            queued[task] = int(task.read_text().split()[1]) / 1e9
    return time.monotonic() - sum(queued.values())

taken, began, number = [], time.monotonic(), 0
while time.monotonic() - began < seconds:
    before = own_time()
    getattr(log, level)("event", id=number, padding="x" * 300)
    taken.append(own_time() - before)
    number += 1
    time.sleep(0.001)
told = {"count": number, "longest": max(taken), "all": sum(taken), "stalled": sum(took > 0.5 for took in taken)}
if ending == "wait":
    print(json.dumps(told), flush=True)
    sys.stdin.readline()
    while sinks.counts()["written"] + sum(sinks.counts()["dropped"].values()) < number:
        time.sleep(0.02)
before, sink = own_time(), sinks.outlet.file
obs.shutdown()
told |= {"shutdown": own_time() - before, "dropped": dict(sink.dropped)}
print(json.dumps(told), flush=True)
os._exit(0)
"""

HOLDER = """
import sys
from pathlib import Path
from navigator_obs.events.rotation import LogFile
log = LogFile(Path(sys.argv[1]) / "navigator.log", max_bytes=10**7, backups=3)
with log.exclusive():
    print("held", flush=True)
    sys.stdin.readline()
"""


class Program:
    """A program that is told when to go on; always reaped."""

    def __init__(self, code, *arguments, cwd):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, *map(str, arguments)],
            cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def hear(self):
        line = self.process.stdout.readline().strip()
        return json.loads(line) if line.startswith("{") else line

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path):
    programs = []

    def begin(code, *arguments):
        programs.append(Program(code, *arguments, cwd=tmp_path))
        return programs[-1]

    yield begin
    for program in programs:
        program.close()


def held_up_once(told):
    """For the promised time, on a machine that does other things as well; and for next to nothing again and again."""
    assert told["stalled"] <= 1
    assert told["longest"] < 2 * BLOCK_SECONDS
    assert told["all"] - told["longest"] < told["count"] * 0.01 + 1


def ids(folder):
    lines = (folder / "navigator.log").read_bytes().splitlines()
    return [event["id"] for event in map(json.loads, lines) if event["message"] == "event"]


@pytest.mark.parametrize("level", ["info", "warning"])
def test_a_writer_that_stops_with_the_lock(tmp_path, start, level):
    """Another process is stopped in the middle of writing: a log call waits for it once, events beyond the area's room
    are counted by that cause, and when the other one goes on all that waited is written.
    """
    program = start(PROGRAM, tmp_path / "logs", level, 4, "wait")
    assert program.hear() == "ready"
    holder = start(HOLDER, tmp_path / "logs")
    assert holder.hear() == "held"
    holder.process.send_signal(signal.SIGSTOP)
    program.go_on()
    told = program.hear()
    held_up_once(told)
    assert ids(tmp_path / "logs") == []
    holder.process.send_signal(signal.SIGCONT)
    holder.go_on()
    holder.process.wait(timeout=300)
    program.go_on()
    ended = program.hear()
    found = ids(tmp_path / "logs")
    assert len(found) == len(set(found)) == told["count"] - ended["dropped"].get("sink_stalled", 0)
    assert set(ended["dropped"]) <= {"sink_stalled"}


def test_a_program_ends_while_another_one_keeps_the_lock(tmp_path, start):
    """Its end takes no longer than a log call may, and what it had acknowledged is there for whoever comes next."""
    program = start(PROGRAM, tmp_path / "logs", "info", 0.3, "end")
    assert program.hear() == "ready"
    holder = start(HOLDER, tmp_path / "logs")
    assert holder.hear() == "held"
    program.go_on()
    told = program.hear()
    assert told["shutdown"] < 3 * BLOCK_SECONDS
    program.process.wait(timeout=300)
    holder.close()
    recover_log(tmp_path / "logs" / "navigator.log", Config(log_dir=tmp_path / "logs"))
    assert ids(tmp_path / "logs") == list(range(told["count"]))


class Foreign:
    """A FUSE file system: stopped, every call to it hangs, as to NFS without its server."""

    def __init__(self, root):
        self.source, self.path = root / "source", root / "mounted"
        self.source.mkdir()
        self.path.mkdir()
        self._server = subprocess.Popen(
            ["bindfs", "-f", str(self.source), str(self.path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        deadline = time.monotonic() + 300
        while not os.path.ismount(self.path) and self._server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if not os.path.ismount(self.path):
            self._server.kill()
            pytest.skip(f"no FUSE here: {self._server.communicate()[0].decode().strip()}")

    def stop(self):
        self._server.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._server.send_signal(signal.SIGCONT)

    def close(self):
        self.go_on()
        subprocess.run(["umount", "-l", str(self.path)], check=False)
        self._server.kill()
        self._server.communicate()


@pytest.fixture
def foreign(tmp_path):
    if shutil.which("bindfs") is None or os.geteuid() != 0:
        pytest.skip("needs bindfs, and root to mount it")
    system = Foreign(tmp_path)
    yield system
    system.close()


@pytest.mark.parametrize("level", ["info", "warning"])
def test_a_file_system_that_hangs(foreign, start, level):
    """A log call waits once; the program goes on, drops what finds no room, counted by cause, and when the file system
    answers again all that waited is written, once and in order.
    """
    program = start(PROGRAM, foreign.path / "logs", level, 4, "wait")
    assert program.hear() == "ready"
    foreign.stop()
    program.go_on()
    told = program.hear()
    foreign.go_on()
    program.go_on()
    ended = program.hear()
    held_up_once(told)
    found = ids(foreign.source / "logs")
    assert len(found) == len(set(found)) == told["count"] - ended["dropped"].get("sink_stalled", 0)
    assert set(ended["dropped"]) <= {"sink_stalled"}
    if level == "info":
        assert found == sorted(found)


def test_a_program_ends_while_the_file_system_hangs(foreign, start):
    """Its last steps take no longer than a log call may, and what was acknowledged is in the log once somebody else has
    looked.
    """
    program = start(PROGRAM, foreign.path / "logs", "info", 0.5, "end")
    assert program.hear() == "ready"
    foreign.stop()
    program.go_on()
    told = program.hear()
    foreign.go_on()
    assert told["shutdown"] < 3 * BLOCK_SECONDS
    program.process.wait(timeout=300)
    recover_log(foreign.path / "logs" / "navigator.log", Config(log_dir=foreign.path / "logs"))
    assert ids(foreign.source / "logs") == list(range(told["count"]))


ERRORS = PROGRAM.replace('log.info("begun")', 'log.info("begun"); run = obs.start_run("baseline")')


def test_errors_of_a_run_while_the_file_system_hangs(foreign, start):
    """Each error wants the events before it from the log: it does without them."""
    program = start(ERRORS, foreign.path / "logs", "error", 3, "wait")
    assert program.hear() == "ready"
    foreign.stop()
    program.go_on()
    held_up_once(program.hear())
    foreign.go_on()
    program.go_on()
    assert set(program.hear()["dropped"]) <= {"sink_stalled"}


def test_a_program_begins_while_the_file_system_hangs(foreign, start):
    """Configuring waits as long as a log call may, and events wait for the file system."""
    (foreign.path / "logs").mkdir()
    foreign.stop()
    began = time.monotonic()
    program = start(PROGRAM.replace("sinks.flush()", ""), foreign.path / "logs", "info", 0.5, "wait")
    assert program.hear() == "ready"
    assert time.monotonic() - began < 120
    program.go_on()
    told = program.hear()
    assert told["stalled"] == 0
    foreign.go_on()
    program.go_on()
    assert program.hear()["dropped"] == {}
    assert ids(foreign.source / "logs") == list(range(told["count"]))


def test_killed_while_the_file_system_hangs(foreign, start):
    """What was acknowledged stands in an area on this computer, and comes into the log with the next one who looks."""
    program = start(PROGRAM, foreign.path / "logs", "info", 1, "wait")
    assert program.hear() == "ready"
    foreign.stop()
    program.go_on()
    told = program.hear()
    program.process.kill()
    foreign.go_on()
    program.process.wait(timeout=300)
    recover_log(foreign.path / "logs" / "navigator.log", Config(log_dir=foreign.path / "logs"))
    assert ids(foreign.source / "logs") == list(range(told["count"]))


def test_a_pipe_in_the_logs_place(tmp_path, start):
    """It is no log: nothing is written into it, nobody waits for its reader, and the cause is told."""
    (tmp_path / "logs").mkdir()
    os.mkfifo(tmp_path / "logs" / "navigator.log")
    program = start(PROGRAM, tmp_path / "logs", "warning", 2, "end")
    assert program.hear() == "ready"
    program.go_on()
    told = program.hear()
    assert told["longest"] < BLOCK_SECONDS
    assert set(told["dropped"]) <= {"no_regular_file"}
    program.process.wait(timeout=300)
