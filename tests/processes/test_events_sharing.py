"""Many writers and many odd moments, in real processes: nothing lost, torn, doubled or dead-locked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections import Counter

import pytest

HEAD = """
import os, signal, sys, threading, time
import navigator_obs as obs
from navigator_obs.events import sinks
obs.configure(log_dir="logs", console="off", log_max_bytes=20_000, log_backups=100_000)
log = obs.get_logger("sim")
"""


def run(folder, body, *, head=HEAD, expect=0, timeout=300, **environ):
    """Run a program in a folder of its own; a dead-lock ends in a timeout."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
    path = folder / "program.py"
    path.write_text(head + textwrap.dedent(body))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=folder, env={**clean, **environ}, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def events(folder, message="event"):
    lines = [line for path in (folder / "logs").glob("navigator.log*") for line in path.read_bytes().splitlines()]
    found = [json.loads(line) for line in lines]
    return [event for event in found if event["message"] == message]


def ids(folder):
    return [event["id"] for event in events(folder)]


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


SIGNALLED = """
import itertools
numbers = itertools.count()
told = []
def handler(number, frame):
    n = next(numbers)  # the next signal may come before this handler is through
    (log.warning if n % 3 == 0 else log.info)("event", id=f"signal.{n}")
    told.append(n)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
number = 0
while len(told) < TIMES:
    (log.warning if number % 10 == 0 else log.info)("event", id=f"main.{number}", padding="x" * 300)
    number += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(number, len(told), sinks.counts()["dropped"])
"""


def log_from_signal_handler(folder, times):
    done = run(folder, SIGNALLED.replace("TIMES", str(times)), timeout=300)
    number, told, dropped = done.stdout.split(maxsplit=2)
    assert dropped.strip() == "{}"
    expected = [f"main.{n}" for n in range(int(number))] + [f"signal.{n}" for n in range(int(told))]
    assert Counter(ids(folder)) == Counter(expected)


def test_logging_from_a_signal_handler(tmp_path):
    """A handler that logs every 2 ms in the middle of log calls neither dead-locks nor loses an event."""
    log_from_signal_handler(tmp_path, 400)


@pytest.mark.torture
def test_logging_from_a_signal_handler_for_long(tmp_path):
    """The same, 10,000 times."""
    log_from_signal_handler(tmp_path, 10_000)


def test_exceptions_from_a_signal_handler(tmp_path):
    """A handler that raises (a timeout, Ctrl-C) in the middle of log calls: what was acknowledged is there once, and
    nothing is there twice.
    """
    done = run(
        tmp_path,
        """
        class Alarm(BaseException): pass
        def handler(number, frame):
            raise Alarm
        signal.signal(signal.SIGALRM, handler)
        told = []
        number = 0
        alarms = 0
        # What is imported at the first call would take longer than each alarm.
        log.warning("begun")
        while alarms < 300:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0007)
                # Python swallows what a weakref's callback raises: then this alarm is none.
                until = time.monotonic() + 2
                while time.monotonic() < until:
                    number += 1
                    (log.warning if number % 3 == 0 else log.info)("event", id=number, padding="x" * 500)
                    told.append(number)
            except Alarm:
                alarms += 1
        import json
        print(json.dumps(told))
        """,
    )
    run(tmp_path, "")
    found = ids(tmp_path)
    assert len(found) == len(set(found))
    assert set(json.loads(done.stdout)) <= set(found)


def test_logging_from_odd_places(tmp_path):
    """Logging from `__repr__` of a logged value, `__del__`, atexit, a daemon thread at shutdown and a weakref callback
    all arrive.
    """
    run(
        tmp_path,
        """
        import atexit, gc, weakref
        class Talks:
            def __repr__(self):
                log.info("event", id="repr")
                log.warning("event", id="repr warning")
                return "talks"
        class Dies:
            def __init__(self, name): self.name = name; self.log = log
            def __del__(self): self.log.warning("event", id=f"del {self.name}")
        log.info("event", id="value", value=Talks())
        dies = Dies("early"); dies.me = dies; del dies; gc.collect()
        noticed = set(); ref = weakref.ref(noticed, lambda _: log.info("event", id="weakref")); del noticed
        atexit.register(lambda: log.info("event", id="atexit"))
        atexit.register(lambda: log.error("event", id="atexit error"))
        ready = threading.Event()
        def daemon():
            number = 0
            while True:
                log.info("daemon", number=number); number += 1
                ready.set()
        threading.Thread(target=daemon, daemon=True).start()
        ready.wait()
        """,
    )
    assert Counter(ids(tmp_path)) == Counter(
        ["repr", "repr warning", "value", "del early", "weakref", "atexit", "atexit error"]
    )
    numbers = sorted(event["number"] for event in events(tmp_path, "daemon"))
    assert numbers == list(range(len(numbers)))


