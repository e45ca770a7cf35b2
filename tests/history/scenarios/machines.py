"""What the machine and those who run it do to a simulation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .scenario import Expected, scenario
from .world import World

YEAR_END = "year_simulation/year_end"
RULES = (("code", "rules"),)
HOLDER = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
# The rules say that they have got there, and wait to be ended.
WAIT = "open('reached', 'w').close()\nimport time\ntime.sleep(100)"


def ended(status: str, category: str, reason: str, **more: object) -> Expected:
    return Expected(status, "failure", (category,), (), YEAR_END, 2026, reason=reason, **more)


def waiting(world: World) -> None:
    """Rules that wait at the end of 2026, from the first run on, where a file says so."""
    world.at_year_end(f"import os\nif os.path.exists('wait'):\n    {WAIT.replace(chr(10), chr(10) + '    ')}")
    world.good(3)
    (world.folder / "wait").touch()


def with_database(world: World) -> None:
    """A database in a file, in a folder of its own."""
    (world.folder / "db").mkdir()
    world.settings(database="db/simulation.duckdb")
    for _ in range(3):
        world.good(1)
        (world.folder / "db" / "simulation.duckdb").unlink()


@contextmanager
def database_held(world: World) -> Iterator[None]:
    path = world.folder / "db" / "simulation.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline()
        try:
            yield
        finally:
            holder.kill()


LOCKED = Expected("failed", "failure", ("database/lock",), ("Could not set lock on file",), "open_database")


@scenario("Somebody looked into the database while the simulation began.", LOCKED, before=with_database)
def database_locked(world: World) -> None:
    with database_held(world):
        world.run()


def locked_before(world: World) -> None:
    with_database(world)
    with database_held(world):
        world.run()
    (world.folder / "db" / "simulation.duckdb").unlink()
    world.good(1)
    (world.folder / "db" / "simulation.duckdb").unlink()


@scenario(
    "It is locked again, as some runs ago, when a second try did it.",
    Expected(
        "failed", "failure", ("database/lock",), ("Could not set lock on file",), "open_database", seen_before=True
    ),
    before=locked_before,
)
def database_locked_again(world: World) -> None:
    with database_held(world):
        world.run()


@scenario(
    "The database's file was damaged since.",
    Expected("failed", "failure", ("database/corruption",), ("simulation.duckdb",), "open_database"),
    before=with_database,
)
def database_damaged(world: World) -> None:
    (world.folder / "db" / "simulation.duckdb").write_bytes(os.urandom(50_000))
    world.run()


@scenario(
    "The database's folder is gone.",
    Expected("failed", "failure", ("environment/missing_file",), ("db/simulation.duckdb",), "open_database"),
    before=with_database,
)
def database_folder_gone(world: World) -> None:
    (world.folder / "db").rmdir()
    world.run()


@scenario(
    "The database's folder belongs to somebody else.",
    Expected("failed", "failure", ("environment/permission",), ("Permission denied",), "open_database"),
    before=with_database, root=True,
)  # fmt: skip
def database_folder_of_somebody_else(world: World) -> None:
    world.run_without_rights(world.folder / "db")


def small_disk(folder: str, size: str) -> tuple[str, ...]:
    return ("unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size={size} none {folder} && exec "$@"', "sh")


@scenario(
    "The disk for the output is full.",
    Expected("failed", "failure", ("resource/disk",), ("No space left on device",), "report"),
    root=True,
)
def output_disk_full(world: World) -> None:
    (world.folder / "out").mkdir(exist_ok=True)
    full = 'mount -t tmpfs -o size=16k none out && head -c 16k /dev/zero > out/other; exec "$@"'
    world.run(prefix=("unshare", "-m", "sh", "-c", full, "sh"))


@scenario(
    "The disk that the database is on is full.",
    Expected("failed", "failure", ("resource/disk",), ("No space left on device",), YEAR_END, 2025),
    before=with_database, root=True,
)  # fmt: skip
def database_disk_full(world: World) -> None:
    world.run(prefix=small_disk("db", "40k"))


@scenario(
    "The output could not be written for want of space, and neither could the note about it: the first is the cause.",
    Expected("failed", "failure", ("resource/disk",), ("No space left on device",), "report", changed=RULES),
    root=True,
)
def output_disk_full_and_clean_up_fails(world: World) -> None:
    world.change_rules(
        "    path.write_text(",
        "    state = {}\n    try:\n        open('/dev/full', 'w').write('x' * 100_000)\n"
        "    except OSError:\n        state.pop('handle')\n    path.write_text(",
    )
    world.run()


@scenario(
    "The rules leave files open until there are no descriptors left.",
    Expected("failed", "failure", ("resource/descriptors",), ("Too many open files",), YEAR_END, 2026, RULES),
)
def descriptors_used_up(world: World) -> None:
    world.at_year_end("kept = [open('rules.py') for _ in range(5000)]")
    world.run(prefix=("sh", "-c", 'ulimit -n 200; exec "$@"', "sh"))


@scenario(
    "The rules keep ever more in memory, and the process may have no more.",
    Expected("failed", "failure", ("resource/memory",), ("MemoryError",), YEAR_END, 2026, RULES),
)
def memory_used_up(world: World) -> None:
    world.at_year_end("kept = []\nwhile True:\n    kept.append(bytes(10_000_000))")
    world.run(prefix=("sh", "-c", 'ulimit -v 3000000; exec "$@"', "sh"))


@scenario(
    "The kernel killed it, since its control group was out of memory.",
    Expected(
        "crashed", "failure", ("interrupted/oom", "resource/memory"), ("oom",), YEAR_END, 2026, RULES, reason="oom"
    ),
    root=True,
)
def killed_for_memory(world: World) -> None:
    world.at_year_end("import time\nkept = []\nwhile True:\n    kept.append(b'x' * 10_000_000)\n    time.sleep(0.05)")
    with world.memory_group(400) as prefix:
        world.run(prefix=prefix)


@scenario(
    "Somebody or something killed it; nothing tells who.",
    ended("crashed", "interrupted/killed", "vanished"),
    before=waiting,
)
def killed(world: World) -> None:
    with world.running() as process:
        world.wait_for("reached")
        process.kill()


@scenario(
    "It was killed, and its parent saw it: SIGKILL.", ended("crashed", "interrupted/killed", "SIGKILL"), before=waiting
)
def killed_under_a_watcher(world: World) -> None:
    with world.running(prefix=world.watcher()) as process:
        world.wait_for("reached")
        [simulation] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        os.kill(int(simulation), signal.SIGKILL)
        process.wait(300)


@scenario("The scheduler ended it.", ended("terminated", "interrupted/scheduler", "SIGTERM"), before=waiting)
def terminated(world: World) -> None:
    with world.running() as process:
        world.wait_for("reached")
        process.send_signal(signal.SIGTERM)
        process.wait(300)


@scenario("Somebody pressed Ctrl-C.", ended("interrupted", "interrupted/user", "KeyboardInterrupt"), before=waiting)
def interrupted(world: World) -> None:
    with world.running() as process:
        world.wait_for("reached")
        process.send_signal(signal.SIGINT)
        process.wait(300)


@scenario(
    "The rules leave the process without a word.",
    Expected("crashed", "failure", ("interrupted/exit",), ("9",), YEAR_END, 2026, RULES, reason="9"),
)
def left_without_a_word(world: World) -> None:
    world.at_year_end("import os\nos._exit(9)")
    world.run(prefix=world.watcher())


HANG = "import threading\nopen('reached', 'w').close()\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()"


@scenario(
    "The rules wait for a lock that they hold themselves; the run lives and gets nowhere.",
    Expected("stalled", "failure", ("stalled",), ("no progress",), YEAR_END, 2026, RULES, reason="no progress"),
)
@contextmanager
def hanging(world: World) -> Iterator[None]:
    world.settings(promise=1.5)
    world.at_year_end(HANG)
    with world.running():
        world.wait_for("reached")
        world.wait_for_status("stalled")
        yield


@scenario(
    "It hung until the scheduler's time was up.",
    Expected(
        "terminated", "failure", ("stalled", "interrupted/scheduler"), (), YEAR_END, 2026, RULES, reason="SIGTERM"
    ),
)
def hung_until_it_was_ended(world: World) -> None:
    world.settings(promise=1.5)
    world.at_year_end(HANG)
    with world.running() as process:
        world.wait_for("reached")
        world.wait_for_status("stalled")
        process.send_signal(signal.SIGTERM)
        process.wait(300)


@scenario(
    "The computer's clock was set back by an hour while it ran: nothing is wrong with the simulation.",
    Expected("success", "none"),
)
def clock_set_back(world: World) -> None:
    world.run(clock_step_seconds=-3600)
