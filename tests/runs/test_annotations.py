"""What is said of a run later: appended, read back, and beside whatever was recorded."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.errors import UsageError
from navigator_obs.runs.annotations import annotate, read_annotations, read_records, told_by
from navigator_obs.runs.files import ANNOTATIONS_NAME


def test_records_are_lines_with_time_kind_and_author(tmp_path: Path):
    """Each annotation is one JSON line that says when, what and who, and the file is its owner's alone."""
    annotate(tmp_path, "tag", by="ada", tag="nightly")
    annotate(tmp_path, "note", by="grace", text="the census was incomplete")
    lines = [json.loads(line) for line in (tmp_path / ANNOTATIONS_NAME).read_text().splitlines()]
    assert [(line["kind"], line["by"]) for line in lines] == [("tag", "ada"), ("note", "grace")]
    assert list(lines[0])[:3] == ["timestamp", "kind", "by"]
    assert (tmp_path / ANNOTATIONS_NAME).stat().st_mode & 0o777 == 0o600


def test_later_records_go_before_earlier_ones(tmp_path: Path):
    """A tag that was taken away is gone, one that was added again is there, a pin holds until it is removed."""
    for kind, told in (
        ("tag", {"tag": "slow"}),
        ("tag", {"tag": "nightly"}),
        ("untag", {"tag": "slow"}),
        ("pin", {}),
        ("ack", {"text": "known: the disk was full"}),
        ("baseline", {}),
    ):
        annotate(tmp_path, kind, by="ada", **told)
    said = read_annotations(tmp_path)
    assert said.all_tags(["recorded", "slow"]) == ("recorded", "nightly")
    assert (said.pinned, said.acknowledged, said.baseline) == (True, True, True)
    annotate(tmp_path, "unpin", by="ada")
    annotate(tmp_path, "tag", by="ada", tag="slow")
    said = read_annotations(tmp_path)
    assert (said.pinned, said.all_tags(["slow"])) == (False, ("slow", "nightly"))


@pytest.mark.parametrize(
    ("kind", "told", "hint"),
    [
        ("pinn", {}, "did you mean 'pin'"),
        ("tag", {"tag": ""}, "1 to 100 characters"),
        ("tag", {"tag": "a,b"}, "without commas"),
        ("tag", {"tag": "evil\x1b[2J"}, "printable"),
        ("note", {"text": "x" * 5000}, "4,000 characters"),
    ],
)
def test_wrong_annotations_are_refused(tmp_path: Path, kind: str, told: dict, hint: str):
    """Nothing is written of what makes no sense, and the error says what would."""
    with pytest.raises(UsageError, match=hint):
        annotate(tmp_path, kind, by="ada", **told)
    assert not (tmp_path / ANNOTATIONS_NAME).exists()


def test_a_missing_folder_is_told_in_one_line(tmp_path: Path):
    """Where it can't be written, the error names the file."""
    with pytest.raises(UsageError, match=r"nowhere/annotations\.jsonl"):
        annotate(tmp_path / "nowhere", "pin", by="ada")


def test_secrets_in_a_note_are_redacted(tmp_path: Path):
    """A note is kept for long, so that a pasted password must not be."""
    record = annotate(tmp_path, "note", by="ada", text="postgres://planwise:s3cret@db/sim refused")
    assert "s3cret" not in record["text"]
    assert "s3cret" not in (tmp_path / ANNOTATIONS_NAME).read_text()


def test_a_torn_line_takes_no_other_along(tmp_path: Path):
    """What a killed writer left half is passed over, and the next record stands on a line of its own."""
    annotate(tmp_path, "tag", by="ada", tag="nightly")
    with (tmp_path / ANNOTATIONS_NAME).open("ab") as file:
        file.write(b'{"timestamp":"2025')
    annotate(tmp_path, "pin", by="ada")
    assert [record["kind"] for record in read_records(tmp_path)] == ["tag", "pin"]


def _annotate_often(directory: Path, number: int) -> None:
    for turn in range(25):
        annotate(directory, "tag", by=f"user-{number}", tag=f"tag-{number}-{turn}")


def test_many_writers_lose_nothing(tmp_path: Path):
    """Sixteen processes annotate at once, and each record is there, whole."""
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_annotate_often, args=(tmp_path, number)) for number in range(16)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({record["tag"] for record in read_records(tmp_path)}) == 16 * 25


@given(st.lists(st.tuples(st.sampled_from(["tag", "untag"]), st.sampled_from("abc")), max_size=20))
def test_the_last_word_on_a_tag_holds(words: list[tuple[str, str]]):
    """Whatever came before, a run has those tags of which the last record says so."""
    said = told_by({"kind": kind, "tag": tag} for kind, tag in words)
    last = {tag: kind for kind, tag in words}
    assert set(said.all_tags([])) == {tag for tag, kind in last.items() if kind == "tag"}
