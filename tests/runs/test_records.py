"""The ends of a journal are read without the rest of it, whatever stands there."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.runs.records import end_record, head, read, tail

END = {"kind": "end", "status": "success"}
MESSY = st.lists(
    st.sampled_from(
        [b'{"kind":"tick"}\n', b"\r", b'{"kind":"end"}\n', b"\n", b"7\n", b'{"kind":7}\n', b"\xff\xfe\n", b'["end"]\n']
    )
    | st.binary(max_size=40)
)


def journal(folder, *lines):
    """A run's folder whose journal has these lines."""
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    return folder


def line(**record):
    """A record as it stands in a journal."""
    return json.dumps(record).encode() + b"\n"


def test_the_end_is_found_before_what_was_owed(tmp_path):
    """On a full disk, what had waited for room may come after it."""
    folder = journal(tmp_path, line(kind="start"), line(**END), line(kind="issue", text='the "end" of it'))
    assert end_record(folder) == END


def test_a_record_that_speaks_of_an_end_is_none(tmp_path):
    """Nor is one that was torn."""
    assert end_record(journal(tmp_path, line(kind="issue", status="end"), json.dumps(END).encode())) is None


@pytest.mark.parametrize("name", ["journal.jsonl", "missing"])
def test_a_journal_that_cannot_be_read_has_no_ends(tmp_path, name):
    """A folder in its place, or nothing."""
    (tmp_path / "journal.jsonl").mkdir()
    assert tail(tmp_path / name) == []
    assert head(tmp_path / name) == {}
    assert end_record(tmp_path) is None


def test_of_a_long_journal_the_tail_begins_with_a_whole_record(tmp_path):
    """What begins before the last 512 KiB is left out."""
    folder = journal(tmp_path, *(line(kind="turn", number=number, filling="x" * 1_000) for number in range(1_000)))
    found = tail(folder / "journal.jsonl")
    assert {record["kind"] for record in found} == {"turn"}
    assert found[-1]["number"] == 999
    assert 490 < len(found) < 524


@given(lines=MESSY)
def test_the_tail_of_a_short_journal_is_all_that_is_read_of_it(tmp_path_factory, lines):
    """Torn and foreign lines are told as torn by both, and nothing is raised."""
    folder = journal(tmp_path_factory.getbasetemp(), *lines)
    whole = [record for record in read(folder / "journal.jsonl") if record["kind"] != "torn"]
    assert [record for record in tail(folder / "journal.jsonl") if record["kind"] != "torn"] == whole
    ends = [record for record in whole if record["kind"] == "end"]
    assert end_record(folder) == (ends[-1] if ends else None)
