"""One fold makes the summary: of the live run, of a reader, and of whoever finds a run dead."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navigator_obs.clock import clock, format_timestamp, parse_timestamp
from navigator_obs.config import Config
from navigator_obs.events import scope
from navigator_obs.operations.record import OperationRecord
from navigator_obs.redaction import Redactor
from navigator_obs.runs import catalogue, environment, listening
from navigator_obs.runs.configuration import describe
from navigator_obs.runs.life import MAX_TAGS
from navigator_obs.runs.products import MAX_ARTIFACTS
from navigator_obs.runs.recording import Recording
from navigator_obs.runs.records import read
from navigator_obs.runs.summary import Fold, fold
from tests.on_disk import VALIDATOR

NOW = "2025-01-01T00:00:00.000000Z"


def start(**more):
    return {
        "run_id": "one", "name": "baseline", "host": "here", "user": None, "pid": 7, "argv": [], "parent_run_id": None,
        "tags": [], "years": [2025, 2026], "memory_mb": 10.0, "configuration": describe({}, Redactor()),
        "environment": {**environment.collect(Path(), Redactor()), "git": None}, **more,
    }  # fmt: skip


def ended(path, *, logged, year=None, milliseconds=5, status="success", rows=None):
    return OperationRecord(
        name=path.rpartition("/")[2], path=path, status=status, start_time=NOW, end_time=NOW, logged=logged, rows=rows,
        duration_seconds=milliseconds / 1000, self_seconds=milliseconds / 1000,
        breakdown={} if year is None else {"year": year}, outermost={} if year is None else {"year": "/" not in path},
    )  # fmt: skip


class Live:
    """A recording with its journal, without the rest of a run around it."""

    def __init__(self):
        # Git may still be writing what differs from the commit.
        self._folder = TemporaryDirectory(ignore_cleanup_errors=True)
        self.directory = Path(self._folder.name)
        self.tag = scope.RunTag("one")
        self.recording = Recording(self.directory, self.tag, Config(runs_dir=self.directory.parent), Redactor())

    def __enter__(self):
        self.recording.open(start())
        return self

    def __exit__(self, *_):
        self.recording.stop_listening()
        self.recording.close(status="success", status_reason=None, exit_code=0, signal=None, memory_mb=None)
        self.recording.release()
        self._folder.cleanup()

    def journal(self):
        return list(read(self.directory / "journal.jsonl"))

    def warn(self, message, level="WARNING"):
        event = {"timestamp": NOW, "level": level, "message": message, "run_id": "one", "logger": "sim"}
        self.recording.note_issue(event, {})


years = st.sampled_from([None, 2025, 2026])
operations = st.tuples(
    st.just("operation"),
    st.sampled_from(["year_simulation", "year_simulation/hiring", "load"]),
    st.booleans(),
    years,
    st.integers(0, 5000),
    st.sampled_from(["success", "failed", "cancelled"]),
)
others = st.sampled_from(
    [
        ("tick",),
        ("warning",),
        ("error",),
        ("check", "pass"),
        ("check", "fail"),
        ("count",),
        ("checkpoint",),
        ("signal",),
    ]
)
stories = st.lists(st.one_of(operations, others), max_size=60)


def act(live, action):
    kind, *rest = action
    if kind == "operation":
        path, logged, year, milliseconds, status = rest
        record = ended(
            path, logged=logged, year=year, milliseconds=milliseconds, status=status, rows=milliseconds or None
        )
        live.recording.figures.add(record)
    elif kind == "tick":
        live.recording.tick()
    elif kind in {"warning", "error"}:
        live.warn(f"a {kind}", kind.upper())
    elif kind == "check":
        live.recording.note_check(
            {
                "name": "payroll",
                "outcome": rest[0],
                "severity": "error",
                "value": float("nan"),
                "time": NOW,
                "year": 2025,
            }
        )
    elif kind == "count":
        live.recording.figures.count("hires", 0.1, {"level": "L1"})
    elif kind == "checkpoint":
        live.recording.add("checkpoint", year=2025, path=None)
    else:
        live.recording.add("signal", signal="SIGTERM")


@settings(deadline=None, max_examples=60)
@given(stories)
def test_the_live_summary_is_the_fold_of_the_journal(story):
    """Whatever happens in whatever order, the run and a reader of its journal come to the same summary."""
    with Live() as live:
        for action in story:
            act(live, action)
        # No tick comes in between.
        live.recording.stop_listening()
        summary = live.recording.current_summary()
        assert fold(live.journal()) == json.loads(json.dumps(summary))
        VALIDATOR.validate(summary)


@settings(deadline=None, max_examples=60)
@given(stories, st.data())
def test_a_run_killed_anywhere_keeps_its_logged_operations_exactly(story, data):
    """Cut after any record, the journal holds each logged operation once, and the others as of the last tick."""
    with Live() as live:
        for action in story:
            act(live, action)
        live.recording.tick()
        journal = live.journal()
    cut = journal[: data.draw(st.integers(0, len(journal)))]
    summary = fold(cut)
    VALIDATOR.validate(summary)
    logged = [record["record"] for record in cut if record["kind"] == "operation"]
    quiet = [
        stats["count"]
        for record in cut
        if record["kind"] == "tick"
        for stats in record["metrics"]["operations"].values()
    ]
    told = sum(stats["count"] for stats in summary["performance_metrics"].values())
    ticks = [number for number, record in enumerate(cut) if record["kind"] == "tick"]
    after = [record for record in cut[ticks[-1] + 1 if ticks else 0 :] if record["kind"] == "operation"]
    assert told == sum(quiet) + len(after)
    assert told >= len(logged)
    assert summary["execution_summary"]["operations"] == told


@settings(deadline=None, max_examples=30)
@given(st.lists(operations, max_size=80), st.integers(1, 9))
def test_ticks_change_no_figure(story, each):
    """With ticks in between or none, the figures are those of the operations."""
    tables = []
    for ticking in (False, True):
        with Live() as live:
            for number, action in enumerate(story):
                act(live, action)
                if ticking and number % each == 0:
                    live.recording.tick()
            tables.append(live.recording.current_summary()["performance_metrics"])
    assert tables[0] == tables[1]
    assert sum(stats["count"] for stats in tables[0].values()) == len(story)


def test_no_operation_is_lost_or_doubled_under_threads():
    """While threads end operations and ticks come at any moment, each is counted once, at every cut of the journal."""
    with Live() as live:
        done = threading.Event()

        def work(path, logged):
            for _ in range(400):
                live.recording.figures.add(ended(path, logged=logged))

        def tick():
            while not done.is_set():
                live.recording.tick()

        ticking = threading.Thread(target=tick)
        working = [threading.Thread(target=work, args=(f"w{n % 2}", n % 2 == 0)) for n in range(4)]
        for thread in (ticking, *working):
            thread.start()
        for thread in working:
            thread.join()
        done.set()
        ticking.join()
        summary = live.recording.current_summary()
        journal = live.journal()
    assert {path: stats["count"] for path, stats in summary["performance_metrics"].items()} == {"w0": 800, "w1": 800}
    assert fold(journal) == json.loads(json.dumps(summary))
    folding, logged = Fold(), 0
    for record in journal:
        folding.add(record)
        logged += record["kind"] == "operation"
        if record["kind"] == "tick" or logged % 50 == 0:
            assert folding.summary()["performance_metrics"].get("w0", {"count": 0})["count"] == logged


def test_a_signal_in_the_middle_of_a_record_loses_nothing():
    """What a signal handler records while a record is being folded waits for its turn."""
    with Live() as live:
        live.recording._folding = True
        live.recording.add("signal", signal="SIGTERM")
        live.recording._folding = False
        live.warn("few hires")
        summary = live.recording.current_summary()
    assert (summary["run_metadata"]["signal"], summary["execution_summary"]["warnings"]) == ("SIGTERM", 1)


def test_nothing_makes_a_valid_summary():
    """A run that died before its first record reads as one that is not final."""
    summary = fold([])
    VALIDATOR.validate(summary)
    assert summary["run_metadata"]["final"] is False


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "torn", "line": 3, "bytes": 7},
        {"kind": "tick", "time": NOW},
        {"kind": "issue", "time": NOW, "severity": "odd", "event": {}},
        {"kind": "operation", "time": NOW, "logged": 1, "record": {"path": "a"}},
        {"kind": "check"},
        {"kind": "end", "time": NOW},
    ],
)
def test_what_makes_no_sense_is_counted_and_costs_itself_alone(record):
    """A torn or damaged record is told in the summary, and the others still count."""
    records = [{"kind": "start", "time": NOW, **start()}, record, {"kind": "tags", "time": NOW, "tags": ["late"]}]
    summary = fold(records)
    VALIDATOR.validate(summary)
    assert summary["observability"]["torn_lines"] == 1
    assert summary["run_metadata"]["tags"] == ["late"]


def test_unknown_kinds_are_passed_over():
    """A later version may write more than this one knows."""
    summary = fold([{"kind": "start", "time": NOW, **start()}, {"kind": "seal", "time": NOW}])
    assert summary["observability"]["torn_lines"] == 0


def test_lists_are_bounded_and_say_so():
    """Artifacts and tags without end are cut, with the number of those left out."""
    artifact = {"path": "x", "kind": "output", "bytes": 1, "sha256": None, "time": NOW}
    records = [{"kind": "artifact", "time": NOW, "artifact": artifact}] * (MAX_ARTIFACTS + 5)
    records += [{"kind": "tags", "time": NOW, "tags": [str(number) for number in range(MAX_TAGS + 3)]}]
    summary = fold([{"kind": "start", "time": NOW, **start()}, *records])
    VALIDATOR.validate(summary)
    assert len(summary["artifacts"]) == MAX_ARTIFACTS
    assert summary["observability"]["overflow"] == {"artifacts": 5, "tags": 3}


def test_workers_shares_add_up():
    """A worker's ticks and logged operations count beside the run's own, whichever order they are read in."""

    def share(worker):
        with Live() as live:
            live.recording.figures.add(ended("step", logged=True))
            live.recording.tick()
            live.recording.figures.add(ended("step", logged=True))
            records = [record for record in live.journal() if record["kind"] in {"tick", "operation"}]
        return [{**record, "worker": worker} for record in records]

    one, two = share("host-1"), share("host-2")
    begin = [{"kind": "start", "time": NOW, **start()}]
    forth, back = fold(begin + one + two), fold(begin + two + one)
    assert forth["performance_metrics"]["step"]["count"] == 4
    assert forth == back


def test_the_running_summary_is_throttled(tmp_path):
    """However often ticks come, summaries are written at least a second apart; a slow one makes them rarer."""
    with Live() as live:
        path = live.directory / "summary.json"
        first = path.stat().st_ino
        for _ in range(20):
            live.recording._on_tick()
        assert live.recording._summary_due >= listening.TICK_SECONDS * 0.9
        assert path.stat().st_ino in {first, path.stat().st_ino}
        seen = {first}
        for _ in range(20):
            live.recording._on_tick()
            seen.add(path.stat().st_ino)
        assert len(seen) <= 2


def test_a_running_summary_that_takes_much_of_the_cpu_is_written_each_half_minute_all_the_same(monkeypatch):
    """What it foretells comes in time also on a computer on which each takes a second."""
    with Live() as live:
        monkeypatch.setattr(clock, "thread_cpu_ns", itertools.count(step=10**9).__next__)
        live.recording._summary_due = 0.0
        live.recording._on_tick()
        assert 29.0 < live.recording._summary_due - live.recording.seconds <= 30.0


def test_a_duration_outlives_the_last_tick():
    """A dead run lasted until its last record, not until its last tick."""
    later = format_timestamp(parse_timestamp(NOW) + 90 * 10**9)
    summary = fold([{"kind": "start", "time": NOW, **start()}, {"kind": "checkpoint", "time": later, "year": 2025}])
    assert summary["run_metadata"]["duration_seconds"] == 90.0


def tick(seconds, opened=(), covered=0.0, **more):
    metrics = {"operations": {}, "counters": [], "gauges": [], "distributions": []}
    return {
        "kind": "tick", "time": NOW, "seconds": seconds, "covered_seconds": covered, "logged": 0, "metrics": metrics,
        "open_operations": list(opened), "resources": {"cpu_seconds": 1.0}, "issues": [], "checks": [],
        "events": {"written": 0, "bytes": 0, "dropped": {}}, "cost": {"seconds": 0.0, "journal_bytes": 0},
        "dropped": {}, **more,
    }  # fmt: skip


def test_what_recording_cost_is_that_of_all_processes():
    """The workers' share is added, and held against the time and the CPU time of the run and its workers together."""
    ticks = [
        tick(8.0, cost={"seconds": 0.1, "journal_bytes": 10}, resources={"cpu_seconds": 1.0}),
        tick(6.0, worker="one", cost={"seconds": 0.4, "journal_bytes": 5}, resources={"cpu_seconds": 5.0}),
        tick(6.0, worker="two", cost={"seconds": 0.5, "journal_bytes": 5}, resources={"cpu_seconds": 4.0}),
    ]
    cost = fold([{"kind": "start", "time": NOW, **start()}, *ticks])["observability"]
    assert (cost["seconds"], cost["percent"], cost["cpu_percent"], cost["bytes"]) == (1.0, 5.0, 10.0, 20)


