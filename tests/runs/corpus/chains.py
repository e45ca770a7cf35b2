"""One exception behind another: which one decides?"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

from .case import case
from .models import SimulationError

HERE = "tests.runs.corpus.models."


@case(
    "data/integrity", "The simulation fails because the database refused a row twice: the demo's own failure.",
    raises="navigator_obs.demo.workforce.SimulationError", says="hiring", needs=("duckdb",),
)  # fmt: skip
def demo_batch_refused(folder: Path) -> None:
    import duckdb

    from navigator_obs.demo.workforce import Plan, Workforce

    Workforce(duckdb.connect(), Plan(years=(2025,), employees=100, fail_in=2025), folder).simulate()


@case(
    "database/lock", "The simulation could not start because the database was locked.",
    raises=HERE + "SimulationError", says="2026",
)  # fmt: skip
def simulation_behind_a_lock(folder: Path) -> None:
    path = folder / "runs.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("CREATE TABLE run (id TEXT)")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        sqlite3.connect(path, timeout=0.05).execute("INSERT INTO run VALUES ('a')")
    except sqlite3.Error as error:
        raise SimulationError("the year 2026 could not be stored") from error


@case(
    "resource/disk", "Three layers, and at the bottom the disk is full.",
    raises=HERE + "SimulationError", says="year",
)  # fmt: skip
def three_layers(folder: Path) -> None:
    def write() -> None:
        with open("/dev/full", "w", encoding="utf-8") as file:
            file.write("x" * 100_000)

    def checkpoint() -> None:
        try:
            write()
        except OSError as error:
            raise RuntimeError("no checkpoint") from error

    try:
        checkpoint()
    except RuntimeError as error:
        raise SimulationError("the year 2027 failed") from error


@case("resource/disk", "The clean-up failed, too; first the disk was full.", raises="KeyError", says="handle")
def clean_up_that_fails(folder: Path) -> None:
    state: dict[str, object] = {}
    try:
        with open("/dev/full", "w", encoding="utf-8") as file:
            file.write("x" * 100_000)
    except OSError:
        state.pop("handle")


@case(
    "environment/missing_file", "The handler of the error has a mistake; the operator still lacks the file.",
    raises="AttributeError", says="file_name",
)  # fmt: skip
def handler_with_a_mistake(folder: Path) -> None:
    try:
        (folder / "census_2026.csv").read_text()
    except OSError as error:
        print(error.file_name)


@case(
    "environment/missing_file", "It looked into a cache first, in vain as usual; then the file was not there.",
    raises="FileNotFoundError", says="census_2026.csv",
)  # fmt: skip
def cache_first(folder: Path) -> None:
    cache: dict[int, str] = {}
    try:
        cache[2026]
    except KeyError:
        cache[2026] = (folder / "census_2026.csv").read_text()


@case(
    "data/format", "It does without a fast library as usual; then the text was no JSON.",
    raises="json.decoder.JSONDecodeError", says="Expecting",
)  # fmt: skip
def optional_library_first(folder: Path) -> None:
    try:
        import very_fast_json as reader
    except ImportError:
        json.loads("{'employee_id': 1}")
    else:
        reader.loads("")


@case(
    "config", "A scenario that is none; that it was looked up in a dictionary is no matter.",
    raises="ValueError", says="unknown scenario",
)  # fmt: skip
def lookup_turned_into_words(folder: Path) -> None:
    scenarios = {"baseline": 0.03}
    try:
        scenarios["hihg"]
    except KeyError:
        raise ValueError("unknown scenario 'hihg': choose from baseline") from None


@case(
    "config", "The settings' file is no JSON, and the program says that it is about the settings.",
    raises="tests.runs.corpus.settings.ConfigError", says="simulation.json",
)  # fmt: skip
def settings_that_are_no_json(folder: Path) -> None:
    from .settings import ConfigError

    path = folder / "simulation.json"
    path.write_text('{"seed": 42,}')
    try:
        json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


@case(
    "database/lock", "The cause was cut off, but its words were kept.",
    raises="RuntimeError", says="Could not set lock", needs=("duckdb",),
)  # fmt: skip
def cause_cut_off(folder: Path) -> None:
    import duckdb

    from .database_files import HOLDER, made
    from .limits import another_process

    path = made(folder, 10)
    with another_process(HOLDER, path):
        try:
            duckdb.connect(str(path))
        except duckdb.Error as error:
            raise RuntimeError(f"cannot open the database: {error}") from None


@case(
    "external/network", "A client of the program's own, and below it a refused connection.",
    raises=HERE + "SimulationError", says="mortality table",
)  # fmt: skip
def service_behind_a_client(folder: Path) -> None:
    from .network import fetch, unused_port

    try:
        fetch(unused_port())
    except OSError as error:
        raise SimulationError("no mortality table from the rates service") from error


@case("resource/memory", "Out of memory, told as a failed year.", raises=HERE + "SimulationError", says="2028")
def memory_behind_a_year(folder: Path) -> None:
    from .limits import memory_limited

    try:
        with memory_limited(100):
            bytearray(500 * 2**20)
    except MemoryError as error:
        raise SimulationError("the year 2028 failed") from error


@case(
    "model", "A domain error that was raised while another of the kind was handled.",
    raises=HERE + "SimulationError", says="after the retry",
)  # fmt: skip
def retry_that_fails(folder: Path) -> None:
    from .models import NegativeHeadcountError

    def simulate(leaving: int) -> None:
        if leaving > 12:
            raise NegativeHeadcountError(f"headcount would be {12 - leaving}")

    try:
        simulate(15)
    except NegativeHeadcountError:
        try:
            simulate(14)
        except NegativeHeadcountError as error:
            raise SimulationError("no valid year after the retry") from error


@case("data/format", "A row's number is in a note.", raises="ValueError", says="could not convert")
def with_a_note(folder: Path) -> None:
    try:
        float("n/a")
    except ValueError as error:
        error.add_note("in line 12 of census.csv, column compensation")
        raise


@case("data/integrity", "Three scenarios failed of the same.", raises="ExceptionGroup", says="3 sub-exceptions")
def group_of_the_same(folder: Path) -> None:
    failures = []
    for _ in range(3):
        opened = sqlite3.connect(":memory:")
        opened.execute("CREATE TABLE run (id TEXT PRIMARY KEY)")
        try:
            opened.executemany("INSERT INTO run VALUES (?)", [("a",), ("a",)])
        except sqlite3.Error as error:
            failures.append(error)
    raise ExceptionGroup("3 of 5 scenarios failed", failures)


@case("environment/missing_file", "A group within a group, and one file that is not there.", raises="ExceptionGroup")
def group_within_a_group(folder: Path) -> None:
    try:
        (folder / "census_2026.csv").read_text()
    except OSError as error:
        raise ExceptionGroup("scenarios", [ExceptionGroup("baseline", [error])]) from None


@case("numeric/division", "A task of a group failed; the others were cancelled for it.", raises="ExceptionGroup")
def group_of_tasks(folder: Path) -> None:
    async def divide() -> None:
        await asyncio.sleep(0)
        1 / 0

    async def simulate() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(5))
            group.create_task(divide())

    asyncio.run(simulate())


@case(
    "database/sql", "A helper of the program's own asks for a table that is not there.",
    raises=HERE + "SimulationError", says="report", needs=("duckdb",),
)  # fmt: skip
def report_without_its_table(folder: Path) -> None:
    import duckdb

    try:
        duckdb.connect().execute("SELECT * FROM fct_workforce_snapshot")
    except duckdb.Error as error:
        raise SimulationError("the report could not be made") from error


@case(
    "environment/permission", "It could not write its output, and then could not write that it could not.",
    raises="PermissionError", says="errors.log", root=True,
)  # fmt: skip
def twice_without_permission(folder: Path) -> None:
    from .limits import somebody_else

    (folder / "out").mkdir(mode=0o755)
    with somebody_else():
        try:
            (folder / "out" / "result.csv").touch()
        except OSError:
            (folder / "out" / "errors.log").write_text("no result")


@case(
    "resource/time", "A library's own timeout class, from the built-in one.",
    raises=HERE + "SimulationError", says="gave up",
)  # fmt: skip
def timeout_behind_a_year(folder: Path) -> None:
    async def simulate() -> None:
        async with asyncio.timeout(0.05):
            await asyncio.sleep(5)

    try:
        asyncio.run(simulate())
    except TimeoutError as error:
        raise SimulationError("gave up on the year 2027") from error
