"""On a build of Python without a global lock, locks of ours take its place.

What is chosen there is chosen here by telling the package, before it is imported, that it runs on such a build; on one,
these programs really run side by side.
"""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

PRELUDE = """
    import json, os, signal, sys, tempfile, threading
    sys._is_gil_enabled = lambda: False
    sys.setswitchinterval(1e-5)
    import navigator_obs as obs

    folder = tempfile.TemporaryDirectory()
    obs.configure(log_dir=folder.name, runs_dir=folder.name, console="off", run_report=False)

    def in_threads(work, count=8):
        together = threading.Barrier(count)

        def begin():
            together.wait()
            work()

        threads = [threading.Thread(target=begin) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def tell(run):
        told = {path: [one["count"], one["rows"]] for path, one in run.summary["performance_metrics"].items()}
        print(json.dumps(told))
"""


def run(program):
    """Run *program* after the prelude, and return what it printed last."""
    script = textwrap.dedent(PRELUDE) + textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("log", ["never", "end"])
def test_what_threads_do_side_by_side_is_counted_exactly(log):
    """Blocks, decorated functions, generators and rows, in threads that share an operation; no crowd is left."""
    told = run(f"""
        from navigator_obs.operations import metrics

        @obs.operation(log={log!r})
        def step():
            pass

        @obs.operation(log={log!r})
        def items():
            yield from range(3)

        with obs.start_run("side by side") as run:
            with obs.operation("all", log={log!r}) as shared:
                def work():
                    for _ in range(200):
                        with obs.operation("block", log={log!r}) as op:
                            op.add_rows(2)
                        step()
                        list(items())
                        shared.add_rows(1)
                in_threads(obs.carry(work))
            root = metrics.roots[obs.events.scope.current().run]
            assert (root.node.child, root.crowd, root.quiet) == (None, 0, None)
        tell(run)
    """)
    assert told == {
        "all": [1, 1_600],
        "all/block": [1_600, 3_200],
        "all/step": [1_600, None],
        "all/items": [1_600, None],
    }


def test_threads_that_enter_one_object_at_once_open_one_each():
    """Each counts, and none ends another one's."""
    told = run("""
        with obs.start_run("shared") as run:
            for _ in range(50):
                shared = obs.operation("shared", log="never")
                def work():
                    with shared:
                        pass
                in_threads(work)
        tell(run)
    """)
    assert told == {"shared": [400, None]}


def test_a_forked_child_waits_for_no_thread_of_its_parent():
    """It opens operations and logs, whatever other threads were in the middle of when it was forked."""
    told = run("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        log, stop = obs.get_logger("forks"), threading.Event()

        def work():
            while not stop.is_set():
                with obs.operation("work", log="never"):
                    log.info("working")

        statuses = []
        with obs.start_run("forks") as run:
            threads = [threading.Thread(target=work) for _ in range(3)]
            for thread in threads:
                thread.start()
            for _ in range(30):
                child = os.fork()
                if not child:
                    signal.alarm(60)
                    with obs.operation("child", log="never"):
                        log.info("born")
                    os._exit(0)
                statuses.append(os.waitpid(child, 0)[1])
            stop.set()
            for thread in threads:
                thread.join()
        print(json.dumps(statuses))
    """)
    assert told == [0] * 30


def test_lines_that_threads_log_are_whole_and_there_once():
    """Also while the staging area is full, emptied and begun anew under them."""
    told = run("""
        import glob
        log = obs.get_logger("lines")
        def work():
            for number in range(1_500):
                log.info("line", number=number, filler="x" * 200)
        in_threads(work)
        obs.shutdown()
        events = []
        for path in glob.glob(folder.name + "/navigator.log*"):
            with open(path) as file:
                events += [json.loads(line) for line in file]
        found = [(event["thread"], event["number"]) for event in events if event["message"] == "line"]
        print(json.dumps([len(found), len(set(found)), len({event["seq"] for event in events}) == len(events)]))
    """)
    assert told == [12_000, 12_000, True]
