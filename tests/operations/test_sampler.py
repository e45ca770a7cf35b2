"""One sampler for the process and its children: peaks of what is open, children's memory, gaps, its own end."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import navigator_obs as obs
from navigator_obs.clock import clock
from navigator_obs.events import ticker
from navigator_obs.operations import resources, sampler
from navigator_obs.runs import metering
from tests.waiting import wait_for

MB = 1_000_000
NEVER = 86_400.0
HOLD = "held = bytearray(b'x' * {}); print('ready', flush=True); input()"
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


def in_process(program):
    """Run *program* in a process of its own, and return what it printed."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def watch(open_run, tmp_path):
    """A watch of the open run, which samples only when it is told to."""
    watching = sampler.watch(open_run.accumulator, tmp_path, clock.monotonic_ns(), NEVER)
    yield watching
    sampler.unwatch(watching)


@pytest.fixture
def child():
    """Starts a process that holds so many bytes until the test is over."""
    started = []

    def start(count):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.communicate(b"\n")


def sample():
    """One sample, with a look for children."""
    sampler._sampler._scan_due = 0
    sampler._sampler.sample()


def test_it_sees_what_open_operations_hold(watch):
    """A sample raises the peak of each operation that is open then, and of no other."""
    with obs.operation("outer") as outer:
        with obs.operation("closed") as closed:
            pass
        sample()
    assert outer.sampled_bytes > 0
    assert closed.sampled_bytes == 0


def test_concurrent_operations_have_what_was_there_while_they_were_open(watch, open_run):
    """Both that are open while one of them holds memory have it in their peak; the one that comes after has not."""
    entered, done = threading.Event(), threading.Event()

    @obs.carry
    def beside():
        with obs.operation("beside"):
            entered.set()
            done.wait(300)

    thread = threading.Thread(target=beside)
    thread.start()
    entered.wait(300)
    with obs.operation("holds"):
        held = bytearray(b"x" * (300 * MB))
        sample()
        del held
    done.set()
    thread.join()
    with obs.operation("after"):
        sample()
    peaks = {record.name: record.peak_memory_mb for record in open_run.logged}
    assert peaks["holds"] - peaks["after"] > 250
    assert peaks["beside"] - peaks["after"] > 250


def test_nested_operations_have_their_own_peaks(watch, open_run):
    """The one outside has the highest of all, a sibling inside only what was there meanwhile."""
    with obs.operation("outer"):
        with obs.operation("inner"):
            held = bytearray(b"x" * (300 * MB))
            sample()
            del held
        with obs.operation("sibling"):
            sample()
    peaks = {record.name: record.peak_memory_mb for record in open_run.logged}
    assert peaks["outer"] >= peaks["inner"]
    assert peaks["inner"] - peaks["sibling"] > 250


@LINUX
def test_what_no_sample_sees_the_kernel_has():
    """1.2 GB in one call of C code, during which no thread of Python runs: the operation, its year and the run have it
    in their peaks, the sibling has not.
    """
    program = """
        import json, tempfile
        import navigator_obs as obs
        with tempfile.TemporaryDirectory() as folder:
            obs.configure(log_dir=folder, runs_dir=folder, console="off", run_report=False)
            with obs.start_run("peak") as run:
                with obs.context(year=2025), obs.operation("outer"):
                    with obs.operation("hidden"):
                        len(b"x" * 1_200_000_000)
                    with obs.operation("sibling"):
                        pass
            obs.shutdown()
            paths = run.summary["performance_metrics"]
            print(json.dumps([
                *(paths[path]["peak_memory_mb"] for path in ("outer", "outer/hidden", "outer/sibling")),
                run.summary["resources"]["tree"]["peak_memory_mb"],
                run.summary["breakdown"]["by"]["year"]["2025"]["peak_memory_mb"],
            ]))
    """
    outer, hidden, sibling, tree, year = map(float, in_process(program).strip("[]\n").split(","))
    assert min(outer, hidden, tree, year) > 1_200
    assert sibling < 200


@LINUX
def test_a_run_has_its_own_peak_and_not_that_of_what_was_before():
    """The second run of a process, and the one after memory came and went in no run, peak at what they hold."""
    program = """
        import json, tempfile
        import navigator_obs as obs
        peaks = []

        def run_with(count):
            with obs.start_run("peak") as run, obs.operation("alloc"):
                len(b"x" * count)
            resources = run.summary["resources"]
            peaks.extend([resources["peak_memory_mb"], resources["tree"]["peak_memory_mb"]])

        with tempfile.TemporaryDirectory() as folder:
            obs.configure(log_dir=folder, runs_dir=folder, console="off", run_report=False)
            run_with(500_000_000)
            run_with(1_000_000)
            len(b"x" * 700_000_000)
            run_with(1_000_000)
            obs.shutdown()
        print(json.dumps(peaks))
    """
    *first, second, second_tree, third, third_tree = map(float, in_process(program).strip("[]\n").split(","))
    assert min(first) > 500
    assert max(second, second_tree, third, third_tree) < 200