def test_what_recording_cost_is_held_against_all_that_the_run_started():
    """dbt's CPU time is the run's as well: beside that of the parent alone, which waits for it, any cost is large."""
    used = {"cpu_seconds": 1.0, "tree": {"cpu_seconds": 40.0}}
    record = tick(60.0, cost={"seconds": 0.4, "journal_bytes": 10}, resources=used)
    summary = fold([{"kind": "start", "time": NOW, **start()}, record])
    assert summary["observability"]["cpu_percent"] == 1.0
    assert summary["resources"]["cpu_seconds"] == 1.0


def test_what_came_after_the_last_tick_is_in_no_operation_only_where_the_run_said_so():
    """A run that was found dead has its coverage as of its last tick, and none without any; one that ended knows it."""
    begin, work = {"kind": "start", "time": NOW, **start()}, logged(1, ended("load", logged=True, milliseconds=4000))
    found = {"kind": "end", "time": NOW, "seconds": 5.0, "status": "crashed", "recovered_by": {"pid": 7}}
    dead = fold([begin, work, found])
    assert dead["breakdown"]["coverage_percent"] is None
    assert dead["observability"]["percent"] is None
    assert [row["operation_path"] for row in dead["bottlenecks"]] == ["load"]
    assert fold([begin, tick(4.0, covered=3.0), work, found])["breakdown"]["coverage_percent"] == 75.0
    told = {key: value for key, value in found.items() if key != "recovered_by"}
    assert fold([begin, tick(5.0, covered=3.0), work, told])["breakdown"]["coverage_percent"] == 60.0


