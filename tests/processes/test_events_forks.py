"""Forks at odd moments, in real processes: nothing lost, torn, doubled or dead-locked."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.processes.programs import HEAD, ids, run


@pytest.mark.parametrize("way_out", ["sys.exit(0)", "os._exit(0)", "pass", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_forked_children_share_the_log(tmp_path, way_out):
    """Children forked in the middle of the work log for themselves, whichever way they end, and double nothing of
    their parent's.
    """
    run(
        tmp_path,
        f"""
        for child in range(6):
            log.info("event", id=f"parent.{{child}}")
            if os.fork() == 0:
                for number in range(50):
                    log.info("event", id=f"{{child}}.{{number}}")
                {way_out}
                break
        else:
            for _ in range(6):
                os.wait()
        """,
    )
    run(tmp_path, "")
    assert sorted(ids(tmp_path)) == sorted(
        [f"{child}.{number}" for child in range(6) for number in range(50)] + [f"parent.{child}" for child in range(6)]
    )


FORKING = """
stop, allowed = False, 0
counts = {}
def work(name):
    number = 0
    while not stop:
        if number > allowed:
            # A slow machine logs no more for taking longer: each rotation renames all files that there are.
            time.sleep(0.001)
            continue
        (log.warning if number % 20 == 0 else log.info)("event", id=f"{name}.{number}")
        number += 1
    counts[name] = number
threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
[thread.start() for thread in threads]
for child in range(FORKS):
    allowed += 500
    pid = os.fork()
    if pid == 0:
        signal.alarm(200)
        log.info("event", id=f"child.{child}.1")
        log.warning("event", id=f"child.{child}.2")
        sinks.flush()
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
stop = True
[thread.join() for thread in threads]
import json
print(json.dumps(counts))
"""


def fork_while_threads_log(folder, forks, head=HEAD):
    done = run(folder, FORKING.replace("FORKS", str(forks)), head=head, timeout=300)
    counts = json.loads(done.stdout)
    expected = [f"{name}.{number}" for name, count in counts.items() for number in range(count)]
    expected += [f"child.{child}.{number}" for child in range(forks) for number in (1, 2)]
    assert Counter(ids(folder)) == Counter(expected)
    return done


def test_forks_while_threads_log(tmp_path):
    """A fork while other threads log dead-locks neither child nor parent, and loses and doubles nothing."""
    fork_while_threads_log(tmp_path, 25)


def test_forks_while_threads_log_to_the_console(tmp_path):
    """The same with every event on the console as well, whose stream's own lock does not survive a fork."""
    head = HEAD.replace('console="off"', 'console="on"')
    done = fork_while_threads_log(tmp_path, 25, head)
    assert "child.24.2" in done.stderr


@pytest.mark.torture
@pytest.mark.parametrize("console", ["off", "on"])
def test_many_forks_while_threads_log(tmp_path, console):
    """The same, 300 times."""
    fork_while_threads_log(tmp_path, 300, HEAD.replace('console="off"', f'console="{console}"'))
