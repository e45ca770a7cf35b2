"""The recorded simulation: log, summary and database tell the same, and the record changes nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from navigator_obs import demo
from navigator_obs.demo.recorded import simulate
from navigator_obs.demo.steps import STEPS
from navigator_obs.demo.workforce import Plan, SimulationError, Workforce
from navigator_obs.runs import schema

PLAN = Plan(employees=300, years=(2025, 2026, 2027))
FIRST_KEYS = "timestamp level message run_id logger module function line process thread seq".split()


def rows(connection, query):
    return connection.execute(query).fetchall()


@pytest.fixture
def connection():
    with duckdb.connect() as opened:
        yield opened


def of_run(events, run):
    return [event for event in events if event.get("run_id") == run.run_id]


def test_log_summary_and_database_agree(recorder, connection):
    """The numbers of simulation events in INFO batches, DEBUG lines and summary are what the database holds."""
    recorder.configure(level="DEBUG")
    run = simulate(PLAN, connection)
    held = Counter(dict(rows(connection, "SELECT event_type, count(*) FROM simulation_event GROUP BY ALL")))
    batches = recorder.events("batch simulated")
    told = Counter()
    for batch in batches:
        told[batch["event_type"]] += batch["events"]
    assert len(batches) == len(PLAN.years) * len(STEPS)
    assert told == held
    counters = [entry for entry in run.summary["metrics"]["counters"] if entry["name"] == "simulation_events"]
    assert {entry["labels"]["event_type"]: entry["value"] for entry in counters} == held
    by_year = dict(rows(connection, "SELECT simulation_year::VARCHAR, count(*) FROM simulation_event GROUP BY ALL"))
    performance = run.summary["performance_metrics"]
    assert {year: figures["rows"] for year, figures in performance["year_simulation"]["by"]["year"].items()} == by_year
    assert {step.event_type: performance[f"year_simulation/{step.name}"]["rows"] for step in STEPS} == held
    assert [event["event_id"] for event in recorder.events() if "event_id" in event] == [
        event_id for (event_id,) in rows(connection, "SELECT event_id FROM simulation_event")
    ]


def test_each_simulation_event_as_the_database_holds_it(recorder, connection):
    """A DEBUG line says of its simulation event what the database does, and to which batch it belongs."""
    recorder.configure(level="DEBUG")
    simulate(PLAN, connection)
    columns = "event_id, simulation_year, event_type, employee_id, effective_date::VARCHAR, compensation::DOUBLE"
    keys = ("event_id", "year", "event_type", "employee_id", "effective_date", "compensation")
    logged = [tuple(event[key] for key in keys) for event in recorder.events("simulation event")]
    assert logged == rows(connection, f"SELECT {columns} FROM simulation_event")
    hire = next(event for event in recorder.events("simulation event") if event["event_type"] == "hire")
    assert (hire["batch"], hire["operation_path"]) == ("2025-hire", "year_simulation/hiring")


def test_every_line_of_the_log(recorder, connection):
    """Each line parses, opens with the schema's keys in their order and carries the run's id."""
    run = simulate(PLAN, connection)
    events = recorder.events()
    assert [list(event)[: len(FIRST_KEYS)] for event in events] == [FIRST_KEYS] * len(events)
    assert {event["run_id"] for event in events} == {run.run_id}
    assert [event["seq"] for event in events] == list(range(events[0]["seq"], events[0]["seq"] + len(events)))


def test_events_of_a_year_carry_it(recorder, connection):
    """All that is logged within a year says which; census, backup, start, end and progress say none."""
    simulate(PLAN, connection)
    events = [event for event in recorder.events() if event["logger"] != "navigator_obs.progress"]
    outside = {event["message"] for event in events if "year" not in event}
    assert outside == {"Run started", "census loaded", "load_census completed", "back_up completed", "Run completed"}


def test_level_info_logs_no_simulation_event(recorder, connection):
    """At INFO no simulation event is logged, and none is read back from the database."""
    asked = []

    class Spied:
        def __getattr__(self, name):
            return getattr(connection, name)

        def execute(self, sql, *values):
            asked.append(sql)
            return connection.execute(sql, *values)

    simulate(PLAN, Spied())
    assert asked
    assert not any("event_id" in sql and "ORDER BY event_id" in sql for sql in asked)
    assert recorder.events("simulation event") == []


def test_level_of_one_year(recorder, connection):
    """A year's logger has its own level: DEBUG for 2026 alone logs the simulation events of 2026 alone."""
    recorder.configure(levels={"workforce.2026": "DEBUG"})
    simulate(PLAN, connection)
    [(held,)] = rows(connection, "SELECT count(*) FROM simulation_event WHERE simulation_year = 2026")
    assert Counter(event["year"] for event in recorder.events("simulation event")) == {2026: held}