def logged(number, record, **more):
    return {"kind": "operation", "time": NOW, "logged": number, "record": record.to_dict(), **more}


def opened(path, started=NOW, **breakdown):
    return {"path": path, "name": path, "started": started, "seconds": 1.0, "breakdown": breakdown}


def test_an_operation_that_ended_since_the_last_tick_is_not_open():
    """Only the one that ended is taken off: of two alike the one that started then."""
    begin = {"kind": "start", "time": NOW, **start()}
    later = "2025-01-01T00:00:07.000000Z"
    ticking = tick(9.0, [opened("year", year=2025), opened("year", later, year=2026), opened("load")])
    summary = fold([begin, ticking, logged(1, ended("year", logged=True, year=2025))])
    assert [(found["path"], found["started"]) for found in summary["resources"]["open_operations"]] == [
        ("year", later), ("load", NOW),
    ]  # fmt: skip
    assert summary["execution_summary"]["years_completed"] == [2025]


def test_an_operation_that_ended_long_before_the_tick_takes_nothing_off():
    """A short one that came just before one of the same kind is not taken for that."""
    begin = {"kind": "start", "time": NOW, **start()}
    later = "2025-01-01T00:00:01.000000Z"
    next_one = opened("year", "2025-01-01T00:00:00.001000Z")
    summary = fold([begin, logged(1, ended("year", logged=True)), tick(1.0, [next_one], time=later)])
    assert summary["resources"]["open_operations"] == [next_one]


