"""Whatever is done to a linked file afterwards is found, and where."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navigator_obs.runs.breaks import EDITED, MOVED, REMOVED, UNLINKED, breaks_in
from navigator_obs.runs.journal import Journal

KEY = b"a key of the auditors' own"


def written(path, records: int = 12, key: bytes | None = None) -> list[bytes]:
    journal = Journal(path, key=key)
    for number in range(records):
        journal.append({"kind": "issue", "number": number, "message": f"headcount {number * 7}"})
    journal.close()
    return path.read_bytes().splitlines(keepends=True)


def kinds(path, key: bytes | None = None) -> list[tuple[str, int, int]]:
    return [(found.kind, found.first, found.last) for found in breaks_in(path, key)]


@pytest.mark.parametrize("key", [None, KEY])
def test_what_was_written_holds(tmp_path, key):
    """An untouched file has no break, with a key or without."""
    written(tmp_path / "journal.jsonl", key=key)
    assert kinds(tmp_path / "journal.jsonl", key) == []


def test_each_edited_byte_is_found_in_its_line(tmp_path):
    """Every single byte, changed to one of three others, breaks a link at its line or, for a newline, at the next."""
    path = tmp_path / "journal.jsonl"
    lines = written(path, 3)
    whole = b"".join(lines)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    chance = random.Random(5)
    for place in range(len(whole)):
        line = sum(1 for start in starts if start <= place)
        for other in {whole[place] ^ 1, whole[place] ^ 0x20, chance.randrange(256)} - {whole[place]}:
            path.write_bytes(whole[:place] + bytes([other]) + whole[place + 1 :])
            found = kinds(path)
            assert found, (place, other)
            assert any(first <= line + 1 and line <= last for _, first, last in found), (place, other, found)


def test_an_edit_is_told_where_it_is_and_nowhere_else(tmp_path):
    """The links around an edited line hold."""
    path = tmp_path / "journal.jsonl"
    lines = written(path)
    lines[4] = lines[4].replace(b"headcount 28", b"headcount 82")
    lines[8] = lines[8].replace(b"headcount 56", b"headcount 65")
    path.write_bytes(b"".join(lines))
    assert kinds(path) == [(EDITED, 5, 5), (EDITED, 9, 9)]
    assert str(next(breaks_in(path))) == "line 5: edited, it is not what link 5 was made of"


def test_what_is_removed_moved_or_added_is_told_as_that(tmp_path):
    """Lines that are gone leave a gap in the numbers; lines that are elsewhere keep their own."""
    path = tmp_path / "journal.jsonl"
    lines = written(path)
    path.write_bytes(b"".join(lines[:3] + lines[5:]))
    assert kinds(path) == [(REMOVED, 4, 4)]
    assert "2 links from 4 on are missing" in str(next(breaks_in(path)))
    path.write_bytes(b"".join([*lines[:3], lines[4], lines[3], *lines[5:]]))
    assert {kind for kind, *_ in kinds(path)} == {MOVED}
    path.write_bytes(b"".join([*lines[:6], b'{"kind":"issue"}\n', *lines[6:]]))
    assert kinds(path) == [(EDITED, 7, 8)]
    path.write_bytes(b"".join([*lines, b'{"kind":"end"}\n']))
    assert kinds(path) == [(UNLINKED, 13, 13)]
    path.write_bytes(b"".join([*lines[:6], lines[2], *lines[6:]]))
    assert [kind for kind, *_ in kinds(path)] == [MOVED]


def test_without_the_key_no_link_can_be_made_anew(tmp_path):
    """Whoever rewrites a file that was linked with a key needs that key; without any key nobody is held off."""
    path = tmp_path / "journal.jsonl"
    written(path, key=KEY)
    path.unlink()
    written(path, key=b"another key, of the forger's")
    assert {kind for kind, *_ in kinds(path, KEY)} == {EDITED}
    path.unlink()
    written(path)
    assert len(kinds(path, KEY)) == 12
    assert kinds(path) == []


def test_a_batch_is_linked_once(tmp_path):
    """Several lines that are written at once have one link, on the last of them, which covers all."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.append({"kind": "start"})
    journal.append_line(b'{"kind":"operation","n":1}\n{"kind":"operation","n":2}\n{"kind":"operation","n":3}')
    journal.append({"kind": "end"})
    lines = path.read_bytes().splitlines(keepends=True)
    assert [b'"link"' in line for line in lines] == [True, False, False, True, True]
    assert kinds(path) == []
    path.write_bytes(b"".join([lines[0], lines[2], lines[1], *lines[3:]]))
    assert kinds(path) == [(EDITED, 2, 4)]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("delete"), st.integers(0, 11), st.just(0)),
            st.tuples(st.just("swap"), st.integers(0, 11), st.integers(0, 11)),
            st.tuples(st.just("copy"), st.integers(0, 11), st.integers(0, 11)),
            st.tuples(st.just("cut"), st.integers(1, 60), st.just(0)),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_edits_in_the_middle_goes_unnoticed(tmp_path_factory, edits):
    """Whatever is done to a file's lines, it holds only where it is what was written, or the beginning of that."""
    path = tmp_path_factory.mktemp("link") / "journal.jsonl"
    lines = written(path)
    whole = b"".join(lines)
    for what, one, two in edits:
        if what == "delete" and one < len(lines):
            del lines[one]
        elif what == "swap" and max(one, two) < len(lines):
            lines[one], lines[two] = lines[two], lines[one]
        elif what == "copy" and one < len(lines):
            lines.insert(min(two, len(lines)), lines[one])
        elif what == "cut" and lines:
            lines[-1] = lines[-1][:-one]
    changed = b"".join(lines)
    path.write_bytes(changed)
    if not kinds(path):
        assert whole.startswith(changed)