def test_recording_changes_nothing(recorder, connection, tmp_path):
    """The recorded simulation makes the very simulation events and workforce of the plain one."""
    recorder.configure(level="DEBUG")
    simulate(PLAN, connection)
    with duckdb.connect() as plain:
        Workforce(plain, PLAN, tmp_path / "plain").simulate()
        for query in ("FROM simulation_event", "FROM workforce ORDER BY employee_id", "FROM yearly_result"):
            assert rows(connection, query) == rows(plain, query)


def test_summary_of_a_success(recorder, connection):
    """The summary has status, plan, planned and completed years, checks, checkpoints and the backup, by its schema."""
    run = simulate(PLAN, connection)
    summary = run.summary
    assert run.status == "success"
    assert summary["configuration"]["params"]["seed"] == 42
    execution = summary["execution_summary"]
    assert execution["years_planned"] == execution["years_completed"] == [2025, 2026, 2027]
    assert execution["backup_created"] is True
    assert execution["errors"] == 0
    assert execution["checks"]["pass"] + execution["checks"]["warn"] == 3 * 3
    files = {Path(artifact["path"]).name: artifact for artifact in summary["artifacts"]}
    assert {name: artifact["kind"] for name, artifact in files.items()} == {
        "backup.duckdb": "backup",
        **{f"workforce_{year}.parquet": "checkpoint" for year in PLAN.years},
    }
    assert all(Path(artifact["path"]).stat().st_size == artifact["bytes"] for artifact in files.values())


def test_operations_cover_the_run(recorder, connection):
    """Each year has the operations of all steps; their times add up to no more than the year's."""
    run = simulate(PLAN, connection)
    performance = run.summary["performance_metrics"]
    steps = [step.name for step in STEPS]
    assert set(performance) == {
        "load_census",
        "back_up",
        "year_simulation",
        *(f"year_simulation/{name}" for name in [*steps, "validation", "checkpoint"]),
    }
    inner = sum(performance[path]["total_seconds"] for path in performance if "/" in path)
    assert 0 < inner <= performance["year_simulation"]["total_seconds"]
    assert performance["year_simulation"]["count"] == 3


def test_checks_can_fail(recorder, connection):
    """Participation above what is funded is a warning of its year, in the log and in the summary."""
    run = simulate(Plan(employees=300, years=(2025, 2026), funded_participation=0.1), connection)
    warnings = [event for event in recorder.events() if event["level"] == "WARNING"]
    assert [(event["check"], event["year"]) for event in warnings] == [
        ("participation_rate", 2025),
        ("participation_rate", 2026),
    ]
    assert run.summary["execution_summary"]["warnings"] == 2
    assert run.status == "success"


def test_failing_year(recorder, connection):
    """A database error ends the run as failed, with its cause chain, path and year, and two finished years' figures."""
    with pytest.raises(SimulationError):
        simulate(Plan(employees=300, fail_in=2027), connection)
    [event] = [event for event in recorder.events() if "exception" in event]
    assert (event["level"], event["operation_path"], event["year"]) == ("ERROR", "year_simulation/hiring", 2027)
    assert event["exception"]["type"].endswith("SimulationError")
    [cause] = event["exception"]["causes"]
    assert cause["type"].endswith("ConstraintException")
    assert "2027-hire-" in cause["message"]


def test_summary_of_a_failing_year(recorder, connection):
    """The failed run's summary has the error once, the finished years, and counts that the database confirms."""
    held = []

    class Keeper:
        def run_started(self, run):
            pass

        def run_finished(self, summary, directory):
            held.append(summary)

    with pytest.raises(SimulationError):
        simulate(Plan(employees=300, fail_in=2027), connection, observers=[Keeper()])
    [summary] = held
    execution = summary["execution_summary"]
    assert summary["run_metadata"]["status"] == "failed"
    assert (execution["errors"], execution["years_completed"]) == (1, [2025, 2026])
    [error] = summary["issues"]["errors"]
    assert (error["operation_path"], error["context"]["year"]) == ("year_simulation/hiring", 2027)
    counted = sum(entry["value"] for entry in summary["metrics"]["counters"] if entry["name"] == "simulation_events")
    assert [(counted,)] == rows(connection, "SELECT count(*) FROM simulation_event")


def test_summary_schema(recorder, connection):
    """The summary is held against the shipped schema."""
    jsonschema = pytest.importorskip("jsonschema")
    run = simulate(PLAN, connection)
    jsonschema.validate(run.summary, schema.load())


def test_public_names_only():
    """What users copy imports the toolkit by its public names alone."""
    for path in Path(demo.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1
                assert not (node.module or "").startswith("navigator_obs")
            elif isinstance(node, ast.Import):
                ours = [name for name in node.names if name.name.startswith("navigator_obs")]
                assert all((name.name, name.asname) == ("navigator_obs", "obs") for name in ours)


def test_runs_as_a_program(tmp_path):
    """The example runs by itself and leaves a log and a run's folder where it was started."""
    command = [sys.executable, "-m", "navigator_obs.demo.recorded"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "logs" / "navigator.log").stat().st_size > 10_000
    assert len(list((tmp_path / "artifacts" / "runs").glob("*/summary.json"))) == 1
