"""`navigator-obs verify`: what an auditor sees."""

from __future__ import annotations

import json

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main


@pytest.fixture
def run(recorder, monkeypatch):
    monkeypatch.chdir(recorder.root)
    with obs.start_run("baseline") as run, obs.operation("year_simulation"):
        obs.check("headcount", 5, max=10)
    return run


def test_an_intact_run_ends_with_0(run, capsys):
    """The verdict, the seal's digest, and what it was made with."""
    assert main(["verify"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"✓ intact  baseline  {run.run_id}"
    assert lines[1].startswith("  seal ")
    assert "by the run itself, without a key, over 2 files" in lines[2]
    digest = lines[1].split()[1]
    assert main(["verify", run.run_id, "--expect", digest]) == 0
    assert main(["verify", run.run_id, "--expect", "0" * 64]) == 1
    assert "it is not the seal 0000" in capsys.readouterr().out


def test_an_altered_one_ends_with_1_and_tells_the_line(run, capsys):
    """Also as JSON."""
    path = run.directory / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines, start=1) if b'"headcount"' in line)
    path.write_bytes(path.read_bytes().replace(b'"headcount"', b'"h\x1b[2Jcount"', 1))
    assert main(["verify", "baseline"]) == 1
    out = capsys.readouterr().out
    assert f"journal.jsonl  line {place}" in out
    assert "\x1b" not in out
    assert main(["verify", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "altered"
    assert found["problems"][0] == {
        "path": "journal.jsonl",
        "kind": "edited",
        "what": f"it is not what link {place} was made of",
        "first_line": place,
        "last_line": place,
    }


def test_a_wrong_key_or_none_where_one_is_needed_is_a_mistake(recorder, run, tmp_path, capsys):
    """One line on stderr, exit code 2."""
    assert main(["verify", "--key", "nowhere.key"]) == 2
    assert "nowhere.key' can't be read" in capsys.readouterr().err
    key = tmp_path / "seal.key"
    key.write_text("0123456789abcdef")
    recorder.configure(seal_key_file=key)
    with obs.start_run("keyed") as keyed:
        pass
    assert main(["verify", "keyed"]) == 2
    assert "give its file: --key FILE" in capsys.readouterr().err
    assert main(["verify", keyed.run_id, "--key", str(key)]) == 0
    assert "with the key " in capsys.readouterr().out
    key.write_text("another key, wrong")
    assert main(["verify", keyed.run_id, "--key", str(key)]) == 1
