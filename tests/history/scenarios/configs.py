"""Somebody changed a setting."""

from __future__ import annotations

from .scenario import Expected, scenario
from .world import World


def failing(key: str, category: tuple[str, ...], *words: str, operation: str = "", year: int | None = None) -> Expected:
    return Expected("failed", "failure", category, words, operation, year, (("config", key),))


HIRING = "year_simulation/hiring"
YEAR_END = "year_simulation/year_end"


@scenario(
    "The growth was written as a percentage.",
    failing("growth", ("config", "database/sql"), "best candidate", operation=HIRING, year=2025),
)
def growth_as_a_text(world: World) -> None:
    world.settings(growth="3%")
    world.run()


@scenario(
    "The seed was written as a word.",
    failing("seed", ("config", "data/format"), "forty-two", operation=YEAR_END, year=2025),
)
def seed_as_a_word(world: World) -> None:
    world.settings(seed="forty-two")
    world.run()


@scenario("The years are the wrong way round.", failing("last_year", ("config",), "last_year 2024 is before"))
def years_the_wrong_way_round(world: World) -> None:
    world.settings(last_year=2024)
    world.run()


@scenario("A setting is misspelt.", failing("growht", ("config",), "no setting 'growht'"))
def setting_misspelt(world: World) -> None:
    world.settings(growht=0.05)
    world.run()


@scenario(
    "The database was granted so little memory that its queries do not fit.",
    failing("memory_limit", ("resource/memory",), "ut of Memory", operation="year_simulation/terminations", year=2025),
)
def memory_limit_too_small(world: World) -> None:
    world.settings(memory_limit="1MB")
    world.run()


@scenario("The memory limit is no size.", failing("memory_limit", ("config",), "emory", operation="open_database"))
def memory_limit_without_sense(world: World) -> None:
    world.settings(memory_limit="plenty")
    world.run()


@scenario(
    "The inflation was given in per cent times a thousand: compensations outgrow their column.",
    failing("inflation", ("numeric/overflow",), "DECIMAL(12,2)", operation=YEAR_END, year=2025),
)
def inflation_too_large(world: World) -> None:
    world.settings(inflation=2_000_000)
    world.run()


@scenario(
    "Nobody leaves any more, and the rules divide by those who leave.",
    failing("termination_rate", ("numeric/division",), "division by zero", operation=YEAR_END, year=2025),
)
def nobody_leaves(world: World) -> None:
    world.settings(termination_rate=0)
    world.run()


@scenario(
    "A switch for tests was left on: the hires of a year are generated twice.",
    failing("fail_in", ("data/integrity",), "uplicate", operation=HIRING, year=2026),
)
def switch_left_on(world: World) -> None:
    world.settings(fail_in=2026)
    world.run()


@scenario(
    "The census' path was changed to a file that is not there.",
    failing("census", ("environment/missing_file",), "census_2026.csv", operation="load_census"),
)
def census_path_wrong(world: World) -> None:
    world.settings(census="census_2026.csv")
    world.run()


@scenario(
    "The database's path names the census.",
    failing("database", ("database/corruption", "config"), "not a valid DuckDB database", operation="open_database"),
)
def database_path_wrong(world: World) -> None:
    world.settings(database="settings.toml")
    world.run()


@scenario(
    "The output goes to a path that is a file.",
    failing("output", ("environment", "config"), "census.csv", operation="report"),
)
def output_path_wrong(world: World) -> None:
    world.settings(output="census.csv")
    world.run()


@scenario(
    "The company shrinks by 40 % a year since a sign was mistyped: the run succeeds.",
    Expected("success", "suspect", (), ("headcount",), "", 2025, (("config", "growth"),)),
)
def growth_of_the_wrong_sign(world: World) -> None:
    world.settings(growth=-0.4)
    world.run()


@scenario(
    "The share of enrolled that is funded was lowered, so that a check warns in each year.",
    Expected(
        "success", "suspect", (), ("participation_rate",), "year_simulation/validation", 2025,
        (("config", "funded_participation"),),
    ),
)  # fmt: skip
def check_made_stricter(world: World) -> None:
    world.settings(funded_participation=0.5)
    world.run()


@scenario(
    "An audit was switched on that compares everybody with everybody: slower, and why is known.",
    Expected("success", "slower", (), ("audit",), "year_simulation/year_end/audit", None, (("config", "audit"),)),
)
def audit_switched_on(world: World) -> None:
    world.settings(audit=True)
    world.run()


@scenario(
    "Two more years are planned: longer, as it has to be, and nothing is wrong.",
    Expected("success", "none", (), (), "", None, (("config", "last_year"),)),
)
def two_more_years(world: World) -> None:
    world.settings(last_year=2029)
    world.run()
