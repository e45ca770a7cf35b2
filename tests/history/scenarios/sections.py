"""What the program is told from outside, deep in a section or by a variable, and packages that changed under it."""

from __future__ import annotations

from .scenario import Expected, scenario
from .world import SOLVER, World

YEAR_END = "year_simulation/year_end"
PACKAGE = (("package", "solver"),)
PENSION = {"match_rate": 0.5, "cap": 0.06, "discount_rate": 0.04, "engine": "vector"}
MATCHING = """\
class PlanError(Exception):
    pass


def match_of(section):
    try:
        return section["match_rate"] * section["cap"]
    except KeyError as error:
        raise ValueError("the plan's section cannot be used") from error


def contribution(section, year):
    try:
        return match_of(section)
    except ValueError as error:
        raise PlanError(f"no contribution for {year}") from error


def close(simulation, year):
    try:
        return contribution(simulation.settings.pension, year)
    except PlanError as error:
        raise RuntimeError(f"the year {year} cannot be closed") from error
"""


def failing(
    category: tuple[str, ...], *words: str, changed: tuple[tuple[str, str], ...] = (), **more: object
) -> Expected:
    return Expected("failed", "failure", category, words, YEAR_END, 2025, changed, **more)


def with_pension(world: World) -> None:
    """The rules read a section of the settings, and what they cannot read they tell in three layers."""
    world.settings(pension=PENSION)
    world.add_rules(MATCHING)
    world.each_year_end("close(simulation, year)")
    world.good(3)


@scenario(
    "A key is misspelt within a section; what is raised is wrapped three times before anybody sees it.",
    failing(
        ("config", "code"), "KeyError", "match_rate",
        changed=(("config", "pension.match_rate"), ("config", "pension.mach_rate")),
    ),
    before=with_pension,
)  # fmt: skip
def key_in_a_section_misspelt(world: World) -> None:
    section = {"mach_rate" if key == "match_rate" else key: value for key, value in PENSION.items()}
    world.settings(pension=section)
    world.run()


def with_discount(world: World) -> None:
    """The rules discount what is to be paid."""
    world.settings(pension=PENSION)
    world.each_year_end("import math\nmath.exp(simulation.settings.pension['discount_rate'] * (year - 2020))")
    world.good(3)


@scenario(
    "A rate in a section was given in basis points, and what grows with it has no number.",
    failing(("numeric/overflow", "config"), "math range error", changed=(("config", "pension.discount_rate"),)),
    before=with_discount,
)
def rate_in_basis_points(world: World) -> None:
    world.settings(pension={**PENSION, "discount_rate": 400})
    world.run()


REGION = ("env", "PLAN_REGION=north")


def with_region(world: World) -> None:
    """The rules want a variable of the environment, and had it."""
    world.each_year_end("import os\nregion = os.environ['PLAN_REGION']")
    assert world.run(times=3, prefix=REGION) == 0


@scenario(
    "The scheduler's new job does not set a variable that the rules ask for.",
    failing(("config", "environment"), "PLAN_REGION"),
    before=with_region,
)
def variable_not_set(world: World) -> None:
    world.run()


def with_clamp(world: World) -> None:
    """The rules import a function of the package where they need it."""
    world.solver("1.4.0", SOLVER + "\n\ndef clamp(value):\n    return max(0.0, value)\n")
    world.each_year_end("from solver import clamp\nclamp(simulation.settings.inflation)")
    world.good(3)


@scenario(
    "The new version of the package has moved a function, and it cannot be imported any more.",
    failing(("environment/dependency",), "cannot import name 'clamp'", changed=PACKAGE),
    before=with_clamp,
)
def package_moved_a_function(world: World) -> None:
    world.solver("1.5.0", SOLVER)
    world.run()


@scenario(
    "The new version of the package gives a pair where it gave a number.",
    failing(("environment/dependency", "code"), "tuple", changed=PACKAGE),
    before=lambda world: (
        world.change_rules("    simulation.connection", "    rate = rate + 0.0\n    simulation.connection"),
        world.good(3),
    )[1],
)
def package_gives_a_pair(world: World) -> None:
    world.solver("1.5.0", SOLVER.replace("chance)\n", "chance), {'iterations': 3}\n"))
    world.run()


@scenario(
    "The new version of the package comes to an end by a check of its native code: SIGABRT.",
    Expected("crashed", "failure", ("interrupted/crash",), (), YEAR_END, 2025, PACKAGE),
)
def package_aborts(world: World) -> None:
    world.solver("1.5.0", "def balance(inflation, chance):\n    import os\n\n    os.abort()\n")
    world.run()


def other_seeds(world: World) -> None:
    """Each run has a seed of its own, as always."""
    for seed in (11, 12, 13, 14):
        world.settings(seed=seed)
        world.good(1)


@scenario(
    "A rule was changed and is wrong; that the seed is another one, as every day, has nothing to do with it.",
    Expected(
        "failed", "failure", ("code",), ("'Simulation' object has no attribute 'workforce'",), YEAR_END, 2026,
        (("code", "rules"),), beside=(("config", "seed"),),
    ),
    before=other_seeds,
)  # fmt: skip
def rule_changed_and_the_seed_as_ever(world: World) -> None:
    world.settings(seed=15)
    world.at_year_end("simulation.workforce")
    world.run()


@scenario(
    "Three things changed at once; it is the package that wants a tolerance which its caller does not give.",
    failing(
        ("environment/dependency", "config", "code"), "solver 2 needs a tolerance", changed=PACKAGE,
        beside=(("config", "seed"), ("code", "rules")),
    ),
    before=other_seeds,
)  # fmt: skip
def package_among_three_changes(world: World) -> None:
    world.settings(seed=15)
    world.rules((world.folder / "rules.py").read_text() + "\n\n# Looked through in November.\n")
    refuse = "    raise ValueError('solver 2 needs a tolerance: balance(inflation, chance, tolerance=1e-6)')"
    world.solver("2.0.0", f"def balance(inflation, chance, tolerance=None):\n{refuse}\n")
    world.run()
