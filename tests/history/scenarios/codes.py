"""Somebody changed the rules, or a package was changed under them."""

from __future__ import annotations

from .scenario import Expected, scenario
from .world import SOLVER, World

YEAR_END = "year_simulation/year_end"
RULES = (("code", "rules"),)
PACKAGE = (("package", "solver"),)


def failing(category: str, *words: str, operation: str = YEAR_END, year: int | None = 2026, **more: object) -> Expected:
    return Expected("failed", "failure", (category,), words, operation, year, RULES, **more)


@scenario("A column is misspelt in a statement of the rules.", failing("database/sql", "compensatoin", year=2025))
def statement_with_a_misspelt_column(world: World) -> None:
    world.change_rules("SET compensation = compensation *", "SET compensation = compensatoin *")
    world.run()


@scenario("A statement asks for a table that is built nowhere.", failing("database/sql", "wrokforce"))
def statement_with_a_missing_table(world: World) -> None:
    world.at_year_end("simulation.connection.execute('SELECT count(*) FROM wrokforce')")
    world.run()


@scenario("The rules look up a level that is in no table.", failing("code", "KeyError", "6"))
def key_missing(world: World) -> None:
    world.at_year_end("pools = {1: 0.02, 5: 0.01}\nprint(pools[6])")
    world.run()


@scenario(
    "The rules call a method that does not exist.", failing("code", "'Simulation' object has no attribute 'head'")
)
def attribute_missing(world: World) -> None:
    world.at_year_end("simulation.head()")
    world.run()


@scenario("A rule calls itself for ever.", failing("code", "recursion"))
def recursion(world: World) -> None:
    world.at_year_end("def manager_of(employee): return manager_of(employee) + 1\nmanager_of(7)")
    world.run()


@scenario("The rules find that more people would leave than there are.", failing("model", "headcount", "-3"))
def domain_error(world: World) -> None:
    world.rules((world.folder / "rules.py").read_text() + "\n\nclass NegativeHeadcountError(Exception):\n    pass\n")
    world.at_year_end("raise NegativeHeadcountError(f'headcount of level 5 would be {12 - 15} in {year}')")
    world.run()


@scenario(
    "The rules give up with a word of their own.", failing("unknown", "the census is too old", operation=YEAR_END)
)
def exit_with_words(world: World) -> None:
    world.at_year_end("raise SystemExit('the census is too old')")
    world.run()


@scenario(
    "The rules store a year's events a second time.", failing("data/integrity", "uplicate key", operation=YEAR_END)
)
def events_stored_twice(world: World) -> None:
    copy = "INSERT INTO simulation_event SELECT * FROM simulation_event WHERE simulation_year = 2026"
    world.at_year_end(f'simulation.connection.execute("{copy}")')
    world.run()


@scenario(
    "The rules lose people in 2026: the run succeeds, and a check of an invariant fails from then on.",
    Expected("success", "suspect", (), ("headcount_gap",), "year_simulation/validation", 2026, RULES),
)
def people_lost(world: World) -> None:
    world.at_year_end('simulation.connection.execute("DELETE FROM workforce WHERE employee_id % 10 = 3")')
    world.run()


@scenario(
    "The rules end the program half way through the years, and in good order.",
    Expected("partial", "failure", (), ("2027",), "", None, RULES, reason="years 2026, 2027 left"),
)
def years_left(world: World) -> None:
    world.at_year_end("raise SystemExit(0)")
    world.run()


@scenario(
    "A statement of the rules has become slow: each employee is joined with everybody.",
    Expected("success", "slower", (), ("year_end",), YEAR_END, None, RULES),
)
def statement_made_slow(world: World) -> None:
    pair = "md5(concat(a.employee_id, '/', b.employee_id, '/', n))"
    query = f"SELECT count(DISTINCT {pair}) FROM workforce a, workforce b, range(60) AS r (n)"
    world.change_rules(
        "    chance = random", f"    simulation.connection.execute({query!r}).fetchall()\n    chance = random"
    )
    world.run()


