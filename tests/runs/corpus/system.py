"""What the operating system refuses."""

from __future__ import annotations

import mmap
import os
import resource
import shutil
import signal
import socket
import threading
from pathlib import Path

from .case import case
from .limits import limited, memory_limited, small_disk, somebody_else


@case("resource/disk", "The disk is full.", raises="OSError", says="No space left on device")
def full_device(folder: Path) -> None:
    with open("/dev/full", "w", encoding="utf-8") as file:
        file.write("x" * 100_000)


@case(
    "resource/disk", "The disk ran full while a checkpoint was written.",
    raises="OSError", says="No space left on device", root=True,
)  # fmt: skip
def full_disk(folder: Path) -> None:
    with small_disk(folder) as disk:
        (disk / "checkpoint.bin").write_bytes(b"x" * 200_000)


@case(
    "resource/disk", "The disk has no room for one more file's entry.",
    raises="OSError", says="No space left on device", root=True,
)  # fmt: skip
def no_inodes(folder: Path) -> None:
    with small_disk(folder, 1000, "nr_inodes=5") as disk:
        for number in range(10):
            (disk / f"{number}.json").touch()


@case("resource/disk", "The file grew to the largest size allowed.", raises="OSError", says="File too large")
def file_too_large(folder: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with limited(resource.RLIMIT_FSIZE, 10_000):
        (folder / "events.log").write_bytes(b"x" * 20_000)


@case(
    "resource/disk", "A copy to a disk that is too small.", raises="OSError", says="No space left on device", root=True
)
def copy_to_a_full_disk(folder: Path) -> None:
    backup = folder / "backup.duckdb"
    backup.write_bytes(b"x" * 300_000)
    with small_disk(folder) as disk:
        shutil.copy(backup, disk / backup.name)


@case("resource/descriptors", "Too many files are open.", raises="OSError", says="Too many open files")
def too_many_files(folder: Path) -> None:
    with limited(resource.RLIMIT_NOFILE, 40):
        kept = []
        while True:
            kept.append((folder / f"{len(kept)}").open("w", encoding="utf-8"))


@case("resource/descriptors", "No descriptor is left for a pipe.", raises="OSError", says="Too many open files")
def no_descriptor_for_a_program(folder: Path) -> None:
    import subprocess

    kept = []
    with limited(resource.RLIMIT_NOFILE, 40):
        try:
            while True:
                kept.append(os.dup(0))
        except OSError:
            subprocess.run(["true"], check=True, capture_output=True)


@case("resource/descriptors", "No descriptor is left for a connection.", raises="OSError", says="Too many open files")
def no_descriptor_for_a_socket(folder: Path) -> None:
    with limited(resource.RLIMIT_NOFILE, 40):
        kept = []
        while True:
            kept.append(socket.socket())


@case(
    "resource", "The system gives the user no more threads.",
    raises="RuntimeError", says="can't start new thread", root=True,
)  # fmt: skip
def no_more_threads(folder: Path) -> None:
    os.setuid(12345)
    with limited(resource.RLIMIT_NPROC, 2):
        for _ in range(5):
            threading.Thread(target=threading.Event().wait, daemon=True).start()


@case(
    "resource", "The system gives the user no more processes.",
    raises="BlockingIOError", says="Resource temporarily unavailable", root=True,
)  # fmt: skip
def no_more_processes(folder: Path) -> None:
    os.setuid(12346)
    with limited(resource.RLIMIT_NPROC, 1):
        for _ in range(5):
            if os.fork() == 0:
                signal.pause()


@case("resource/memory", "More was asked for than the process may have.", raises="MemoryError")
def no_memory(folder: Path) -> None:
    with memory_limited(100):
        bytearray(500 * 2**20)


@case("resource/memory", "A list grew until no memory was left.", raises="MemoryError")
def memory_used_up(folder: Path) -> None:
    events = []
    with memory_limited(100):
        while True:
            events.append(b"event" * 10_000 + bytes(len(events) % 7))


@case("resource/memory", "The system has no room for the mapping.", raises="OSError", says="Cannot allocate memory")
def no_memory_to_map(folder: Path) -> None:
    with memory_limited(100):
        mmap.mmap(-1, 500 * 2**20)


@case(
    "resource/memory", "An array larger than any machine's memory.",
    raises="numpy._core._exceptions._ArrayMemoryError", says="Unable to allocate", needs=("numpy",),
)  # fmt: skip
def numpy_no_memory(folder: Path) -> None:
    import numpy as np

    np.ones((500_000, 500_000, 100))


@case(
    "resource/memory", "A join whose keys repeat multiplies the rows past the memory.",
    raises="numpy._core._exceptions._ArrayMemoryError", says="Unable to allocate", needs=("pandas",),
)  # fmt: skip
def pandas_join_without_end(folder: Path) -> None:
    import pandas as pd

    events = pd.DataFrame({"year": [2025] * 20_000, "pay": range(20_000)})
    with memory_limited(300):
        events.merge(events, on="year")


@case(
    "resource/memory", "The process, not the database, is short of memory.",
    raises="duckdb.OutOfMemoryException", needs=("duckdb",),
)  # fmt: skip
def duckdb_no_memory_in_the_process(folder: Path) -> None:
    import duckdb

    opened = duckdb.connect(config={"threads": 1, "temp_directory": ""})
    opened.execute("SELECT 1").fetchall()
    with memory_limited(150):
        opened.execute("SELECT list(n ORDER BY n DESC) FROM range(50000000) a (n)").fetchone()


@case(
    "environment/permission", "The file is somebody else's.",
    raises="PermissionError", says="Permission denied", root=True,
)  # fmt: skip
def file_of_somebody_else(folder: Path) -> None:
    path = folder / "census.csv"
    path.touch(mode=0o600)
    with somebody_else():
        path.read_text()


@case(
    "environment/permission", "The folder is somebody else's.",
    raises="PermissionError", says="Permission denied", root=True,
)  # fmt: skip
def folder_of_somebody_else(folder: Path) -> None:
    (folder / "artifacts").mkdir(mode=0o755)
    with somebody_else():
        (folder / "artifacts" / "runs").mkdir()


@case(
    "environment/permission", "Only a superuser may do this.",
    raises="PermissionError", says="Operation not permitted", root=True,
)  # fmt: skip
def not_permitted(folder: Path) -> None:
    path = folder / "census.csv"
    path.touch()
    with somebody_else():
        os.chown(path, 0, 0)


@case(
    "environment/permission", "The file system is mounted for reading alone.",
    raises="OSError", says="Read-only file system", root=True,
)  # fmt: skip
def read_only_file_system(folder: Path) -> None:
    with small_disk(folder, 64, "ro") as disk:
        (disk / "summary.json").write_text("{}")


@case("environment/missing_file", "No such file.", raises="FileNotFoundError", says="census_2026.csv")
def missing_file(folder: Path) -> None:
    (folder / "census_2026.csv").read_text()


@case(
    "environment/missing_file", "The folder to write into was never made.",
    raises="FileNotFoundError", says="No such file or directory",
)  # fmt: skip
def missing_folder(folder: Path) -> None:
    (folder / "out" / "2026" / "events.json").write_text("[]")


@case("environment/missing_file", "The working folder was deleted.", raises="FileNotFoundError")
def working_folder_deleted(folder: Path) -> None:
    place = folder / "work"
    place.mkdir()
    os.chdir(place)
    place.rmdir()
    try:
        Path("census.csv").absolute()
    finally:
        os.chdir(folder)


@case(
    "environment/missing_file", "A part of the path is a file and no folder: the path is wrong.",
    raises="NotADirectoryError", says="Not a directory",
)  # fmt: skip
def path_through_a_file(folder: Path) -> None:
    (folder / "census").touch()
    (folder / "census" / "2026.csv").read_text()


@case(
    "config", "The path that was given names a folder where a file should be.",
    raises="IsADirectoryError", says="Is a directory",
)  # fmt: skip
def folder_for_a_file(folder: Path) -> None:
    folder.read_text()


@case("environment", "Links that point at each other.", raises="OSError", says="symbolic links")
def links_in_a_circle(folder: Path) -> None:
    (folder / "latest").symlink_to(folder / "current")
    (folder / "current").symlink_to(folder / "latest")
    (folder / "latest").read_text()


@case(
    "environment", "Another program has the port.",
    raises="OSError", says="Address already in use",
)  # fmt: skip
def port_in_use(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as first:
        socket.create_server(first.getsockname())


@case("code", "The program closes a descriptor twice.", raises="OSError", says="Bad file descriptor")
def descriptor_closed_twice(folder: Path) -> None:
    number = os.open(folder / "events", os.O_CREAT | os.O_WRONLY)
    os.close(number)
    os.close(number)


@case("code", "The program writes to a file that it has closed.", raises="ValueError", says="closed file")
def file_closed(folder: Path) -> None:
    with open(folder / "events", "w", encoding="utf-8") as file:
        pass
    file.write("hire")


@case(
    "worker", "The reader at the other end of the pipe is gone.",
    raises="BrokenPipeError", says="Broken pipe",
)  # fmt: skip
def reader_gone(folder: Path) -> None:
    import subprocess

    with subprocess.Popen(["true"], stdin=subprocess.PIPE) as process:
        process.wait()
        assert process.stdin
        os.write(process.stdin.fileno(), b"2025\n")


@case("worker", "The process that should be told is gone.", raises="ProcessLookupError", says="No such process")
def process_gone(folder: Path) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    os.kill(pid, signal.SIGUSR1)
