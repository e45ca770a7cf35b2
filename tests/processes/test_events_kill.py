"""Killed from outside at random instants: what was acknowledged is in the log, each event exactly once."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time

import pytest

from navigator_obs.config import Config
from navigator_obs.events import setup

WRITER = """
import os, sys, threading
import navigator_obs as obs

name, threads, durability, max_bytes = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
obs.configure(log_dir="logs", console="off", durability=durability, log_max_bytes=max_bytes, log_backups=100_000)
log = obs.get_logger("writer")

def work(thread):
    number = 0
    while True:
        if number % 50 == 49:
            log.warning("event", id=f"{name}.{thread}.{number}", padding="x" * (number % 200))
        else:
            log.info("event", id=f"{name}.{thread}.{number}", padding="x" * (number % 200))
        os.write(1, b"%s.%d.%d\\n" % (name.encode(), thread, number))
        number += 1

for thread in range(1, threads):
    threading.Thread(target=work, args=(thread,), daemon=True).start()
work(0)
"""


class Writer:
    """A process that tells each event that its log call acknowledged; always reaped."""

    def __init__(self, folder, name, *, threads=1, durability="process", max_bytes=100_000):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, name, str(threads), durability, str(max_bytes)],
            cwd=folder,
            stdout=subprocess.PIPE,
            env={key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")},
        )
        self.told = b""

    def read_for(self, seconds):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.process.stdout], [], [], 0.001)[0]:
                self.told += os.read(self.process.stdout.fileno(), 1 << 16)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.told += self.process.stdout.read()
        self.process.wait(timeout=300)
        self.process.stdout.close()
        return [line.decode() for line in self.told.split(b"\n")[:-1]]


def recovered(folder):
    """The ids in the log, once the next process has put there what the dead left."""
    setup.install(Config(log_dir=folder / "logs", console="off", stdlib=False, log_backups=100_000))
    setup.uninstall()
    lines = [line for path in (folder / "logs").glob("navigator.log*") for line in path.read_bytes().splitlines()]
    events = [json.loads(line) for line in lines]
    return [event["id"] for event in events if event["message"] == "event"]


def kill_once(folder, seconds, writers, **how):
    running = [Writer(folder, f"w{number}", **how) for number in range(writers)]
    for writer in running:
        writer.read_for(0)
    while not all(writer.told for writer in running):
        for writer in running:
            assert writer.process.poll() is None
            writer.read_for(0.01)
    for writer in running:
        writer.read_for(seconds / writers)
    acknowledged = [name for writer in running for name in writer.kill()]
    found = recovered(folder)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    # At most the one event of each thread whose call had not returned, or whose telling was cut short, comes on top.
    assert len(found) - len(acknowledged) <= writers * how.get("threads", 1)
    assert list((folder / "logs" / ".staging").glob("*.stage")) == []
    return acknowledged


@pytest.mark.parametrize(
    ("writers", "how"),
    [
        (1, {}),
        (1, {"threads": 3}),
        (3, {"max_bytes": 20_000}),
        (1, {"durability": "full"}),
    ],
)
def test_a_kill_loses_and_doubles_nothing(tmp_path, writers, how):
    """SIGKILL at a random instant, with rotation going on: each acknowledged event is there once after recovery."""
    assert kill_once(tmp_path, random.uniform(0.05, 0.4), writers, **how)


@pytest.mark.torture
@pytest.mark.parametrize("attempt", range(60))
def test_many_kills_lose_and_double_nothing(tmp_path, attempt):
    """The same, many times, over one log that goes on."""
    kill_once(tmp_path, random.uniform(0.0, 0.5), 1 + attempt % 3, threads=1 + attempt % 2, max_bytes=20_000)


def test_a_living_process_recovers_its_dead_neighbour(tmp_path):
    """What a killed process left staged comes into the log by a process that only goes on living, and follows it."""
    survivor = Writer(tmp_path, "a", max_bytes=10_000_000)
    victim = Writer(tmp_path, "b", max_bytes=10_000_000)
    while not (survivor.told and victim.told):
        survivor.read_for(0.02)
        victim.read_for(0.02)
    acknowledged = victim.kill()
    left_behind = f"*-{victim.process.pid}-*.stage"
    deadline = time.monotonic() + 300
    while list((tmp_path / "logs" / ".staging").glob(left_behind)) and time.monotonic() < deadline:
        survivor.read_for(0.05)
    survivor.kill()
    lines = [line for path in (tmp_path / "logs").glob("navigator.log*") for line in path.read_bytes().splitlines()]
    found = [json.loads(line)["id"] for line in lines if line.endswith(b"}")]
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))


def test_events_show_in_the_file_while_the_program_runs(tmp_path):
    """An event of a program that then idles reaches the file by age; a warning does before its call returns."""
    code = (
        "import navigator_obs as obs, time, sys\n"
        "obs.configure(log_dir='logs', console='off')\n"
        "log = obs.get_logger('a')\n"
        "log.warning('at once')\n"
        "print(open('logs/navigator.log').read().count('at once'), flush=True)\n"
        "log.info('by age')\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "1\n"
    deadline = time.monotonic() + 300
    while "by age" not in (tmp_path / "logs" / "navigator.log").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert "by age" in (tmp_path / "logs" / "navigator.log").read_text()
