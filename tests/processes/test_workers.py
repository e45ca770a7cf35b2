"""Worker processes count: what a pool does for a run is in the run's summary, however its processes start and end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest

from navigator_obs.runs.records import read, read_run, worker_shares
from navigator_obs.runs.summary import fold
from tests.on_disk import VALIDATOR

HEAD = """
import concurrent.futures, multiprocessing, os, pathlib, signal, sys, time
import navigator_obs as obs

log = obs.get_logger("sim")

def configure():
    obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)

def simulate(number):
    with obs.operation("simulate") as operation:
        operation.add_rows(10)
        with obs.operation("step", log="never"):
            obs.count("hires", 2, level="L1")
        obs.gauge("headcount", number)
        obs.observe("salary", 1.5)
        obs.check("payroll", number, min=0)
    if number % 10 == 3:
        log.warning("few hires", number=number)
    if number % 10 == 7:
        try:
            raise ValueError("salary is negative")
        except ValueError:
            log.exception("simulation failed")
        obs.check("payroll", -1, min=0, severity="error")
    return os.getpid()
"""


def run(folder, body, *, expect=0, timeout=300):
    """Run a program in a folder of its own; a dead-lock ends in a timeout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    path = folder / "program.py"
    path.write_text(HEAD + textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=folder, env=clean, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


def directory_of(folder):
    [directory] = (folder / "runs").iterdir()
    return directory


def summary_of(folder):
    summary = json.loads((directory_of(folder) / "summary.json").read_bytes())
    VALIDATOR.validate(summary)
    return summary


def events(folder):
    lines = [line for path in (folder / "logs").glob("navigator.log*") for line in path.read_bytes().splitlines()]
    return [json.loads(line) for line in lines]


def figures(summary, prefix=""):
    """What forty calls of `simulate` must come to."""
    table = summary["performance_metrics"]
    assert table[f"{prefix}simulate"]["count"] == 40
    assert table[f"{prefix}simulate"]["rows"] == 400
    assert table[f"{prefix}simulate/step"]["count"] == 40
    assert summary["metrics"]["counters"] == [{"name": "hires", "labels": {"level": "L1"}, "value": 80}]
    assert summary["metrics"]["distributions"][0]["count"] == 40
    assert summary["metrics"]["gauges"][0]["name"] == "headcount"
    assert summary["execution_summary"]["checks"] == {"pass": 40, "warn": 0, "fail": 4, "error": 0, "skipped": 0}
    assert summary["execution_summary"]["warnings"] == 4
    assert summary["execution_summary"]["errors"] == 8
    [exception] = [issue for issue in summary["issues"]["errors"] if issue["type"] == "ValueError"]
    assert (exception["count"], exception["event_message"]) == (4, "simulation failed")


POOLS = {
    "Pool": "context.Pool(2)",
    "executor": "concurrent.futures.ProcessPoolExecutor(2, mp_context=context)",
}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("place", ["inside", "outside"])
def test_a_pool_s_work_is_in_the_summary(tmp_path, method, pool, place):
    """Forked, spawned or served, in a pool that was there before the run or is made in it, that ends in good order, by
    SIGTERM or after the run: operations, figures, checks, warnings and errors count once each.
    """
    work = """
    assert os.getpid() not in set(pool.map(obs.carry(simulate), range(40)))
    """.strip()
    inside = f"with {POOLS[pool]} as pool:\n                {work}"
    body = f"""
    if __name__ == "__main__":
        configure()
        context = multiprocessing.get_context({method!r})
        pool = {POOLS[pool] if place == "outside" else None}
        with obs.start_run("baseline", years=[2025]) as run, obs.context(year=2025), obs.operation("year_simulation"):
            {inside if place == "inside" else work}
        if pool is not None:
            pool.terminate() if hasattr(pool, "terminate") else pool.shutdown()
    """
    run(tmp_path, body)
    summary = summary_of(tmp_path)
    figures(summary, "year_simulation/")
    assert summary["run_metadata"]["status"] == "success"
    assert summary["run_metadata"]["status_reason"] == "4 checks failed"
    assert summary["execution_summary"]["years_completed"] == [2025]
    assert summary["execution_summary"]["rows"] == 400
    assert summary["breakdown"]["by"]["year"]["2025"]["rows"] == 400
    assert summary["resources"]["workers"] == summary["resources"]["workers_ended"] > 0
    assert summary["execution_summary"]["events_written"] == len(events(tmp_path))
    recovered = fold(read_run(directory_of(tmp_path)))
    figures(recovered, "year_simulation/")


def test_the_year_lasts_as_long_as_its_own_operation(tmp_path):
    """Workers that share in a year do not add to its duration, and a part of it that failed does not fail the year
    that succeeded.
    """
    body = """
    def part(number):
        with obs.operation("part") as operation:
            time.sleep(0.05)
            if number == 3:
                operation.fail("once")

    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline", years=[2025]), concurrent.futures.ProcessPoolExecutor(2) as pool:
            with obs.context(year=2025), obs.operation("year_simulation"):
                list(pool.map(obs.carry(part), range(8)))
    """
    run(tmp_path, body)
    summary = summary_of(tmp_path)
    year = summary["breakdown"]["by"]["year"]["2025"]
    assert year["duration_seconds"] == summary["performance_metrics"]["year_simulation"]["total_seconds"]
    assert summary["performance_metrics"]["year_simulation/part"]["failed"] == 1
    assert summary["execution_summary"]["years_completed"] == [2025]


def test_forked_children_count_without_carry(tmp_path):
    """A process that was forked in the run goes on with it: inside the operation in which it was forked."""
    body = """
    if __name__ == "__main__":
        configure()
        context = multiprocessing.get_context("fork")
        with obs.start_run("baseline"), obs.operation("outer"):
            children = [context.Process(target=work, args=(n,)) for n in range(4)]
            [child.start() for child in children]
            [child.join() for child in children]
    """
    body = "def work(first):\n    for number in range(first, 40, 4):\n        simulate(number)\n" + textwrap.dedent(
        body
    )
    run(tmp_path, body)
    figures(summary_of(tmp_path), "outer/")


def test_a_forked_child_that_tells_nothing_leaves_nothing(tmp_path):
    """A child that never comes back to the toolkit has no share, no thread and no file."""
    body = """
    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline") as run:
            if os.fork() == 0:
                import threading
                os._exit(threading.active_count() - 1)
            assert os.wait()[1] == 0
    """
    run(tmp_path, body)
    assert not (directory_of(tmp_path) / "workers").exists()


def test_children_of_workers_count_too(tmp_path):
    """A worker that forks goes on in the child, with a share of its own."""
    body = """
    def nested(number):
        simulate(number)
        child = os.fork()
        if child == 0:
            simulate(number + 1)
            obs.shutdown()
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        os.waitpid(child, 0)

    if __name__ == "__main__":
        configure()
        context = multiprocessing.get_context("spawn")
        with obs.start_run("baseline"), concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            list(pool.map(obs.carry(nested), range(0, 40, 2)))
    """
    run(tmp_path, body)
    figures(summary_of(tmp_path))


def test_a_killed_worker_loses_at_most_its_last_tick(tmp_path):
    """After SIGKILL of a worker its logged operations, checks and errors are there, and its figures as of its last
    tick; the run's summary is valid and says that a worker did not end by itself.
    """
    body = """
    def told():
        from navigator_obs.runs.records import read_run
        from navigator_obs.runs.summary import fold
        [directory] = pathlib.Path("runs").iterdir()
        return fold(read_run(directory))["performance_metrics"].get("simulate/step", {"count": 0})["count"]

    def doomed():
        for number in range(40):
            simulate(number)
        while told() < 40:
            time.sleep(0.02)
        with obs.operation("late"), obs.operation("lost", log="never"):
            pass
        with obs.operation("unfinished"):
            os.kill(os.getpid(), signal.SIGKILL)

    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline") as run:
            child = multiprocessing.get_context("spawn").Process(target=obs.carry(doomed))
            child.start()
            child.join()
            assert child.exitcode == -9
    """
    run(tmp_path, body)
    summary = summary_of(tmp_path)
    figures(summary)
    assert summary["run_metadata"]["status"] == "success"
    assert summary["performance_metrics"]["late"]["count"] == 1
    assert "late/lost" not in summary["performance_metrics"]
    assert (summary["resources"]["workers"], summary["resources"]["workers_ended"]) == (1, 0)


def test_a_run_that_is_killed_has_its_workers_shares(tmp_path):
    """The parent dies by SIGKILL: a reader of the folder finds what the workers did."""
    body = """
    def work():
        for number in range(40):
            simulate(number)

    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline"):
            child = multiprocessing.get_context("spawn").Process(target=obs.carry(work))
            child.start()
            child.join()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    run(tmp_path, body, expect=-9)
    recovered = fold(read_run(directory_of(tmp_path)))
    VALIDATOR.validate(recovered)
    figures(recovered)
    assert recovered["run_metadata"]["final"] is False


def test_a_running_run_shows_what_its_workers_have_told(tmp_path):
    """Asked in the middle, the summary has the logged operations of workers that are still at work."""
    body = """
    def work():
        simulate(1)
        time.sleep(1.5)
        print("told", flush=True)
        sys.stdin.readline()

    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline") as run:
            child = multiprocessing.get_context("fork").Process(target=obs.carry(work))
            child.start()
            while run.summary["performance_metrics"].get("simulate/step", {"count": 0})["count"] == 0:
                time.sleep(0.05)
            child.join()
    """
    run(tmp_path, body)
    assert summary_of(tmp_path)["performance_metrics"]["simulate"]["count"] == 1


def test_a_pool_serves_run_after_run(tmp_path):
    """Workers that outlive a run tell each run what is its own, and keep nothing of those that have ended."""
    body = """
    def work(number):
        simulate(number)
        from navigator_obs.runs import current
        return len(current.listeners())

    if __name__ == "__main__":
        configure()
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            for _ in range(5):
                with obs.start_run("baseline"):
                    assert max(pool.map(obs.carry(work), range(40))) == 1
    """
    run(tmp_path, body)
    summaries = [json.loads(path.read_bytes()) for path in (tmp_path / "runs").glob("*/summary.json")]
    assert len(summaries) == 5
    for summary in summaries:
        VALIDATOR.validate(summary)
        figures(summary)


def test_many_workers(tmp_path):
    """Sixteen processes at once: each has a share of its own, and nothing is lost or doubled between them."""
    body = """
    def work(number):
        time.sleep(0.02)
        return simulate(number)

    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline"), multiprocessing.get_context("fork").Pool(16) as pool:
            print(len(set(pool.map(obs.carry(work), range(40), chunksize=1))))
    """
    used = int(run(tmp_path, body))
    summary = summary_of(tmp_path)
    figures(summary)
    shares = worker_shares(directory_of(tmp_path))
    assert used <= len(shares) <= 16
    for share in shares:
        [name] = {record["worker"] for record in read(share)}
        assert name == share.stem


def test_threads_of_workers_count(tmp_path):
    """Within a worker `carry` takes the run on into threads, and into processes of its own."""
    body = """
    def work(first):
        with concurrent.futures.ThreadPoolExecutor(4) as threads:
            list(threads.map(obs.carry(simulate), range(first, first + 10)))
        with concurrent.futures.ProcessPoolExecutor(1) as pool:
            list(pool.map(obs.carry(simulate), range(first + 10, first + 20)))

    if __name__ == "__main__":
        configure()
        context = multiprocessing.get_context("spawn")
        with obs.start_run("baseline"), concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            list(pool.map(obs.carry(work), [0, 20]))
    """
    run(tmp_path, body)
    figures(summary_of(tmp_path))


def test_a_worker_that_comes_late_is_not_waited_for(tmp_path):
    """Work that goes on after the run has ended is done as ever, and changes nothing of the run."""
    body = """
    def work():
        simulate(1)
        while not list(pathlib.Path("runs").glob("*/workers/ended")):
            time.sleep(0.05)
        time.sleep(0.5)
        simulate(2)

    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline") as run:
            child = multiprocessing.get_context("spawn").Process(target=obs.carry(work))
            child.start()
            while "simulate" not in run.summary["performance_metrics"]:
                time.sleep(0.05)
        before = (run.directory / "summary.json").read_bytes()
        child.join()
        assert child.exitcode == 0
        assert (run.directory / "summary.json").read_bytes() == before
    """
    run(tmp_path, body)
    assert summary_of(tmp_path)["performance_metrics"]["simulate"]["count"] == 1


def test_a_run_s_folder_that_is_gone_stops_no_worker(tmp_path):
    """Where no share can be written the work is done all the same."""
    body = """
    import shutil
    if __name__ == "__main__":
        configure()
        with obs.start_run("baseline") as run, concurrent.futures.ProcessPoolExecutor(2) as pool:
            shutil.rmtree(run.directory)
            assert len(list(pool.map(obs.carry(simulate), range(4)))) == 4
    """
    run(tmp_path, body)


def test_a_worker_s_own_run_ends_by_sigterm(tmp_path):
    """A run that a worker starts for itself unwinds at SIGTERM, though the worker's share hears of it as well."""
    body = """
    def work():
        with obs.start_run("inner"), obs.operation("step"):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)

    if __name__ == "__main__":
        configure()
        with obs.start_run("outer"):
            child = multiprocessing.get_context("fork").Process(target=obs.carry(work))
            child.start()
            child.join()
    """
    run(tmp_path, body)
    found = {}
    for path in (tmp_path / "runs").glob("*/summary.json"):
        metadata = json.loads(path.read_bytes())["run_metadata"]
        found[metadata["name"]] = metadata["status"]
    assert found == {"inner": "terminated", "outer": "success"}
