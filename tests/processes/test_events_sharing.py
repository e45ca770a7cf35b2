"""Many writers of one log, in real processes: nothing lost, torn or doubled."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter

import pytest

from tests.processes.programs import HEAD, events, ids, run


def test_processes_and_threads_share_one_log(tmp_path):
    """Independent programs with threads write to one log through rotation: all of it is there, once, in each one's
    order.
    """
    body = """
    def work(name):
        for number in range(400):
            log.info("event", id=f"{sys.argv[1]}.{name}.{number}", number=number)
            if number % 40 == 0:
                log.warning("event", id=f"{sys.argv[1]}.{name}.{number}w", number=number)
    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    """
    path = tmp_path / "program.py"
    path.write_text(HEAD + textwrap.dedent(body))
    started = [
        subprocess.Popen([sys.executable, "-W", "error", str(path), name], cwd=tmp_path) for name in ("p", "q", "r")
    ]
    assert [process.wait(timeout=300) for process in started] == [0, 0, 0]
    found = ids(tmp_path)
    assert len(found) == len(set(found)) == 3 * 2 * 410
    for seqs in _by_process(events(tmp_path)).values():
        assert sorted(seqs) == list(range(1, len(seqs) + 1))


def _by_process(found):
    by_process = {}
    for event in found:
        by_process.setdefault(event["process"], []).append(event["seq"])
    return by_process


def test_the_first_events_import_nothing(tmp_path):
    """A child that is forked while another thread imports a module waits for ever where it wants that, too."""
    done = run(
        tmp_path,
        """
        known = set(sys.modules)
        log.info("event", id=1)
        log.warning("event", id=2, text="ü\N{SNOWMAN}")
        try:
            open("nowhere")
        except OSError:
            log.exception("failed")
        with obs.operation("step"):
            obs.count("hires")
        for number in range(300):
            log.info("event", id=number, padding="x" * 200)
        sinks.flush()
        while not any(name.endswith(".gz") for name in os.listdir("logs")):
            time.sleep(0.01)
        print(sorted(set(sys.modules) - known))
        """,
        head=HEAD.replace("log_backups=100_000", "log_backups=3, log_compress='gzip'"),
    )
    assert done.stdout == "[]\n"


POOL = """
import concurrent.futures, multiprocessing
def work(number):
    log.info("event", id=number)
    if number % 5 == 0:
        log.warning("event", id=f"{number}w")
    return os.getpid()

if __name__ == "__main__":
    context = multiprocessing.get_context("METHOD")
    with obs.start_run("pooled", run_id="run-1"), obs.context(year=2025):
        with context.Pool(2) as pool:
            pids = set(pool.map(obs.carry(work), range(40)))
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
            pids |= set(pool.map(obs.carry(work), range(40, 80)))
        assert os.getpid() not in pids
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_process_pools_carry_run_and_context(tmp_path, method):
    """Workers of a pool, forked or spawned, write to the same log under the same run and context."""
    head = HEAD.replace(
        "obs.configure(", "if __name__ == '__main__': obs.configure(run_report=False, runs_dir='runs', "
    )
    run(tmp_path, POOL.replace("METHOD", method), head=head)
    run(tmp_path, "")
    found = events(tmp_path)
    assert Counter(event["id"] for event in found) == Counter([*range(80), *(f"{n}w" for n in range(0, 80, 5))])
    assert {(event["run_id"], event["year"]) for event in found} == {("run-1", 2025)}
