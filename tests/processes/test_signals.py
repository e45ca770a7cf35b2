"""What signals do to a run, in real processes with real signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read_run
from navigator_obs.runs.summary import fold
from tests.processes.running import BY_HAND, WITHIN_A_BLOCK, verdict


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