DIES = """
class Dies:
    def __init__(self, log): self.log = log
    def __del__(self):
        self.log.info("event", id=1)
        self.log.warning("event", id=2)
"""


def test_logging_at_the_very_end(tmp_path):
    """An object that dies when the interpreter clears the modules can still log; nothing hangs."""
    run(
        tmp_path,
        """
        dies = Dies(log)
        log.info("event", id=0)
        """,
        head=HEAD + DIES,
    )
    assert ids(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize("lock", ["ticker._ticker._lock", "sinks.outlet.file._lock"])
def test_logging_at_the_very_end_waits_for_no_thread_that_is_gone(tmp_path, lock):
    """A daemon thread that the end of the interpreter stops with one of our locks keeps it for ever."""
    run(
        tmp_path,
        f"""
        import atexit, types
        from navigator_obs.events import ticker
        # In a module of its own, for its frame keeps what that holds.
        apart = types.ModuleType("apart")
        apart.lock, apart.forever = {lock}, threading.Event()
        apart.now, apart.has = threading.Event(), threading.Event()
        exec("def keep(): now.wait(); lock.acquire(); has.set(); forever.wait()", vars(apart))
        threading.Thread(target=apart.keep, daemon=True).start()
        dies = Dies(log)
        # What is registered first comes last.
        atexit.register(lambda: (apart.now.set(), apart.has.wait()))
        log.info("event", id=0)
        """,
        head=HEAD + DIES,
    )
    assert ids(tmp_path) == [0, 1, 2]


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


def test_a_deleted_log_folder_comes_back(tmp_path):
    """The folder is deleted under the program: later events are in a new one, and survive a kill again."""
    run(
        tmp_path,
        """
        import shutil
        log.info("event", id=1)
        sinks.flush()
        shutil.rmtree("logs")
        log.info("event", id=2)
        log.warning("event", id=3)
        while not os.path.isdir("logs/.staging"):
            time.sleep(0.01)
        log.info("event", id=4)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        expect=-9,
    )
    run(tmp_path, "")
    assert ids(tmp_path) == [2, 3, 4]


def test_a_log_that_is_moved_away_goes_on(tmp_path):
    """As logrotate does it: nothing is lost between the file that was moved and the new one."""
    run(
        tmp_path,
        """
        for number in range(300):
            log.info("event", id=number)
            if number % 50 == 49:
                sinks.flush()
                os.rename("logs/navigator.log", f"logs/navigator.log.moved{number}")
        """,
        head=HEAD.replace("20_000", "20_000_000"),
    )
    assert sorted(ids(tmp_path)) == list(range(300))


def test_a_change_of_directory_does_not_move_the_log(tmp_path):
    """A relative log folder stays where it was when the program started."""
    run(
        tmp_path,
        """
        log.info("event", id=1)
        os.mkdir("elsewhere"); os.chdir("elsewhere")
        for number in range(2, 500):
            log.warning("event", id=number)
        """,
    )
    assert sorted(ids(tmp_path)) == list(range(1, 500))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_log_folder_that_cannot_be_made(tmp_path):
    """Where no log can be written the program goes on, quietly, and what was dropped is counted."""
    (tmp_path / "logs").write_text("a file")
    done = run(
        tmp_path,
        """
        for number in range(3_000):
            log.info("event", id=number, padding="x" * 500)
        counts = sinks.counts()
        assert counts["written"] == 0, counts
        assert sum(counts["dropped"].values()) > 1_000, counts
        os.remove("logs")
        while sinks.counts()["written"] == 0:
            time.sleep(0.01)
        log.info("event", id="after")
        counts = sinks.counts()
        print(counts["written"], sum(counts["dropped"].values()))
        """,
    )
    assert done.stderr == ""
    written, dropped = map(int, done.stdout.split())
    told = events(tmp_path, "events were dropped")
    assert sum(event["dropped"] for event in told) == dropped
    assert written == sum(len(path.read_bytes().splitlines()) for path in (tmp_path / "logs").glob("navigator.log*"))
    assert len(ids(tmp_path)) + dropped == 3_001


class SmallDisk:
    def __init__(self, path, size):
        self.path = path
        path.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"a small file system can't be mounted here: {done.stderr.strip()}")

    def close(self):
        subprocess.run(["umount", "-l", str(self.path)], check=True)


@pytest.fixture
def small_disk(tmp_path):
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    disk = SmallDisk(tmp_path / "disk", "2m")
    yield disk.path
    disk.close()


def test_a_full_disk(small_disk):
    """The disk fills up and is freed: the program goes on without a word on stderr, emitted = written + dropped by
    cause, and the log says so.
    """
    done = run(
        small_disk,
        """
        emitted = 0
        def emit(count):
            global emitted
            for _ in range(count):
                (log.warning if emitted % 100 == 0 else log.info)("event", id=emitted, padding="x" * 500)
                emitted += 1
        emit(100)
        with open("ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass
        emit(4_000)
        dropped = sinks.counts()["dropped"]
        assert set(dropped) == {"disk_full"}, dropped
        os.remove("ballast")
        while sinks.counts()["written"] < 200:
            time.sleep(0.05)
        emit(100)
        counts = sinks.counts()
        print(emitted, counts["written"], counts["dropped"]["disk_full"])
        """,
        head=HEAD.replace("log_backups=100_000", "log_backups=1_000").replace("20_000", "100_000"),
    )
    assert done.stderr == ""
    emitted, written, dropped = map(int, done.stdout.split())
    told = events(small_disk, "events were dropped")
    assert sum(event["causes"]["disk_full"] for event in told) == dropped
    assert emitted + len(told) == written + dropped
    found = ids(small_disk)
    assert len(found) == len(set(found)) == emitted - dropped


def test_errors_fit_on_a_full_disk(small_disk):
    """However many events a full disk costs, errors that come later are kept through a kill, and the run's summary is
    final and counts what was dropped.
    """
    run(
        small_disk,
        """
        obs.configure(runs_dir="runs", run_report=False)
        run = obs.start_run("baseline", run_id="full")
        log.info("event", id=-1)
        with open("ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                pass
        for number in range(6_000):
            log.info("event", id=number, padding="x" * 500)
        assert sinks.counts()["dropped"]["disk_full"] > 1_000
        for number in range(20):
            try:
                raise ValueError(f"no salary for {number}")
            except ValueError:
                log.exception("failed", number=number)
        run.finish()
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        head=HEAD.replace("log_backups=100_000", "log_backups=1_000").replace("20_000", "100_000"),
        expect=-9,
    )
    summary = json.loads((small_disk / "runs" / "full" / "summary.json").read_text())
    assert summary["run_metadata"]["final"] is True
    assert summary["execution_summary"]["errors"] == 20
    assert summary["execution_summary"]["events_dropped"] > 1_000
    (small_disk / "ballast").unlink()
    run(small_disk, "", head=HEAD.replace("log_backups=100_000", "log_backups=1_000").replace("20_000", "100_000"))
    assert sorted(event["number"] for event in events(small_disk, "failed")) == list(range(20))


@pytest.mark.parametrize("checks", [360, 900])
def test_a_summary_larger_than_the_room_for_it(small_disk, checks):
    """On a full disk the end of a run needs the room that was set aside, in fewer bytes; where that is too little,
    whoever finds room later finishes it. Either way it has its verdict, and one seal that holds.
    """
    run(
        small_disk,
        """
        obs.configure(runs_dir="runs", run_report=False)
        with obs.start_run("baseline", run_id="full") as run:
            for number in range(int(os.environ["CHECKS"])):
                obs.check(f"check-{number}", number, min=0, dataset="workforce")
            run.summary
            with open("ballast", "wb", buffering=0) as ballast:
                for size in (65536, 512, 1):
                    try:
                        while True:
                            ballast.write(b"x" * size)
                    except OSError:
                        pass
        """,
        CHECKS=str(checks),
    )
    summary = json.loads((small_disk / "runs" / "full" / "summary.json").read_text())
    assert summary["run_metadata"]["final"] is (checks == 360)
    (small_disk / "ballast").unlink()
    program = [sys.executable, "-m", "navigator_obs", "--runs-dir", str(small_disk / "runs")]
    told = [
        subprocess.run([*program, verb, "full"], capture_output=True, text=True, check=False)
        for verb in ("show", "verify")
    ]
    assert [done.returncode for done in told] == [0, 0], told
    assert "success" in told[0].stdout
    assert f"checks: {checks} passed" in told[0].stdout


STALLED = """
import os, sys, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="on")
log = obs.get_logger("sim")
began = time.monotonic()
with obs.start_run("baseline"):
    for number in range(2_000):
        log.info("event", id=number, padding="x" * 100)
    longest = time.monotonic() - began
    print("logged", flush=True)
    sys.stdin.readline()
    log.info("event", id=number + 1)
print(longest, flush=True)
"""


def test_a_console_that_takes_nothing(tmp_path):
    """Nobody reads the pipe that stderr is: the program is held up once, for a second or so, the log has all; and when
    somebody reads again the console says how many it has missed.
    """
    (tmp_path / "program.py").write_text(STALLED)
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "program.py"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == b"logged\n"
        seen = os.read(process.stderr.fileno(), 1 << 20)
        process.stdin.write(b"\n")
        process.stdin.flush()
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert float(out) < 30
    assert b"id=1 " in seen
    shown = (seen + err).decode()
    (missed,) = re.findall(r"… ([\d,]+) events were not shown", shown)
    assert int(missed.replace(",", "")) + shown.count(" id=") >= 2_000
    assert "id=2000" in shown
    assert ids(tmp_path) == list(range(2_001))


def test_a_disk_that_is_full_from_the_start(small_disk):
    """Without room for a staging area events are written one by one, and staged again once there is room."""
    run(
        small_disk,
        """
        ballast = open("ballast", "wb", buffering=0)
        try:
            while True:
                ballast.write(b"x" * 65_536)
        except OSError:
            pass
        ballast.close()
        os.truncate("ballast", os.path.getsize("ballast") - 300_000)
        for number in range(100):
            log.info("event", id=number)
        assert len(open("logs/navigator.log").readlines()) == 100
        os.remove("ballast")
        while not os.listdir("logs/.staging"):
            time.sleep(0.05)
        log.info("event", id=100)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        head=HEAD.replace("20_000", "1_000_000"),
        expect=-9,
    )
    run(small_disk, "", head=HEAD.replace("20_000", "1_000_000"))
    assert ids(small_disk) == list(range(101))


def test_a_read_only_log_folder(small_disk):
    """A log folder that turns read-only and back: the program goes on, and what could be kept is written then."""
    run(
        small_disk,
        """
        import subprocess
        log.info("event", id=0)
        sinks.flush()
        subprocess.run(["mount", "-o", "remount,ro", os.getcwd()], check=False)
        for number in range(1, 200):
            (log.warning if number % 10 == 0 else log.info)("event", id=number)
        subprocess.run(["mount", "-o", "remount,rw", os.getcwd()], check=True)
        """,
    )
    assert sorted(ids(small_disk)) == list(range(200))


def test_a_handler_that_logs_doubles_nothing(tmp_path):
    """A handler that logs a WARNING in the middle of a WARNING: each is written once, by one of the two."""
    done = run(
        tmp_path,
        """
        def handler(number, frame):
            log.warning("event", id=f"signal.{next(signals)}")
        import itertools
        signals = itertools.count()
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        end = time.time() + 1.5
        number = 0
        while time.time() < end:
            log.warning("event", id=number)
            number += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(number, next(signals))
        """,
    )
    number, signals = map(int, done.stdout.split())
    assert Counter(ids(tmp_path)) == Counter([*range(number), *(f"signal.{n}" for n in range(signals))])


def test_a_handler_that_raises_reaches_the_program(tmp_path):
    """A timeout that a handler raises in the middle of a log call is the program's own, and gets there."""
    done = run(
        tmp_path,
        """
        def handler(number, frame):
            raise TimeoutError("step took too long")
        signal.signal(signal.SIGALRM, handler)
        reached = 0
        for _ in range(200):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.002)
                until = time.monotonic() + 2
                while time.monotonic() < until:
                    log.warning("event")
            except TimeoutError:
                reached += 1
        print(reached)
        """,
    )
    assert int(done.stdout) > 150


def test_a_descriptor_that_the_program_took_is_not_written_to(tmp_path):
    """A program that closes all descriptors and opens files of its own finds nothing of ours in them."""
    run(
        tmp_path,
        """
        log.warning("event", id=1)
        os.closerange(3, 100)
        mine = [open(f"mine{number}.txt", "w+") for number in range(20)]
        log.warning("event", id=2)
        """,
    )
    assert not [path for path in tmp_path.glob("mine*.txt") if path.read_bytes()]
    assert 2 in ids(tmp_path)
