"""A finished run is sealed, and verification finds whatever is done to its record afterwards."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

import navigator_obs as obs
from navigator_obs.config import Config
from navigator_obs.errors import ConfigError, UsageError
from navigator_obs.runs import seal
from navigator_obs.runs.recovery import recover
from navigator_obs.runs.verification import verify


def simulate(name: str = "baseline", observers=()) -> obs.Run:
    with obs.start_run(name, params={"seed": 42}, observers=observers) as run:
        for year in (2025, 2026):
            with obs.context(year=year), obs.operation("year_simulation"):
                obs.check("headcount", 5_000 + year, max=10_000)
    return run


@pytest.fixture
def folder(recorder):
    return simulate().directory


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "seal.key"
    path.write_text("0123456789abcdef0123456789abcdef\n")
    return path


KEY = b"0123456789abcdef0123456789abcdef"


def told(found) -> set[tuple[str, str]]:
    return {(problem.path, problem.kind) for problem in found.problems}


def lines_of(path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_finished_run_is_intact(folder):
    """Its seal covers the journal and the summary, and was made by the run itself."""
    found = verify(folder)
    assert (found.verdict, found.problems, found.sealed_by) == ("intact", (), "run")
    (record,) = seal.records(folder)
    assert [file["path"] for file in record["files"]] == ["journal.jsonl", "summary.json"]
    assert found.seal == record["link"].partition(":")[2]


def changed_bytes(folder, name, step):
    path = folder / name
    whole = path.read_bytes()
    for place in range(0, len(whole), step):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = verify(folder)
        assert found.verdict in {"altered", "unsealed"}, (name, place)
        assert name in {problem.path for problem in found.problems}, (name, place)
    path.write_bytes(whole)
    assert verify(folder).verdict == "intact"


@pytest.mark.parametrize("name", ["journal.jsonl", "summary.json", "seal.jsonl"])
def test_an_edited_byte_is_found(folder, name):
    """Here of every so many; the next test takes them all."""
    changed_bytes(folder, name, 37)


@pytest.mark.torture
@pytest.mark.parametrize("name", ["journal.jsonl", "seal.jsonl"])
def test_every_edited_byte_is_found(folder, name):
    """Of journal and seal, each byte for itself."""
    changed_bytes(folder, name, 1)


def test_where_a_journal_was_edited_is_told(folder):
    """By line; the file as a whole is not the sealed one either."""
    path = folder / "journal.jsonl"
    lines = lines_of(path)
    place = next(number for number, line in enumerate(lines) if b"headcount" in line)
    lines[place] = lines[place].replace(b"headcount", b"headc0unt")
    path.write_bytes(b"".join(lines))
    first, second = verify(folder).problems
    assert (first.path, first.kind, first.first_line, first.last_line) == (
        "journal.jsonl", "edited", place + 1, place + 1,
    )  # fmt: skip
    assert (second.kind, second.place) == ("edited", "")


def test_a_journal_cut_at_any_line_is_truncated(folder):
    """Links that were cut short still hold; its seal tells that it did not end there."""
    path = folder / "journal.jsonl"
    lines = lines_of(path)
    for kept in range(len(lines)):
        path.write_bytes(b"".join(lines[:kept]))
        assert told(verify(folder)) == {("journal.jsonl", "truncated")}


def test_lines_cut_and_continued_are_found(folder):
    """Records that somebody appends to a journal that was cut, linked as if the run had gone on, do not pass."""
    path = folder / "journal.jsonl"
    lines = lines_of(path)
    path.write_bytes(b"".join(lines[:2]))
    forged = seal.Journal(path)
    forged.append({"kind": "check", "name": "headcount"})
    assert told(verify(folder)) == {("journal.jsonl", "truncated")}
    for number in range(80):
        forged.append({"kind": "check", "name": "headcount", "number": number})
    assert told(verify(folder)) == {("journal.jsonl", "edited")}


def test_what_is_removed_added_or_moved_is_found(folder):
    """Each by its name."""
    path = folder / "journal.jsonl"
    lines = lines_of(path)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    assert ("journal.jsonl", "removed") in told(verify(folder))
    path.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert ("journal.jsonl", "moved") in told(verify(folder))
    path.write_bytes(b"".join([*lines, b'{"kind":"check"}\n']))
    assert told(verify(folder)) == {("journal.jsonl", "added to"), ("journal.jsonl", "unlinked")}
    path.write_bytes(b"".join(lines))
    (folder / "summary.json").unlink()
    assert told(verify(folder)) == {("summary.json", "missing")}


def test_a_run_that_has_lost_its_seal_is_not_intact(folder):
    """Nobody can tell then whether what is there is all."""
    (folder / "seal.jsonl").unlink()
    found = verify(folder)
    assert (found.verdict, told(found)) == ("unsealed", {("seal.jsonl", "no seal")})
    (folder / "summary.json").write_text("{}")
    assert verify(folder).verdict == "unsealed"
    with (folder / "journal.jsonl").open("r+b") as file:
        file.seek(40)
        file.write(b"#")
    assert verify(folder).verdict == "altered"


def test_without_a_key_a_record_can_be_made_anew_and_only_a_digest_kept_elsewhere_tells(folder):
    """What an attacker with the right to write can do, and what finds it."""
    kept = verify(folder).seal
    path = folder / "journal.jsonl"
    records = [json.loads(line) for line in lines_of(path)]
    path.unlink()
    journal = seal.Journal(path)
    for record in records:
        del record["link"]
        if record.get("name") == "headcount":
            record["value"] = 1
        journal.append(record)
    (folder / "seal.jsonl").unlink()
    seal.write(folder, "run")
    assert verify(folder).verdict == "intact"
    assert told(verify(folder, expected=kept)) == {("seal.jsonl", "other seal")}
    assert told(verify(folder, expected=kept[:16])) == {("seal.jsonl", "other seal")}
    with pytest.raises(UsageError, match="16 to 64 hexadecimal digits"):
        verify(folder, expected="latest")


def test_with_a_key_nobody_without_it_can_make_a_record_anew(recorder, key_file):
    """Links and seal need the key; one made without it, or with another one, is told from them."""
    recorder.configure(seal_key_file=key_file)
    folder = simulate().directory
    found = verify(folder, key=KEY)
    assert (found.verdict, found.key_id) == ("intact", seal.key_id(KEY))
    with pytest.raises(UsageError, match=f"recorded with the key {seal.key_id(KEY)}"):
        verify(folder)
    path = folder / "journal.jsonl"
    records = [json.loads(line) for line in lines_of(path)]
    path.unlink()
    journal = seal.Journal(path)
    for record in records:
        del record["link"]
        journal.append({**record, "key_id": None})
    (folder / "seal.jsonl").unlink()
    seal.write(folder, "run")
    assert {kind for _, kind in told(verify(folder, key=KEY))} == {"unkeyed"}
    (folder / "seal.jsonl").unlink()
    seal.write(folder, "run", key=b"the forger's own key")
    assert ("seal.jsonl", "edited") in told(verify(folder, key=KEY))


def test_a_key_that_is_none_ends_the_start_of_a_run(recorder, tmp_path):
    """Before anything is recorded, in words that name the file."""
    recorder.configure(seal_key_file=tmp_path / "no.key")
    with pytest.raises(ConfigError, match=r"seal_key_file=.*no\.key' can't be read"):
        obs.start_run("baseline")
    (tmp_path / "no.key").write_text("short\n")
    with pytest.raises(ConfigError, match="holds 5 bytes; a key has 16 or more"):
        obs.start_run("baseline")
    assert not recorder.runs_dir.exists() or not list(recorder.runs_dir.iterdir())


def test_the_key_is_nowhere_in_the_record(recorder, key_file):
    """Only its id is."""
    recorder.configure(seal_key_file=key_file)
    folder = simulate().directory
    for path in folder.rglob("*"):
        assert path.is_dir() or KEY not in path.read_bytes()


def test_a_run_that_goes_on_is_consistent_so_far(recorder):
    """It has no seal yet, and nothing is wrong with it."""
    with obs.start_run("baseline") as run, obs.operation("year_simulation"):
        found = verify(run.directory)
        assert (found.verdict, found.problems, found.seal) == ("running", (), None)


_KILLED = """
import os, sys, navigator_obs as obs
obs.configure(console="off", run_report=False)
with obs.start_run("doomed") as run:
    for year in range(2025, 2029):
        with obs.context(year=year), obs.operation("year_simulation"):
            obs.check("headcount", 5, max=4)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def killed(tmp_path):
    subprocess.run([sys.executable, "-c", _KILLED], cwd=tmp_path, check=False, timeout=300)
    (directory,) = (tmp_path / "artifacts" / "runs").iterdir()
    return directory


