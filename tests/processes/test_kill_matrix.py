"""Every way to die, met in every kind of code: the right status and reason, and nothing acknowledged is lost."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from navigator_obs.config import Config
from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.recovery import recover
from tests.on_disk import VALIDATOR

DEADLINE_SECONDS = 300
ACKNOWLEDGED = 200

PROGRAM = """
import asyncio, ctypes, itertools, os, shlex, signal, subprocess, sys, time
import navigator_obs as obs
place, way = sys.argv[1:]
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
log = obs.get_logger("sim")
parent = os.getppid()

def ready():
    os.write(1, b"ready\\n")

def fault():
    ctypes.string_at(0)

def shell(script):
    subprocess.run(["sh", "-c", script], check=True)

def over():
    return os.path.exists("stop") if way == "ignored" else os.getppid() != parent

def fill():
    with open("runs/fill", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass

def hungry(megabytes):
    data = bytearray(megabytes * 1_000_000)
    data[::4096] = b"x" * len(data[::4096])
    raise AssertionError("it had room")

def limited():
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000, 1_000_000_000))

ACTS = {
    "exception": lambda: 1 / 0,
    "exit": lambda: sys.exit(3),
    "_exit": lambda: os._exit(9),
    "segfault": fault,
    "rlimit": lambda: hungry(4_000),
    "cgroup": lambda: hungry(400),
    "disk": fill,
    "disk_and_kill": lambda: (fill(), os.kill(os.getpid(), signal.SIGKILL)),
}
IN_A_SHELL = {
    "exception": lambda: shell("exit 1"),
    "exit": lambda: sys.exit(subprocess.run(["sh", "-c", "exit 3"]).returncode),
    "_exit": lambda: os._exit(subprocess.run(["sh", "-c", "exit 9"]).returncode),
    "segfault": lambda: (subprocess.Popen(["sleep", "0.5"]), fault()),
    "rlimit": lambda: shell(f"{shlex.quote(sys.executable)} -c 'bytearray(4_000_000_000)' 2>/dev/null"),
    "cgroup": lambda: shell(f"{shlex.quote(sys.executable)} -c 'bytes([1]) * 400_000_000' 2>/dev/null"),
    "disk": lambda: shell("cat /dev/zero > runs/fill 2>/dev/null; true"),
    "disk_and_kill": lambda: (IN_A_SHELL["disk"](), os.kill(os.getpid(), signal.SIGKILL)),
}

def python():
    if way in ACTS:
        return ACTS[way]()
    n = 0
    while not (way in {"ignored", "orphan"} and over()):
        n += 1

def c():
    if way in ACTS:
        # Called back by C code, which Python's exceptions go through.
        return max([1, 2], key=lambda _: ACTS[way]() or 0)
    if way in {"ignored", "orphan"}:
        return next(filter(lambda _: over(), itertools.repeat(None)))
    # C code that holds the GIL: Python hears of nothing, and no thread runs, from the moment that it says so.
    sum(itertools.chain(map(os.write, [1], [b"ready\\n"]), itertools.repeat(1, 10**15)))

def in_a_subprocess():
    if way in IN_A_SHELL:
        return IN_A_SHELL[way]()
    if way == "ignored":
        return shell("while ! test -e stop; do sleep 0.02; done")
    if way == "orphan":
        return shell(f"while kill -0 {parent} 2>/dev/null; do sleep 0.02; done")
    subprocess.run(["sleep", "600"], check=True)

async def in_a_task():
    await asyncio.sleep(0)
    if way in ACTS:
        return ACTS[way]()
    while not (way in {"ignored", "orphan"} and over()):
        await asyncio.sleep(0.01)

def in_asyncio():
    asyncio.run(in_a_task())

with obs.start_run("baseline", years=range(200)) as run:
    for year in range(200):
        with obs.context(year=year), obs.operation("year_simulation"):
            obs.check("headcount", year, min=0)
        run.checkpoint(year)
    log.warning("few hires")
    if way == "rlimit":
        limited()
    with obs.operation("the_end"):
        if place != "c" or way in ACTS or way in {"ignored", "orphan"}:
            ready()
        {"python": python, "c": c, "subprocess": in_a_subprocess, "asyncio": in_asyncio}[place]()
