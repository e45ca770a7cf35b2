"""What DuckDB says of files: its own, and those that it reads and writes."""

from __future__ import annotations

import os
from pathlib import Path

from .case import case
from .limits import another_process, small_disk, somebody_else

DUCKDB = ("duckdb",)
HOLDER = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def connect(path: Path | str = ":memory:", **options: object):
    import duckdb

    return duckdb.connect(str(path), **options)


def made(folder: Path, rows: int = 200_000) -> Path:
    path = folder / "simulation.duckdb"
    with connect(path) as opened:
        opened.execute(f"CREATE TABLE pay AS SELECT n, md5(n::VARCHAR) AS name FROM range({rows}) AS numbers (n)")
    return path


def census(folder: Path, text: str) -> Path:
    path = folder / "census.csv"
    path.write_text(text)
    return path


@case(
    "database/lock", "A running simulation holds the file; wait for it, or end it.",
    raises="duckdb.IOException", says="Could not set lock on file", needs=DUCKDB,
)  # fmt: skip
def duckdb_held_by_another_process(folder: Path) -> None:
    path = made(folder, 10)
    with another_process(HOLDER, path):
        connect(path)


@case(
    "database/lock", "Even reading has to wait for the process that writes.",
    raises="duckdb.IOException", says="Could not set lock on file", needs=DUCKDB,
)  # fmt: skip
def duckdb_read_while_another_process_writes(folder: Path) -> None:
    path = made(folder, 10)
    with another_process(HOLDER, path):
        connect(path, read_only=True)


@case(
    "database/connection", "The program has it open already, in another way.",
    raises="duckdb.ConnectionException", says="different configuration", needs=DUCKDB,
)  # fmt: skip
def duckdb_opened_in_two_ways(folder: Path) -> None:
    path = made(folder, 10)
    with connect(path):
        connect(path, read_only=True)


@case(
    "database/connection", "It was opened for reading and is written to: open it otherwise.",
    raises="duckdb.InvalidInputException", says="read-only mode", needs=DUCKDB,
)  # fmt: skip
def duckdb_read_only(folder: Path) -> None:
    connect(made(folder, 10), read_only=True).execute("DELETE FROM pay")


@case(
    "environment/missing_file", "There is no such database file.",
    raises="duckdb.IOException", says="does not exist", needs=DUCKDB,
)  # fmt: skip
def duckdb_no_such_file(folder: Path) -> None:
    connect(folder / "simulaton.duckdb", read_only=True)


@case(
    "environment/missing_file", "The folder for the database was never made.",
    raises="duckdb.IOException", says="No such file or directory", needs=DUCKDB,
)  # fmt: skip
def duckdb_no_such_folder(folder: Path) -> None:
    connect(folder / "databases" / "simulation.duckdb")


@case(
    "database/corruption", "A block in the middle was overwritten; its checksum is wrong.",
    raises="duckdb.Error", says="Corrupt database file", needs=DUCKDB,
)  # fmt: skip
def duckdb_damaged_block(folder: Path) -> None:
    path = made(folder)
    with path.open("r+b") as file:
        file.seek(12288)
        file.write(os.urandom(2**20))
    connect(path).execute("SELECT max(name), count(*) FROM pay").fetchall()


@case(
    "database/corruption", "The database's head is gone.",
    raises="duckdb.IOException", says="not a valid DuckDB database file", needs=DUCKDB,
)  # fmt: skip
def duckdb_damaged_head(folder: Path) -> None:
    path = made(folder)
    with path.open("r+b") as file:
        file.write(b"\0" * 12288)
    connect(path).execute("SELECT count(*) FROM pay").fetchall()


