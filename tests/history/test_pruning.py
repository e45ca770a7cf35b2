"""The folder of runs is kept within limits, and what people still need is never touched."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading

import pytest

import navigator_obs as obs
from navigator_obs.clock import clock, format_timestamp
from navigator_obs.history import pruning
from navigator_obs.history.pruning import Limits, plan, prune
from navigator_obs.history.store import History
from navigator_obs.runs.annotations import annotate, read_records
from navigator_obs.runs.records import read
from navigator_obs.runs.verification import verify

DAY_NS = 86_400 * 10**9


class Runs:
    """A folder with runs of any age and size."""

    def __init__(self, root):
        self.path = root / "runs"

    def make(
        self,
        run_id,
        *,
        days=0,
        status="success",
        workers=1000,
        journal=10_000,
        resumed_from=None,
        final=True,
        parent=None,
    ):
        directory = self.path / run_id
        (directory / "workers").mkdir(parents=True)
        began = format_timestamp(clock.time_ns() - days * DAY_NS)
        metadata = {"run_id": run_id, "name": "baseline", "status": status, "final": final, "start_time": began,
                    "duration_seconds": 1.0, "resumed_from": resumed_from, "tags": [],
                    "parent_run_id": parent}  # fmt: skip
        summary = {"schema_version": 1, "run_metadata": metadata, "execution_summary": {"errors": 0, "warnings": 0},
                   "performance_metrics": {}}  # fmt: skip
        (directory / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        (directory / "journal.jsonl").write_bytes(b"j" * journal)
        (directory / "workers" / "here-1.jsonl").write_bytes(b"w" * workers)
        return directory

    def names(self):
        return sorted(path.name for path in self.path.iterdir() if not path.name.startswith("."))

    def parts(self, run_id):
        return sorted(path.name for path in (self.path / run_id).iterdir())


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path)


def test_the_old_go(runs):
    """Those that began longer ago than so many days."""
    for days in (1, 5, 20, 40):
        runs.make(f"d{days}", days=days)
    done = prune(runs.path, Limits(keep_days=10))
    assert runs.names() == ["d1", "d5"]
    assert {removal.run_id for removal in done.removals} == {"d20", "d40"}
    assert done.bytes_before - done.bytes_after == sum(removal.bytes for removal in done.removals)


def test_the_newest_stay(runs):
    """So many of them."""
    for days in (1, 5, 20, 40):
        runs.make(f"d{days}", days=days)
    prune(runs.path, Limits(keep_runs=3))
    assert runs.names() == ["d1", "d20", "d5"]


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("pin", {}),
        ("baseline", {}),
        (None, {"status": "failed"}),
        (None, {"status": "crashed"}),
        (None, {"status": "partial"}),
        (None, {"status": "running", "final": False}),
    ],
)
def test_what_people_need_stays(runs, kind, settings):
    """Pinned, a baseline, open, failed and not acknowledged: whatever the limits, and wholly."""
    directory = runs.make("kept", days=400, **settings)
    if kind:
        annotate(directory, kind, by="ada")
    before = runs.parts("kept")
    done = prune(runs.path, Limits(keep_days=1, keep_runs=0, max_bytes=0))
    assert runs.parts("kept") == before
    assert [run_id for run_id, _ in done.spared] == ["kept"]
    assert done.removals == ()


def test_an_acknowledged_failure_goes(runs):
    """Somebody has seen it."""
    annotate(runs.make("failed", days=400, status="failed"), "ack", by="ada")
    prune(runs.path, Limits(keep_days=1))
    assert runs.names() == []


def test_runs_within_others_are_not_counted_and_share_their_fate(runs):
    """A stage goes and stays with the run that it is a part of, whose acknowledgement is its own; alone it is a run."""
    for days in (1, 5, 20, 40):
        runs.make(f"d{days}", days=days, status="failed" if days == 20 else "success")
        for stage in ("one", "two"):
            runs.make(f"d{days}-{stage}", days=days, parent=f"d{days}", status="failed" if days >= 20 else "success")
    annotate(runs.path / "d5", "pin", by="ada")
    annotate(runs.path / "d20", "ack", by="ada")
    done = prune(runs.path, Limits(keep_runs=1))
    assert runs.names() == ["d1", "d1-one", "d1-two", "d40-one", "d40-two", "d5", "d5-one", "d5-two"]
    assert dict(done.spared)["d5-one"] == "d5, of which it is a part, stays: it is pinned"
    assert dict(done.spared)["d40-one"] == "it is failed and nobody has acknowledged that"


def test_a_run_that_was_resumed_stays_as_long_as_its_successor(runs):
    """The chain of attempts is not broken in the middle."""
    runs.make("first", days=400)
    runs.make("second", days=0, resumed_from="first")
    prune(runs.path, Limits(keep_days=1))
    assert runs.names() == ["first", "second"]


def test_beyond_a_size_runs_are_thinned_before_any_is_deleted(runs):
    """Traces and shares of all first, then journals from the oldest on, folders at last."""
    for days in (1, 2, 3):
        runs.make(f"d{days}", days=days)
    assert {removal.what for removal in plan(runs.path, Limits(max_bytes=31_500)).removals} == {"details"}
    done = prune(runs.path, Limits(max_bytes=22_000))
    told = [(removal.run_id, removal.what) for removal in done.removals]
    assert told == [("d3", "details"), ("d2", "details"), ("d1", "details"), ("d3", "journal")]
    assert runs.parts("d3") == ["annotations.jsonl", "summary.json"]
    assert runs.parts("d1") == ["annotations.jsonl", "journal.jsonl", "summary.json"]
    assert History(runs.path).get("d3").status == "success"
    done = prune(runs.path, Limits(max_bytes=500))
    assert {removal.what for removal in done.removals} == {"run"}
    assert runs.names() in ([], ["d1"])


def test_what_was_thinned_stays_known(runs):
    """By its size and its SHA-256, outside of the seal."""
    directory = runs.make("d1", days=1, journal=3, workers=0)
    prune(runs.path, Limits(max_bytes=directory.joinpath("summary.json").stat().st_size + 1))
    told = [record["text"] for record in read_records(directory) if record["kind"] == "thinned"]
    assert f"journal.jsonl 3 sha256:{hashlib.sha256(b'jjj').hexdigest()}" in told


def test_a_dry_run_removes_nothing_and_says_the_same(runs):
    """The plan is what is done."""
    for days in (1, 20, 40):
        runs.make(f"d{days}", days=days)
    limits = Limits(keep_days=30, max_bytes=12_000)
    planned = plan(runs.path, limits)
    assert runs.names() == ["d1", "d20", "d40"]
    assert prune(runs.path, limits).removals == planned.removals


def test_nothing_is_removed_through_a_link(runs, tmp_path):
    """A link in the folder of runs leads elsewhere."""
    outside = Runs(tmp_path / "outside")
    precious = outside.make("precious", days=400)
    runs.path.mkdir()
    (runs.path / "link").symlink_to(precious)
    inside = runs.make("inside", days=400)
    (inside / "data").symlink_to(precious)
    prune(runs.path, Limits(keep_days=1))
    assert outside.parts("precious") == ["journal.jsonl", "summary.json", "workers"]
    assert runs.names() == ["link"]


def test_another_user_s_runs_stay(runs, monkeypatch):
    """They are not ours to remove."""
    runs.make("theirs", days=400)
    monkeypatch.setattr(os, "geteuid", lambda: runs.path.stat().st_uid + 1)
    assert prune(runs.path, Limits(keep_days=1)).removals == ()


def test_what_a_killed_prune_left_goes_with_the_next(runs):
    """A run that is being deleted has a name that no reader looks at."""
    runs.make("d1", days=1)
    runs.make(".deleting-d2", days=1)
    assert [run.run_id for run in History(runs.path).list()] == ["d1"]
    prune(runs.path, Limits(keep_runs=5))
    assert [path.name for path in runs.path.iterdir() if path.name.startswith(".deleting")] == []


def test_two_at_once_are_one(runs):
    """The one that comes second does nothing."""
    runs.make("d1", days=400)
    claim = pruning.Lock(runs.path, name=".pruning")
    assert prune(runs.path, Limits(keep_days=1)).removals == ()
    claim.close()
    assert len(prune(runs.path, Limits(keep_days=1)).removals) == 1


def test_a_run_that_starts_applies_the_settings(recorder):
    """Beside the program, at most once an hour; the log says what went."""
    runs = Runs(recorder.root / "artifacts")
    for days in (1, 50):
        runs.make(f"d{days}", days=days)
    recorder.configure(prune_keep_days=30)
    for _ in range(2):
        with obs.start_run("now") as run:
            for thread in threading.enumerate():
                if thread.name == "navigator-obs-housekeeping":
                    thread.join()
        runs.make("d60", days=60) if not (runs.path / "d60").exists() else None
    assert set(runs.names()) >= {"d1", "d60", run.run_id}
    assert "d50" not in runs.names()
    [told] = recorder.events("Old runs were pruned")
    assert told["removed"] == 1


def command(runs, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "navigator_obs", "prune", *arguments, "--runs-dir", str(runs.path)],
        check=False, capture_output=True, text=True, cwd=runs.path.parent,
    )  # fmt: skip


def test_the_command_says_what_goes_and_what_stays(runs):
    """With the size, and why."""
    runs.make("d1", days=1)
    runs.make("d50", days=50)
    runs.make("failed", days=60, status="failed")
    done = command(runs, "--keep-days", "30", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "d50  baseline  run" in done.stdout
    assert "failed stays: it is failed and nobody has acknowledged that" in done.stdout
    assert "would be freed" in done.stdout
    assert runs.names() == ["d1", "d50", "failed"]
    assert "freed" in command(runs, "--keep-days", "30").stdout
    assert runs.names() == ["d1", "failed"]
    assert json.loads(command(runs, "--max-size", "1kB", "--json").stdout)["bytes_after"] > 0


@pytest.mark.parametrize("arguments", [[], ["--max-size", "big"], ["--keep-days", "-1"]])
def test_a_wrong_limit_is_refused_in_a_line(runs, arguments):
    """Nothing said is nothing done."""
    runs.path.mkdir()
    done = command(runs, *arguments)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_a_real_run_is_pruned_as_a_whole(recorder):
    """What a run leaves is known to the plan: nothing of it stays behind."""
    with obs.start_run("baseline") as run:
        pass
    assert list(read(run.directory / "journal.jsonl"))
    prune(recorder.runs_dir, Limits(keep_runs=0))
    assert not run.directory.exists()


def test_a_real_run_that_was_thinned_is_still_verified(recorder):
    """Its seal keeps what its journal was, and that it was removed on purpose; what is left is held against it."""
    with obs.start_run("baseline") as run:
        pass
    prune(recorder.runs_dir, Limits(max_bytes=run.directory.joinpath("summary.json").stat().st_size + 3000))
    assert not (run.directory / "journal.jsonl").exists()
    found = verify(run.directory)
    assert (found.verdict, found.removed, found.beside) == ("intact", ("journal.jsonl",), ())
    (run.directory / "summary.json").write_text("{}")
    assert verify(run.directory).verdict == "altered"
