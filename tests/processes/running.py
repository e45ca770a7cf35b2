"""A program that opens a run, in a process of its own, and what it leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

from tests.on_disk import VALIDATOR

HEAD = """
import os, signal, sys, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
log = obs.get_logger("sim")

def ready():
    print("ready", flush=True)

def forever():
    ready()
    while True:
        time.sleep(0.01)
"""


class Program:
    """A simulation in a process of its own, in a folder of its own; always reaped."""

    def __init__(self, folder, body, *, prefix=()):
        self.folder = folder
        code = HEAD + textwrap.dedent(body)
        environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-W", "error", "-c", code],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ,
        )  # fmt: skip

    def wait_until_ready(self):
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(line + self.process.communicate(timeout=300)[1])

    def send(self, number):
        self.wait_until_ready()
        self.process.send_signal(number)

    def end(self):
        try:
            _, self.errors = self.process.communicate(timeout=300)
        finally:
            self.process.kill()
            self.process.wait()
        return self.process.returncode

    @property
    def directory(self):
        [directory] = (self.folder / "runs").iterdir()
        return directory

    @property
    def summary(self):
        summary = json.loads((self.directory / "summary.json").read_bytes())
        VALIDATOR.validate(summary)
        return summary

    def events(self):
        paths = sorted((self.folder / "logs").glob("navigator.log*"))
        lines = [line for path in paths for line in path.read_bytes().splitlines()]
        return [json.loads(line) for line in lines]


def verdict(summary):
    metadata = summary["run_metadata"]
    return metadata["status"], metadata["exit_code"], metadata["signal"], metadata["final"]


WITHIN_A_BLOCK = """
with obs.start_run("baseline", params={{"seed": 42}}, years=[2025]) as run:
    for year in [2025]:
        with obs.context(year=year), obs.operation("year_simulation"):
            log.info("year simulated")
    {last}
"""


BY_HAND = """
run = obs.start_run("baseline", params={{"seed": 42}}, years=[2025])
with obs.context(year=2025), obs.operation("year_simulation"):
    log.info("year simulated")
{last}
"""
