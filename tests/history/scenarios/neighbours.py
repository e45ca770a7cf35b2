"""Other programs beside the simulation: those that it starts, asks, or has to share something with."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

from .scenario import Expected, scenario
from .services import rates
from .world import World

YEAR_END = "year_simulation/year_end"
RULES = (("code", "rules"),)
BUILD = """\
class BuildError(Exception):
    pass


def build(*command):
    import subprocess

    done = subprocess.run(command, capture_output=True, text=True, timeout=1)
    if done.returncode:
        raise BuildError(f"{command[0]} ended with {done.returncode}: {done.stderr}")
"""


def failing(category: tuple[str, ...], *words: str, year: int = 2025, **more: object) -> Expected:
    return Expected("failed", "failure", category, words, YEAR_END, year, **more)


def with_build(world: World) -> None:
    """Another program builds the models at the end of each year; what it says on stderr is told."""
    world.executable("models.sh", "#!/bin/sh\necho '12 of 12 OK'\n")
    world.add_rules(BUILD)
    world.each_year_end("build('./models.sh')")
    world.good(3)


COMPILATION = """\
#!/bin/sh
echo 'Running with dbt=1.8.8' >&2
echo 'Encountered an error:' >&2
echo 'Compilation Error in model fct_workforce (models/fct_workforce.sql)' >&2
echo '  Model "fct_workforce" depends on a node named "stg_census" which was not found' >&2
exit 2
"""


@scenario(
    "The program that builds the models says on stderr which of them lacks another.",
    failing(("external", "database/sql", "code", "config"), "stg_census"),
    before=with_build,
)
def model_not_found_by_the_builder(world: World) -> None:
    world.executable("models.sh", COMPILATION)
    world.run()


@scenario(
    "The program that builds the models did not end in its time.",
    failing(("resource/time", "external"), "timed out", "models.sh"),
    before=with_build,
)
def builder_takes_too_long(world: World) -> None:
    world.executable("models.sh", "#!/bin/sh\nexec sleep 30\n")
    world.run()


@scenario(
    "The program that builds the models was copied without its right to be executed.",
    failing(("environment/permission",), "Permission denied", "models.sh"),
    before=with_build,
)
def builder_not_executable(world: World) -> None:
    (world.folder / "models.sh").chmod(0o644)
    world.run()


@scenario(
    "The program that builds the models was made for another kind of machine.",
    failing(("environment",), "Exec format error", "models.sh"),
    before=with_build,
)
def builder_of_another_machine(world: World) -> None:
    world.executable("models.sh", "\x7fELF\x02\x01\x01\n")
    world.run()


TURNS = """\
def take_turns(python):
    import duckdb

    mine = duckdb.connect("state/scratch.duckdb")
    mine.execute("CREATE OR REPLACE TABLE levels AS SELECT * FROM range(5)")
    mine.close()
    build(python, "-c", "import duckdb; duckdb.connect('state/scratch.duckdb').sql('SELECT * FROM levels')")
"""


def with_turns(world: World) -> None:
    """The simulation and a program that it starts use one database in turns."""
    (world.folder / "state").mkdir()
    world.add_rules(BUILD.replace("timeout=1", "timeout=30"))
    world.add_rules(TURNS)
    world.at_year_end("import sys\ntake_turns(sys.executable)")
    world.good(3)


@scenario(
    "The simulation does not close the database any more before it starts the program that needs it.",
    failing(("database/lock",), "Could not set lock on file", year=2026, changed=RULES),
    before=with_turns,
)
def database_locked_by_ourselves(world: World) -> None:
    world.change_rules("    mine.close()\n", "    mine.commit()\n")
    world.run()


ASK = """\
def ask(simulation, path):
    import json
    import urllib.request

    with urllib.request.urlopen(simulation.settings.pension["url"] + path, timeout=2) as response:
        return json.loads(response.read())
"""


def answer(status: int, body: bytes, length: int | None = None) -> Callable[[BaseHTTPRequestHandler], None]:
    def handle(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(body) if length is None else length))
        request.end_headers()
        request.wfile.write(body)

    return handle


def asking(world: World) -> None:
    """The rules ask a service at the end of 2026, and had an answer each time."""
    world.add_rules(ASK)
    world.at_year_end("ask(simulation, '/limits/2026')")
    with rates(answer(200, b'{"limit": 23500}')) as port:
        world.port = port
        world.settings(pension={"url": f"http://127.0.0.1:{port}"})
        world.good(3)


@scenario(
    "The service answers with a page for people, who have to log in, where it gave figures.",
    failing(("external/service", "data/format"), "Expecting value", year=2026),
    before=asking,
)
def service_answers_with_a_page(world: World) -> None:
    with rates(answer(200, b"<html><body>Please log in</body></html>"), world.port):
        world.run()


@scenario(
    "The service's key has expired: it answers that one has to say who one is.",
    failing(("external/service", "environment/permission", "config"), "401", year=2026),
    before=asking,
)
def service_wants_a_new_key(world: World) -> None:
    with rates(answer(401, b""), world.port):
        world.run()


@scenario(
    "The connection to the service broke in the middle of its answer.",
    failing(("external",), "IncompleteRead", year=2026),
    before=asking,
)
def answer_broken_off(world: World) -> None:
    with rates(answer(200, b'{"limit": 23', 4000), world.port):
        world.run()


@scenario(
    "The service's address was changed to an encrypted one, which the service does not speak.",
    failing(("external", "config"), "SSL", year=2026, changed=(("config", "pension.url"),)),
    before=asking,
)
def service_without_encryption(world: World) -> None:
    world.settings(pension={"url": f"https://127.0.0.1:{world.port}"})
    with rates(answer(200, b"{}"), world.port):
        world.run()


HOLD_STORE = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
HOLD_LOCK = """
import fcntl, sys
held = open(sys.argv[1], "w")
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
STORE = """\
import sqlite3
store = sqlite3.connect('state/results.sqlite', timeout=0.3)
store.execute('CREATE TABLE IF NOT EXISTS result (year INTEGER)')
with store:
    store.execute('INSERT INTO result VALUES (?)', (year,))
store.close()"""
ONLY_ONE = """\
import fcntl
only_one = open('state/simulation.lock', 'a')
fcntl.flock(only_one, fcntl.LOCK_EX | fcntl.LOCK_NB)"""


@contextmanager
def held(world: World, program: str, name: str) -> Iterator[None]:
    """Another process holds it while the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-c", program, str(world.folder / "state" / name)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout
        assert holder.stdout.readline()
        try:
            yield
        finally:
            holder.kill()


def each_year(code: str) -> Callable[[World], None]:
    def before(world: World) -> None:
        (world.folder / "state").mkdir()
        world.each_year_end(code)
        world.good(3)

    return before


@scenario(
    "Another program is writing into the SQLite file that takes the results.",
    failing(("database/lock",), "database is locked"),
    before=each_year(STORE),
)
def store_locked(world: World) -> None:
    with held(world, HOLD_STORE, "results.sqlite"):
        world.run()


@scenario(
    "The same simulation runs already, and holds the lock that is to prevent two of them.",
    failing(("database/lock", "environment", "resource"), "Resource temporarily unavailable"),
    before=each_year(ONLY_ONE),
)
def another_one_runs(world: World) -> None:
    with held(world, HOLD_LOCK, "simulation.lock"):
        world.run()
