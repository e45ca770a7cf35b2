"""The command as a whole: what it imports, how it says that something is wrong, and how it ends."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.cli.verbs import VERBS


def cli(*arguments: str, cwd: Path, **options) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "navigator_obs", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=300, check=False, **options)


def modules_of(arguments: list[str], cwd: Path) -> set[str]:
    code = (
        "import sys; from navigator_obs.cli.main import main\n"
        f"assert main({arguments!r}) == 0\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.fixture
def recorded(recorder):
    """A folder with one finished run and its log, in the default places."""
    log = obs.get_logger("planwise")
    with obs.start_run("baseline", params={"seed": 42}) as run:
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation") as op:
                op.add_rows(10)
                log.info("year simulated", headcount=10)
        log.warning("attrition above plan", rate=0.21)
    recorder.run_id = run.run_id
    recorder.lines()
    return recorder


# What each needs beside the run.
RUN_BY_PATH = {
    **dict.fromkeys(["show", "diagnose", "errors", "slow", "trace", "checks", "logs", "lineage", "verify"], ()),
    "bundle": ("-o", "bundle.tar.gz"),
    "tag": ("nightly",),
    "note": ("fine",),
    "level": (),
}
RUN_BY_PATH_SAYS = {
    "errors": "no errors",
    "slow": "year_simulation",
    "trace": "year_simulation",
    "checks": "check",
    "logs": "attrition above plan",
    "diagnose": "baseline",
    "bundle": "bundle.tar.gz",
    "note": "",
    "level": "as configured",
    "tag": "nightly",
}
READERS = [
    ["runs"],
    ["runs", "--limit", "1"],
    ["runs", "--columns", "run,rows"],
    ["show"],
    ["show", "--json"],
    ["logs"],
    ["logs", "--json"],
    ["logs", "--level", "WARNING", "-C", "2"],
    ["errors"],
    ["slow"],
    ["checks"],
    ["note", "last"],
]


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_reading_never_imports_structlog(recorded, arguments: list[str]):
    """Verbs that only read import neither structlog nor what simulations need, nor rich where nothing is styled."""
    found = modules_of(arguments, recorded.root)
    assert {name for name in ("structlog", "duckdb", "rich", "numpy", "sqlite3") if name in found} == set()


def test_the_list_of_runs_imports_next_to_nothing(recorded):
    """`runs` is asked for most: of finished runs it is told without click, orjson and psutil."""
    found = modules_of(["runs"], recorded.root)
    own = {name for name in found if name.startswith("navigator_obs.")}
    assert found & {"click", "orjson", "psutil", "asyncio", "logging", "socket", "ssl", "tomllib"} == set()
    assert own == {
        "navigator_obs.cli",
        "navigator_obs.cli.complaint",
        "navigator_obs.cli.listing",
        "navigator_obs.cli.main",
        "navigator_obs.config",
        "navigator_obs.errors",
        "navigator_obs.fields",
        "navigator_obs.history",
        "navigator_obs.history.entry",
        "navigator_obs.history.figures",
        "navigator_obs.history.store",
        "navigator_obs.outputs",
        "navigator_obs.outputs.columns",
        "navigator_obs.runs",
        "navigator_obs.runs.files",
        "navigator_obs.runs.reading",
        "navigator_obs.runs.statuses",
        "navigator_obs.settings",
    }


def test_help_imports_no_verb(recorded):
    """The help of the whole is written from a table."""
    found = modules_of(["--help"], recorded.root)
    assert not {f"navigator_obs.cli.{verb}" for verb in ("demo", "runs", "show", "logs")} & found


@pytest.mark.parametrize(
    ("arguments", "named", "valid"),
    [
        (["rnus"], "'rnus'", "runs"),
        (["runs", "--status", "sucess"], "'sucess'", "did you mean 'success'"),
        (["runs", "--limit", "many"], "'many'", "integer"),
        (["show", "no-such-run"], "'no-such-run'", "baseline"),
        (["show", "--colour"], "--colour", ""),
        (["runs", "--columns", "nmae"], "'nmae'", "did you mean 'name'"),
        (["runs", "--since", "soon"], "'soon'", "90m"),
        (["slow", "--by", "size"], "'size'", "total"),
        (["tag", "last", "a,b"], "'a,b'", "without commas"),
        (["logs", "--since", "soon"], "'soon'", "90m"),
        (["logs", "--id", "42"], "'42'", "4711-42"),
        (["logs", "--level", "LOUD"], "'LOUD'", "WARNING"),
        (["logs", "--where", "year"], "'year'", "year=2027"),
        (["logs", "--where", "year>late"], "year>late", "number"),
        (["logs", "no-such-run"], "'no-such-run'", "baseline"),
        (["logs", "--log-dir", "elsewhere"], "elsewhere/navigator.log", "--log-dir"),
        (["show", "--runs-dir", "elsewhere"], "elsewhere", "no runs"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(recorded, arguments: list[str], named: str, valid: str):
    """A mistake is told on stderr in one line that names it and what is valid; stdout stays empty."""
    done = cli(*arguments, cwd=recorded.root)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
    assert valid in done.stderr


@pytest.mark.parametrize("wrong", [["--level", "LOUD"], ["--where", "year"]], ids=" ".join)
def test_wrong_options_are_told_before_a_missing_log(tmp_path: Path, wrong: list[str]):
    """Whoever has no log yet still learns what was wrong with the question."""
    done = cli("logs", *wrong, cwd=tmp_path)
    assert done.returncode == 2
    assert wrong[1] in done.stderr
    assert "no log" not in done.stderr


def test_only_what_is_near_is_suggested(tmp_path: Path):
    """A slip gets a suggestion, another word does not."""
    assert "did you mean 'logs'" in cli("lgos", cwd=tmp_path).stderr
    assert "did you mean" not in cli("bogus", cwd=tmp_path).stderr


def test_a_wrong_setting_is_one_line_too(recorded):
    """A setting from the environment that makes no sense is a mistake, not a traceback."""
    import os

    environment = {**os.environ, "NAVIGATOR_OBS_LOG_MAX_BYTES": "lots"}
    done = cli("runs", cwd=recorded.root, env=environment)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "log_max_bytes='lots'" in done.stderr


def test_without_arguments_the_help_is_shown(tmp_path: Path):
    """The bare command is a question, not a mistake."""
    done = cli(cwd=tmp_path)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in ("demo", "runs", "show", "logs"))


# A trace is JSON in any case; a script for the shell and another program's output are none.
@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in {"trace", "completion", "exec"}])
def test_each_verb_has_help_and_json(verb: str, capsys: pytest.CaptureFixture[str]):
    """Each verb explains itself, with examples on lines of their own, and can tell programs what it tells people."""
    assert main([verb, "--help"]) == 0
    told = capsys.readouterr().out
    assert "--json" in told
    assert "\\b" not in told


@pytest.mark.parametrize("arguments", [["runs"], ["logs"], ["logs", "--json"], ["runs", "--json"], ["show", "--json"]])
def test_a_reader_that_has_seen_enough_is_no_error(recorder, arguments: list[str]):
    """`| head` ends the command without a word."""
    with obs.start_run("baseline"):
        log = obs.get_logger("planwise")
        for number in range(3000):
            log.info("one of many lines, all of them long enough to fill a pipe", number=number)
    recorder.lines()
    command = f"{shlex.quote(sys.executable)} -m navigator_obs {' '.join(arguments)} | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=recorder.root, check=False)
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_places_are_taken_before_and_after_the_verb_and_from_the_environment(recorded, tmp_path: Path):
    """`--runs-dir` may stand on either side; a path may come from the environment as everywhere."""
    import os

    runs = str(recorded.runs_dir)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for arguments in (["--runs-dir", runs, "runs", "--json"], ["runs", "--json", "--runs-dir", runs]):
        assert [run["run_id"] for run in json.loads(cli(*arguments, cwd=elsewhere).stdout)] == [recorded.run_id]
    environment = {**os.environ, "NAVIGATOR_OBS_RUNS_DIR": runs}
    assert recorded.run_id in cli("runs", cwd=elsewhere, env=environment).stdout


def test_without_click_the_extra_is_named(recorded):
    """Where the `cli` extra is missing, one line says so; the bare list of runs works all the same."""
    code = (
        "import sys; sys.modules['click'] = None\n"
        "from navigator_obs.cli.main import main\n"
        "print(main(['runs']), main(['show']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=recorded.root, check=False)
    assert done.stdout.splitlines()[-1] == "0 2"
    assert done.stderr.count("\n") == 1
    assert "navigator-obs[cli]" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_our_marks_gets_plain_ones(recorded, encoding):
    """No escape stands where a mark, a bar or a rule of ours would."""
    for verb in (["show"], ["diagnose"], ["slow"], ["runs"], ["verify"], ["checks"]):
        done = cli(*verb, cwd=recorded.root, encoding=encoding, env={**os.environ, "PYTHONIOENCODING": encoding})
        assert "\\u" not in done.stdout + done.stderr
        assert "\\x" not in done.stdout + done.stderr


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb in RUN_BY_PATH])
def test_a_run_is_named_by_its_path_from_anywhere(recorded, verb, monkeypatch, capsys):
    """From within the run's folder, `.` does, and the runs beside it and its log are found as well."""
    recorded.lines()
    monkeypatch.chdir(recorded.runs_dir / recorded.run_id)
    assert main([verb, ".", *RUN_BY_PATH[verb]]) == 0
    told = capsys.readouterr()
    assert RUN_BY_PATH_SAYS.get(verb, recorded.run_id) in told.out + told.err


def test_commands_that_are_told_name_the_run_as_it_can_be_found_from_here(recorded, monkeypatch, capsys):
    """Elsewhere than where the settings look for runs, its path is told and not its id."""
    for place, named in ((recorded.root, recorded.run_id), (recorded.runs_dir, f"./{recorded.run_id}")):
        monkeypatch.chdir(place)
        assert main(["show", str(recorded.runs_dir / recorded.run_id)]) == 0
        line = next(line for line in capsys.readouterr().out.splitlines() if "navigator-obs logs" in line)
        assert line.split()[1:] == ["navigator-obs", "logs", named]
        assert main(line.split()[2:]) == 0
        assert "attrition above plan" in capsys.readouterr().out