"""
PARENT = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(600)"
RECOVERED = f"{shlex.quote(sys.executable)} -m navigator_obs recover --runs-dir runs --log-dir logs"
COPIED = (
    f'mount -t tmpfs -o size=2m tmpfs runs && "$@"; code=$?; {RECOVERED}; rm -f runs/fill; cp -r runs kept; exit $code'
)
MEMORY = Path("/sys/fs/cgroup/memory")

PLACES = ("python", "c", "subprocess", "asyncio")
SIGNALS = {"SIGKILL": "crashed", "SIGTERM": "terminated", "SIGINT": "interrupted", "SIGHUP": "terminated"}
VERDICTS = {
    "exception": ("failed", "ZeroDivisionError"),
    "exit": ("failed", "sys.exit(3)"),
    "_exit": ("crashed", "vanished"),
    "segfault": ("crashed", "segfault"),
    "rlimit": ("failed", "MemoryError"),
    "cgroup": ("crashed", "oom"),
    "disk": ("success", ""),
    "disk_and_kill": ("crashed", "disk_full"),
    "orphan": ("success", ""),
    "ignored": ("success", ""),
}
CORE = {
    ("python", "SIGKILL"),
    ("c", "SIGTERM"),
    ("python", "segfault"),
    ("subprocess", "SIGTERM"),
    ("asyncio", "SIGINT"),
}


class Simulation:
    """One process of the matrix, with its own session, so that nothing of it outlives the test."""

    def __init__(self, folder, place, way, *, prefix=(), **settings):
        self.folder = folder
        (folder / "sim.py").write_text(PROGRAM)
        environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, str(folder / "sim.py"), place, way], cwd=folder, env=environ,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **settings,
        )  # fmt: skip

    def wait_until_ready(self):
        line = self.process.stdout.readline()
        assert line == b"ready\n", line + self.process.stderr.read()

    def has_ended(self, seconds):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.returncode is not None

    def reap(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate(timeout=DEADLINE_SECONDS)

    @property
    def directory(self):
        kept = self.folder / "kept"
        [directory] = [path for path in (kept if kept.exists() else self.folder / "runs").iterdir() if path.is_dir()]
        return directory

    def verdict(self):
        """Finalise the run if it is dead; return what stands in the folder then."""
        recover(self.directory, Config(runs_dir=self.folder / "runs", log_dir=self.folder / "logs"))
        summary = json.loads((self.directory / "summary.json").read_bytes())
        VALIDATOR.validate(summary)
        metadata = summary["run_metadata"]
        assert metadata["final"] is True
        assert status_of(self.directory)["status"] == metadata["status"]
        assert sorted(summary["execution_summary"]["years_completed"]) == list(range(ACKNOWLEDGED))
        assert summary["execution_summary"]["checks"]["pass"] == ACKNOWLEDGED
        assert summary["performance_metrics"]["year_simulation"]["count"] == ACKNOWLEDGED
        assert summary["execution_summary"]["warnings"] >= 1
        return summary


@pytest.fixture
def simulate(tmp_path):
    started = []

    def start(*arguments, **settings):
        started.append(Simulation(tmp_path, *arguments, **settings))
        return started[-1]

    yield start
    for simulation in started:
        if simulation.process.returncode is None or simulation.process.stdout.closed is False:
            simulation.reap()


def cases(ways):
    for way in ways:
        for place in PLACES:
            marks = [] if (place, way) in CORE else [pytest.mark.torture]
            yield pytest.param(place, way, marks=marks, id=f"{way}-{place}")


@pytest.mark.parametrize(("place", "way"), list(cases(SIGNALS)))
def test_a_signal_ends_it(simulate, place, way):
    """Also one that only the interpreter sees, because C code runs, and that the scheduler's SIGKILL follows."""
    ended = simulate(place, way)
    ended.wait_until_ready()
    ended.process.send_signal(getattr(signal, way))
    deaf = place == "c" and way != "SIGKILL"
    assert ended.has_ended(1.0 if deaf else DEADLINE_SECONDS) is not deaf
    ended.reap()
    metadata = ended.verdict()["run_metadata"]
    assert metadata["status"] == SIGNALS[way]
    if way == "SIGKILL":
        assert (metadata["status_reason"].split(":")[0], metadata["signal"]) == ("vanished", None)
    else:
        assert metadata["signal"] == way
        assert metadata["status_confidence"] == ("likely" if deaf else "certain")


