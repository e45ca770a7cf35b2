"""Runs that succeed: with figures that cannot be, with warnings that are new, too slowly, or as they should."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

from .neighbours import HOLD_STORE, held
from .scenario import Expected, scenario
from .sections import PENSION, other_seeds
from .services import rates
from .tables import reading
from .world import SOLVER, World

YEAR_END = "year_simulation/year_end"


def suspect(*words: str, changed: tuple[tuple[str, str], ...]) -> Expected:
    return Expected("success", "suspect", (), words, YEAR_END, 2025, changed)


def gauging(name: str, query: str) -> str:
    """The lines that work out one figure of the rules' own."""
    return (
        f'import navigator_obs as obs\n[(figure,)] = simulation.connection.execute(f"""{query}""").fetchall()\n'
        f"obs.gauge({name!r}, figure)"
    )


def with_match(world: World) -> None:
    """The rules work out what the employer adds."""
    world.settings(pension=PENSION)
    share = "{simulation.settings.pension['match_rate']}"
    world.each_year_end(
        gauging("employer_match_million", f"SELECT sum(compensation)::DOUBLE * 0.06 * {share} / 1e6 FROM workforce")
    )
    world.good(3)


@scenario(
    "A rate in a section was given in per cent where it is a fraction: the run succeeds with a hundredfold match.",
    suspect("employer_match", changed=(("config", "pension.match_rate"),)),
    before=with_match,
)
def per_cent_for_a_fraction(world: World) -> None:
    world.settings(pension={**PENSION, "match_rate": 50})
    world.run()


DEPARTMENTS = "level,department\n1,sales\n2,sales\n3,works\n4,works\n5,board\n"
with_departments = reading(
    "departments.csv",
    DEPARTMENTS,
    gauging(
        "people_in_departments",
        "SELECT count(*) FROM workforce JOIN read_csv('{table}', header=true) AS d ON d.level = workforce.job_level",
    ),
)


@scenario(
    "The departments have a level twice, so that a join gives its people twice: the run succeeds.",
    suspect("people_in_departments", changed=(("input", "departments.csv"),)),
    before=with_departments,
)
def join_gives_people_twice(world: World) -> None:
    world.delivered("departments.csv", DEPARTMENTS + "1,sales\n2,sales\n3,works\n")
    world.run()


@scenario(
    "The departments lack two levels, whose people a join loses: the run succeeds with fewer rows.",
    suspect("people_in_departments", changed=(("input", "departments.csv"),)),
    before=with_departments,
)
def join_loses_people(world: World) -> None:
    world.delivered("departments.csv", DEPARTMENTS.replace("1,sales\n2,sales\n", ""))
    world.run()


def with_ages(world: World) -> None:
    """The rules tell how old people are."""
    world.each_year_end(gauging("mean_age_years", "SELECT {year} - avg(year(birth_date)) FROM workforce"))
    world.good(3)


@scenario(
    "Years of birth came with two digits and were completed to this century: people who are not born yet.",
    suspect("mean_age", changed=(("input", "census.csv"),)),
    before=with_ages,
)
def born_in_the_wrong_century(world: World) -> None:
    text = world.census.read_text(encoding="utf-8")
    world.census.write_text(re.sub(r"^(\d+),19", r"\1,20", text, flags=re.MULTILINE), encoding="utf-8")
    world.run()


@scenario(
    "A cell of the table is empty, and the figure that is made of it is NaN: the run succeeds.",
    suspect("liability", changed=(("input", "factors.csv"),)),
    before=reading(
        "factors.csv",
        "1,0.9\n2,0.8\n3,0.7\n",
        "import numpy\nimport navigator_obs as obs\n"
        "factors = numpy.genfromtxt(table, delimiter=',')[:, 1]\n"
        "obs.gauge('liability_million', float(factors.sum() * 12))",
    ),
)
def empty_cell_becomes_nan(world: World) -> None:
    world.delivered("factors.csv", "1,0.9\n2,\n3,0.7\n")
    world.run()


STAMPS = "".join(f"{1735689600 + 3600 * hour}\n" for hour in range(4))


@scenario(
    "The machine has another time zone, in which what began with the year began before it: the run succeeds.",
    suspect("begun_in_the_year", changed=(("computer", "timezone"),)),
    before=reading(
        "begun.txt",
        STAMPS,
        "from datetime import datetime\nimport navigator_obs as obs\n"
        "years = [datetime.fromtimestamp(int(stamp)).year for stamp in open(table).read().split()]\n"
        "obs.gauge('begun_in_the_year', years.count(2025))",
    ),
)
def another_time_zone(world: World) -> None:
    world.run(prefix=("env", "TZ=EST5"))


def with_minimum(world: World) -> None:
    """The rules warn of whoever is paid less than the least that is allowed."""
    world.settings(pension={"minimum": 20_000})
    world.each_year_end(
        "least = simulation.settings.pension['minimum']\n"
        "query = f'SELECT employee_id FROM workforce WHERE compensation < {least} ORDER BY employee_id LIMIT 30'\n"
        "for (employee,) in simulation.connection.execute(query).fetchall():\n"
        "    simulation.log.warning('paid less than the minimum', employee=employee)"
    )
    world.good(3)


