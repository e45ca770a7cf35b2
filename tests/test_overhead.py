"""What observing costs a program, measured by running it both ways."""

from __future__ import annotations

import json
import os
import shlex
import sys

import pytest

from navigator_obs.cli.main import main
from navigator_obs.errors import UsageError
from navigator_obs.overhead import Overhead, Pair, Usage, measure

TELL = """
import os, sys
with open(sys.argv[1], "a") as file:
    file.write(os.environ.get("NAVIGATOR_OBS_DISABLED", "observed") + "\\n")
"""
BUSY = """
import time
import navigator_obs as obs
times = 1 if obs.operation.__module__.endswith("disabled") else 4
until = times * max(time.process_time(), 0.1)
while time.process_time() < until:
    pass
"""


def test_both_ways_alternate_and_each_pair_begins_with_the_other(tmp_path):
    """A machine that grows slower meanwhile counts for both sides."""
    told = tmp_path / "told"
    said = []
    measure([sys.executable, "-c", TELL, str(told)], pairs=3, environ={"NAVIGATOR_OBS_DISABLED": "1"}, say=said.append)
    assert told.read_text().split() == ["observed", "1", "1", "observed", "observed", "1"]
    assert [text.split(":")[0] for text in said] == ["pair 1 of 3", "pair 2 of 3", "pair 3 of 3"]


def test_a_program_that_is_dearer_when_observed_is_found_to_be():
    """CPU time is that of the process; a command may be given as one text."""
    found = measure(f"{shlex.quote(sys.executable)} -c '{BUSY}'", pairs=1)
    assert found.cpu is not None
    assert found.cpu.median > 1.2
    assert found.pairs[0].observed.cpu_seconds >= 0.39


MEET = """
import os, sys, time
mine, other = ("bare", "observed")[:: -1 if "NAVIGATOR_OBS_DISABLED" not in os.environ else 1]
def path(name):
    return os.path.join(sys.argv[1], name)
with open(path("new " + mine), "w") as file:
    file.write(" ".join(map(str, os.sched_getaffinity(0))))
os.rename(path("new " + mine), path(mine))
until = time.monotonic() + 30
while not os.path.exists(path(other)):
    if time.monotonic() > until:
        raise SystemExit("nobody came")
    time.sleep(0.001)
"""
bindable = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes can't be bound to a core here")


@bindable
def test_both_ways_may_run_at_once_on_one_core(tmp_path):
    """They meet there; how long they take then says nothing, and the caller may use its cores as before."""
    before = os.sched_getaffinity(0)
    found = measure([sys.executable, "-c", MEET, str(tmp_path)], pairs=1, at_once=True)
    cores = {(tmp_path / way).read_text() for way in ("bare", "observed")}
    assert len(cores) == 1
    assert int(*cores) in before
    assert os.sched_getaffinity(0) == before
    assert found.wall is None
    assert "wall" not in str(found)


@bindable
def test_where_one_of_two_fails_the_other_is_ended(tmp_path):
    """It is not waited for."""
    program = """
import os, sys, time
if "NAVIGATOR_OBS_DISABLED" not in os.environ:
    while not os.path.exists(sys.argv[1]):
        time.sleep(0.001)
    raise SystemExit("no room")
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
    with pytest.raises(UsageError, match="ended with 1 observed: no room"):
        measure([sys.executable, "-c", program, str(tmp_path / "process")], pairs=1, at_once=True)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "process").read_text()), 0)


def test_a_system_that_binds_no_process_to_a_core_says_so(monkeypatch):
    """Before anything is run."""
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    with pytest.raises(UsageError, match="at_once needs a system that binds processes to a core"):
        measure(["no-such-program"], pairs=1, at_once=True)


def test_the_ratio_is_the_median_of_the_pairs_with_its_quartiles():
    """One slow run does not make the figure."""
    pairs = [Pair(Usage(ratio, None), Usage(1.0, None)) for ratio in (1.01, 1.02, 1.03, 1.02, 9.0)]
    ratio = Overhead(pairs).wall
    assert (ratio.median, ratio.low, ratio.high) == (1.02, 1.02, 1.03)
    assert Overhead(pairs).cpu is None


def test_runs_that_were_given_memory_more_often_are_told_from_runs_that_cost_more(capfd):
    """30,000 page faults more of a second's run are about 6 % of it, whatever else was done; the verb says which way,
    and how to leave that out.
    """
    fair = Overhead([Pair(Usage(1.0, 1.0, 1_000), Usage(1.0, 1.0, 1_100))])
    assert fair.is_fair
    found = Overhead([Pair(Usage(1.0, 1.0, 1_000), Usage(1.0, 1.0, 31_000))] * 3)
    assert found.fault_percent == pytest.approx(-6)
    assert not found.is_fair
    assert Overhead([Pair(Usage(1.0, None), Usage(1.0, None))]).is_fair
    program = """
