"""Limits, disks and clocks of the machine that a simulation meets, and who ends it when its time is up."""

from __future__ import annotations

import os
import shutil
import signal
import struct
import time
from pathlib import Path

from .machines import waiting, with_database
from .scenario import Expected, scenario
from .world import Unavailable, World

YEAR_END = "year_simulation/year_end"
RULES = (("code", "rules"),)


def limited(option: str) -> tuple[str, ...]:
    """The command that runs another under this option of ``ulimit``."""
    return ("sh", "-c", f'ulimit {option}; exec "$@"', "sh")


def with_draws(world: World) -> None:
    """The rules keep the year's random draws in a file of 12 MB."""
    (world.folder / "state").mkdir()
    world.at_year_end("from pathlib import Path\nPath('state/draws.bin').write_bytes(bytes(12_000_000))")
    world.good(3)


@scenario(
    "The scheduler's new job may write no file larger than 8 MB.",
    Expected("failed", "failure", ("resource/disk", "resource"), ("File too large",), YEAR_END, 2026),
    before=with_draws,
)
def file_larger_than_allowed(world: World) -> None:
    world.run(prefix=limited("-f 16384"))


@scenario(
    "The disk for the output was mounted so that nobody can write on it.",
    Expected("failed", "failure", ("environment",), ("Read-only file system",), "report"),
    root=True,
)
def output_read_only(world: World) -> None:
    (world.folder / "out").mkdir(exist_ok=True)
    world.run(prefix=("unshare", "-m", "sh", "-c", 'mount -t tmpfs -o ro none out && exec "$@"', "sh"))


@scenario(
    "The disk for the output has room, and has used up its inodes.",
    Expected("failed", "failure", ("resource/disk",), ("No space left on device",), "report"),
    root=True,
)
def output_without_inodes(world: World) -> None:
    (world.folder / "out").mkdir(exist_ok=True)
    full = 'mount -t tmpfs -o nr_inodes=2 none out && touch out/other; exec "$@"'
    world.run(prefix=("unshare", "-m", "sh", "-c", full, "sh"))


def with_scratch(world: World) -> None:
    """The output is a link to a scratch disk."""
    (world.folder / "scratch").mkdir()
    (world.folder / "out").symlink_to("scratch")
    world.good(3)


@scenario(
    "The scratch disk is not mounted, to which the output is a link: it is told that the link exists.",
    Expected("failed", "failure", ("environment",), ("File exists", "out"), "report"),
    before=with_scratch,
)
def scratch_not_mounted(world: World) -> None:
    shutil.rmtree(world.folder / "scratch")
    world.run()


@scenario(
    "The output was named after everything that was varied, which is too long for a file's name.",
    Expected(
        "failed", "failure", ("environment", "config"), ("File name too long",), "report", None,
        (("config", "output"),),
    ),
)  # fmt: skip
def output_name_too_long(world: World) -> None:
    world.settings(output="_".join(f"growth-{n / 100:.2f}-inflation-{n / 50:.2f}" for n in range(12)))
    world.run()


@scenario(
    "The rules start a thread for each employee, and at some point there can be no more.",
    Expected("failed", "failure", ("resource",), ("can't start new thread",), YEAR_END, 2026, RULES),
)
def threads_used_up(world: World) -> None:
    world.at_year_end(
        "import threading\nthreading.stack_size(2**28)\ndone = threading.Event()\n"
        "for employee in range(100):\n    threading.Thread(target=done.wait, daemon=True).start()"
    )
    world.run(prefix=limited("-v 4000000"))


@scenario(
    "The database's file was written by a newer version of the database.",
    Expected(
        "failed", "failure", ("database/corruption", "environment/dependency", "database"), ("version number",),
        "open_database",
    ),
    before=with_database,
)  # fmt: skip
def database_of_a_newer_version(world: World) -> None:
    import duckdb

    path = world.folder / "db" / "simulation.duckdb"
    duckdb.connect(str(path)).close()
    whole = path.read_bytes()
    header = whole[8:12] + (99_999).to_bytes(8, "little") + whole[20:4096]
    if checksum(whole[8:4096]) != whole[:8]:
        raise Unavailable("this version of DuckDB has another checksum")
    path.write_bytes(checksum(header) + header + whole[4096:])
    world.run()


def checksum(header: bytes) -> bytes:
    """What DuckDB puts before the header of a file."""
    total = 5381
    for (word,) in struct.iter_unpack("<Q", header):
        total ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return total.to_bytes(8, "little")


SEARCH = "import itertools\nopen('reached', 'w').close()\n0 in itertools.count(1, 2)"


@scenario(
    "A search never ends, in native code that lets nothing else run: SIGTERM had no answer and SIGKILL followed.",
    Expected(
        "terminated",
        "failure",
        ("stalled", "interrupted", "resource/time"),
        (),
        YEAR_END,
        2026,
        RULES,
        reason="SIGTERM",
    ),
)
def hung_in_native_code(world: World) -> None:
    world.at_year_end(SEARCH)
    with world.running() as process:
        world.wait_for("reached")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(1)
        process.kill()


@scenario(
    "A bisection never ends, and the time limit of `timeout` ended the run.",
    Expected(
        "terminated", "failure", ("stalled", "interrupted/scheduler", "resource/time"), (), YEAR_END, 2026, RULES,
        reason="SIGTERM",
    ),
)  # fmt: skip
def endless_loop_until_time_was_up(world: World) -> None:
    world.at_year_end("low, high = 0.0, 1.0\nwhile high - low > -1:\n    low, high = (low + high) / 2, high")
    world.run(prefix=("timeout", "4"))


@scenario(
    "The processor time that the job was given is used up: SIGXCPU, as the parent saw.",
    Expected(
        "crashed", "failure", ("resource/time", "interrupted"), ("SIGXCPU",), YEAR_END, 2026, RULES, reason="SIGXCPU"
    ),
)
def processor_time_used_up(world: World) -> None:
    world.at_year_end("while True:\n    pass")
    world.run(prefix=(*limited("-S -t 3"), *world.watcher()))


@scenario(
    "The terminal was closed that it had been started from.",
    Expected("terminated", "failure", ("interrupted/scheduler",), (), YEAR_END, 2026, reason="SIGHUP"),
    before=waiting,
)
def terminal_closed(world: World) -> None:
    with world.running() as process:
        world.wait_for("reached")
        process.send_signal(signal.SIGHUP)
        process.wait(300)


@scenario(
    "It failed, was taken up again from its last year, and failed in the same way.",
    Expected("failed", "failure", ("code",), ("KeyError", "bands"), YEAR_END, 2026, RULES, seen_before=True),
)
def resumed_and_failed_again(world: World) -> None:
    world.at_year_end("{}['bands']")
    world.run()
    world.run(resume_from=world.last_run().name)


@scenario(
    "It was killed, and the state of the last year, from which it was taken up again, is only half there.",
    Expected(
        "failed", "failure", ("data", "database/corruption"), ("workforce_2025.parquet",), "load_checkpoint", None
    ),
    before=waiting,
)
def checkpoint_damaged(world: World) -> None:
    with world.running() as process:
        world.wait_for("reached")
        process.kill()
    killed = world.last_run()
    cut(killed / "checkpoints" / "workforce_2025.parquet")
    (world.folder / "wait").unlink()
    world.run(resume_from=killed.name)


def cut(path: Path) -> None:
    """Take the second half away."""
    os.truncate(path, path.stat().st_size // 2)