@LINUX
def test_the_memory_of_children_counts(watch, child, open_run):
    """A subprocess holds what its parent's figures do not show."""
    with obs.operation("alone"):
        sample()
    # Tests before may have left one of multiprocessing's own.
    before = watch.take()["tree"]["processes"]
    with obs.operation("with_a_child"):
        child(200 * MB)
        sample()
    taken = watch.take()
    peaks = {record.name: record.peak_memory_mb for record in open_run.logged}
    assert peaks["with_a_child"] - peaks["alone"] > 150
    assert taken["tree"]["processes"] == before + 1
    assert taken["tree"]["peak_memory_mb"] - resources.rss_bytes() / MB > 100
    assert max(point[2] for point in taken["timeline"]) > 200


@LINUX
def test_what_a_forked_child_shares_with_its_parent_counts_once(watch):
    """The copy costs nothing until one of both changes it."""
    held = bytearray(b"x" * (300 * MB))
    reading, writing = os.pipe()
    forked = os.fork()
    if not forked:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    sample()
    sample()
    shared = watch.take()["timeline"][-1][2]
    os.close(writing)
    os.close(reading)
    os.waitpid(forked, 0)
    assert held
    assert 0 < shared < 150


@LINUX
def test_cpu_time_of_children_counts_while_they_live_and_afterwards(watch):
    """Nothing is lost or counted twice when a child ends."""
    before = watch.take()["tree"]["cpu_seconds"]
    spin = "import time\nwhile time.process_time() < 0.5: pass\nprint('ready', flush=True)\ninput()"
    process = subprocess.Popen([sys.executable, "-c", spin], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    sample()
    alive = watch.take()["tree"]["cpu_seconds"] - before
    process.communicate(b"\n")
    sample()
    ended = watch.take()["tree"]["cpu_seconds"] - before
    assert alive >= 0.45
    assert alive - 0.05 <= ended < alive + 1


def test_the_peaks_of_years_are_told_once_each(watch):
    """What was seen in operations of a year, since it was last taken."""
    with obs.context(year=2025), obs.operation("year_simulation"):
        sample()
    assert set(watch.take()["peaks"]["year"]) == {"2025"}
    assert watch.take()["peaks"] == {}


def test_what_was_gained_since_the_limits_were_read_is_no_room(watch, monkeypatch):
    """They are read every few seconds; memory that is held meanwhile is taken off, so that what is held and the room
    above it do not count anything twice.
    """
    monkeypatch.setattr(sampler, "LIMITS_SECONDS", NEVER)
    monkeypatch.setattr(sampler, "_NEAR", 0)
    before = watch.take()["limits"]["memory_room_mb"]
    held = bytearray(b"x" * (300 * MB))
    sample()
    after = watch.take()["limits"]["memory_room_mb"]
    assert len(held) == 300 * MB
    assert before - after > 250


def test_what_the_process_uses_now_is_told(watch):
    """Each with its unit, none of it invented."""
    before = watch.take()
    threading.Thread(target=threading.Event().wait, args=(300,), daemon=True).start()
    with open(os.devnull):
        told = watch.take()
    assert told["memory_mb"] > 1
    assert told["cpu_seconds"] >= before["cpu_seconds"] > 0
    assert told["threads"] == before["threads"] + 1
    assert told["open_files"] == before["open_files"] + 1


def test_samples_and_their_longest_gap_are_told(watch):
    """How closely memory was watched is part of the figure."""
    first = watch.take()["sampling"]
    time.sleep(0.2)
    sample()
    second = watch.take()["sampling"]
    assert second["samples"] == first["samples"] + 1
    assert second["longest_gap_seconds"] >= 0.2


def test_it_stops_with_the_last_run(open_run, tmp_path):
    """Two runs share one sampler; its task goes when both are over."""
    first = sampler.watch(open_run.accumulator, tmp_path, clock.monotonic_ns())
    second = sampler.watch(open_run.accumulator, tmp_path, clock.monotonic_ns())
    tasks = [task for task in ticker._ticker._tasks if task.run == sampler._sampler.sample]
    sampler.unwatch(first)
    assert len(tasks) == 1
    assert tasks[0] in ticker._ticker._tasks
    sampler.unwatch(second)
    sampler.unwatch(second)
    assert tasks[0] not in ticker._ticker._tasks


def test_it_samples_by_itself(open_run, tmp_path):
    """At the rate that was asked for, or where that is too costly at a lower one."""
    watching = sampler.watch(open_run.accumulator, tmp_path, clock.monotonic_ns(), 0.02)
    wait_for(lambda: watching.take()["sampling"]["samples"] >= 4)
    sampler.unwatch(watching)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_samples_for_itself_only(watch):
    """It knows neither its parent's runs nor its parent's children."""
    child = os.fork()
    if not child:
        os._exit(0 if not sampler._sampler._watches and len(sampler._sampler._children) == 0 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_it_can_be_slowed_down_until_the_runs_have_ended(open_run, tmp_path):
    """A run that costs too much samples less; the next one samples as it was told to."""
    first = sampler.watch(open_run.accumulator, tmp_path, clock.monotonic_ns(), 0.1)
    metering.degrade("operation samples", open_run.accumulator)
    sampler._sampler.sample()
    assert sampler._sampler._handle.seconds >= 1.0
    sampler.unwatch(first)
    second = sampler.watch(open_run.accumulator, tmp_path, clock.monotonic_ns(), 0.1)
    assert sampler._sampler._seconds == 0.1
    sampler.unwatch(second)
