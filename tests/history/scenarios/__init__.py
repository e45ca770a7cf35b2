"""Failures of a simulation that are really provoked, each behind some runs that went well, with their true causes.

`SCENARIOS` is all of them, by id. `common_history` makes the folder that most begin with; `provoked` gives the folder
of one scenario as the failure has left it, in which the last run is the one to diagnose.

The causes were written before any rule that diagnoses, by somebody else than the author of the rules.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from . import codes, configs, crowds, inputs, limits, machines, neighbours, sections, services, successes, tables
from .scenario import SCENARIOS, Expected, Scenario
from .world import GOOD_RUNS, Unavailable, World

__all__ = ["FIRST", "SCENARIOS", "SECOND", "Expected", "Scenario", "Unavailable", "World", "common_history", "provoked"]

FIRST = tuple(module.__name__.rpartition(".")[2] for module in (codes, configs, inputs, machines, services))
"""The modules that the rules that diagnose were first written against; the others came when the rules were there."""
SECOND = tuple(
    module.__name__.rpartition(".")[2] for module in (crowds, limits, neighbours, sections, successes, tables)
)


def common_history(folder: Path) -> World:
    """Make a world in *folder*, which must not exist, and run its simulation so often that there is a history."""
    world = World(folder)
    world.create()
    world.good(GOOD_RUNS)
    return world


@contextmanager
def provoked(scenario: Scenario, folder: Path, common: World) -> Iterator[World]:
    """Provoke *scenario* in *folder*, which must not exist; *common* is what `common_history` returned.

    The runs are in ``world.runs_dir``. A run that hangs does so until the block is left. Raises `Unavailable`
    where the machine has not what it takes.
    """
    if scenario.before is None:
        shutil.copytree(common.folder, folder, symlinks=True)
        world = World(folder)
    else:
        world = World(folder)
        world.create()
        scenario.before(world)
    with scenario.provoke(world) or nullcontext():
        yield world
