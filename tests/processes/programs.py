"""A program in a process of its own, and the events that it left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

HEAD = """
import os, signal, sys, threading, time
import navigator_obs as obs
from navigator_obs.events import sinks
obs.configure(log_dir="logs", console="off", log_max_bytes=20_000, log_backups=100_000)
log = obs.get_logger("sim")
"""


def run(folder, body, *, head=HEAD, expect=0, timeout=300, **environ):
    """Run a program in a folder of its own; a dead-lock ends in a timeout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    path = folder / "program.py"
    path.write_text(head + textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=folder, env={**clean, **environ}, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def events(folder, message="event"):
    lines = [line for path in (folder / "logs").glob("navigator.log*") for line in path.read_bytes().splitlines()]
    found = [json.loads(line) for line in lines]
    return [event for event in found if event["message"] == message]


def ids(folder):
    return [event["id"] for event in events(folder)]