import mmap, os
for _ in range(1 if "NAVIGATOR_OBS_DISABLED" not in os.environ else 60_000):
    area = mmap.mmap(-1, 4096)
    area[0] = 1
    area.close()
"""
    assert main(["overhead", "--pairs", "1", "--", sys.executable, "-c", program]) == 0
    said = capfd.readouterr().out
    assert "but the bare runs took memory from the system" in said
    assert "MALLOC_TRIM_THRESHOLD_=" in said


def test_starting_up_is_told_apart_where_it_matters():
    """An empty run beside each pair says how much of the difference does not grow with the program; of a long program
    nothing is said.
    """
    empty = Pair(Usage(0.3, 0.25, 5_000), Usage(0.1, 0.1, 2_000))
    short = Overhead([Pair(Usage(1.2, 1.2, 13_000), Usage(1.0, 1.0, 10_000))] * 3, [empty] * 3)
    assert short.startup_seconds == pytest.approx(0.15)
    assert str(short).splitlines()[-1].startswith("of that, 150 ms are what an empty run takes")
    assert short.fault_percent == 0
    long = Overhead([Pair(Usage(102.0, 102.0), Usage(100.0, 100.0))] * 3, [empty] * 3)
    assert "empty" not in str(long)


def test_an_empty_run_is_measured_and_leaves_nothing(tmp_path, monkeypatch):
    """Beside a program that records nothing runs an empty one, which records when observed; no run is among the
    user's.
    """
    monkeypatch.setenv("NAVIGATOR_OBS_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    found = measure([sys.executable, "-c", "pass"], pairs=1)
    # How long it takes is within the noise of one pair; what recording maps into memory is not.
    [empty] = found.empty
    assert empty.observed.page_faults > empty.bare.page_faults + 200
    assert found.to_dict()["startup_seconds"] == found.startup_seconds
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([sys.executable, "-c", "print('no such table'); raise SystemExit(3)"], "ended with 3 observed: no such table"),
        (["sh", "-c", "kill -9 $$"], "ended with SIGKILL observed"),
        (["no-such-program"], "'no-such-program' can't be started"),
        ([], "a command and at least one pair are needed"),
    ],
)
def test_a_command_that_fails_is_refused(command, message):
    """There is nothing to compare; its last words are told."""
    with pytest.raises(UsageError, match=message):
        measure(command, pairs=1)


def test_the_verb_prints_the_ratios(capfd):
    """CPU and wall, each with its quartiles, and in words what that means; as JSON each run as well."""
    assert main(["overhead", "--pairs", "2", "--", sys.executable, "-c", "pass"]) == 0
    shown = capfd.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()[:2]] == ["CPU", "wall"]
    assert "pair 2 of 2" in shown.err
    assert main(["overhead", "--pairs", "1", "--json", sys.executable, "-c", "pass"]) == 0
    assert json.loads(capfd.readouterr().out).keys() == {
        "pairs",
        "cpu_ratio",
        "wall_ratio",
        "startup_seconds",
        "clock_percent",
        "fault_percent",
    }


@bindable
def test_the_verb_tells_cpu_time_alone_of_runs_at_once(capfd):
    """Each took about twice the time."""
    assert main(["overhead", "--at-once", "--pairs", "1", "--json", "--", sys.executable, "-c", "pass"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["cpu_ratio"]["median"] > 0
    assert told["wall_ratio"] is None
    assert told["clock_percent"] > 0


def test_what_goes_by_the_clock_is_told_apart_of_runs_at_once():
    """A run that waited for its core as long as it worked, and would take one percent of a core if it slept, owes one
    percent to that; in turn nothing is said.
    """
    pairs = [Pair(Usage(2.06, 1.03), Usage(2.0, 1.0))] * 3
    found = Overhead(pairs, idle=[0.01] * 3)
    assert found.clock_percent == pytest.approx(1.03)
    assert str(found).splitlines()[-1].endswith("on a core of its own it is 2.0 %")
    assert "clock" not in str(Overhead(pairs))


def test_the_verb_tells_a_failing_command_in_one_line(capfd):
    """Wrong use ends with exit code 2."""
    assert main(["overhead", "--pairs", "1", "--", sys.executable, "-c", "raise SystemExit(1)"]) == 2
    assert "ended with 1 observed" in capfd.readouterr().err
