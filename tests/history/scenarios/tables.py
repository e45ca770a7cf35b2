"""Tables that others deliver, and that the rules read with what they know: Polars, pandas, csv, gzip, decimal."""

from __future__ import annotations

import gzip
from collections.abc import Callable

from .scenario import Expected, scenario
from .world import World

YEAR_END = "year_simulation/year_end"
RATES = "level,rate\n1,0.021\n2,0.024\n3,0.027\n4,0.03\n5,0.033\n"


def failing(name: str, category: tuple[str, ...], *words: str, year: int = 2025) -> Expected:
    return Expected("failed", "failure", category, words, YEAR_END, year, (("input", name),))


def reading(name: str, content: str | bytes, code: str) -> Callable[[World], None]:
    """A world whose rules read this table, with *code*, at the end of each year, and did so three times."""

    def before(world: World) -> None:
        world.delivered(name, content)
        world.each_year_end(f"table = 'inputs/{name}'\nsimulation.run.add_artifact(table, kind='input')\n{code}")
        world.good(3)

    return before


def as_parquet(world: World, select: str) -> bytes:
    """The bytes of a Parquet file with what *select* gives."""
    import duckdb

    path = world.delivered("draft.parquet", b"")
    with duckdb.connect() as connection:
        connection.sql(select).write_parquet(str(path))
    return path.read_bytes()


BY_LEVEL = "SELECT n::BIGINT AS level, 0.02 + n / 1000 AS rate FROM range(1, 6) AS levels (n)"
JOINED = """\
import polars
people = polars.DataFrame({'level': [1, 2, 3, 4, 5], 'people': [60, 50, 30, 8, 2]})
people.join(polars.read_parquet(table), on='level', how='left')"""


def parquet_rates(world: World) -> None:
    """The rates come as Parquet."""
    reading("rates.parquet", as_parquet(world, BY_LEVEL), JOINED)(world)


