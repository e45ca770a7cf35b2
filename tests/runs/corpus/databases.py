"""What a database says of statements and of rows: DuckDB and SQLite."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from .case import case

DUCKDB = ("duckdb",)
WORKFORCE = """
CREATE TABLE workforce (
    employee_id INTEGER PRIMARY KEY, level INTEGER NOT NULL, compensation DECIMAL(12, 2) CHECK (compensation > 0));
INSERT INTO workforce SELECT n, 1 + n % 5, 50000 + n FROM range(1, 101) AS numbers (n);
"""


def connection(**config: object):
    import duckdb

    opened = duckdb.connect(config=config)
    opened.execute(WORKFORCE)
    return opened


@case(
    "database/sql", "The statement names a table that was never created: its author mends it.",
    raises="duckdb.CatalogException", says="Table with name wrokforce does not exist", needs=DUCKDB,
)  # fmt: skip
def duckdb_missing_table(folder: Path) -> None:
    connection().execute("SELECT count(*) FROM wrokforce")


@case(
    "database/sql", "The statement names a column that the program's own table has not.",
    raises="duckdb.BinderException", says='Referenced column "salary" not found', needs=DUCKDB,
)  # fmt: skip
def duckdb_missing_column(folder: Path) -> None:
    connection().execute("SELECT avg(salary) FROM workforce")


@case(
    "database/sql", "The statement cannot be parsed.",
    raises="duckdb.ParserException", says="syntax error", needs=DUCKDB,
)  # fmt: skip
def duckdb_syntax(folder: Path) -> None:
    connection().execute("SELEKT level FROM workforce")


@case(
    "database/sql", "A column is neither grouped nor aggregated: the statement is wrong.",
    raises="duckdb.BinderException", says="GROUP BY", needs=DUCKDB,
)  # fmt: skip
def duckdb_not_grouped(folder: Path) -> None:
    connection().execute("SELECT level, compensation, count(*) FROM workforce GROUP BY level")


@case(
    "database/sql", "No such function: the statement is wrong, or was written for another database.",
    raises="duckdb.CatalogException", says="Scalar Function with name iff", needs=DUCKDB,
)  # fmt: skip
def duckdb_unknown_function(folder: Path) -> None:
    connection().execute("SELECT iff(level > 3, 'senior', 'junior') FROM workforce")


@case(
    "database/sql", "The statement adds a text to a date.",
    raises="duckdb.BinderException", says="No function matches", needs=DUCKDB,
)  # fmt: skip
def duckdb_argument_types(folder: Path) -> None:
    connection().execute("SELECT date_trunc(level, compensation) FROM workforce")


@case(
    "database/sql", "The table is there already: the statement should have replaced it.",
    raises="duckdb.CatalogException", says="already exists", needs=DUCKDB,
)  # fmt: skip
def duckdb_table_exists(folder: Path) -> None:
    connection().execute("CREATE TABLE workforce (employee_id INTEGER)")


@case(
    "database/sql", "The statement has a parameter that nobody gave: statement and call do not fit.",
    raises="duckdb.InvalidInputException", says="parameter", needs=DUCKDB,
)  # fmt: skip
def duckdb_parameter_not_given(folder: Path) -> None:
    connection().execute("SELECT * FROM workforce WHERE level = $level AND compensation > $least", {"level": 2})


@case(
    "database/sql", "The insert has fewer values than the table has columns.",
    raises="duckdb.BinderException", says="columns but 2 values", needs=DUCKDB,
)  # fmt: skip
def duckdb_too_few_values(folder: Path) -> None:
    connection().execute("INSERT INTO workforce VALUES (1000, 2)")


@case(
    "database/sql", "A view is left that selects from a column since dropped.",
    raises="duckdb.BinderException", says="level", needs=DUCKDB,
)  # fmt: skip
def duckdb_view_out_of_date(folder: Path) -> None:
    opened = connection()
    opened.execute("CREATE VIEW headcount AS SELECT level, count(*) AS people FROM workforce GROUP BY level")
    opened.execute("CREATE OR REPLACE TABLE workforce (employee_id INTEGER)")
    opened.execute("SELECT * FROM headcount")


@case(
    "data/integrity", "An employee comes twice: the rows are wrong, not the database.",
    raises="duckdb.ConstraintException", says="uplicate key", needs=DUCKDB,
)  # fmt: skip
def duckdb_primary_key(folder: Path) -> None:
    connection().execute("INSERT INTO workforce VALUES (7, 1, 50000)")


@case(
    "data/integrity", "A row lacks a value that each has to have.",
    raises="duckdb.ConstraintException", says="NOT NULL constraint failed", needs=DUCKDB,
)  # fmt: skip
def duckdb_not_null(folder: Path) -> None:
    connection().execute("INSERT INTO workforce VALUES (1000, NULL, 50000)")


@case(
    "data/integrity", "A row breaks a rule that the table states: a negative compensation.",
    raises="duckdb.ConstraintException", says="CHECK constraint failed", needs=DUCKDB,
)  # fmt: skip
def duckdb_check_constraint(folder: Path) -> None:
    connection().execute("UPDATE workforce SET compensation = -1 WHERE employee_id = 7")


@case(
    "data/integrity", "An event refers to nobody.",
    raises="duckdb.ConstraintException", says="foreign key", needs=DUCKDB,
)  # fmt: skip
def duckdb_foreign_key(folder: Path) -> None:
    opened = connection()
    opened.execute("CREATE TABLE hire (employee_id INTEGER REFERENCES workforce (employee_id))")
    opened.execute("INSERT INTO hire VALUES (5000)")


@case(
    "data/integrity", "A unique index can't be made because the rows are not.",
    raises="duckdb.ConstraintException", says="uplicate", needs=DUCKDB,
)  # fmt: skip
def duckdb_unique_index(folder: Path) -> None:
    connection().execute("CREATE UNIQUE INDEX one_per_level ON workforce (level)")


@case(
    "data/format", "A text that is no number stands where a number should.",
    raises="duckdb.ConversionException", says="Could not convert string 'n/a' to DOUBLE", needs=DUCKDB,
)  # fmt: skip
def duckdb_text_to_number(folder: Path) -> None:
    connection().execute("SELECT CAST(pay AS DOUBLE) FROM (VALUES ('50000'), ('n/a')) AS given (pay)").fetchall()


@case(
    "data/format", "A date of the thirteenth month.",
    raises="duckdb.ConversionException", says="2025-13-01", needs=DUCKDB,
)  # fmt: skip
def duckdb_text_to_date(folder: Path) -> None:
    connection().execute("SELECT hired::DATE FROM (VALUES ('2025-13-01')) AS given (hired)").fetchall()


@case(
    "data/format", "A value that the enumeration does not have came in.",
    raises="duckdb.ConversionException", says="retired", needs=DUCKDB,
)  # fmt: skip
def duckdb_unknown_enum_value(folder: Path) -> None:
    opened = connection()
    opened.execute("CREATE TYPE status AS ENUM ('active', 'left')")
    opened.execute("SELECT state::status FROM (VALUES ('retired')) AS given (state)").fetchall()


@case(
    "numeric/overflow", "A sum passes what its type can hold.",
    raises="duckdb.OutOfRangeException", says="Overflow in", needs=DUCKDB,
)  # fmt: skip
def duckdb_integer_overflow(folder: Path) -> None:
    connection().execute("SELECT level * 1000000000 * level::INTEGER FROM workforce").fetchall()


@case(
    "numeric/overflow", "A payroll does not fit into the integer that it is cast to.",
    raises="duckdb.ConversionException", says="out of range", needs=DUCKDB,
)  # fmt: skip
def duckdb_cast_out_of_range(folder: Path) -> None:
    connection().execute("SELECT (sum(compensation)::DOUBLE * 1e6)::INTEGER FROM workforce").fetchall()


@case(
    "numeric/overflow", "A growing compensation outgrows its decimal.",
    raises="duckdb.ConversionException", says="DECIMAL", needs=DUCKDB,
)  # fmt: skip
def duckdb_decimal_overflow(folder: Path) -> None:
    connection().execute("UPDATE workforce SET compensation = compensation::DOUBLE * 1e9")


@case(
    "numeric/nonfinite", "The logarithm of zero is infinite, and no integer is.",
    raises="duckdb.ConversionException", says="value -inf", needs=DUCKDB,
)  # fmt: skip
def duckdb_logarithm_of_zero(folder: Path) -> None:
    connection().execute("SELECT ln(level - 1)::INTEGER FROM workforce").fetchall()


@case(
    "numeric/nonfinite", "The root of a negative number is no number, and so no integer.",
    raises="duckdb.ConversionException", says="nan can't be cast", needs=DUCKDB,
)  # fmt: skip
def duckdb_root_of_negative(folder: Path) -> None:
    connection().execute("SELECT sqrt(level - 9)::INTEGER FROM workforce").fetchall()


@case(
    "numeric/division", "A function of the program, called by a query, divides by zero.",
    raises="duckdb.InvalidInputException", says="ZeroDivisionError", needs=DUCKDB,
)  # fmt: skip
def duckdb_function_in_python_divides_by_zero(folder: Path) -> None:
    opened = connection()
    opened.create_function("share", lambda part: 1 / (part - 1), ["INTEGER"], "DOUBLE")
    opened.execute("SELECT share(level) FROM workforce").fetchall()


@case(
    "resource/memory", "The query needs more than the memory limit of the database.",
    raises="duckdb.OutOfMemoryException", says="memory", needs=DUCKDB,
)  # fmt: skip
def duckdb_memory_limit(folder: Path) -> None:
    opened = connection(memory_limit="20MB", temp_directory="", threads=1)
    opened.execute("SELECT list(a.n ORDER BY a.n DESC) FROM range(5000000) AS a (n)").fetchone()


@case(
    "resource/disk", "It has spilled to the disk all that it may: more room there is what it needs.",
    raises="duckdb.OutOfMemoryException", says="max_temp_directory_size", needs=DUCKDB,
)  # fmt: skip
def duckdb_spill_limit(folder: Path) -> None:
    opened = connection(memory_limit="20MB", temp_directory=str(folder), max_temp_directory_size="2MB", threads=1)
    opened.execute("CREATE TABLE much AS SELECT random() AS pay, md5(n::VARCHAR) AS name FROM range(3000000) AS a (n)")
    opened.execute("SELECT * FROM much ORDER BY name").fetchone()


@case(
    "database/lock", "Two transactions change one row; the second has to try again.",
    raises="duckdb.TransactionException", says="onflict", needs=DUCKDB,
)  # fmt: skip
def duckdb_write_conflict(folder: Path) -> None:
    first = connection()
    second = first.cursor()
    first.execute("BEGIN")
    second.execute("BEGIN")
    for opened in (first, second):
        opened.execute("SELECT count(*) FROM workforce").fetchall()
    first.execute("DELETE FROM workforce WHERE employee_id = 1")
    second.execute("DELETE FROM workforce WHERE employee_id = 1")


@case(
    "code", "The program begins a transaction within another.",
    raises="duckdb.TransactionException", says="cannot start a transaction within a transaction", needs=DUCKDB,
)  # fmt: skip
def duckdb_nested_transaction(folder: Path) -> None:
    opened = connection()
    opened.execute("BEGIN")
    opened.execute("BEGIN")


@case(
    "database/connection", "The connection was closed before the last query.",
    raises="duckdb.ConnectionException", says="closed", needs=DUCKDB,
)  # fmt: skip
def duckdb_connection_closed(folder: Path) -> None:
    opened = connection()
    opened.close()
    opened.execute("SELECT 1")


@case(
    "code", "The program fetches before it has asked.",
    raises="duckdb.InvalidInputException", says="No open result set", needs=DUCKDB,
)  # fmt: skip
def duckdb_nothing_to_fetch(folder: Path) -> None:
    import duckdb

    duckdb.connect().fetchall()


@case(
    "interrupted", "Another thread of the program cancelled the query.",
    raises="duckdb.InterruptException", says="Interrupt", needs=DUCKDB,
)  # fmt: skip
def duckdb_query_cancelled(folder: Path) -> None:
    opened = connection()
    threading.Timer(0.3, opened.interrupt).start()
    opened.execute("SELECT count(*) FROM range(100000000) a (n), range(100000) b (m) WHERE n * m % 7 = 3").fetchall()


@case(
    "config", "A setting's value is no size.",
    raises="duckdb.ParserException", says="Memory must have a number", needs=DUCKDB,
)  # fmt: skip
def duckdb_setting_without_sense(folder: Path) -> None:
    connection(memory_limit="plenty")


@case(
    "config", "There is no such setting.",
    raises="duckdb.CatalogException", says="unrecognized configuration parameter", needs=DUCKDB,
)  # fmt: skip
def duckdb_unknown_setting(folder: Path) -> None:
    connection().execute("SET memory_limt = '1GB'")


@case(
    "config", "The settings forbid the database to touch files, and the program wants to.",
    raises="duckdb.PermissionException", says="disabled by configuration", needs=DUCKDB,
)  # fmt: skip
def duckdb_files_forbidden_by_a_setting(folder: Path) -> None:
    opened = connection()
    opened.execute("SET enable_external_access = false")
    opened.execute(f"COPY workforce TO '{folder}/workforce.parquet' (FORMAT parquet)")


def sqlite(folder: Path, **options: object):
    opened = sqlite3.connect(folder / "runs.db", isolation_level=None, **options)
    opened.execute("CREATE TABLE IF NOT EXISTS run (id TEXT PRIMARY KEY, status TEXT NOT NULL)")
    return opened


@case(
    "database/lock", "Somebody else holds the write lock for too long.",
    raises="sqlite3.OperationalError", says="database is locked",
)  # fmt: skip
def sqlite_locked(folder: Path) -> None:
    holder = sqlite(folder)
    holder.execute("BEGIN EXCLUSIVE")
    sqlite(folder, timeout=0.05).execute("INSERT INTO run VALUES ('a', 'running')")


@case("database/sql", "No such table.", raises="sqlite3.OperationalError", says="no such table")
def sqlite_missing_table(folder: Path) -> None:
    sqlite(folder).execute("SELECT * FROM runs")


@case("database/sql", "The statement ends too early.", raises="sqlite3.OperationalError", says="incomplete input")
def sqlite_syntax(folder: Path) -> None:
    sqlite(folder).execute("SELECT id FROM run WHERE (status = 'failed'")


@case(
    "data/integrity", "A key comes twice.",
    raises="sqlite3.IntegrityError", says="UNIQUE constraint failed",
)  # fmt: skip
def sqlite_key_twice(folder: Path) -> None:
    sqlite(folder).executemany("INSERT INTO run VALUES (?, ?)", [("a", "success"), ("a", "failed")])


@case(
    "database/corruption", "The file's pages are damaged.",
    raises="sqlite3.DatabaseError", says="malformed",
)  # fmt: skip
def sqlite_damaged(folder: Path) -> None:
    opened = sqlite(folder)
    opened.execute("BEGIN")
    opened.executemany("INSERT INTO run VALUES (?, 'success')", [(f"run {number:0100d}",) for number in range(500)])
    opened.execute("COMMIT")
    opened.close()
    with (folder / "runs.db").open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 20000)
    sqlite(folder).execute("SELECT count(*), max(id) FROM run").fetchall()


@case(
    "database/corruption", "What should be the database is some other file.",
    raises="sqlite3.DatabaseError", says="file is not a database",
)  # fmt: skip
def sqlite_no_database(folder: Path) -> None:
    (folder / "runs.db").write_text("run_id,status\n" * 100)
    sqlite(folder)


@case(
    "resource/disk", "The database may not grow any more.",
    raises="sqlite3.OperationalError", says="full",
)  # fmt: skip
def sqlite_full(folder: Path) -> None:
    opened = sqlite(folder)
    opened.execute("PRAGMA max_page_count = 10")
    opened.execute("BEGIN")
    opened.executemany("INSERT INTO run VALUES (?, ?)", [(f"{number}", "x" * 500) for number in range(500)])


@case(
    "database/connection", "The program goes on with a connection that it has closed.",
    raises="sqlite3.ProgrammingError", says="closed database",
)  # fmt: skip
def sqlite_closed(folder: Path) -> None:
    opened = sqlite(folder)
    opened.close()
    opened.execute("SELECT 1")


@case(
    "code", "The program hands a dictionary to a column.",
    raises="sqlite3.ProgrammingError", says="type 'dict' is not supported",
)  # fmt: skip
def sqlite_value_of_no_type(folder: Path) -> None:
    sqlite(folder).execute("INSERT INTO run VALUES (?, ?)", ("a", {"status": "success"}))
