"""The journal: append-only, one record a line, tolerant of what a kill or a full disk leaves behind."""

from __future__ import annotations

import os
import resource
import signal

from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.runs.journal import MAX_OWED, Journal, Shares, read, read_run, worker_shares


def test_records_come_back_in_order(tmp_path):
    """What was appended is read back, in the order in which it was appended."""
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(100):
        journal.append({"kind": "tick", "number": number})
    assert [record["number"] for record in read(tmp_path / "journal.jsonl")] == list(range(100))
    assert journal.bytes == (tmp_path / "journal.jsonl").stat().st_size


def test_a_record_is_in_the_file_when_append_returns(tmp_path):
    """Nothing waits in a buffer of the process, where a kill would lose it."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"kind": "check"})
    assert (tmp_path / "journal.jsonl").read_bytes() == b'{"kind":"check"}\n'


def test_a_missing_journal_has_no_records(tmp_path):
    """A run that died before its first record reads as empty."""
    assert list(read(tmp_path / "journal.jsonl")) == []


@given(cut=st.integers(min_value=1, max_value=40))
def test_a_torn_last_line_is_said_and_the_rest_is_kept(tmp_path_factory, cut):
    """Wherever a kill cut the last record, the ones before it are whole and the reader says what was torn."""
    path = tmp_path_factory.mktemp("run") / "journal.jsonl"
    whole, last = b'{"kind":"start"}\n', b'{"kind":"issue","message":"headcount 7"}\n'
    path.write_bytes(whole + last[: min(cut, len(last) - 1)])
    found = list(read(path))
    assert found[0] == {"kind": "start"}
    assert [record["kind"] for record in found[1:]] == ["torn"]


def test_a_damaged_line_in_the_middle_costs_that_line_alone(tmp_path):
    """Lines that are no record are told with their number; those after them are read."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"kind":"start"}\n\x00\xff{{\n[1]\n{"kind":"end"}\n')
    assert [record["kind"] for record in read(path)] == ["start", "torn", "torn", "end"]
    assert [record.get("line") for record in read(path)] == [None, 2, 3, None]


def test_what_a_full_disk_refused_is_written_once_it_has_room(tmp_path):
    """Records are owed while the disk is full, and stand in the file, once each and in order, when it no longer is."""
    path = tmp_path / "journal.jsonl"
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
            journal = Journal(path)
            for number in range(20):
                journal.append({"kind": "tick", "number": number})
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            journal.append({"kind": "tick", "number": 20})
            status = 0 if not journal.dropped else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    records = list(read(path))
    assert [record["number"] for record in records if record["kind"] == "tick"] == list(range(21))
    assert [record["kind"] for record in records].count("torn") <= 1


def test_what_stays_owed_is_bounded_and_counted(tmp_path):
    """A journal that can't be written never raises; it counts what it lost."""
    journal = Journal(tmp_path / "no" / "such" / "folder.jsonl")
    for number in range(MAX_OWED + 10):
        journal.append({"kind": "tick", "number": number})
    assert sum(journal.dropped.values()) == 10
    journal.close()
    assert sum(journal.dropped.values()) == MAX_OWED + 10
    journal.close()


def test_the_shares_of_workers_belong_to_the_run(tmp_path):
    """A run's records are its journal's and its workers', who each have a file."""
    Journal(tmp_path / "journal.jsonl").append({"kind": "start"})
    (tmp_path / "workers").mkdir()
    Journal(tmp_path / "workers" / "host-7.jsonl").append({"kind": "tick", "worker": "host-7"})
    assert [share.name for share in worker_shares(tmp_path)] == ["host-7.jsonl"]
    assert [record["kind"] for record in read_run(tmp_path)] == ["start", "tick"]


def test_shares_are_read_as_they_grow(tmp_path):
    """Each look finds what came since the last one, whole records alone; the last one says what was torn."""
    (tmp_path / "workers").mkdir()
    one, two = tmp_path / "workers" / "a-1.jsonl", tmp_path / "workers" / "b-2.jsonl"
    shares = Shares(tmp_path)
    assert list(shares.read()) == []
    one.write_bytes(b'{"kind":"tick","n":1}\n{"kind":"tick","n"')
    assert list(shares.read()) == [{"kind": "tick", "n": 1}]
    with one.open("ab") as file:
        file.write(b':2}\n{"kind"')
    two.write_bytes(b'{"kind":"leave"}\n')
    assert list(shares.read()) == [{"kind": "tick", "n": 2}, {"kind": "leave"}]
    assert list(shares.read()) == []
    assert list(shares.read(last=True)) == [{"kind": "torn", "line": 3, "bytes": 7}]
    assert list(Shares(tmp_path).read(last=True)) == list(read_run(tmp_path))