@scenario(
    "The Parquet file of the rates was cut while it was copied.",
    failing("rates.parquet", ("data/format", "data"), "parquet"),
    before=parquet_rates,
)
def parquet_cut_while_copied(world: World) -> None:
    whole = as_parquet(world, BY_LEVEL)
    world.delivered("rates.parquet", whole[: len(whole) // 2])
    world.run()


@scenario(
    "The key of the rates came as a text where it was a number, so that the tables cannot be joined.",
    failing("rates.parquet", ("data/schema",), "level"),
    before=parquet_rates,
)
def key_became_a_text(world: World) -> None:
    world.delivered("rates.parquet", as_parquet(world, BY_LEVEL.replace("BIGINT", "VARCHAR")))
    world.run()


@scenario(
    "A level has two rates since two files were put together, and a merge insists on one.",
    failing("rates.csv", ("data/integrity",), "not unique"),
    before=reading(
        "rates.csv",
        RATES,
        "import pandas\n"
        "people = pandas.DataFrame({'level': [1, 1, 2, 3, 4, 5]})\n"
        "people.merge(pandas.read_csv(table), on='level', validate='many_to_one')",
    ),
)
def keys_twice_in_a_merge(world: World) -> None:
    world.delivered("rates.csv", RATES + "3,0.0275\n")
    world.run()


@scenario(
    "The table was saved by a spreadsheet, with a byte order mark before the first heading.",
    failing("rates.csv", ("data", "code"), "KeyError", "level"),
    before=reading(
        "rates.csv",
        RATES,
        "import csv\nwith open(table, encoding='utf-8') as file:\n"
        "    rates = {row['level']: float(row['rate']) for row in csv.DictReader(file)}",
    ),
)
def byte_order_mark(world: World) -> None:
    world.delivered("rates.csv", b"\xef\xbb\xbf" + RATES.encode())
    world.run()


@scenario(
    "The names of the departments came in another encoding.",
    failing("departments.csv", ("data/format",), "can't decode byte 0xfc"),
    before=reading(
        "departments.csv",
        "id,name\n1,Vertrieb\n2,Büro\n",
        "from pathlib import Path\nrows = Path(table).read_text(encoding='utf-8').splitlines()",
    ),
)
def names_in_another_encoding(world: World) -> None:
    world.delivered("departments.csv", "id,name\n1,Vertrieb\n2,Büro\n".encode("cp1252"))
    world.run()


@scenario(
    "The amounts came with commas between the thousands.",
    failing("caps.csv", ("data/format",), "ConversionSyntax"),
    before=reading(
        "caps.csv",
        "2025;23500.00\n2026;24000.00\n2027;24500.00\n",
        "from decimal import Decimal\n"
        "caps = {int(key): Decimal(cap.strip()) for key, cap in (line.split(';') for line in open(table).readlines())}",
    ),
)
def commas_between_thousands(world: World) -> None:
    world.delivered("caps.csv", "2025;23,500.00\n2026;24,000.00\n2027;24,500.00\n")
    world.run()


@scenario(
    "The compressed table ends too early: the transfer broke off.",
    failing("rates.csv.gz", ("data/format", "data/missing"), "end-of-stream"),
    before=reading(
        "rates.csv.gz",
        gzip.compress(RATES.encode(), mtime=0),
        "import gzip\nwith gzip.open(table, 'rt') as file:\n    rates = file.readlines()",
    ),
)
def archive_cut_short(world: World) -> None:
    world.delivered("rates.csv.gz", gzip.compress(RATES.encode(), mtime=0)[:-12])
    world.run()


@scenario(
    "An old copy of the table was delivered; the rules look at its date and refuse it.",
    failing("caps.csv", ("data",), "caps.csv is as of 2019-12-31"),
    before=reading(
        "caps.csv",
        "as of;2024-12-31\n2025;23500\n",
        "from datetime import date\n"
        "as_of = date.fromisoformat(open(table).readline().split(';')[1].strip())\n"
        "if as_of.year < 2024:\n    raise ValueError(f'caps.csv is as of {as_of}, which is too old for {year}')",
    ),
)
def old_copy_delivered(world: World) -> None:
    world.delivered("caps.csv", "as of;2019-12-31\n2025;19000\n")
    world.run()


@scenario(
    "The stamp in the table has a time zone since the export was changed, and cannot be compared with one without.",
    failing("rates.txt", ("data", "code"), "offset-naive and offset-aware"),
    before=reading(
        "rates.txt",
        "2025-01-01T00:00:00\n0.02\n",
        "from datetime import datetime\n"
        "valid_from = datetime.fromisoformat(open(table).readline().strip())\n"
        "assert valid_from < datetime(year, 12, 31)",
    ),
)
def stamp_with_a_time_zone(world: World) -> None:
    world.delivered("rates.txt", "2025-01-01T00:00:00+01:00\n0.02\n")
    world.run()


@scenario(
    "The first year was set to one of which there are no rates.",
    Expected(
        "failed", "failure", ("data/missing", "config"), ("no rates for 2024",), YEAR_END, 2024,
        (("config", "first_year"),),
    ),
    before=reading(
        "rates.csv",
        "year,rate\n2025,0.02\n2026,0.021\n2027,0.019\n",
        "rates = dict(line.split(',') for line in open(table).read().split()[1:])\n"
        "if str(year) not in rates:\n    raise LookupError(f'no rates for {year} in {table}')",
    ),
)  # fmt: skip
def first_year_without_rates(world: World) -> None:
    world.settings(first_year=2024)
    world.run()


@scenario(
    "The numbers of the employees come from a new system, and are too large for their column.",
    Expected(
        "failed", "failure", ("numeric/overflow", "data"), ("INT32",), "load_census", None, (("input", "census.csv"),)
    ),
)
def numbers_from_a_new_system(world: World) -> None:
    head, *rows = world.census.read_text(encoding="utf-8").splitlines()
    after = [f"{int(number) + 3_000_000_000},{rest}" for number, _, rest in (row.partition(",") for row in rows)]
    world.census.write_text("\n".join([head, *after]) + "\n", encoding="utf-8")
    world.run()


def small_database(world: World) -> None:
    """The database may use little memory, which sufficed so far."""
    world.settings(memory_limit="12MB")
    world.each_year_end(
        "pairs = 'SELECT list(concat(a.employee_id, a.birth_date, b.employee_id)) FROM workforce a, workforce b'\n"
        "simulation.connection.execute(pairs + ' GROUP BY a.job_level').fetchall()"
    )
    world.good(3)


@scenario(
    "The census is ten times as large, and what is done with each pair of employees does not fit into memory any more.",
    Expected("failed", "failure", ("resource/memory",), ("ut of Memory",), YEAR_END, 2025, (("input", "census.csv"),)),
    before=small_database,
)
def input_outgrew_the_memory(world: World) -> None:
    head, *rows = world.census.read_text(encoding="utf-8").splitlines()
    more = [
        f"{int(number) + 1000 * copy},{rest}"
        for copy in range(10)
        for number, _, rest in (row.partition(",") for row in rows)
    ]
    world.census.write_text("\n".join([head, *more]) + "\n", encoding="utf-8")
    world.run()
