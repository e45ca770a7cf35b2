"""`navigator-obs runs`: what the list tells, and how."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.listing import lines_of
from navigator_obs.cli.main import main
from navigator_obs.history.store import History
from tests.history.summaries import write
from tests.history.test_trends import runs as history_of


@pytest.fixture
def runs(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def call(*arguments: str) -> tuple[str, str]:
        assert main(["runs", *arguments]) == 0
        captured = capsys.readouterr()
        return captured.out, captured.err

    return call


def simulate(name: str, fails: bool = False) -> str:
    run = obs.start_run(name)
    try:
        with run:
            if fails:
                raise ValueError("the workforce is empty")
    except ValueError:
        pass
    return run.run_id


def test_an_empty_folder_is_no_mistake(runs):
    """Where there are no runs yet, stderr says so and stdout is empty, or an empty list."""
    assert runs()[0] == ""
    assert "no runs in artifacts/runs" in runs()[1]
    assert json.loads(runs("--json")[0]) == []


def test_the_list_is_aligned_newest_first(runs):
    """One line for each run below the titles, the newest on top, columns in line."""
    first, second = simulate("baseline"), simulate("what-if", fails=True)
    title, newest, oldest = runs()[0].splitlines()
    assert newest.split()[:3] == [second, "what-if", "failed"]
    assert oldest.split()[:3] == [first, "baseline", "success"]
    assert "ValueError: the workforce is empty" in newest
    assert {line.index(word) for line, word in ((title, "STATUS"), (newest, "failed"), (oldest, "success"))} == {
        title.index("STATUS")
    }


def test_the_list_can_be_narrowed(runs):
    """By status, by name, and to the newest few, which stderr then says."""
    simulate("baseline")
    failed = simulate("baseline", fails=True)
    simulate("other")
    assert [run["run_id"] for run in json.loads(runs("--status", "failed", "--json")[0])] == [failed]
    assert len(json.loads(runs("--name", "baseline", "--json")[0])) == 2
    out, err = runs("--limit", "1")
    assert len(out.splitlines()) == 2
    assert "1 of 3 runs" in err
    assert len(runs("--limit", "0")[0].splitlines()) == 4


def test_json_is_one_document_with_plain_values(runs):
    """Each run is an object whose figures are numbers."""
    run_id = simulate("baseline")
    (run,) = json.loads(runs("--json")[0])
    assert run["run_id"] == run_id
    assert (run["errors"], run["warnings"], run["status"]) == (0, 0, "success")
    assert run["duration_seconds"] > 0


def test_a_killed_run_shows_as_crashed(runs, recorder):
    """The list asks the system, not the file, whether a run lives."""
    code = """
import os, navigator_obs as obs
obs.configure(console="off")
obs.start_run("doomed").__enter__()
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=recorder.root, check=False)
    assert [run["status"] for run in json.loads(runs("--json")[0])] == ["crashed"]
    title, line = runs()[0].splitlines()
    assert line.index("vanished") == title.index("REASON")


def test_list_and_summary_tell_the_same_figures_of_a_dead_run(runs, recorder):
    """Both tell them from the journal, which is newer than the summary that was last written."""
    code = """
import os, time, navigator_obs as obs
obs.configure(console="off")
with obs.start_run("doomed"):
    obs.get_logger("planwise").warning("attrition above plan")
    time.sleep(0.05)
    obs.get_logger("planwise").error("the plan is empty")
    os._exit(9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=recorder.root, check=False)
    (run,) = json.loads(runs("--json")[0])
    summary = History(recorder.runs_dir).get("doomed").summary
    assert (run["errors"], run["warnings"]) == (1, 1)
    assert run["duration_seconds"] == summary["run_metadata"]["duration_seconds"] > 0.04


def test_a_name_drives_no_terminal(recorder):
    """Control characters in a name are shown, and the list keeps its lines."""
    simulate("evil\x1b[2J\nname")
    lines = lines_of(History(recorder.runs_dir).list())
    assert len(lines) == 2
    assert "\x1b" not in lines[1]
    assert r"evil\x1b[2J" in lines[1]


def test_long_reasons_stay_within_the_terminal(recorder):
    """On a terminal each run takes one line of it."""
    simulate("baseline", fails=True)
    lines = lines_of(History(recorder.runs_dir).list(), width=110)
    assert max(map(len, lines)) <= 110
    assert lines[1].endswith("…") or "ValueError" in lines[1]


def test_a_narrow_terminal_keeps_each_run_on_its_line(recorder):
    """At 80 columns the start goes, which the run's id tells too, and nothing wraps."""
    simulate("baseline", fails=True)
    lines = lines_of(History(recorder.runs_dir).list(), width=80)
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["RUN", "NAME", "STATUS", "DURATION", "ERRORS", "WARNINGS"]


def test_a_very_narrow_terminal_keeps_them_too(recorder):
    """At 60 columns the warnings go as well."""
    simulate("baseline", fails=True)
    lines = lines_of(History(recorder.runs_dir).list(), width=60)
    assert max(map(len, lines)) <= 60
    assert lines[0].split() == ["RUN", "NAME", "STATUS", "DURATION", "ERRORS"]