def test_an_end_that_stands_before_its_tick_counts():
    """An operation may end while a tick is made: its record comes first, and the tick still lists it."""
    begin = {"kind": "start", "time": NOW, **start()}
    summary = fold([begin, logged(1, ended("year", logged=True)), tick(9.0, [opened("year")])])
    assert summary["resources"]["open_operations"] == []
    assert summary["performance_metrics"]["year"]["count"] == 1


def test_a_worker_s_operations_are_its_own():
    """What ends in one process takes nothing off that is open in another, and the summary says where it is open."""
    begin = {"kind": "start", "time": NOW, **start()}
    records = [tick(9.0, [opened("year")]), tick(1.0, [opened("year")], worker="here-7")]
    summary = fold([begin, *records, logged(1, ended("year", logged=True), worker="here-7")])
    assert summary["resources"]["open_operations"] == [opened("year")]
    summary = fold([begin, *records, logged(1, ended("year", logged=True))])
    assert summary["resources"]["open_operations"] == [{**opened("year"), "worker": "here-7"}]
    assert summary["resources"]["cpu_seconds"] == 2.0


def test_rows_are_the_same_in_all_tables():
    """Where a year has not ended its parts' rows count, in the total as in the table by year."""
    operations = [
        ended("year", logged=True, year=2025, rows=1355),
        ended("year/hiring", logged=True, year=2025, rows=900),
        ended("year/hiring", logged=True, year=2026, rows=545),
        ended("year/hiring/batch", logged=True, year=2026, rows=500),
    ]
    records = [logged(number, operation) for number, operation in enumerate(operations, start=1)]
    summary = fold([{"kind": "start", "time": NOW, **start()}, *records])
    years = summary["breakdown"]["by"]["year"]
    assert {year: row["rows"] for year, row in years.items()} == {"2025": 1355, "2026": 545}
    assert summary["execution_summary"]["rows"] == 1900


