"""Every way to end a run, with real processes: the verdict stands in the folder, whatever happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from navigator_obs.runs.liveness import status_of
from navigator_obs.runs.records import read_run
from tests.on_disk import VALIDATOR
from tests.processes.running import BY_HAND, HEAD, WITHIN_A_BLOCK, verdict

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
