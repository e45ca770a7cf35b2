"""How `operation` is used, for type checkers alone: what must be refused is marked with the error that it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, assert_type

from navigator_obs.operations.metrics import count, gauge, observe
from navigator_obs.operations.operation import OpenOperation, operation


@operation
def bare(path: str, *, limit: int = 3) -> list[int]:
    return [len(path), limit]


@operation("load", log="never", record=["path"])
def named(path: str) -> int:
    return len(path)


@operation()
async def waiting(seconds: float) -> bytes:
    return b""


@operation
def rows(number: int) -> Iterator[int]:
    yield number


@operation(log=2.5)
async def stream(number: int) -> AsyncIterator[str]:
    yield str(number)


class Model:
    @operation
    def step(self, year: int) -> str:
        return str(year)

    @classmethod
    @operation("build")
    def build(cls, seed: int) -> Model:
        return cls()

    @staticmethod
    @operation(log=False)
    def start() -> int:
        return 1


assert_type(bare("census", limit=5), list[int])
assert_type(named("census"), int)
coroutine = assert_type(waiting(1.0), Coroutine[Any, Any, bytes])
assert_type(rows(3), Iterator[int])
assert_type(stream(3), AsyncIterator[str])
assert_type(Model.build(1).step(2025), str)
assert_type(Model.start(), int)
undecorated: Callable[[str], int] = operation("x")(len)

with operation("load_census") as op:
    assert_type(op, OpenOperation)
    assert_type(op.path, str)
    op.add_rows(12)
    op.set(source="census.parquet")
    op.fail("no salary")

count("hires")
count("hires", 3, department="sales", name="x")
gauge("headcount", 3.5, year=2025)
observe("batch_rows", 12)

bare(3)  # type: ignore[arg-type]
bare("census", limits=5)  # type: ignore[call-arg]
named()  # type: ignore[call-arg]
operation(3)  # type: ignore[call-overload]
operation("x", logs=True)  # type: ignore[call-overload]
operation("x", log=None)  # type: ignore[call-overload]
