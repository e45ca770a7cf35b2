"""`navigator-obs verify`: what an auditor sees."""

from __future__ import annotations

import json

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.cli.verify import lines
from navigator_obs.runs import seal
from navigator_obs.runs.verification import verify


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


def test_a_sentence_is_broken_between_words(run):
    """On a narrow terminal nothing but the digest is wider than it, and that stays whole."""
    told = lines(verify(run.directory), "baseline", width=60)
    assert [line[:7] for line in told if len(line) > 60] == ["  seal "]
    assert " ".join(" ".join(told).split()).endswith("by the run itself, without a key, over 2 files")


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


def test_artifacts_are_read_where_that_is_asked_for(recorder, monkeypatch, capsys):
    """Edited, cut or gone: each is told by name; without the option the record alone counts."""
    monkeypatch.chdir(recorder.root)
    for name in ("edited.csv", "cut.csv", "grown.csv", "gone.csv", "whole.csv"):
        (recorder.root / name).write_text("id,pay\n1,52000\n")
    (recorder.root / "tables").mkdir()
    with obs.start_run("baseline") as run:
        for path in sorted(recorder.root.iterdir()):
            if path.suffix == ".csv" or path.name == "tables":
                run.add_artifact(path.name)
        run.add_artifact("never.csv")
        # A checkpoint that each year writes over.
        for year in (2025, 2026):
            (recorder.root / "state.bin").write_text(f"state of {year}")
            run.checkpoint(year, "state.bin")
    assert main(["verify", "--artifacts", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["artifacts"], found["unproven"]) == ("intact", 7, ["tables"])
    (recorder.root / "edited.csv").write_text("id,pay\n1,62000\n")
    (recorder.root / "cut.csv").write_text("id,pay\n")
    (recorder.root / "grown.csv").write_text("id,pay\n1,52000\n2,0\n")
    (recorder.root / "gone.csv").unlink()
    assert main(["verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["artifacts"] is None
    monkeypatch.chdir("/")
    assert main(["verify", "--artifacts", "--json", "--runs-dir", str(recorder.runs_dir)]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {problem["path"]: problem["kind"] for problem in found["problems"]} == {
        "edited.csv": "edited", "cut.csv": "truncated", "grown.csv": "added to", "gone.csv": "missing",
    }  # fmt: skip
    assert (found["verdict"], found["artifacts"]) == ("altered", 3)


def test_a_record_that_was_cut_and_sealed_anew_is_told_by_the_digest_that_was_kept(run, capsys):
    """Without a key nothing else tells; the digest is the one that `show` prints."""
    assert main(["show"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "seal.jsonl" in line]
    kept = line.split()[2]
    journal = run.directory / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-2]))
    (run.directory / "seal.jsonl").unlink()
    seal.write(run.directory, "run")
    assert main(["verify"]) == 0
    assert main(["verify", "--expect", kept]) == 1
    assert f"it is not the seal {kept} that was expected" in capsys.readouterr().out
