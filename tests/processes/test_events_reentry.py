"""Logging from signal handlers, from odd places and at the very end, in real processes: it waits for nobody, and
nothing is lost."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.processes.programs import HEAD, events, ids, run

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


def test_a_handler_that_fills_the_area_again_costs_no_line(tmp_path):
    """The line for which room was made is written all the same where somebody else has taken that room."""
    done = run(
        tmp_path,
        """
        from navigator_obs.events import filesink
        filesink.CAPACITY_BYTES = 1_000
        handled = 0
        def handler(number, frame):
            global handled
            for _ in range(6):
                handled += 1
                log.info("event", id=f"signal.{handled}")
            signal.setitimer(signal.ITIMER_REAL, 0.001)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        number = 0
        while handled < 9_000:
            log.info("event", id=f"main.{number}")
            number += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(number, handled, sinks.counts()["dropped"])
        """,
        head=HEAD.replace("20_000", "10_000_000"),
    )
    number, handled, dropped = done.stdout.split(maxsplit=2)
    assert dropped.strip() == "{}"
    expected = [f"main.{n}" for n in range(int(number))] + [f"signal.{n}" for n in range(1, int(handled) + 1)]
    assert Counter(ids(tmp_path)) == Counter(expected)


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