@case(
    "database/corruption", "The copy ended half way.",
    raises="duckdb.IOException", says="Could not read enough bytes", needs=DUCKDB,
)  # fmt: skip
def duckdb_truncated(folder: Path) -> None:
    path = made(folder)
    os.truncate(path, path.stat().st_size // 3)
    connect(path).execute("SELECT max(name), count(*) FROM pay").fetchall()


@case(
    "database/corruption", "What should be the database is a CSV file.",
    raises="duckdb.IOException", says="not a valid DuckDB database file", needs=DUCKDB,
)  # fmt: skip
def duckdb_no_database(folder: Path) -> None:
    path = census(folder, "employee_id,compensation\n" * 1000)
    connect(path.rename(folder / "simulation.duckdb"))


@case(
    "environment/permission", "The user may not read the database's folder.",
    raises="duckdb.IOException", says="Permission denied", needs=DUCKDB, root=True,
)  # fmt: skip
def duckdb_file_of_somebody_else(folder: Path) -> None:
    path = made(folder, 10)
    path.chmod(0o600)
    with somebody_else():
        connect(path)


@case(
    "environment/permission", "The user may not write into the output's folder.",
    raises="duckdb.IOException", says="Permission denied", needs=DUCKDB, root=True,
)  # fmt: skip
def duckdb_output_folder_of_somebody_else(folder: Path) -> None:
    (folder / "out").mkdir(mode=0o755)
    with somebody_else():
        connect().execute(f"COPY (SELECT 1 AS year) TO '{folder}/out/years.csv'")


@case(
    "resource/disk", "The disk that the export goes to is full.",
    raises="duckdb.IOException", says="No space left on device", needs=DUCKDB, root=True,
)  # fmt: skip
def duckdb_export_to_a_full_disk(folder: Path) -> None:
    with small_disk(folder) as disk:
        connect().execute(f"COPY (SELECT md5(n::VARCHAR) FROM range(100000) a (n)) TO '{disk}/workforce.csv'")


@case(
    "resource/disk", "The disk that the database lies on is full.",
    raises="duckdb.IOException", says="No space left on device", needs=DUCKDB, root=True,
)  # fmt: skip
def duckdb_database_on_a_full_disk(folder: Path) -> None:
    with small_disk(folder, 2000) as disk:
        made(disk, 2_000_000)


@case(
    "environment/missing_file", "The census file is not there.",
    raises="duckdb.IOException", says="No files found that match", needs=DUCKDB,
)  # fmt: skip
def duckdb_no_census(folder: Path) -> None:
    connect().execute(f"SELECT * FROM read_csv('{folder}/census_2026.csv')")


@case(
    "data/schema", "The census came without a column that the simulation needs.",
    raises="duckdb.BinderException", says='"compensation" not found', needs=DUCKDB,
)  # fmt: skip
def duckdb_census_without_a_column(folder: Path) -> None:
    path = census(folder, "employee_id,level\n1,2\n2,3\n")
    connect().execute(f"SELECT employee_id, compensation FROM read_csv('{path}')").fetchall()


@case(
    "data/format", "One line of the census holds no number where the others do.",
    raises="duckdb.ConversionException", says="CSV", needs=DUCKDB,
)  # fmt: skip
def duckdb_census_with_a_word_for_a_number(folder: Path) -> None:
    path = census(folder, "employee_id,pay\n1,50000\n2,unknown\n")
    connect().execute(f"SELECT * FROM read_csv('{path}', columns={{'id': 'INT', 'pay': 'DOUBLE'}})").fetchall()


@case(
    "data/format", "One line of the census has a column too many.",
    raises="duckdb.InvalidInputException", says="CSV Error on Line", needs=DUCKDB,
)  # fmt: skip
def duckdb_census_with_a_torn_line(folder: Path) -> None:
    path = census(folder, "employee_id,pay\n1,50000\n2,51,000\n")
    columns = "{'id': 'INT', 'pay': 'DOUBLE'}"
    options = f"columns={columns}, header=true, auto_detect=false"
    connect().execute(f"SELECT * FROM read_csv('{path}', {options})").fetchall()


@case(
    "data/format", "What is called Parquet is none.",
    raises="duckdb.InvalidInputException", says="No magic bytes", needs=DUCKDB,
)  # fmt: skip
def duckdb_parquet_that_is_none(folder: Path) -> None:
    path = census(folder, "employee_id,pay\n1,50000\n").rename(folder / "census.parquet")
    connect().execute(f"SELECT * FROM read_parquet('{path}')").fetchall()


@case(
    "data/format", "The Parquet file was not copied to its end.",
    raises="duckdb.InvalidInputException", says="census.parquet", needs=DUCKDB,
)  # fmt: skip
def duckdb_parquet_cut_short(folder: Path) -> None:
    path = folder / "census.parquet"
    opened = connect()
    opened.execute(f"COPY (SELECT n, md5(n::VARCHAR) FROM range(10000) a (n)) TO '{path}'")
    os.truncate(path, 5000)
    opened.execute(f"SELECT * FROM '{path}'").fetchall()


@case(
    "data/schema", "The files of two years have different columns.",
    raises="duckdb.InvalidInputException", says="chema", needs=DUCKDB,
)  # fmt: skip
def duckdb_parquet_of_two_schemas(folder: Path) -> None:
    opened = connect()
    opened.execute(f"COPY (SELECT 1 AS employee_id, 2 AS pay) TO '{folder}/census_2025.parquet'")
    opened.execute(f"COPY (SELECT 1 AS employee_id, 2 AS salary) TO '{folder}/census_2026.parquet'")
    opened.execute(f"SELECT sum(pay) FROM '{folder}/census_*.parquet'").fetchall()


@case(
    "data/format", "The JSON file breaks off.",
    raises="duckdb.InvalidInputException", says="JSON", needs=DUCKDB,
)  # fmt: skip
def duckdb_malformed_json(folder: Path) -> None:
    path = folder / "events.json"
    path.write_text('{"employee_id": 1}\n{"employee_id": \n')
    connect().execute(f"SELECT * FROM read_json('{path}', columns={{'employee_id': 'INT'}})").fetchall()


@case(
    "environment/dependency", "An extension of the database is not installed.",
    raises="duckdb.IOException", says="not found", needs=DUCKDB,
)  # fmt: skip
def duckdb_extension_not_installed(folder: Path) -> None:
    connect(config={"extension_directory": str(folder)}).execute("LOAD spatial")


@case(
    "external/network", "The extension's server does not answer.",
    raises="duckdb.IOException", says="127.0.0.1", needs=DUCKDB,
)  # fmt: skip
def duckdb_extension_server_down(folder: Path) -> None:
    opened = connect(config={"extension_directory": str(folder)})
    opened.execute("INSTALL spatial FROM 'http://127.0.0.1:9'")


@case(
    "database/corruption", "The write-ahead log, which the last run left, cannot be replayed.",
    raises="duckdb.Error", says="Failure while replaying WAL", needs=DUCKDB,
)  # fmt: skip
def duckdb_damaged_log(folder: Path) -> None:
    path = made(folder, 10)
    log = path.with_name(path.name + ".wal")
    code = (
        "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute(\"SET checkpoint_threshold='1GB'\"); "
        "c.execute('INSERT INTO pay SELECT n, md5(n::VARCHAR) FROM range(5000) a (n)'); "
        "print('written', flush=True); sys.stdin.read()"
    )
    with another_process(code, path):
        pass
    with log.open("r+b") as file:
        file.seek(log.stat().st_size // 2)
        file.write(os.urandom(500))
    connect(path)
