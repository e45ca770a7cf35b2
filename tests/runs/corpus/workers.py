"""Pools, threads, pipes and tasks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import multiprocessing.pool
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from .case import case

NAMELESS = lambda: 1  # noqa: E731
BROKEN_POOL = "concurrent.futures.process.BrokenProcessPool"


def in_a_pool(function: Callable[..., object], *arguments: object, **options: object) -> object:
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context, **options) as pool:
        return pool.submit(function, *arguments).result(timeout=200)


def leave() -> None:
    os._exit(9)


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def look_up() -> int:
    return {"hired": 3}["hires"]


def open_database(path: str) -> None:
    import duckdb

    duckdb.connect(path)


def fill_the_disk() -> None:
    with open("/dev/full", "w", encoding="utf-8") as file:
        file.write("x" * 100_000)


def refuse() -> None:
    raise RuntimeError("no licence for this worker")


@case("worker", "A worker left without a word.", raises=BROKEN_POOL, says="terminated abruptly")
def worker_left(folder: Path) -> None:
    in_a_pool(leave)


@case("worker", "A worker was killed.", raises=BROKEN_POOL, says="terminated abruptly")
def worker_killed(folder: Path) -> None:
    in_a_pool(kill_oneself)


@case("worker", "The workers did not get through their initialiser.", raises=BROKEN_POOL, says="process pool")
def worker_not_initialised(folder: Path) -> None:
    in_a_pool(look_up, initializer=refuse)


@case(
    "worker", "The threads did not get through their initialiser.",
    raises="concurrent.futures.thread.BrokenThreadPool", says="initializer",
)  # fmt: skip
def thread_not_initialised(folder: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(1, initializer=refuse) as pool:
        pool.submit(time.sleep, 0).result(timeout=200)


@case("code", "A mistake of the program's, made in a worker.", raises="KeyError", says="hires")
def mistake_in_a_worker(folder: Path) -> None:
    in_a_pool(look_up)


@case("database/lock", "A worker found the database locked.", raises="duckdb.IOException", needs=("duckdb",))
def lock_in_a_worker(folder: Path) -> None:
    import duckdb

    path = folder / "simulation.duckdb"
    ready, stop = os.pipe(), os.pipe()
    if os.fork() == 0:
        held = duckdb.connect(str(path))
        os.write(ready[1], b"x")
        os.read(stop[0], 1)
        os._exit(0 if held else 1)
    os.read(ready[0], 1)
    in_a_pool(open_database, str(path))


@case("resource/disk", "The disk was full in a worker.", raises="OSError", says="No space left on device")
def full_disk_in_a_worker(folder: Path) -> None:
    in_a_pool(fill_the_disk)


@case("code", "A lambda cannot travel to a worker.", raises="_pickle.PicklingError", says="pickle")
def lambda_for_a_worker(folder: Path) -> None:
    in_a_pool(NAMELESS)


@case("code", "A function within a function cannot travel.", raises="AttributeError", says="Can't pickle local object")
def local_function_for_a_worker(folder: Path) -> None:
    def simulate() -> int:
        return 1

    in_a_pool(simulate)


@case("code", "A lock cannot travel to a worker.", raises="TypeError", says="cannot pickle")
def lock_for_a_worker(folder: Path) -> None:
    in_a_pool(len, [threading.Lock()])


@case("code", "An object of a class within a function cannot be pickled.", raises="AttributeError", says="local object")
def local_object(folder: Path) -> None:
    class Year:
        pass

    pickle.dumps(Year())


@case("resource/time", "A worker's result did not come in time.", raises="multiprocessing.context.TimeoutError")
def worker_too_slow(folder: Path) -> None:
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.apply_async(time.sleep, (20,)).get(timeout=0.2)


@case("resource/time", "A future's result did not come in time.", raises="TimeoutError")
def future_too_slow(folder: Path) -> None:
    pool = concurrent.futures.ThreadPoolExecutor(1)
    pool.submit(time.sleep, 1).result(timeout=0.1)


@case("worker", "The worker at the other end of the pipe is gone.", raises="EOFError")
def worker_behind_a_pipe_gone(folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    worker = context.Process(target=leave)
    worker.start()
    theirs.close()
    worker.join()
    ours.recv()


@case("worker", "The others did not come to the barrier.", raises="threading.BrokenBarrierError")
def barrier_broken(folder: Path) -> None:
    threading.Barrier(2).wait(timeout=0.1)


@case("worker", "No worker put a result into the queue.", raises="_queue.Empty")
def queue_empty(folder: Path) -> None:
    results: queue.SimpleQueue[int] = queue.SimpleQueue()
    results.get(timeout=0.1)


@case("code", "Work is handed to a pool that was shut down.", raises="RuntimeError", says="after shutdown")
def pool_shut_down(folder: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pass
    pool.submit(print)


@case("interrupted", "The work was cancelled before it began.", raises="concurrent.futures._base.CancelledError")
def future_cancelled(folder: Path) -> None:
    future: concurrent.futures.Future[int] = concurrent.futures.Future()
    future.cancel()
    future.result()


@case("resource/time", "The time for a task was up.", raises="TimeoutError")
def task_too_slow(folder: Path) -> None:
    async def simulate() -> None:
        async with asyncio.timeout(0.05):
            await asyncio.sleep(5)

    asyncio.run(simulate())


@case("resource/time", "The time to wait for a task was up.", raises="TimeoutError")
def task_waited_for_too_long(folder: Path) -> None:
    async def simulate() -> None:
        await asyncio.wait_for(asyncio.sleep(5), 0.05)

    asyncio.run(simulate())


@case("interrupted", "The task was cancelled.", raises="asyncio.exceptions.CancelledError")
def task_cancelled(folder: Path) -> None:
    async def simulate() -> None:
        task = asyncio.create_task(asyncio.sleep(5))
        await asyncio.sleep(0)
        task.cancel("the operator ended it")
        await task

    asyncio.run(simulate())


@case("code", "One loop is started within another.", raises="RuntimeError", says="running event loop")
def loop_within_a_loop(folder: Path) -> None:
    async def simulate() -> None:
        inner = asyncio.sleep(0)
        try:
            asyncio.run(inner)
        finally:
            inner.close()

    asyncio.run(simulate())


@case("code", "A result is set twice.", raises="asyncio.exceptions.InvalidStateError", says="invalid state")
def result_set_twice(folder: Path) -> None:
    async def simulate() -> None:
        future = asyncio.get_running_loop().create_future()
        future.set_result(1)
        future.set_result(2)

    asyncio.run(simulate())