@pytest.mark.parametrize(("place", "way"), list(cases(["exception", "exit", "_exit", "segfault", "rlimit"])))
def test_it_ends_itself(simulate, place, way):
    """An exception, `sys.exit`, `os._exit`, a fault and an allocation beyond the limit each have their verdict."""
    ended = simulate(place, way)
    assert ended.has_ended(DEADLINE_SECONDS)
    ended.reap()
    metadata = ended.verdict()["run_metadata"]
    status, reason = VERDICTS[way]
    if place == "subprocess" and way in {"exception", "rlimit"}:
        # The child's failure is an exception here.
        reason = "subprocess.CalledProcessError"
    assert (metadata["status"], metadata["status_reason"].startswith(reason)) == (status, True), metadata
    assert metadata["exit_code"] == {"exit": 3, "_exit": None, "segfault": None}.get(way, 1)


@pytest.mark.parametrize(("place", "way"), list(cases(["disk", "disk_and_kill"])))
@pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"], check=False).returncode != 0, reason="needs unshare")
def test_a_full_disk_changes_no_verdict(tmp_path, simulate, place, way):
    """The run ends in order, its end told in the space that was set aside; so is that of one that is killed then."""
    (tmp_path / "runs").mkdir()
    ended = simulate(place, way, prefix=("unshare", "-rm", "sh", "-c", COPIED, "sh"))
    assert ended.has_ended(DEADLINE_SECONDS)
    ended.reap()
    metadata = ended.verdict()["run_metadata"]
    assert (metadata["status"], (metadata["status_reason"] or "").split(":")[0]) == VERDICTS[way]


@pytest.fixture
def small_group(tmp_path):
    """A control group with room for the program and not for what it asks for."""
    own = next((line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()
                if line.split(":")[1] == "memory"), None)  # fmt: skip
    if own is None:
        pytest.skip("needs a memory control group of version 1")
    group = MEMORY / own.lstrip("/") / f"navigator-obs-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("150000000")
    except OSError:
        pytest.skip("needs the right to make control groups")
    yield group
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.05)


@pytest.mark.torture
@pytest.mark.parametrize("place", PLACES)
def test_the_kernel_s_memory_killer_is_named(simulate, small_group, place):
    """The control group's counter has grown since the run was last heard of; a child's death is an exception here."""
    enter = ("sh", "-c", f'echo $$ > {small_group}/cgroup.procs && exec "$@"', "sh")
    ended = simulate(place, "cgroup", prefix=enter)
    assert ended.has_ended(DEADLINE_SECONDS)
    summary = ended.verdict()
    metadata = summary["run_metadata"]
    found = (metadata["status"], metadata["status_reason"].split(":")[0], metadata["status_confidence"])
    if place == "subprocess":
        assert found == ("failed", "subprocess.CalledProcessError", "certain")
        # Who killed its child, and why, a parent is not told.
        assert summary["issues"]["errors"][0]["category"] == "interrupted/killed"
    else:
        assert found == (*VERDICTS["cgroup"], "likely")
    ended.reap()


@pytest.mark.parametrize(("place", "way"), list(cases(["orphan"])))
def test_the_death_of_the_parent_is_not_the_run_s(simulate, place, way):
    """A program whose parent is killed goes on to its end, if it can."""
    ended = simulate(place, way, prefix=(sys.executable, "-c", PARENT))
    ended.wait_until_ready()
    assert status_of(ended.directory)["status"] == "running"
    ended.process.kill()
    ended.process.wait()
    deadline = time.monotonic() + DEADLINE_SECONDS
    while status_of(ended.directory)["status"] == "running" and time.monotonic() < deadline:
        time.sleep(0.05)
    assert ended.verdict()["run_metadata"]["status"] == VERDICTS[way][0]


@pytest.mark.parametrize(("place", "way"), list(cases(["ignored"])))
def test_a_job_in_the_background_ignores_ctrl_c(simulate, place, way):
    """A script's `&` starts it with SIGINT ignored, and so it stays."""
    ended = simulate(place, way, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
    ended.wait_until_ready()
    ended.process.send_signal(signal.SIGINT)
    assert not ended.has_ended(0.3)
    assert status_of(ended.directory)["status"] == "running"
    (ended.folder / "stop").touch()
    assert ended.has_ended(DEADLINE_SECONDS)
    assert ended.verdict()["run_metadata"]["status"] == VERDICTS[way][0]
