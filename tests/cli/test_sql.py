"""`navigator-obs sql`: questions to logs and runs."""

from __future__ import annotations

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.cli.sql import columns_of
from navigator_obs.events.compression import compress, has_zstd


@pytest.fixture
def sql(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def ask(*arguments: str, code: int = 0) -> str:
        recorder.lines()
        assert main(["sql", *arguments]) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    return ask


def rows(printed: str) -> list[dict]:
    return [json.loads(line) for line in printed.splitlines()]


def simulate(name: str = "baseline", fails: bool = False) -> str:
    log = obs.get_logger("planwise")
    run = obs.start_run(name, params={"seed": 42})
    try:
        with run:
            for year in (2025, 2026):
                with obs.context(year=year), obs.operation("year_simulation") as op:
                    op.add_rows(10)
                    log.info("year simulated", headcount=100 + year, scenario="low")
            obs.check("headcount_gap", 1, max=0)
            if fails:
                raise ValueError("the workforce is empty")
    except ValueError:
        pass
    return run.run_id


def test_events_are_asked_with_their_own_fields(sql):
    """Keys of all events, of operations and the program's own are columns with their types."""
    simulate()
    found = rows(sql("--json", "select year, rows, status from events where operation='year_simulation' order by 1"))
    assert found == [{"year": y, "rows": 10, "status": "success"} for y in (2025, 2026)]
    assert rows(sql("--json", "select max(headcount) m from events where scenario='low'")) == [{"m": 2126}]
    assert rows(sql("--json", "select count(*) n from events where timestamp > '2020-01-01'"))[0]["n"] > 3


def test_runs_operations_issues_and_checks_are_views(sql):
    """They join by the run's id, and hold what summaries hold."""
    simulate()
    failed = simulate("what-if", fails=True)
    query = """
        select runs.name, checks_failed, operations.operation_path, issues.message, outcome
        from runs join operations using (run_id) join checks using (run_id)
        left join issues on issues.run_id = runs.run_id and issues.severity = 'error'
        where runs.status = 'failed'"""
    (found,) = rows(sql("--json", query))
    assert found["name"] == "what-if"
    assert found["operation_path"] == "year_simulation"
    assert found["message"] == "the workforce is empty"
    assert found["outcome"] == "warn"
    assert rows(sql("--json", "select params from runs where run_id = '" + failed + "'")) == [{"params": {"seed": 42}}]


def test_a_living_run_and_a_dead_one_are_told_as_they_stand(sql, recorder):
    """Their figures come from the journal, their status from what this host sees."""
    code = """
import os, navigator_obs as obs
obs.configure(console="off")
obs.start_run("doomed").__enter__()
with obs.operation("load_census"):
    pass
obs.get_logger("planwise").error("no census")
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=recorder.root, check=False)
    with obs.start_run("alive"), obs.operation("hiring"):
        found = rows(sql("--json", "select name, status, errors from runs order by name"))
        assert found == [
            {"name": "alive", "status": "running", "errors": 0},
            {"name": "doomed", "status": "crashed", "errors": 1},
        ]
        assert "load_census" in sql("select operation_path from operations")
        assert rows(sql("--json", "select message from events where level='ERROR'")) == [{"message": "no census"}]


def test_torn_lines_and_compressed_files_are_taken_as_they_are(sql, recorder):
    """A torn line is left out and spoils no other; rotated files count, compressed or not."""
    recorder.log_dir.mkdir(parents=True, exist_ok=True)
    event = '{{"timestamp":"2025-08-18T10:00:0{n}.000000Z","level":"INFO","message":"{n}","n":{n}}}\n'
    log = recorder.log_dir / "navigator.log"
    recorder.lines()
    with gzip.open(f"{log}.2.gz", "wt") as file:
        file.write(event.format(n=1))
    Path(f"{log}.1").write_text(event.format(n=2) + "garbage\n[1]\n\0\0\0\n")
    log.write_text(event.format(n=3) + '{"timestamp":"2025-08-18T10:0')
    assert rows(sql("--json", "select n from events order by n")) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert rows(sql("--json", "select n from events where message = '2'")) == [{"n": 2}]


@pytest.mark.skipif(not has_zstd(), reason="needs the zstd extra")
@pytest.mark.parametrize("is_there", [True, False])
def test_zstd_files_are_asked_with_or_without_a_library_for_them(sql, recorder, monkeypatch, is_there):
    """DuckDB reads them by itself."""
    if not is_there:
        monkeypatch.setattr("navigator_obs.cli.views.has_zstd", lambda: False)
    event = '{{"timestamp":"2025-08-18T10:00:0{n}.000000Z","level":"INFO","message":"{n}","n":{n}}}\n'
    recorder.log_dir.mkdir(parents=True, exist_ok=True)
    with (recorder.log_dir / "navigator.log.2.zst").open("wb") as file:
        compress(io.BytesIO(event.format(n=1).encode()), file, "zstd")
    (recorder.log_dir / "navigator.log").write_text(event.format(n=2))
    assert rows(sql("--json", "select n from events order by n")) == [{"n": 1}, {"n": 2}]
    assert rows(sql("--json", "select n from events where message = '1'")) == [{"n": 1}]


def test_a_field_that_is_rare_is_found(sql, recorder, monkeypatch):
    """A key that no sampled line has is looked for in the whole log; one that no line has is a mistake."""
    monkeypatch.setattr("navigator_obs.cli.views._SAMPLED_BYTES", 200)
    monkeypatch.setattr("navigator_obs.cli.views._SAMPLES", 1)
    log = obs.get_logger("planwise")
    for number in range(50):
        log.info("usual", number=number, **({"rarity": "seen"} if number == 20 else {}))
    assert rows(sql("--json", "select rarity from events where rarity is not null")) == [{"rarity": "seen"}]
    assert "rarest" in sql("select rarest from events", code=2)


def test_a_line_longer_than_duckdb_takes_by_itself_is_read(sql, recorder):
    """An event of 40 MB hides neither itself nor the others."""
    recorder.lines()
    recorder.log_dir.mkdir(parents=True, exist_ok=True)
    event = '{{"timestamp":"2025-08-18T10:00:00.000000Z","level":"INFO","message":"{text}","n":{n}}}\n'
    told = [event.format(text="x" * size, n=n) for n, size in enumerate((1, 40_000_000, 2))]
    (recorder.log_dir / "navigator.log").write_text("".join(told))
    assert [row["n"] for row in rows(sql("--json", "select n, length(message) m from events"))] == [0, 1, 2]


def test_a_last_line_without_its_newline_counts_when_it_is_whole(sql, recorder):
    """Looked for in the bytes or parsed, the same events are there."""
    recorder.lines()
    recorder.log_dir.mkdir(parents=True, exist_ok=True)
    event = '{"timestamp":"2025-08-18T10:00:00.000000Z","level":"ERROR","message":"last"}'
    usual = event.replace("ERROR", "INFO") + "\n"
    (recorder.log_dir / "navigator.log").write_text(usual * 50 + event)
    assert len(rows(sql("--json", "select message from events where level = 'ERROR'"))) == 1
    assert len(rows(sql("--json", "select message from events where lower(level) = 'error'"))) == 1


def test_a_value_that_does_not_fit_is_one_line(sql):
    """What fails only when rows are fetched is told as other mistakes are."""
    log = obs.get_logger("planwise")
    for number in range(3):
        log.info("usual", number=number)
    assert "Could not convert" in sql("select cast(message as integer) from events", code=2)


def test_values_of_several_types_become_text(sql):
    """A field that is a number here and a text there can be asked as text, and nothing of it is lost."""
    log = obs.get_logger("planwise")
    for value in (1, "two", 3.5):
        log.info("odd", odd=value)
    assert [row["odd"] for row in rows(sql("--json", "select odd from events where odd is not null"))] == [
        "1",
        "two",
        "3.5",
    ]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select", "Parser Error"),
        ("select nme from runs", "Candidate"),
        ("from evnts", "did you mean 'events'"),
        ("create table t (i int)", "only reads"),
        ("select 1; select 2", "one query, not 2"),
        ("", "one query, not 0"),
    ],
)
def test_a_wrong_query_is_one_line_and_exit_code_2(sql, query: str, told: str):
    """What DuckDB says is told in one line, without a traceback."""
    err = sql(query, code=2)
    assert told in err
    assert err.count("\n") == 1


def test_it_prints_tables_csv_and_what_there_is_to_ask(sql):
    """Without a query the views are told with their columns."""
    simulate()
    title, line = sql("select name, errors from runs").splitlines()
    assert title.split() == ["name", "errors"]
    assert line.split() == ["baseline", "0"]
    assert list(csv.DictReader(io.StringIO(sql("--csv", "select name, tags from runs")))) == [
        {"name": "baseline", "tags": "[]"}
    ]
    told = sql()
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "events",
        "runs",
        "operations",
        "issues",
        "checks",
    ]
    assert "headcount BIGINT" in told


def test_without_a_log_there_are_no_events(tmp_path, monkeypatch, capsys):
    """An empty folder is no mistake: the views are there and have no rows."""
    monkeypatch.chdir(tmp_path)
    assert main(["sql", "--json", "select count(*) n from events, runs"]) == 0
    assert json.loads(capsys.readouterr().out) == {"n": 0}


def test_the_columns_of_a_view_fit_the_terminal():
    """A line is broken between columns; in a pipe a view is one line, whatever its length."""
    columns = ["timestamp TIMESTAMP", "level VARCHAR", "message VARCHAR", "duration_seconds DOUBLE"]
    assert columns_of("events", columns, 60) == [
        "events: timestamp TIMESTAMP, level VARCHAR, message VARCHAR,",
        "  duration_seconds DOUBLE",
    ]
    assert len(columns_of("events", columns * 10, None)) == 1