def test_a_dead_run_is_sealed_by_whoever_finalises_it(killed):
    """Until then nothing tells whether its record is whole; half a last line, linked by the finder, is no break."""
    with (killed / "journal.jsonl").open("ab") as file:
        file.write(b'{"kind":"tick","time":')
    assert verify(killed).verdict == "unsealed"
    recover(killed, Config(runs_dir=killed.parent))
    found = verify(killed)
    assert (found.verdict, found.sealed_by, found.problems) == ("intact", "recovery", ())


def test_what_somebody_without_the_key_finalises_is_told_apart(recorder, key_file, tmp_path):
    """The run's own records are still known to be its own."""
    recorder.configure(seal_key_file=key_file)
    copy = tmp_path / "dead" / "20250818_143022-1a2b3c4d"
    with obs.start_run("baseline", run_id=copy.name) as run:
        shutil.copytree(run.directory, copy)
    recover(copy, Config(runs_dir=copy.parent))
    found = verify(copy, key=KEY)
    assert found.verdict == "altered"
    assert told(found) == {("journal.jsonl", "unkeyed"), ("seal.jsonl", "unkeyed")}
    assert {problem.first_line for problem in found.problems if problem.path == "journal.jsonl"} == {
        len(lines_of(copy / "journal.jsonl"))
    }


