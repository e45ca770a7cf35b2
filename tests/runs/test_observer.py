"""Who is told of a run's life, and what they can not break."""

from __future__ import annotations

import json

import navigator_obs as obs
from navigator_obs.runs.liveness import status_of
from tests.on_disk import on_disk


class Watcher:
    def __init__(self):
        self.told = []

    def run_started(self, run):
        self.told.append(("started", run.status, (run.directory / "summary.json").exists()))

    def run_finished(self, summary, directory):
        final = json.loads((directory / "summary.json").read_bytes())
        self.told.append(("finished", summary["run_metadata"]["status"], final == json.loads(json.dumps(summary))))


class Broken:
    def run_started(self, run):
        raise OSError("no exporter")

    def run_finished(self, summary, directory):
        raise OSError("no exporter")


def test_observers_are_told_and_can_break_nothing(recorder):
    """Each hears of start and end; one that raises is said in the log, and the others still hear."""
    watcher = Watcher()
    with obs.start_run("baseline", observers=[Broken(), watcher]) as run:
        pass
    assert watcher.told == [("started", "running", True), ("finished", "success", True)]
    assert [event["observer"] for event in recorder.events("a run's observer failed")] == ["Broken", "Broken"]
    assert run.status == "success"


class Quitter:
    def run_started(self, run):
        """Hears of it."""

    def run_finished(self, summary, directory):
        raise SystemExit(3)


def test_a_run_lets_go_whatever_an_observer_raises(recorder):
    """An observer can't end the program, nor keep the run open."""
    run = obs.start_run("baseline", observers=[Quitter()])
    run.finish()
    assert (run.status, on_disk(run)["run_metadata"]["status"]) == ("success", "success")
    assert status_of(run.directory)["status"] == "success"
    assert [event["observer"] for event in recorder.events("a run's observer failed")] == ["Quitter"]
