"""Threads, workers and errors that come in company, of which one is the cause; and what a model holds of itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from .limits import limited
from .scenario import Expected, scenario
from .tables import reading
from .world import World

YEAR_END = "year_simulation/year_end"
BENEFITS = f"{YEAR_END}/benefits"
RULES = (("code", "rules"),)

TWO_LOCKS = """\
def settle_one(mine, other, both):
    with mine:
        both.wait()
        with other:
            return


def settle():
    import threading

    ledger, payroll, both = threading.Lock(), threading.Lock(), threading.Barrier(2)
    turns = [(ledger, payroll, both), (payroll, ledger, both)]
    threads = [threading.Thread(target=settle_one, args=turn, daemon=True) for turn in turns]
    for thread in threads:
        thread.start()
    open("reached", "w").close()
    for thread in threads:
        thread.join()
"""


@contextmanager
def stalling(world: World) -> Iterator[None]:
    """Run it until it is told to make no progress, and as long as the block lasts."""
    world.settings(promise=1.5)
    with world.running():
        world.wait_for("reached")
        world.wait_for_status("stalled")
        yield


@scenario(
    "Two threads take two locks the other way round, and each waits for the other.",
    Expected("stalled", "failure", ("stalled",), ("settle",), YEAR_END, 2026, RULES, reason="no progress"),
)
@contextmanager
def two_threads_dead_locked(world: World) -> Iterator[None]:
    world.add_rules(TWO_LOCKS)
    world.at_year_end("settle()")
    with stalling(world):
        yield


QUEUE = """\
def work_off(wanted, done):
    while True:
        level = wanted.get()
        done.put({1: 0.02, 2: 0.03}[level])


def rates_of(levels):
    import queue
    import threading

    wanted, done = queue.Queue(), queue.Queue()
    threading.Thread(target=work_off, args=(wanted, done), daemon=True).start()
    for level in levels:
        wanted.put(level)
    if 77 in levels:
        open("reached", "w").close()
    return [done.get() for _ in levels]
"""


def with_queue(world: World) -> None:
    """A thread works off what the rules put into a queue."""
    world.add_rules(QUEUE)
    world.each_year_end("rates_of([1, 2, 2])")
    world.good(3)


@scenario(
    "The thread that works off the queue died of a level that is in no table; the rules wait for its answer for ever.",
    Expected("stalled", "failure", ("code",), ("KeyError", "77"), YEAR_END, 2025, RULES, reason="no progress"),
    before=with_queue,
)
@contextmanager
def thread_died_and_all_wait(world: World) -> Iterator[None]:
    world.change_rules("rates_of([1, 2, 2])", "rates_of([1, 77, 2])")
    with stalling(world):
        yield


def with_workers(world: World) -> None:
    """Two workers do a part of each year; they can be made to wait."""
    world.settings(workers=2)
    pause = "open('reached', 'w').close()\n        __import__('time').sleep(60)"
    world.change_rules(
        "    return float(year",
        f"    import os\n\n    if year == 2026 and os.path.exists('wait'):\n        {pause}\n    return float(year",
    )
    world.good(3)


@scenario(
    "A worker keeps ever more in memory, and may have no more.",
    Expected("failed", "failure", ("resource/memory",), ("MemoryError",), BENEFITS, 2026, RULES),
    before=with_workers,
)
def worker_out_of_memory(world: World) -> None:
    grow = "    if year == 2026 and part == 1:\n        kept = [bytes(50_000_000) for _ in range(200)]\n"
    world.change_rules("    return float(year", f"{grow}    return float(year")
    world.run(prefix=limited("-v 4000000"))


@scenario(
    "A worker gives back something that cannot be sent to another process.",
    Expected("failed", "failure", ("code", "worker"), ("pickle",), BENEFITS, 2025, RULES),
    before=with_workers,
)
def answer_cannot_be_sent(world: World) -> None:
    world.change_rules("    return float(year", "    return lambda: float(year")
    world.run()


@scenario(
    "Somebody pressed Ctrl-C while the workers worked; they and the simulation heard of it at once.",
    Expected("interrupted", "failure", ("interrupted/user",), (), BENEFITS, 2026, reason="KeyboardInterrupt"),
    before=with_workers,
)
def interrupted_with_workers(world: World) -> None:
    (world.folder / "wait").touch()
    with world.running() as process:
        world.wait_for("reached")
        os.killpg(process.pid, signal.SIGINT)
        process.wait(300)


REGIONS = """\
def read_regions():
    import asyncio
    from pathlib import Path

    async def read(region):
        return await asyncio.to_thread(Path(f"inputs/region_{region}.csv").read_text)

    async def read_all():
        async with asyncio.TaskGroup() as group:
            for region in ("north", "east", "south", "west"):
                group.create_task(read(region))

    asyncio.run(read_all())
