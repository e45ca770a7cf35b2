"""Every way to end a run, with real processes: the verdict stands in the folder, whatever happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read_run
from navigator_obs.runs.summary import fold
from tests.on_disk import VALIDATOR

HEAD = """
import os, signal, sys, time
import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
log = obs.get_logger("sim")

def ready():
    print("ready", flush=True)

def forever():
    ready()
    while True:
        time.sleep(0.01)
"""


class Program:
    """A simulation in a process of its own, in a folder of its own; always reaped."""

    def __init__(self, folder, body, *, prefix=()):
        self.folder = folder
        code = HEAD + textwrap.dedent(body)
        environ = {key: value for key, value in os.environ.items() if not key.startswith("NAVIGATOR_OBS")}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-W", "error", "-c", code],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ,
        )  # fmt: skip

    def wait_until_ready(self):
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(line + self.process.communicate(timeout=300)[1])

    def send(self, number):
        self.wait_until_ready()
        self.process.send_signal(number)

    def end(self):
        try:
            _, self.errors = self.process.communicate(timeout=300)
        finally:
            self.process.kill()
            self.process.wait()
        return self.process.returncode

    @property
    def directory(self):
        [directory] = (self.folder / "runs").iterdir()
        return directory

    @property
    def summary(self):
        summary = json.loads((self.directory / "summary.json").read_bytes())
        VALIDATOR.validate(summary)
        return summary

    def events(self):
        paths = sorted((self.folder / "logs").glob("navigator.log*"))
        lines = [line for path in paths for line in path.read_bytes().splitlines()]
        return [json.loads(line) for line in lines]


@pytest.fixture
def program(tmp_path):
    started = []

    def start(body, **settings):
        found = Program(tmp_path, body, **settings)
        started.append(found)
        return found

    yield start
    for found in started:
        if found.process.poll() is None:
            found.process.kill()
        found.process.wait()
        for pipe in (found.process.stdin, found.process.stdout, found.process.stderr):
            pipe.close()


def verdict(summary):
    metadata = summary["run_metadata"]
    return metadata["status"], metadata["exit_code"], metadata["signal"], metadata["final"]


WITHIN_A_BLOCK = """
with obs.start_run("baseline", params={{"seed": 42}}, years=[2025]) as run:
    for year in [2025]:
        with obs.context(year=year), obs.operation("year_simulation"):
            log.info("year simulated")
    {last}
