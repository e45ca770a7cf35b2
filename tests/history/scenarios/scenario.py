"""One failure: what leads to it, and what a diagnosis has to say of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.runs.corpus import is_held_out

if TYPE_CHECKING:
    from .world import World


@dataclass(frozen=True)
class Expected:
    """What is true of the last run in the folder, and what a diagnosis should name."""

    status: str
    """Of the last run."""
    finding: str
    """`failure`: the run failed or was ended. `suspect`: it succeeded and its figures are out of the band of history.
    `slower`: it succeeded and took too long. `none`: nothing is to be reported."""
    category: tuple[str, ...] = ()
    """Of the cause; any of these is right, each of one level or two. Empty where there is no error."""
    words: tuple[str, ...] = ()
    """What the line of the cause contains, all of them."""
    operation: str = ""
    """The operation path at which it happened, or which is to blame; empty where there is none."""
    year: int | None = None
    """The simulated year in which it happened, or the first that is suspect."""
    changed: tuple[tuple[str, str], ...] = ()
    """What changed since the last success and explains it, to be named first: pairs of `config`, `code`, `package`,
    `input` or `computer`, and which one. Empty where nothing of the kind did, so that none may be blamed."""
    beside: tuple[tuple[str, str], ...] = ()
    """What changed as well, in the same form, and does not explain it."""
    seen_before: bool = False
    """Whether the same failure is in the history."""
    reason: str = ""
    """What the status' reason contains."""


@dataclass(frozen=True)
class Scenario:
    """A failure that is provoked in a folder of runs that went well."""

    id: str
    why: str
    """In one sentence: what happened, as the operator who knows would tell it."""
    expected: Expected
    provoke: Callable[[World], AbstractContextManager[None] | None]
    """Spoils the world and runs the simulation once more. A context manager keeps the run as it stands meanwhile."""
    before: Callable[[World], None] | None = None
    """Sets up a world whose history is its own; None where it is the common one."""
    root: bool = False
    """Whether it takes a superuser."""

    @property
    def origin(self) -> str:
        """The module that it stands in."""
        return self.provoke.__module__.rpartition(".")[2]

    @property
    def held_out(self) -> bool:
        """Whether the authors of the diagnosis may not look at it; fixed by the id."""
        return is_held_out(self.id)


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    why: str, expected: Expected, *, before: Callable[[World], None] | None = None, root: bool = False
) -> Callable[[Callable[[World], None]], Callable[[World], None]]:
    """Register the decorated function; its name is the id."""

    def register(provoke: Callable[[World], None]) -> Callable[[World], None]:
        name = provoke.__name__
        if name in SCENARIOS:
            raise ValueError(f"two scenarios are called {name}")
        SCENARIOS[name] = Scenario(name, why, expected, provoke, before, root)
        return provoke

    return register