def test_runs_within_others_can_be_left_out(runs):
    """`--top` lists those that stand by themselves; the column `parent` tells of the others to which they belong."""
    with obs.start_run("batch") as batch:
        simulate("scenario")
    assert [run["name"] for run in json.loads(runs("--top", "--json")[0])] == ["batch"]
    assert runs("--columns", "name,parent")[0].split() == ["NAME", "PARENT", "scenario", batch.run_id, "batch"]


def test_a_foreign_folder_is_no_run(runs, recorder):
    """A folder without any of a run's files is passed over."""
    (recorder.runs_dir / "notes").mkdir(parents=True)
    assert json.loads(runs("--json")[0]) == []


def test_paths_in_the_list_are_usable(runs):
    """The folder that is told exists."""
    simulate("baseline")
    (run,) = json.loads(runs("--json")[0])
    assert Path(run["directory"], "summary.json").is_file()


def test_columns_are_chosen(runs):
    """Each column has its title, in the order that was asked for."""
    simulate("baseline")
    title, line = runs("--columns", "name,years,run,host,marks")[0].splitlines()
    assert title.split() == ["NAME", "YEARS", "RUN", "HOST", "MARKS"]
    assert line.split()[0] == "baseline"


def test_every_column_can_be_shown(runs):
    """None of them stumbles over a run that recorded little."""
    from navigator_obs.cli.listed import COLUMNS

    simulate("baseline", fails=True)
    lines = runs("--columns", ",".join(COLUMNS))[0].splitlines()
    assert len(lines) == 2
    assert "failed" in lines[1]


def test_several_statuses_patterns_and_ages(runs):
    """`--status` may be repeated, `*` stands for anything in a name, and `--since` takes an age."""
    simulate("baseline")
    failed = simulate("what-if", fails=True)
    assert len(json.loads(runs("--status", "failed", "--status", "success", "--json")[0])) == 2
    assert [run["run_id"] for run in json.loads(runs("--name", "what*", "--json")[0])] == [failed]
    assert len(json.loads(runs("--since", "1h", "--json")[0])) == 2
    assert json.loads(runs("--since", "0s", "--json")[0]) == []


def test_a_terminal_sees_how_long_the_successes_took(recorder):
    """Below the list stands a row of bars for each name that has succeeded often enough."""
    from navigator_obs.cli.listing import durations_of

    for _ in range(3):
        simulate("baseline")
    simulate("once")
    listed = History(recorder.runs_dir).list()
    blank, title, line = durations_of(listed, listed, 80)
    assert blank == ""
    assert title.startswith("How long")
    assert line.startswith("baseline  ")
    assert ", latest " in line
    assert len(line) <= 80
    assert durations_of(listed, listed[:1], 80) == []


@pytest.fixture
def slower(runs, recorder):
    """A history whose newest four runs took longer."""
    write(recorder.runs_dir, history_of(*[8.0] * 12, *[14.0] * 4))
    return runs


def test_programs_are_told_of_a_trend(slower):
    """Each run in `--json` has its trend, null or what it is and by how much, also where only the newest are shown."""
    trends = [run["trend"] for run in json.loads(slower("--json")[0])]
    assert [trend and trend["state"] for trend in trends] == ["step"] * 4 + [None] * 12
    assert trends[0]["change_percent"] == pytest.approx(60, abs=5)
    assert json.loads(slower("--json", "--since", "2025-08-01T15:30")[0])[0]["trend"]["state"] == "step"


def test_a_pipe_and_a_chosen_column_show_the_trend(slower):
    """Beside the runs of a rise, and nowhere else."""
    title, *lines = slower()[0].splitlines()
    assert title.endswith("TREND")
    assert ["▲" in line for line in lines] == [True] * 4 + [False] * 12
    cells = [line.split(maxsplit=1)[1:] for line in slower("--columns", "run,trend")[0].splitlines()[1:]]
    assert ["▲" in "".join(cell) for cell in cells] == [True] * 4 + [False] * 12


def test_a_long_name_gives_way_on_a_narrow_terminal(recorder):
    """No line is wider than the terminal, and the ends of a name tell which it is."""
    for name in ("nightly-workforce-baseline", "nightly-workforce-what-if"):
        simulate(name)
    lines = lines_of(History(recorder.runs_dir).list(), width=60)
    assert max(map(len, lines)) <= 60
    assert [line.split()[1] for line in lines[1:]] == ["nightly-…-what-if", "nightly-…baseline"]
    assert lines[1].split()[2:] == ["success", "0"]


@pytest.mark.parametrize("verb", ["runs", "show", "diagnose"])
def test_where_there_are_none_those_further_up_are_told(recorder, monkeypatch, capsys, verb):
    """Whoever stands in a folder of the project, and not at its top, learns where its runs are."""
    simulate("baseline")
    below = recorder.root / "reports" / "2026"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    main([verb])
    told = f"no runs in artifacts/runs; there are some in {recorder.runs_dir}: --runs-dir"
    assert told in capsys.readouterr().err
