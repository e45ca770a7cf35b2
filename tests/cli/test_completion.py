"""`navigator-obs completion`: shells complete verbs, options and runs."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

import navigator_obs as obs
from navigator_obs.cli.complaint import PROGRAM
from navigator_obs.cli.completion import VARIABLE
from navigator_obs.cli.main import main
from navigator_obs.cli.verbs import VERBS, group


def completed(*words: str) -> list[str]:
    """What is offered for the last of *words*."""
    shell = ShellComplete(group, {}, PROGRAM, VARIABLE)
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def test_verbs_options_and_runs_are_completed(recorder, monkeypatch):
    """A run by the words for it, by its name and by its id."""
    monkeypatch.chdir(recorder.root)
    with obs.start_run("what-if") as run:
        pass
    assert "runs" in completed("ru")
    assert "--since" in completed("logs", "--s")
    assert completed("show", "what") == ["what-if"]
    assert completed("errors", run.run_id[:10]) == [run.run_id]
    assert completed("logs", "last-") == ["last-success", "last-failed"]
    assert completed("show", "--runs-dir", "nowhere", "what") == []


def test_each_verb_that_takes_a_run_completes_it(recorder, monkeypatch):
    """Whichever the verb, also where the run is given by an option."""
    monkeypatch.chdir(recorder.root)
    taking = [
        (verb, param)
        for verb in VERBS
        for param in group.get_command(click.Context(group), verb).params
        if (param.metavar or "").strip("[]") in {"RUN", "BEFORE] [AFTER"}
    ]
    assert len(taking) >= 18
    for verb, param in taking:
        words = [verb, *(param.opts if isinstance(param, click.Option) else []), "last-s"]
        assert completed(*words) == ["last-success"], verb


def test_words_of_a_few_are_completed(recorder, monkeypatch):
    """Statuses, levels, columns between commas, names, tags, operations, figures of thresholds."""
    monkeypatch.chdir(recorder.root)
    with obs.start_run("what-if", tags=["nightly"]), obs.operation("year_simulation"):
        pass
    assert completed("runs", "--status", "fa") == ["failed"]
    assert completed("runs", "--name", "wh") == ["what-if"]
    assert completed("runs", "--tag", "ni") == ["nightly"]
    assert completed("runs", "--columns", "run,stat") == ["run,status"]
    assert completed("logs", "--level", "err") == ["ERROR"]
    assert completed("trends", "year") == ["year_simulation"]
    assert completed("compare", "-t", "dur") == ["duration:"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_the_program(shell: str, capsys):
    """Each script names the program and the variable by which it is asked."""
    assert main(["completion", shell]) == 0
    out = capsys.readouterr().out
    assert PROGRAM in out
    assert VARIABLE in out


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_completes_with_it(recorder, tmp_path: Path):
    """Bash reads the script and gets a run's name from the program itself."""
    with obs.start_run("what-if"):
        pass
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / PROGRAM).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m navigator_obs "$@"\n')
    (tools / PROGRAM).chmod(0o755)
    code = f"""
PATH={tools}:$PATH
eval "$({PROGRAM} completion bash)"
COMP_WORDS=({PROGRAM} show what); COMP_CWORD=2
_navigator_obs_completion {PROGRAM}
echo "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, cwd=recorder.root, check=False)
    assert done.stdout.strip() == "what-if", done.stderr


def test_the_variable_is_the_one_that_click_asks_for():
    """Click makes it out of the program's name."""
    assert f"_{PROGRAM}_COMPLETE".replace("-", "_").upper() == VARIABLE
    assert isinstance(group, click.Group)