@scenario(
    "The least that may be paid was raised, and the run, which succeeds, warns of many for the first time.",
    suspect("paid less than the minimum", changed=(("config", "pension.minimum"),)),
    before=with_minimum,
)
def warnings_that_are_new(world: World) -> None:
    world.settings(pension={"minimum": 55_000})
    world.run()


def slower(operation: str, *changed: tuple[str, str]) -> Expected:
    return Expected("success", "slower", (), (operation,), f"{YEAR_END}/{operation}", None, changed)


STORE = """\
import sqlite3
import navigator_obs as obs
with obs.operation('store_results'):
    open('reached', 'w').close()
    store = sqlite3.connect('state/results.sqlite', timeout=30)
    with store:
        store.execute('INSERT INTO result VALUES (?)', (year,))
    store.close()"""


def with_store(world: World) -> None:
    """The results of a year go into an SQLite file, which waits for its turn."""
    import sqlite3

    (world.folder / "state").mkdir()
    with sqlite3.connect(world.folder / "state" / "results.sqlite") as store:
        store.execute("CREATE TABLE result (year INTEGER)")
    store.close()
    world.at_year_end(STORE)
    world.good(3)
    (world.folder / "reached").unlink()


@scenario(
    "Another program held the results' file for two seconds, and the run waited for it.",
    slower("store_results"),
    before=with_store,
)
def waited_for_a_lock(world: World) -> None:
    with world.running() as process:
        with held(world, HOLD_STORE, "results.sqlite"):
            world.wait_for("reached")
            time.sleep(2)
        process.wait(300)


MATCH = """\
import navigator_obs as obs
with obs.operation('match_trades') as op:
    trades = [int(line) for line in open(table)]
    op.add_rows(len(trades))
    pairs = sum(one == other for one in trades for other in trades)"""


@scenario(
    "The table is twelve times as long, and what compares each row with each takes a hundred times as long.",
    slower("match_trades", ("input", "trades.csv")),
    before=reading("trades.csv", "".join(f"{n % 97}\n" for n in range(250)), MATCH),
)
def longer_table_squared(world: World) -> None:
    world.delivered("trades.csv", "".join(f"{n % 97}\n" for n in range(3000)))
    world.run()


PROJECT = """\
import navigator_obs as obs
with obs.operation('project'):
    if simulation.settings.pension['engine'] == 'vector':
        simulation.connection.execute('SELECT sum(n * n) FROM range(3_000_000) AS numbers (n)').fetchall()
    else:
        sum(n * n for n in range(6_000_000))"""


def with_engine(world: World) -> None:
    """The rules project in one way or another."""
    world.settings(pension=PENSION)
    world.each_year_end(PROJECT)
    world.good(3)


@scenario(
    "Another engine was chosen in a section, which gives the same and is slow.",
    slower("project", ("config", "pension.engine")),
    before=with_engine,
)
def slow_engine_chosen(world: World) -> None:
    world.settings(pension={**PENSION, "engine": "python"})
    world.run()


HEALTHY = Expected("success", "none")
TRY_TWICE = """\
def try_twice(simulation):
    import urllib.error
    import urllib.request

    for attempt in (1, 2):
        try:
            with urllib.request.urlopen(simulation.settings.pension["url"], timeout=2) as response:
                return response.read()
        except urllib.error.URLError as error:
            simulation.log.warning("no answer, trying again", attempt=attempt, why=str(error))
"""


def every_other() -> Callable[[BaseHTTPRequestHandler], None]:
    answers = iter(range(1_000_000))

    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200 if next(answers) % 2 else 503)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return handle


def tried_twice(world: World) -> None:
    """A service refuses the first time and answers the second, in each run."""
    world.add_rules(TRY_TWICE)
    world.at_year_end("try_twice(simulation)")
    with rates(every_other()) as port:
        world.port = port
        world.settings(pension={"url": f"http://127.0.0.1:{port}"})
        world.good(4)


@scenario("The service had to be asked twice, as in each run before.", HEALTHY, before=tried_twice)
def second_try_as_ever(world: World) -> None:
    with rates(every_other(), world.port):
        world.run()


@scenario(
    "A comment was added to the rules and the package has a new version that does the same: nothing to report.",
    Expected("success", "none", beside=(("code", "rules"), ("package", "solver"))),
)
def changes_without_effect(world: World) -> None:
    world.rules((world.folder / "rules.py").read_text() + "\n\n# Looked through in November.\n")
    world.solver("1.4.1", SOLVER)
    world.run()


@scenario(
    "The seed is another one, as in each run: the figures differ as they always do.",
    Expected("success", "none", beside=(("config", "seed"),)),
    before=other_seeds,
)
def another_seed_as_ever(world: World) -> None:
    world.settings(seed=15)
    world.run()
