"""One archive of a run, without its secrets."""

from __future__ import annotations

import json
import tarfile
from hashlib import sha256
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.errors import UsageError
from navigator_obs.history import bundle as bundling
from navigator_obs.history.bundle import bundle
from navigator_obs.history.store import History


@pytest.fixture
def entry(recorder):
    with obs.start_run("other"):
        obs.get_logger("planwise").info("of another run")
    with obs.start_run("baseline", params={"seed": 42}) as run:
        obs.get_logger("planwise").info("year simulated")
        (run.directory / "checkpoint.parquet").write_bytes(b"PAR1" * 100)
    recorder.lines()
    return History(recorder.runs_dir).get(run.run_id)


def files_of(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            member.name.partition("/")[2]: archive.extractfile(member).read()
            for member in archive.getmembers()
            if member.isfile()
        }


def test_it_holds_what_tells_of_the_run_and_nothing_of_others(entry, recorder, tmp_path: Path):
    """Records, the run's own events, texts that were added, settings, and a manifest whose hashes are right."""
    made = bundle(entry, recorder.config, tmp_path / "b.tar.gz", [("summary.txt", "all well\n")])
    found = files_of(made.path)
    assert {"run/summary.json", "run/journal.jsonl", "events.jsonl", "summary.txt", "settings.json"} < set(found)
    assert found["run/summary.json"] == (entry.directory / "summary.json").read_bytes()
    assert found["run/journal.jsonl"] == (entry.directory / "journal.jsonl").read_bytes()
    assert b"of another run" not in found["events.jsonl"]
    assert [json.loads(line)["run_id"] for line in found["events.jsonl"].splitlines()].count(entry.run_id) >= 2
    manifest = json.loads(found["manifest.json"])
    for told in manifest["files"]:
        assert sha256(found[told["name"]]).hexdigest() == told["sha256"]
    assert manifest["left_out"] == [{"name": "checkpoint.parquet", "bytes": 400, "reason": "no record file"}]
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_secrets_are_replaced_by_the_rules_of_today(entry, recorder, tmp_path: Path):
    """What slipped into a record, in a key, a text, a torn line or a traceback, does not leave the house."""
    with (entry.directory / "journal.jsonl").open("ab") as file:
        file.write(b'{"kind":"note","db_password":"s3cret-1"}\n')
        file.write(b'{"kind":"torn","text":"postgres://planwise:s3cret-2@db/sim\n')
    (entry.directory / "fault.log").write_text("connect to postgres://planwise:s3cret-3@db/sim failed\n")
    (entry.directory / "extra.json").write_text('{"badge": "s3cret-4"}')
    config = recorder.configure(redact_keys=["badge"])
    made = bundle(entry, config, tmp_path / "b.tar.gz", [("summary.txt", "token=s3cret-5-s3cret-5\n")])
    everything = b"\n".join(files_of(made.path).values())
    assert b"s3cret" not in everything
    assert everything.count(b"[redacted]") >= 5
    assert {file["name"] for file in made.files if file["redacted"]} == {
        "run/journal.jsonl",
        "run/fault.log",
        "run/extra.json",
        "summary.txt",
    }


def test_a_file_that_is_there_stays(entry, recorder, tmp_path: Path):
    """Nothing is overwritten, and the error says what to do; a folder that is missing is told as well."""
    (tmp_path / "b.tar.gz").write_text("mine")
    with pytest.raises(UsageError, match="--output"):
        bundle(entry, recorder.config, tmp_path / "b.tar.gz")
    assert (tmp_path / "b.tar.gz").read_text() == "mine"
    with pytest.raises(UsageError, match="nowhere"):
        bundle(entry, recorder.config, tmp_path / "nowhere" / "b.tar.gz")


def test_what_is_too_large_is_named(entry, recorder, tmp_path: Path, monkeypatch):
    """An archive for a desk has bounds; what they leave out is in the manifest."""
    monkeypatch.setattr(bundling, "MAX_FILE_BYTES", 100)
    made = bundle(entry, recorder.config, tmp_path / "b.tar.gz")
    assert {left["reason"] for left in made.left_out} == {"too large", "no record file"}


def test_links_lead_nowhere(entry, recorder, tmp_path: Path):
    """A link that somebody put into the folder takes no file of this machine along."""
    (tmp_path / "private.txt").write_text("private")
    (entry.directory / "link.txt").symlink_to(tmp_path / "private.txt")
    made = bundle(entry, recorder.config, tmp_path / "b.tar.gz")
    assert b"private" not in b"".join(files_of(made.path).values())
