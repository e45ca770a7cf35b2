"""One failure: how it is provoked, what is then raised, and what an operator calls it."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

SALT = "navigator-obs corpus"


@dataclass(frozen=True)
class Case:
    """A failure. `provoke` gets an empty folder and raises; it is called in a process of its own."""

    id: str
    origin: str
    """The module of the corpus."""
    expected: str
    """The category: one level or two, as in ``database/lock``."""
    why: str
    """Why an operator would call it that."""
    raises: str
    """The type's name, as events give it."""
    says: str
    """What the message contains."""
    provoke: Callable[[Path], object]
    needs: tuple[str, ...] = ()
    """The optional libraries, each as its top-level module."""
    root: bool = False
    """Whether it takes a superuser to provoke."""

    @property
    def held_out(self) -> bool:
        """Whether the authors of rules may not look at it."""
        return is_held_out(self.id)

    @property
    def missing(self) -> list[str]:
        """The libraries that it needs and that are not there."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def is_held_out(identifier: str) -> bool:
    """Whether the failure of this id is among the third that is held out: fixed by the id alone.

    >>> [is_held_out(name) for name in ("enospc", "emfile", "enoent")]
    [True, False, False]
    """
    return sha256(f"{SALT}/{identifier}".encode()).digest()[0] % 3 == 0


CASES: dict[str, Case] = {}


def case(
    expected: str, why: str, *, raises: str, says: str = "", needs: tuple[str, ...] = (), root: bool = False
) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
    """Register the decorated function; its name is the id."""

    def register(provoke: Callable[[Path], object]) -> Callable[[Path], object]:
        name = provoke.__name__
        if name in CASES:
            raise ValueError(f"two failures are called {name}")
        origin = provoke.__module__.rpartition(".")[2]
        CASES[name] = Case(name, origin, expected, why, raises, says, provoke, needs, root)
        return provoke

    return register