"""


def with_regions(world: World) -> None:
    """The rules read four tables at once."""
    for region in ("north", "east", "south", "west"):
        world.delivered(f"region_{region}.csv", "rate\n0.02\n")
    world.add_rules(REGIONS)
    world.each_year_end("read_regions()")
    world.good(3)


@scenario(
    "One of four tables that are read at once is not there; what is raised is a group.",
    Expected("failed", "failure", ("environment/missing_file",), ("region_south.csv",), YEAR_END, 2025),
    before=with_regions,
)
def one_of_a_group(world: World) -> None:
    (world.folder / "inputs" / "region_south.csv").unlink()
    world.run()


BANDS = """\
def bands_of(simulation):
    try:
        return open("inputs/bands.txt").read().split()
    except OSError:
        simulation.log.exception("the bands could not be read")


def narrow(simulation, year, kept={}):
    if year == 2025:
        kept["bands"] = bands_of(simulation)
    if year == 2026:
        return kept["bands"][0]
"""


def with_bands(world: World) -> None:
    """The rules read a table in the first year, and use it in the second."""
    world.delivered("bands.txt", "48000 64000 86000\n")
    world.add_rules(BANDS)
    world.each_year_end("narrow(simulation, year)")
    world.good(3)


@scenario(
    "A table is missing; the rules log it and go on with nothing, which breaks a year later.",
    Expected("failed", "failure", ("environment/missing_file",), ("bands.txt",), YEAR_END, 2025),
    before=with_bands,
)
def swallowed_and_broken_later(world: World) -> None:
    (world.folder / "inputs" / "bands.txt").unlink()
    world.run()


def waiting_with_a_clean_up(world: World) -> None:
    """The rules clean up after themselves, of which they are incapable when they are ended in between."""
    world.at_year_end(
        "import os\nimport time\nhandles = {}\ntry:\n    if os.path.exists('wait'):\n"
        "        open('reached', 'w').close()\n        time.sleep(100)\n    handles['scratch'] = 1\n"
        "finally:\n    del handles['scratch']"
    )
    world.good(3)
    (world.folder / "wait").touch()


@scenario(
    "The scheduler ended it, and its cleaning up failed thereupon: the first is the cause.",
    Expected("failed", "failure", ("interrupted/scheduler",), (), YEAR_END, 2026, reason="KeyError"),
    before=waiting_with_a_clean_up,
)
def clean_up_fails_when_ended(world: World) -> None:
    with world.running() as process:
        world.wait_for("reached")
        process.send_signal(signal.SIGTERM)
        process.wait(300)


BUY_OUT = """\
query = "SELECT count(*) FROM workforce WHERE termination_date IS NULL"
[(people,)] = simulation.connection.execute(query).fetchall()
wanted = simulation.settings.pension["buy_out"]
assert wanted <= people, f"a buy-out of {wanted} among {people} leaves fewer than nobody\""""


def with_buy_out(world: World) -> None:
    """So many are bought out each year."""
    world.settings(pension={"buy_out": 5})
    world.each_year_end(BUY_OUT)
    world.good(3)


@scenario(
    "More are to be bought out than there are, says an assertion of the model.",
    Expected(
        "failed", "failure", ("model", "code", "config"), ("buy-out of 500",), YEAR_END, 2025,
        (("config", "pension.buy_out"),),
    ),
    before=with_buy_out,
)  # fmt: skip
def assertion_of_the_model(world: World) -> None:
    world.settings(pension={"buy_out": 500})
    world.run()


LEVELS = """\
simulation.connection.execute("CREATE OR REPLACE TABLE by_level (level INTEGER, people INTEGER CHECK (people >= 0))")
query = "SELECT job_level, count(*) - 0 FROM workforce WHERE termination_date IS NULL GROUP BY job_level"
simulation.connection.execute(f"INSERT INTO by_level {query}")"""


def with_levels(world: World) -> None:
    """The headcount of each level goes into a table that takes none below zero."""
    world.each_year_end(LEVELS)
    world.good(3)


@scenario(
    "The rules take more people from a level than it has, and the table refuses a headcount below zero.",
    Expected("failed", "failure", ("data", "model"), ("CHECK constraint", "by_level"), YEAR_END, 2025, RULES),
    before=with_levels,
)
def headcount_below_zero(world: World) -> None:
    world.change_rules("count(*) - 0", "count(*) - 20")
    world.run()


@scenario(
    "Two columns of the correlations are the same since they were estimated anew, and nothing can be solved with them.",
    Expected(
        "failed", "failure", ("numeric", "data"), ("Singular matrix",), YEAR_END, 2025, (("input", "correlations.csv"),)
    ),
    before=reading(
        "correlations.csv",
        "1.0,0.2\n0.2,1.0\n",
        "import numpy\nnumpy.linalg.solve(numpy.loadtxt(table, delimiter=','), numpy.ones(2))",
    ),
)
def correlations_without_a_solution(world: World) -> None:
    world.delivered("correlations.csv", "1.0,1.0\n1.0,1.0\n")
    world.run()