def test_rows_outside_of_years_are_counted_once():
    """Rows of an operation around the years stand for those inside; beside them they are added."""
    inside = [ended("simulate/year", logged=True, year=2025, rows=10), ended("load", logged=True, rows=5)]
    records = [logged(number, operation) for number, operation in enumerate(inside, start=1)]
    begin = {"kind": "start", "time": NOW, **start()}
    assert fold([begin, *records])["execution_summary"]["rows"] == 15
    around = logged(3, ended("simulate", logged=True, rows=12))
    assert fold([begin, *records, around])["execution_summary"]["rows"] == 17


def test_coverage_is_the_share_of_the_run_s_time():
    """From start to end, as far as it is known: until the last tick where there is no end."""
    begin = {"kind": "start", "time": NOW, **start()}
    end = {"kind": "end", "time": NOW, "seconds": 10.0, "events": {"written": 0, "bytes": 0, "dropped": {}}}
    for records, covered, rest in (
        ([], None, 0.0),
        ([tick(8.0, covered=2.0)], 25.0, 6.0),
        ([tick(8.0, covered=2.0), end], 20.0, 8.0),
        ([tick(8.0), end], 0.0, 10.0),
    ):
        breakdown = fold([begin, *records])["breakdown"]
        assert (breakdown["coverage_percent"], breakdown["unattributed_seconds"]) == (covered, rest)


@pytest.mark.parametrize("errors", [0, 1])
def test_a_failure_in_the_program_s_own_words_is_an_error_unless_there_is_another(errors):
    """Also where the run died before it could say how it ended."""
    event = {"timestamp": NOW, "level": "ERROR", "message": "bad", "logger": "sim"}
    issue = {"kind": "issue", "time": NOW, "event": event, "context": {}, **catalogue.identify(event)}
    failed = {"kind": "fail", "time": NOW, "reason": "no hires", "operation_path": "year"}
    summary = fold([{"kind": "start", "time": NOW, **start()}, failed, *[issue] * errors])
    VALIDATOR.validate(summary)
    [told] = summary["issues"]["errors"]
    assert summary["execution_summary"]["errors"] == told["count"] == 1
    assert told["message"] == ("bad" if errors else "no hires")
    if not errors:
        assert (told["type"], told["category"], told["operation_path"]) == ("fail", "unknown", "year")