"""
BY_HAND = """
run = obs.start_run("baseline", params={{"seed": 42}}, years=[2025])
with obs.context(year=2025), obs.operation("year_simulation"):
    log.info("year simulated")
{last}
"""
WAYS_OUT = [
    ("pass", "success", 0),
    ("raise ValueError('salary is negative')", "failed", 1),
    ("sys.exit(3)", "failed", 3),
    ("sys.exit('no census')", "failed", 1),
    ("exit(5)", "failed", 5),
    ("quit(6)", "failed", 6),
    ("sys.exit(10**30)", "failed", 255),
    ("sys.exit(-1)", "failed", 255),
    ("sys.exit(300)", "failed", 44),
    ("sys.exit(2**31 + 3)", "failed", 3),
    ("sys.exit(256)", "failed", 0),
    ("sys.exit(0)", "success", 0),
    ("raise KeyboardInterrupt", "interrupted", 130),
]


@pytest.mark.parametrize(("last", "status", "exit_code"), WAYS_OUT)
def test_a_block_ends_with_the_verdict_of_how_it_was_left(program, last, status, exit_code):
    """Success, an exception, `sys.exit` and Ctrl-C each have their status, and the process its own exit code."""
    ended = program(WITHIN_A_BLOCK.format(last=last))
    code = ended.end()
    assert code == (-signal.SIGINT if status == "interrupted" else exit_code), ended.errors
    assert verdict(ended.summary)[:2] == (status, exit_code)
    assert ended.summary["run_metadata"]["final"] is True
    assert ended.summary["execution_summary"]["years_completed"] == [2025]
    assert ended.summary["execution_summary"]["errors"] == (1 if "ValueError" in last else 0)
    assert status_of(ended.directory)["status"] == status


@pytest.mark.parametrize(
    ("last", "status", "exit_code"), [*(way for way in WAYS_OUT if way[1] != "success"), ("run.finish()", "success", 0)]
)
def test_a_run_by_hand_ends_with_the_process(program, last, status, exit_code):
    """Without a block, too, the run hears of an exception, of `sys.exit` and of Ctrl-C."""
    ended = program(BY_HAND.format(last=last))
    code = ended.end()
    assert code == (-signal.SIGINT if status == "interrupted" else exit_code), ended.errors
    assert verdict(ended.summary)[:2] == (status, exit_code)
    assert ended.summary["execution_summary"]["errors"] == (1 if "ValueError" in last else 0)


@pytest.mark.parametrize(
    ("last", "code", "known"),
    [("pass", 0, None), ("sys.exit(0)", 0, 0), ("exit()", 0, 0), ("raise SystemExit(7)", 7, None)],
)
def test_a_run_that_nobody_finished_is_partial(program, last, code, known):
    """The process ended in good order, as far as anybody was told, and the run was left open."""
    ended = program(BY_HAND.format(last=last))
    assert ended.end() == code, ended.errors
    assert verdict(ended.summary) == ("partial", known, None, True)
    assert "without finishing" in ended.summary["run_metadata"]["status_reason"]


@pytest.mark.parametrize("body", [WITHIN_A_BLOCK, BY_HAND], ids=["block", "by hand"])
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGTERM, "terminated"), (signal.SIGHUP, "terminated"), (signal.SIGINT, "interrupted")],
)
def test_a_signal_unwinds_the_stack(program, body, number, status):
    """SIGTERM and SIGHUP end a run as terminated, Ctrl-C as interrupted; `finally` blocks run."""
    last = "exec('try:\\n forever()\\nfinally:\\n print(\"cleaned up\", file=sys.stderr)')"
    ended = program(body.format(last=last))
    ended.send(number)
    code = ended.end()
    assert "cleaned up" in ended.errors
    assert code == (-signal.SIGINT if number == signal.SIGINT else 128 + number)
    assert verdict(ended.summary) == (status, 128 + number, number.name, True)


def test_the_log_says_how_the_run_began_and_ended(program):
    """The first event of a run is its start, the last its end with the figures."""
    ended = program(WITHIN_A_BLOCK.format(last="log.warning('few hires'); raise ValueError('bad')"))
    ended.end()
    events = ended.events()
    assert events[0]["message"] == "Run started"
    last = events[-1] if events[-1]["message"].startswith("Run") else events[-2]
    assert (last["message"], last["level"], last["status"]) == ("Run failed", "ERROR", "failed")
    assert (last["errors"], last["warnings"]) == (1, 1)
    assert last["exception"]["type"] == "ValueError"
    assert {event["run_id"] for event in events} == {ended.directory.name}
    assert ended.summary["execution_summary"]["events_written"] == len(events)


def test_an_exception_is_one_error_however_often_it_is_seen(program):
    """Through two operations and out of the run it stays one error with count 1, told in full once in the log."""
    ended = program(
        WITHIN_A_BLOCK.format(
            last="""
    with obs.operation("outer"), obs.operation("inner"):
        raise ValueError("bad")"""
        )
    )
    ended.end()
    [issue] = ended.summary["issues"]["errors"]
    assert (issue["count"], issue["type"], issue["operation_path"]) == (1, "ValueError", "outer/inner")
    assert sum("exception" in event for event in ended.events()) == 1


def test_a_handler_of_the_user_s_is_called_and_decides(program):
    """A program that asks to be told of SIGTERM and stops at the next year is told, and its run is terminated."""
    ended = program("""
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    with obs.start_run("baseline", years=[2025, 2026]) as run:
        ready()
        while not stopped:
            time.sleep(0.01)
        run.checkpoint(2025)
    """)
    ended.send(signal.SIGTERM)
    assert ended.end() == 0, ended.errors
    assert verdict(ended.summary)[0::2] == ("terminated", "SIGTERM")
    assert ended.summary["execution_summary"]["years_completed"] == [2025]


def test_handlers_are_put_back_after_the_run(program):
    """Once the last run has ended, SIGTERM, `sys.exit` and the hooks are what they were."""
    ended = program("""
    before = [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), sys.exit, sys.excepthook]
    with obs.start_run("one"), obs.start_run("two"):
        assert signal.getsignal(signal.SIGTERM) is not before[0]
    assert before == [signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), sys.exit, sys.excepthook]
    """)
    assert ended.end() == 0, ended.errors


@pytest.mark.parametrize(("setting", "code"), [("nohup", 0), ("handle_signals=False", -signal.SIGHUP)])
def test_signals_that_are_not_ours_are_left_alone(program, setting, code):
    """Under nohup SIGHUP stays ignored; with handle_signals=False the default holds."""
    switch = "obs.configure(log_dir='logs', runs_dir='runs', console='off', run_report=False, handle_signals=False)"
    ignore = "signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    ended = program(f"""
    {ignore if setting == "nohup" else switch}
    with obs.start_run("baseline"):
        ready()
        time.sleep(0.3 if {setting == "nohup"} else 30)
    """)
    ended.send(signal.SIGHUP)
    assert ended.end() == code, ended.errors
    assert status_of(ended.directory)["status"] == ("success" if code == 0 else "crashed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_does_not_cut_the_end_in_half(program, number):
    """An impatient second signal, while the run is ending, waits until the summary stands."""
    ended = program("""
    class Slow:
        def run_started(self, run): pass
        def run_finished(self, summary, directory):
            ready()
            # Until the other side, which has sent the signal by then, hangs up.
            sys.stdin.read()
            print("told", file=sys.stderr)
    with obs.start_run("baseline", observers=[Slow()]):
        pass
    """)
    ended.send(number)
    ended.end()
    assert "told" in ended.errors
    assert ended.process.returncode in {-number, 128 + number}
    assert verdict(ended.summary)[0] == "success"


@pytest.mark.parametrize("finished", ["", "atexit.register(run.finish)"], ids=["left open", "finished at exit"])
def test_what_runs_at_the_end_does_not_hide_that_ctrl_c_ended_it(program, finished):
    """The report for people, and an observer that makes a class, come after Ctrl-C; the process still dies of it."""
    ended = program(f"""
    import atexit, collections
    class Classy:
        def run_started(self, run): pass
        def run_finished(self, summary, directory):
            collections.namedtuple("Point", "x y")
            print("told", file=sys.stderr)
    obs.configure(run_report=True)
    run = obs.start_run("baseline", observers=[Classy()])
    {finished}
    forever()
    """)
    ended.send(signal.SIGINT)
    code = ended.end()
    assert "told" in ended.errors
    assert code == -signal.SIGINT, ended.errors
    assert verdict(ended.summary) == ("interrupted", 130, "SIGINT", True)


def test_an_interrupt_that_is_handled_ends_nothing(program):
    """A program that has caught Ctrl-C and goes on to its end exits as any other."""
    ended = program("""
    run = obs.start_run("baseline")
    try:
        forever()
    except KeyboardInterrupt:
        pass
    """)
    ended.send(signal.SIGINT)
    assert ended.end() == 0, ended.errors
    assert verdict(ended.summary)[0] == "partial"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_a_query_is_no_error(program, number):
    """DuckDB makes a RuntimeError of it, with which no operation has failed: it was stopped from outside."""
    pytest.importorskip("duckdb")
    ended = program("""
    import duckdb
    connection = duckdb.connect(config={"threads": 1})
    with obs.start_run("baseline"), obs.operation("query"):
        ready()
        connection.execute("SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(1000000) b").fetchall()
    """)
    ended.send(number)
    ended.end()
    summary = ended.summary
    assert summary["run_metadata"]["status"] == ("interrupted" if number == signal.SIGINT else "terminated"), (
        ended.errors
    )
    query = summary["performance_metrics"]["query"]
    assert (query["status"], query["failed"], summary["execution_summary"]["errors"]) == ("cancelled", 0, 0)


@pytest.mark.parametrize("last", ["exit()", ""])
def test_an_error_at_the_prompt_ends_nothing(tmp_path, last):
    """Whoever types on after it has not failed; it stays one of the run's errors."""
    typed = """import navigator_obs as obs
obs.configure(log_dir="logs", runs_dir="runs", console="off", run_report=False)
run = obs.start_run("tried")
1 / 0
obs.check("headcount", 3, min=1)
"""
    told = subprocess.run(
        [sys.executable, "-i", "-q"],
        input=f"{typed}{last}\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    (folder,) = (tmp_path / "runs").glob("2*")
    summary = json.loads((folder / "summary.json").read_bytes())
    assert summary["run_metadata"]["status"] == "partial"
    assert [issue["type"] for issue in summary["issues"]["errors"]] == ["ZeroDivisionError"]


def test_cancelled_tasks_end_a_run_as_interrupted(program):
    """Ctrl-C reaches asyncio code as a cancellation; the run inside the task ends as interrupted."""
    ended = program("""
    import asyncio
    async def main():
        with obs.start_run("baseline"):
            ready()
            await asyncio.sleep(60)
    asyncio.run(main())
    """)
    ended.send(signal.SIGINT)
    ended.end()
    assert verdict(ended.summary)[0] == "interrupted"


@pytest.mark.parametrize("how", ["os.kill(os.getpid(), signal.SIGKILL)", "os._exit(9)"])
def test_a_killed_run_reads_as_crashed_and_its_journal_folds(program, how):
    """Nothing is left undone but the end: what was recorded is in the journal, and folds into a valid summary."""
    ended = program(WITHIN_A_BLOCK.format(last=f"log.error('no hires'); obs.check('headcount', 0, min=1); {how}"))
    ended.end()
    assert status_of(ended.directory)["status"] == "crashed"
    assert ended.summary["run_metadata"]["status"] == "running"
    recovered = fold(read_run(ended.directory))
    VALIDATOR.validate(recovered)
    assert recovered["run_metadata"]["final"] is False
    assert recovered["performance_metrics"]["year_simulation"]["count"] == 1
    assert recovered["execution_summary"]["years_completed"] == [2025]
    assert (recovered["execution_summary"]["errors"], recovered["execution_summary"]["checks"]["warn"]) == (1, 1)


def test_what_was_open_when_it_was_killed_is_in_the_journal(program):
    """The last tick holds the open operations and the figures of those that did not log their end."""
    ended = program("""
    with obs.start_run("baseline") as run:
        for _ in range(7):
            with obs.operation("step", log="never"):
                pass
        with obs.context(year=2026), obs.operation("year_simulation"), obs.operation("hiring"):
            run.summary
            ready()
            time.sleep(60)
    """)
    ended.send(signal.SIGKILL)
    ended.end()
    recovered = fold(read_run(ended.directory))
    VALIDATOR.validate(recovered)
    assert recovered["performance_metrics"]["step"]["count"] == 7
    paths = [operation["path"] for operation in recovered["resources"]["open_operations"]]
    assert paths == ["year_simulation", "year_simulation/hiring"]
    assert recovered["execution_summary"]["years_completed"] == []


def test_what_ended_after_the_last_tick_is_not_open(program):
    """Killed between two ticks: a year whose end is in the journal is done, though the last tick has it open."""
    ended = program("""
    with obs.start_run("baseline", years=[2025, 2026]) as run, obs.operation("simulate"):
        with obs.context(year=2025), obs.operation("year_simulation"):
            with obs.operation("hiring"):
                run.summary
        with obs.context(year=2026), obs.operation("year_simulation"):
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    ended.end()
    recovered = fold(read_run(ended.directory))
    VALIDATOR.validate(recovered)
    assert [operation["path"] for operation in recovered["resources"]["open_operations"]] == ["simulate"]
    assert recovered["execution_summary"]["years_completed"] == [2025]


def test_a_signal_before_the_kill_is_in_the_journal(program):
    """A scheduler's SIGTERM that the program slept through is known after its SIGKILL."""
    ended = program("""
    signal.signal(signal.SIGTERM, lambda *_: ready())
    with obs.start_run("baseline"):
        forever()
    """)
    ended.send(signal.SIGTERM)
    ended.send(signal.SIGKILL)
    ended.end()
    assert fold(read_run(ended.directory))["run_metadata"]["signal"] == "SIGTERM"


def test_a_running_run_has_a_summary_that_says_so(program):
    """From its first moment on, and valid."""
    ended = program("with obs.start_run('baseline', params={'seed': 42}):\n    forever()")
    ended.wait_until_ready()
    assert ended.summary["run_metadata"]["status"] == "running"
    assert ended.summary["configuration"]["params"] == {"seed": 42}
    found = status_of(ended.directory)
    assert (found["status"], found["status_reason"], found["confidence"]) == ("running", None, None)


def test_a_forked_child_leaves_the_run_to_its_parent(program):
    """A child that unwinds through the block, exits or dies ends nothing; the lock is the parent's alone."""
    ended = program("""
    with obs.start_run("baseline") as run:
        for leave in (lambda: sys.exit(5), lambda: os._exit(0), lambda: os.kill(os.getpid(), signal.SIGTERM)):
            child = os.fork()
            if child == 0:
                assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
                run.fail("not ours")
                leave()
            os.waitpid(child, 0)
        assert run.status == "running"
        child = os.fork()
        if child == 0:
            print("ready", flush=True)
            print(os.getpid(), flush=True)
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
    """)
    ended.wait_until_ready()
    child = int(ended.process.stdout.readline())
    ended.process.kill()
    ended.process.wait()
    try:
        assert status_of(ended.directory)["status"] == "crashed"
    finally:
        os.kill(child, signal.SIGKILL)


def test_twenty_runs_at_once_get_twenty_folders(tmp_path):
    """Processes that start at the same instant share a folder of runs and no run."""
    body = """
obs.start_run
ready()
sys.stdin.read()
with obs.start_run("baseline", params={"seed": 1}):
    pass
"""
    hears, tells = os.pipe()
    programs = [
        subprocess.Popen(
            [sys.executable, "-c", HEAD + body], cwd=tmp_path, stdin=hears, stdout=subprocess.PIPE, text=True
        )
        for _ in range(20)
    ]
    os.close(hears)
    try:
        assert [started.stdout.readline() for started in programs] == ["ready\n"] * 20
    finally:
        # All of them read the end of the same pipe.
        os.close(tells)
        for started in programs:
            started.communicate(timeout=300)
    assert [started.returncode for started in programs] == [0] * 20
    summaries = [json.loads(path.read_bytes()) for path in (tmp_path / "runs").glob("*/summary.json")]
    assert len({summary["run_metadata"]["run_id"] for summary in summaries}) == 20
    for summary in summaries:
        VALIDATOR.validate(summary)


def test_a_relative_runs_folder_survives_a_change_of_the_working_directory(tmp_path, program):
    """The folder is the one that was meant when the run started."""
    (tmp_path / "elsewhere").mkdir()
    ended = program(WITHIN_A_BLOCK.format(last='os.chdir("elsewhere")'))
    assert ended.end() == 0, ended.errors
    assert verdict(ended.summary) == ("success", 0, None, True)
    assert list((tmp_path / "elsewhere").iterdir()) == []


SMALL_DISK = ("unshare", "-rm", "sh", "-c", 'mkdir runs && mount -t tmpfs -o size=1m tmpfs runs && exec "$@"', "sh")
FILL = """
import shutil
def fill():
    with open("runs/fill", "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 512)
        except OSError:
            pass
run = obs.start_run("baseline", years=[2025])
with obs.context(year=2025), obs.operation("year_simulation"):
    pass
fill()
log.warning("nobody can read this", pad="x" * 5000)
run.finish()
assert run.status == "success", run.summary
shutil.copytree(run.directory, "kept/it")
"""


CAUGHT = """
try:
    sys.exit(2)
except SystemExit:
    pass
with obs.operation("after"):
    pass
"""
UNWINDING = """
with obs.operation("outer"):
    try:
        sys.exit(2)
    finally:
        obs.check("rows", 0, min=1)
        with obs.operation("clean_up"):
            pass
"""


@pytest.mark.parametrize(
    ("last", "status", "exit_code"),
    [
        (CAUGHT, "partial", None),
        (CAUGHT + "run.finish()", "success", 0),
        (UNWINDING, "failed", 2),
        ("import atexit; atexit.register(run.finish); 1/0", "failed", 1),
        ("import atexit; atexit.register(run.finish); sys.exit(4)", "failed", 4),
        ("import atexit; atexit.register(run.finish)", "success", None),
        ("import atexit; atexit.register(run.finish); raise SystemExit(7)", "success", None),
    ],
)
def test_an_exit_counts_if_it_ends_the_process(program, last, status, exit_code):
    """One that was caught is none, and who finishes the run at exit does not make a failure a success."""
    ended = program(BY_HAND.format(last=last))
    ended.end()
    assert verdict(ended.summary)[:2] == (status, exit_code), ended.errors
    if "1/0" in last:
        assert ended.summary["execution_summary"]["errors"] == 1


def test_a_full_disk_does_not_take_the_verdict(tmp_path, program):
    """Space that was set aside at the start holds the end record and the final summary."""
    if subprocess.run([*SMALL_DISK, "true"], cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    (tmp_path / "runs").rmdir()
    ended = program(FILL, prefix=SMALL_DISK)
    assert ended.end() == 0, ended.errors
    directory = tmp_path / "kept" / "it"
    summary = json.loads((directory / "summary.json").read_bytes())
    VALIDATOR.validate(summary)
    assert verdict(summary) == ("success", 0, None, True)
    assert "end" in {record["kind"] for record in read_run(directory)}
    assert {path.name for path in directory.iterdir()} == {"summary.json", "journal.jsonl", "run.lock", "seal.jsonl"}