@scenario(
    "The rules sleep between the years, as if to be polite.",
    Expected("success", "slower", (), ("year_end",), YEAR_END, None, RULES),
)
def pause_added(world: World) -> None:
    world.change_rules("    chance = random", "    import time\n\n    time.sleep(0.8)\n    chance = random")
    world.run()


@scenario(
    "It has failed twice since the rules were changed: the last success is two runs back.",
    failing("code", "KeyError", seen_before=True),
)
def failing_since_the_change(world: World) -> None:
    world.at_year_end("{1: 0.02}[6]")
    world.run()
    world.run()


@scenario(
    "The change of rules was never committed.",
    failing("code", "NameError", "poool"),
)
def change_not_committed(world: World) -> None:
    text = (world.folder / "rules.py").read_text()
    world.rules(
        text.replace("    chance = random", "    if year == 2026:\n        poool\n    chance = random"), commit=False
    )
    world.run()


def package(status: str, finding: str, category: tuple[str, ...], *words: str, **more: object) -> Expected:
    return Expected(status, finding, category, words, changed=PACKAGE, **more)


@scenario(
    "The package was removed.",
    package("failed", "failure", ("environment/dependency",), "No module named 'solver'"),
)
def package_removed(world: World) -> None:
    import shutil

    shutil.rmtree(world.folder / "vendor")
    world.run()


@scenario(
    "The new version of the package has another name for the function.",
    package(
        "failed", "failure", ("environment/dependency", "code"), "has no attribute 'balance'",
        operation=YEAR_END, year=2025,
    ),
)  # fmt: skip
def package_renamed_its_function(world: World) -> None:
    world.solver("2.0.0", SOLVER.replace("balance", "balanced"))
    world.run()


@scenario(
    "The new version of the package wants one argument more.",
    package("failed", "failure", ("environment/dependency", "code"), "tolerance", operation=YEAR_END, year=2025),
)
def package_wants_an_argument(world: World) -> None:
    world.solver("2.0.0", SOLVER.replace("chance)", "chance, tolerance)"))
    world.run()


@scenario(
    "The new version of the package gives NaN, which no compensation can be.",
    package("failed", "failure", ("numeric/nonfinite",), "nan", operation=YEAR_END, year=2025),
)
def package_gives_nan(world: World) -> None:
    world.solver("1.5.0", "def balance(inflation, chance):\n    return float('nan')\n")
    world.run()


@scenario(
    "The new version of the package does not converge.",
    package("failed", "failure", ("numeric/no_convergence",), "did not converge", operation=YEAR_END, year=2025),
)
def package_does_not_converge(world: World) -> None:
    world.solver(
        "1.5.0",
        "class ConvergenceError(ArithmeticError):\n    pass\n\n\n"
        "def balance(inflation, chance):\n    raise ConvergenceError('did not converge after 50 iterations')\n",
    )
    world.run()


@scenario(
    "The new version of the package counts in per cent: the run succeeds with a payroll that soars.",
    package("success", "suspect", (), "payroll", year=2025),
)
def package_counts_otherwise(world: World) -> None:
    world.solver("1.5.0", SOLVER.replace("return inflation", "return 20 * inflation"))
    world.run()


@scenario(
    "The new version of the package is slow.",
    package("success", "slower", (), "year_end", operation=YEAR_END),
)
def package_made_slow(world: World) -> None:
    slow = "    total = 0\n    for number in range(8_000_000):\n        total += number\n    return"
    world.solver("1.5.0", SOLVER.replace("    return", slow))
    world.run()


@scenario(
    "The new version of the package crashes in native code.",
    package("crashed", "failure", ("interrupted/crash",), "segfault", operation=YEAR_END, year=2025, reason="segfault"),
)
def package_crashes(world: World) -> None:
    world.solver("1.5.0", "def balance(inflation, chance):\n    import ctypes\n\n    ctypes.string_at(0)\n")
    world.run()
