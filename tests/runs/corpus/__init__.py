"""Failures that are really provoked, each with the category that an experienced operator would give it.

`CASES` is all of them, by id; `observe` provokes them, each in a process of its own, and returns what was raised.

The expectations were written before any rule that classifies, by somebody else than the author of the rules, and
answer one question: who has to do something, and what? The first level says who, the second what:

- resource (memory, disk, descriptors, time): the machine or a limit was too small.
- interrupted (user, scheduler, killed, crash): somebody or something ended it from outside.
- stalled: it ran and got nowhere.
- database (lock, connection, sql, corruption): the database or what was asked of it. A row that the database refuses
  is not its fault: that is data.
- data (missing, schema, format, integrity, quality): what came in. `missing` is data that has not come although its
  file is there, `schema` a column or type, `format` what cannot be read, `integrity` keys and references, `quality`
  what can be read and should not be so.
- config: a setting, a profile, an argument of the command.
- environment (dependency, permission, missing_file): what has to be on the machine.
- numeric (nonfinite, overflow, no_convergence, division), model (the simulation's own rules), worker (a process or
  thread that others rely on), external (network, service), code, observability.

An expectation of one level leaves the second open: the first decides who acts.
"""

from __future__ import annotations

from . import (
    chains,
    database_files,
    databases,
    dbt,
    imports,
    mistakes,
    models,
    network,
    numbers,
    programs,
    settings,
    signals,
    system,
    tables,
    texts,
    workers,
)
from .case import CASES, Case, is_held_out
from .observing import observe

__all__ = ["CASES", "Case", "is_held_out", "observe"]

ORIGINS = (
    chains, database_files, databases, dbt, imports, mistakes, models, network,
    numbers, programs, settings, signals, system, tables, texts, workers,
)  # fmt: skip