def test_what_retention_takes_stays_in_the_seal(folder):
    """A file that is removed on purpose, and said to be, is no break; one that nobody spoke of is."""
    digest = next(file["sha256"] for file in seal.records(folder)[0]["files"] if file["path"] == "journal.jsonl")
    seal.note_removal(folder, ["journal.jsonl"])
    (folder / "journal.jsonl").unlink()
    found = verify(folder)
    assert (found.verdict, found.removed) == ("intact", ("journal.jsonl",))
    assert digest in (folder / "seal.jsonl").read_text()
    (folder / "seal.jsonl").write_bytes(lines_of(folder / "seal.jsonl")[0])
    assert told(verify(folder)) == {("journal.jsonl", "missing")}


def test_no_removal_is_noted_where_there_is_no_seal(folder):
    """A seal that begins with a removal would be none."""
    (folder / "seal.jsonl").unlink()
    assert seal.note_removal(folder, ["journal.jsonl"]) is None
    assert not (folder / "seal.jsonl").exists()


class Reporter:
    """An observer that leaves a file in the run's folder, as a report is."""

    def run_started(self, run):
        """Nothing yet."""

    def run_finished(self, summary, directory):
        """Leave it."""
        (directory / "report.html").write_text("<p>all well</p>")


def test_what_observers_leave_is_sealed_too(recorder):
    """By a second record, once all of them were told; what comes later stands beside the seal."""
    folder = simulate(observers=[Reporter()]).directory
    (folder / "notes.txt").write_text("mine")
    (folder / "annotations.jsonl").write_text("{}\n")
    found = verify(folder)
    assert (found.verdict, found.files, found.beside) == ("intact", 3, ("notes.txt",))
    (folder / "report.html").write_text("<p>all w3ll</p>")
    assert told(verify(folder)) == {("report.html", "edited")}


def test_large_files_of_others_are_sealed_by_their_size(folder, monkeypatch):
    """The end of a run does not wait for gigabytes to be read; the run's own record is read in full."""
    (folder / "trace.bin").write_bytes(b"x" * 5000)
    (folder / "small.bin").write_bytes(b"x" * 50)
    (folder / "seal.jsonl").unlink()
    monkeypatch.setattr(seal, "MAX_DIGEST_BYTES", 1000)
    seal.write(folder, "run")
    found = verify(folder)
    assert (found.verdict, found.sized) == ("intact", ("trace.bin",))
    (folder / "trace.bin").write_bytes(b"y" * 5001)
    assert told(verify(folder)) == {("trace.bin", "added to")}


def test_a_copy_of_the_folder_is_as_intact_as_the_original(folder, tmp_path):
    """Under another name, too."""
    shutil.copytree(folder, tmp_path / "archive")
    assert verify(tmp_path / "archive").verdict == "intact"


def test_shares_of_workers_are_linked_and_sealed(recorder):
    """A worker's share is the run's as the journal is."""
    with obs.start_run("baseline") as run:
        child = os.fork()
        if child == 0:
            with obs.operation("scenario"):
                pass
            os._exit(0) if obs.check("share", True) else os._exit(1)
        os.waitpid(child, 0)
    (share,) = (run.directory / "workers").glob("*.jsonl")
    assert verify(run.directory).verdict == "intact"
    data = share.read_bytes()
    share.write_bytes(data.replace(b'"scenario"', b'"scenari0"', 1) if b'"scenario"' in data else data[:-3])
    assert f"workers/{share.name}" in {path for path, _ in told(verify(run.directory))}
