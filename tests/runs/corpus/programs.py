"""Other programs that fail, as whoever started them sees it."""

from __future__ import annotations

import shlex
import signal
import subprocess
import sys
from pathlib import Path

from .case import case
from .limits import small_disk

FAILED = "subprocess.CalledProcessError"


def python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, **options)


@case("external", "A program failed and left no word why.", raises=FAILED, says="exit status 1")
def program_failed(folder: Path) -> None:
    subprocess.run(["false"], check=True)


@case("resource/time", "A program took longer than it may.", raises="subprocess.TimeoutExpired", says="timed out")
def program_too_slow(folder: Path) -> None:
    subprocess.run(["sleep", "10"], check=True, timeout=0.1)


@case(
    "interrupted/killed", "Somebody or something killed the program: nothing tells who.",
    raises=FAILED, says="SIGKILL",
)  # fmt: skip
def program_killed(folder: Path) -> None:
    python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")


@case(
    "interrupted/killed", "The shell tells by its status of 137 that the program was killed.",
    raises=FAILED, says="exit status 137",
)  # fmt: skip
def program_killed_under_a_shell(folder: Path) -> None:
    subprocess.run("sh -c 'kill -9 $$'; exit $?", shell=True, check=True, stderr=subprocess.DEVNULL)


@case("interrupted/scheduler", "A polite end asked for from outside.", raises=FAILED, says="SIGTERM")
def program_terminated(folder: Path) -> None:
    with subprocess.Popen(["sleep", "10"]) as process:
        process.terminate()
        process.wait()
    raise subprocess.CalledProcessError(process.returncode, process.args)


@case("interrupted/user", "Somebody pressed Ctrl-C in the program.", raises=FAILED, says="SIGINT")
def program_interrupted(folder: Path) -> None:
    code = f"import os, signal; signal.signal(2, signal.SIG_DFL); os.kill(os.getpid(), {int(signal.SIGINT)})"
    python(code)


@case("interrupted/crash", "The program crashed in native code.", raises=FAILED, says="SIGSEGV")
def program_crashed(folder: Path) -> None:
    python("import ctypes; ctypes.string_at(0)")


@case("interrupted/crash", "The program gave itself up.", raises=FAILED, says="SIGABRT")
def program_aborted(folder: Path) -> None:
    python("import os; os.abort()")


@case("resource/time", "The program used up its processor time.", raises=FAILED, says="SIGXCPU")
def program_out_of_processor_time(folder: Path) -> None:
    python("import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 3))\nwhile True: pass")


@case("resource/disk", "The program's file grew past what is allowed.", raises=FAILED, says="SIGXFSZ")
def program_file_too_large(folder: Path) -> None:
    python(
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); open('events', 'w').write('x' * 5000)"
    )


@case(
    "environment/dependency", "The program is not installed.",
    raises="FileNotFoundError", says="dbtt",
)  # fmt: skip
def program_not_installed(folder: Path) -> None:
    subprocess.run(["dbtt", "run"], check=True)


@case(
    "environment/dependency", "The shell does not find the program.",
    raises=FAILED, says="exit status 127",
)  # fmt: skip
def program_not_found_by_the_shell(folder: Path) -> None:
    subprocess.run("dbtt run --select workforce", shell=True, check=True, stderr=subprocess.DEVNULL)


@case(
    "environment/permission", "The program's file may not be executed.",
    raises="PermissionError", says="Permission denied",
)  # fmt: skip
def program_not_executable(folder: Path) -> None:
    path = folder / "simulate"
    path.write_text("#!/bin/sh\n")
    subprocess.run([path], check=True)


@case(
    "environment/permission", "The shell was not allowed to execute it.",
    raises=FAILED, says="exit status 126",
)  # fmt: skip
def program_not_executable_by_the_shell(folder: Path) -> None:
    path = folder / "simulate"
    path.write_text("#!/bin/sh\n")
    subprocess.run(shlex.quote(str(path)), shell=True, check=True, stderr=subprocess.DEVNULL)


@case(
    "environment/dependency", "The program was built for another machine.",
    raises="OSError", says="Exec format error",
)  # fmt: skip
def program_of_another_machine(folder: Path) -> None:
    path = folder / "solver"
    path.write_bytes(b"\x7fELF" + bytes(100))
    path.chmod(0o755)
    subprocess.run([path], check=True)


@case(
    "environment/missing_file", "The folder to start the program in is missing.",
    raises="FileNotFoundError", says="scenarios",
)  # fmt: skip
def program_without_its_folder(folder: Path) -> None:
    subprocess.run(["true"], check=True, cwd=folder / "scenarios")


@case(
    "environment/dependency", "The program's own words: a module that it needs is not there.",
    raises=FAILED, says="exit status 1",
)  # fmt: skip
def program_without_a_module(folder: Path) -> None:
    python("import simulation_engine")


@case(
    "resource/disk", "The program's own words: the disk is full.",
    raises=FAILED, says="exit status 1", root=True,
)  # fmt: skip
def program_on_a_full_disk(folder: Path) -> None:
    with small_disk(folder) as disk:
        python("open('events', 'w').write('x' * 200000)", cwd=disk)


@case(
    "resource/memory", "The program's own words: no memory.",
    raises=FAILED, says="exit status 1",
)  # fmt: skip
def program_without_memory(folder: Path) -> None:
    python("import resource; resource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28)); bytearray(2**29)")


@case(
    "database/lock", "The program's own words, which its caller put into its message: the database is locked.",
    raises="RuntimeError", says="Could not set lock", needs=("duckdb",),
)  # fmt: skip
def program_that_found_a_lock(folder: Path) -> None:
    import duckdb

    path = folder / "simulation.duckdb"
    with duckdb.connect(str(path)):
        command = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(path)!r})"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    raise RuntimeError(f"the year's build failed with status {done.returncode}: {done.stderr.splitlines()[-1]}")


@case(
    "config", "The program was called with an option that it does not know.",
    raises=FAILED, says="exit status 2",
)  # fmt: skip
def program_called_wrongly(folder: Path) -> None:
    code = "import argparse; parser = argparse.ArgumentParser(); parser.add_argument('--year'); parser.parse_args()"
    command = [sys.executable, "-c", code, "--yaer", "2026"]
    subprocess.run(command, check=True, capture_output=True, text=True)
