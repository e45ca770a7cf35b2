"""A run that is under way, looked at from its files."""

from __future__ import annotations

import os
from pathlib import Path

import navigator_obs as obs
from navigator_obs.history.live import LiveRun, runs_like
from navigator_obs.history.store import History
from navigator_obs.testing import FakeClock


def test_each_look_tells_what_has_come_since(recorder):
    """Operations, problems and years appear as they are recorded, and the end with its verdict."""
    with obs.start_run("baseline", years=[2025, 2026]) as run:
        live = LiveRun(History(recorder.runs_dir).get("last"))
        look = live.look()
        assert (look.lives, look.summary["run_metadata"]["status"]) == (True, "running")
        with obs.context(year=2025), obs.operation("year_simulation"):
            obs.get_logger("planwise").warning("attrition above plan")
        # Figures come with a tick, at most a second later; this makes one.
        assert run.summary
        look = live.look()
        assert look.summary["execution_summary"]["warnings"] == 1
        assert look.summary["execution_summary"]["years_completed"] == [2025]
        assert look.seconds_left is not None
    look = live.look()
    assert (look.lives, look.summary["run_metadata"]["status"]) == (False, "partial")
    assert look.summary == History(recorder.runs_dir).get("last").summary


def test_looking_writes_nothing(recorder):
    """Whoever may only read can look: no file changes, and none is added."""

    def files() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in recorder.runs_dir.rglob("*")}

    with obs.start_run("earlier"):
        pass
    before = files()
    history = History(recorder.runs_dir, keep_index=False)
    live = LiveRun(history.get("last"), runs_like(history, history.get("last")))
    live.look()
    assert files() == before


def test_rates_are_those_of_the_last_seconds(recorder):
    """Rows and events by the time between looks; the first has nothing to compare with."""
    from navigator_obs.clock import clock

    with obs.start_run("baseline") as run:
        live = LiveRun(History(recorder.runs_dir).get("last"))
        fake = FakeClock()
        real = clock.use(fake)
        try:
            assert live.look().rows_per_second is None
            with obs.operation("hiring") as op:
                op.add_rows(1000)
            fake.advance(2.0)
            assert run.summary
            look = live.look()
        finally:
            clock.use(real)
    assert look.rows_per_second == 500.0


def test_a_run_that_died_is_told_without_being_touched(recorder):
    """Its last known figures come from its journal; to finalise it is for others."""
    pid = os.fork()
    if not pid:
        obs.start_run("doomed").__enter__()
        with obs.operation("load_census"):
            pass
        os._exit(9)
    os.waitpid(pid, 0)
    entry = History(recorder.runs_dir, keep_index=False).get("doomed")
    look = LiveRun(entry).look()
    assert (look.lives, look.summary["run_metadata"]["status"]) == (False, "crashed")
    assert "load_census" in look.summary["performance_metrics"]


def test_runs_like_it_are_the_newest_successes_of_its_name(recorder):
    """Other names, failures and the run itself say nothing of how long it will take."""
    for name in ("other", "baseline", "baseline"):
        with obs.start_run(name):
            pass
    history = History(recorder.runs_dir)
    found = [summary["run_metadata"]["name"] for summary in runs_like(history, history.get("last"))]
    assert found == ["baseline"]
