"""What came in is not what the simulation needs, or not what it was."""

from __future__ import annotations

import re

from .scenario import Expected, scenario
from .world import World

LOAD = "load_census"
CENSUS = (("input", "census.csv"),)


def failing(category: str, *words: str, operation: str = LOAD, year: int | None = None) -> Expected:
    return Expected("failed", "failure", (category,), words, operation, year, CENSUS)


def rewrite(world: World, pattern: str, replacement: str, count: int = 0) -> None:
    text = world.census.read_text(encoding="utf-8")
    changed = re.sub(pattern, replacement, text, count=count, flags=re.MULTILINE)
    assert changed != text
    world.census.write_text(changed, encoding="utf-8")


@scenario("The census file was not delivered.", failing("environment/missing_file", "census.csv"))
def census_missing(world: World) -> None:
    world.census.unlink()
    world.run()


@scenario(
    "The census came with `pay` where `compensation` was.",
    failing("data/schema", "compensation"),
)
def census_without_a_column(world: World) -> None:
    rewrite(world, "compensation", "pay", 1)
    world.run()


@scenario("One employee's compensation is a word.", failing("data/format", "unknown"))
def census_with_a_word_for_a_number(world: World) -> None:
    rewrite(world, r"^(17,[^,]*,[^,]*,\d),[^,]*", r"\1,unknown")
    world.run()


@scenario("Dates came in another notation.", failing("data/format", "date"))
def census_with_other_dates(world: World) -> None:
    rewrite(world, r"(\d{4})-(\d\d)-(\d\d)", r"\3/\2/\1")
    world.run()


@scenario("The census was cut in the middle of a line while it was copied.", failing("data", "employee_id"))
def census_cut_short(world: World) -> None:
    text = world.census.read_text(encoding="utf-8")
    world.census.write_text(text[: len(text) // 2].rpartition("\n")[0] + "\n9999,1980-0", encoding="utf-8")
    world.run()


@scenario("A Parquet file was delivered under the name of the CSV file.", failing("data", "census.csv"))
def census_of_another_format(world: World) -> None:
    import duckdb

    parquet = world.folder / "census.parquet"
    duckdb.sql(f"SELECT * FROM '{world.census}'").write_parquet(str(parquet))
    parquet.replace(world.census)
    world.run()


@scenario(
    "Every employee is in the census twice, so that each gets his events twice.",
    failing("data/integrity", "uplicate key", operation="year_simulation/terminations", year=2025),
)
def census_with_everybody_twice(world: World) -> None:
    head, *rows = world.census.read_text(encoding="utf-8").splitlines()
    world.census.write_text("\n".join([head, *rows, *rows]) + "\n", encoding="utf-8")
    world.run()


@scenario(
    "The census has its heading and nothing else.",
    failing("numeric/division", "division by zero", operation="year_simulation/year_end", year=2025),
)
def census_empty(world: World) -> None:
    head, *_ = world.census.read_text(encoding="utf-8").splitlines()
    world.census.write_text(head + "\n", encoding="utf-8")
    world.run()


def suspect(words: tuple[str, ...], operation: str = "") -> Expected:
    return Expected("success", "suspect", (), words, operation, 2025, CENSUS)


@scenario(
    "A subsidiary's census, a third as large, was taken for the company's: the run succeeds.",
    suspect(("headcount",)),
)
def census_of_somebody_else(world: World) -> None:
    lines = world.census.read_text(encoding="utf-8").splitlines()
    world.census.write_text("\n".join(lines[:51]) + "\n", encoding="utf-8")
    world.run()


@scenario("Compensation came in cents: the run succeeds and the payroll is a hundredfold.", suspect(("payroll",)))
def census_in_cents(world: World) -> None:
    rewrite(world, r"^(\d+,[^,]*,[^,]*,\d),(\d+)\.(\d\d)", r"\1,\g<2>\3.00")
    world.run()


@scenario("Half of the compensations are empty: the run succeeds and the payroll is too small.", suspect(("payroll",)))
def census_with_empty_compensations(world: World) -> None:
    rewrite(world, r"^(\d*[02468],[^,]*,[^,]*,\d),[^,]*", r"\1,")
    world.run()


@scenario(
    "The census has grown by half, as the company has: all figures grow with it and nothing is wrong.",
    Expected("success", "none", (), (), "", None, CENSUS),
)
def census_grown(world: World) -> None:
    head, *rows = world.census.read_text(encoding="utf-8").splitlines()
    more = [
        f"{int(number) + 1000},{rest}" for number, _, rest in (row.partition(",") for row in rows[: len(rows) // 2])
    ]
    world.census.write_text("\n".join([head, *rows, *more]) + "\n", encoding="utf-8")
    world.run()


@scenario(
    "The user who runs the simulation at night may not read the census.",
    Expected("failed", "failure", ("environment/permission",), ("census.csv", "Permission denied"), LOAD),
    root=True,
)
def census_of_somebody_elses(world: World) -> None:
    world.run_without_rights(world.census)
