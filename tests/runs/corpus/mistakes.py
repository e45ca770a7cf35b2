"""Mistakes in the program itself."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import re
import warnings
from pathlib import Path

from .case import case


@case("code", "A key that the program never put there.", raises="KeyError", says="hires")
def key_missing(folder: Path) -> None:
    {"hired": 3}["hires"]


@case("code", "None where an object should be.", raises="AttributeError", says="'NoneType' object has no attribute")
def attribute_of_none(folder: Path) -> None:
    re.match("x", "y").group()


@case("code", "A misspelt attribute.", raises="AttributeError", says="no attribute 'heads'")
def attribute_missing(folder: Path) -> None:
    folder.heads


@case("code", "An operation between types that do not go together.", raises="TypeError", says="unsupported operand")
def types_that_do_not_go_together(folder: Path) -> None:
    "2025" - 1


@case("code", "A call without an argument that has to be given.", raises="TypeError", says="missing 1 required")
def argument_missing(folder: Path) -> None:
    def simulate(year: int) -> int:
        return year

    simulate()


@case("code", "Something that cannot be called is.", raises="TypeError", says="not callable")
def not_callable(folder: Path) -> None:
    year = 2025
    year(1)


@case("code", "A list as a key.", raises="TypeError", says="unhashable type")
def unhashable(folder: Path) -> None:
    {[2025, 2026]: 1}


@case("code", "An index past the end.", raises="IndexError", says="list index out of range")
def index_past_the_end(folder: Path) -> None:
    years = [2025, 2026]
    years[len(years)]


@case("code", "A misspelt name.", raises="NameError", says="'workfroce' is not defined")
def name_misspelt(folder: Path) -> None:
    workfroce  # noqa: F821


@case("code", "A variable that no branch has set.", raises="UnboundLocalError", says="cannot access local variable")
def variable_not_bound(folder: Path) -> None:
    if not folder.exists():
        result = 1
    print(result)


@case("code", "A function that nobody has written yet.", raises="NotImplementedError")
def not_implemented(folder: Path) -> None:
    class Step:
        def simulate(self) -> int:
            raise NotImplementedError

    Step().simulate()


@case("code", "An assertion of the program's author.", raises="AssertionError", says="events first")
def assertion(folder: Path) -> None:
    applied: list[str] = ["hire"]
    assert not applied, "events first, then their effects"


@case("code", "A function that calls itself for ever.", raises="RecursionError", says="maximum recursion depth")
def recursion(folder: Path) -> None:
    def manager_of(employee: int) -> int:
        return manager_of(employee) + 1

    manager_of(1)


@case("code", "A dictionary that changes while it is walked.", raises="RuntimeError", says="changed size during")
def dictionary_changed(folder: Path) -> None:
    workforce = {1: "active", 2: "left"}
    for employee in workforce:
        workforce.pop(employee)


@case("code", "A generator that lets StopIteration escape.", raises="RuntimeError", says="generator raised StopIter")
def generator_stopped(folder: Path) -> None:
    def first_of_each(lists: list[list[int]]) -> object:
        for one in lists:
            yield next(iter(one))

    list(first_of_each([[1], []]))


@case("code", "More values than names.", raises="ValueError", says="too many values to unpack")
def too_many_values(folder: Path) -> None:
    [(first, last) for first, last in [(2025, 2026, 2027)]]


@case("code", "A value that is not in the list.", raises="ValueError", says="is not in list")
def not_in_the_list(folder: Path) -> None:
    ["hire", "termination"].index("promotion")


@case("code", "A pattern that is none.", raises="re.error", says="unterminated character set")
def pattern_that_is_none(folder: Path) -> None:
    re.compile("[a-z")


@case("code", "A frozen object is written to.", raises="dataclasses.FrozenInstanceError", says="seed")
def frozen(folder: Path) -> None:
    @dataclasses.dataclass(frozen=True)
    class Plan:
        seed: int = 42

    Plan().seed = 7


@case("code", "A format that does not suit its value.", raises="ValueError", says="Unknown format code")
def format_that_does_not_suit(folder: Path) -> None:
    str(f"{'payroll':d}")


@case("code", "A context manager that yields nothing.", raises="RuntimeError", says="generator didn't yield")
def context_without_a_value(folder: Path) -> None:
    @contextlib.contextmanager
    def transaction():
        if folder is None:
            yield

    with transaction():
        pass


@case("code", "An open file cannot be copied.", raises="TypeError", says="cannot pickle")
def copied_file(folder: Path) -> None:
    with open(folder / "events", "w", encoding="utf-8") as file:
        copy.deepcopy({"sink": file})


@case("code", "An abstract class is instantiated.", raises="TypeError", says="abstract")
def abstract(folder: Path) -> None:
    import abc

    class Step(abc.ABC):
        @abc.abstractmethod
        def simulate(self) -> int: ...

    Step()


@case(
    "code", "The program calls what will soon be gone; the warning is taken for an error.", raises="DeprecationWarning"
)
def deprecated(folder: Path) -> None:
    warnings.simplefilter("error")
    import datetime as dt
    import locale

    locale.getdefaultlocale()
    dt.datetime.utcnow()
