"""The journal: append-only, one record a line, tolerant of what a kill or a full disk leaves behind."""

from __future__ import annotations

import itertools
import mmap
import os
import resource
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navigator_obs.runs.breaks import breaks_in
from navigator_obs.runs.journal import MAX_OWED, Journal
from navigator_obs.runs.records import Shares, read, read_run, worker_shares


def test_records_come_back_in_order(tmp_path):
    """What was appended is read back, in the order in which it was appended."""
    journal = Journal(tmp_path / "journal.jsonl")
    for number in range(100):
        journal.append({"kind": "turn", "number": number})
    assert [record["number"] for record in read(tmp_path / "journal.jsonl")] == list(range(100))
    assert journal.bytes == (tmp_path / "journal.jsonl").stat().st_size


def test_a_record_is_in_the_file_when_append_returns(tmp_path):
    """Nothing waits in a buffer of the process, where a kill would lose it."""
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append({"kind": "check"})
    assert (tmp_path / "journal.jsonl").read_bytes().startswith(b'{"kind":"check","link":"1:')


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
                journal.append({"kind": "turn", "number": number})
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            journal.append({"kind": "turn", "number": 20})
            status = 0 if not journal.dropped else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    records = list(read(path))
    assert [record["number"] for record in records if record["kind"] == "turn"] == list(range(21))
    assert [record["kind"] for record in records].count("torn") <= 1


def test_what_stays_owed_is_bounded_and_counted(tmp_path):
    """A journal that can't be written never raises; it counts what it lost."""
    journal = Journal(tmp_path / "no" / "such" / "folder.jsonl")
    for number in range(MAX_OWED + 10):
        journal.append({"kind": "turn", "number": number})
    assert sum(journal.dropped.values()) == 10
    journal.close()
    assert sum(journal.dropped.values()) == MAX_OWED + 10
    journal.close()


def test_the_shares_of_workers_belong_to_the_run(tmp_path):
    """A run's records are its journal's and its workers', who each have a file."""
    Journal(tmp_path / "journal.jsonl").append({"kind": "start"})
    (tmp_path / "workers").mkdir()
    Journal(tmp_path / "workers" / "host-7.jsonl").append({"kind": "turn", "worker": "host-7"})
    assert [share.name for share in worker_shares(tmp_path)] == ["host-7.jsonl"]
    assert [record["kind"] for record in read_run(tmp_path)] == ["start", "turn"]


def test_shares_are_read_as_they_grow(tmp_path):
    """Each look finds what came since the last one, whole records alone; the last one says what was torn."""
    (tmp_path / "workers").mkdir()
    one, two = tmp_path / "workers" / "a-1.jsonl", tmp_path / "workers" / "b-2.jsonl"
    shares = Shares(tmp_path)
    assert list(shares.read()) == []
    one.write_bytes(b'{"kind":"turn","n":1}\n{"kind":"turn","n"')
    assert list(shares.read()) == [{"kind": "turn", "n": 1}]
    with one.open("ab") as file:
        file.write(b':2}\n{"kind"')
    two.write_bytes(b'{"kind":"leave"}\n')
    assert list(shares.read()) == [{"kind": "turn", "n": 2}, {"kind": "leave"}]
    assert list(shares.read()) == []
    assert list(shares.read(last=True)) == [{"kind": "torn", "line": 3, "bytes": 7}]
    assert list(Shares(tmp_path).read(last=True)) == list(read_run(tmp_path))


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 40, 76, 77, 90])
def test_a_journal_is_continued_where_a_kill_has_cut_it(tmp_path, cut):
    """Whoever opens a dead run's journal links on to what stands there, half a line and all."""
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    for number in range(3):
        first.append({"kind": "turn", "number": number})
    first.close()
    os.truncate(path, path.stat().st_size - cut)
    second = Journal(path)
    second.append({"kind": "end"})
    second.append({"kind": "turn", "number": 9})
    assert list(breaks_in(path)) == []
    assert second.bytes == path.stat().st_size
    whole = [record["number"] for record in read(path) if record["kind"] == "turn"]
    assert whole == ([0, 1, 2, 9] if cut <= 1 else [0, 1, 9])


_SIGNALLED = """
import signal, sys
from pathlib import Path
from navigator_obs.runs.journal import Journal
journal = Journal(Path(sys.argv[1]))
count, inside, returned = [0], [False], []
def on_signal(number, frame):
    count[0] += 1
    number = count[0]
    journal.append({"kind": "heard", "number": number})
    returned.append(number)
    if inside[0] and count[0] % 7 == 0:
        inside[0] = False
        raise KeyError
signal.signal(signal.SIGALRM, on_signal)
# Longer than the handler takes on a slow machine: handlers would nest without an end.
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
written = 0
while count[0] < 400:
    try:
        inside[0] = True
        journal.append({"kind": "turn", "number": written, "text": "x" * 300})
        written += 1
        inside[0] = False
    except KeyError:
        pass
signal.setitimer(signal.ITIMER_REAL, 0)
print(written, *returned)
"""


def test_signal_handlers_that_record_or_raise_in_the_middle_break_no_link(tmp_path):
    """A record that is made in the middle of another one, or ends it by an exception, breaks none."""
    path = tmp_path / "journal.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", _SIGNALLED, str(path)], capture_output=True, text=True, check=True, timeout=120
    )
    written, *signals = map(int, done.stdout.split())
    records = list(read(path))
    assert list(breaks_in(path)) == []
    assert {record["number"] for record in records if record["kind"] == "heard"} >= set(signals)
    # One that an exception has ended may stand there or not, and is then written again; those that returned do.
    assert {record["number"] for record in records if record["kind"] == "turn"} >= set(range(written))
    assert {record["kind"] for record in records} == {"heard", "turn"}


def operation(number):
    return b'{"kind":"operation","logged":%d,"padding":"%s"}' % (number, b"x" * 300)


def test_staged_records_stand_before_the_next_one_and_leave_no_file(tmp_path):
    """They are in the file, in order, once anything is appended or the journal is closed; also many areas full."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, staged=True)
    for number in range(1, 1001):
        journal.stage(operation(number) + b"\n")
    assert [record["logged"] for record in read(path)] == list(range(1, 1001))
    assert len(path.read_bytes().splitlines()) < 1000
    journal.append({"kind": "turn", "logged": 1000})
    journal.stage(operation(1001) + b"\n")
    journal.close()
    assert [record["logged"] for record in read(path)] == [*range(1, 1001), 1000, 1001]
    assert os.listdir(tmp_path) == ["journal.jsonl"]


def test_a_staged_record_that_stands_in_the_file_already_is_not_told_twice(tmp_path):
    """A kill may come between writing what was staged and forgetting it; a half one was never acknowledged."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, staged=True)
    for number in (1, 2, 3):
        journal.stage(operation(number) + b"\n")
    path.write_bytes(operation(1) + b"\n" + operation(2) + b"\n")
    journal._staged._area.store(operation(4)[:20])
    assert [record["logged"] for record in read(path)] == [1, 2, 3]
    assert [record["logged"] for record in Shares(tmp_path).read(last=True)] == []
    journal.abandon()


def test_on_a_full_disk_staged_records_wait_and_come_first(tmp_path, monkeypatch):
    """What was staged stays where a kill can't reach it until it can be written; nothing changes its order."""
    path = tmp_path / "journal.jsonl"
    journal = Journal(path, staged=True)
    journal.stage(operation(1) + b"\n")
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "_write", lambda self, line: "disk_full")
        journal.append({"kind": "turn", "logged": 1})
        journal.stage(operation(2) + b"\n")
        assert [record["logged"] for record in read(path)] == [1]
    journal.append({"kind": "end"})
    assert [record["kind"] for record in read(path)] == ["operation", "turn", "operation", "end"]
    journal.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("after_seconds", [0.01, 0.03, 0.1])
def test_no_staged_record_is_lost_or_doubled_by_a_kill(tmp_path, after_seconds):
    """Whatever the instant of SIGKILL, all that was acknowledged is read back, once each and in order."""
    path = tmp_path / "journal.jsonl"
    acknowledged = mmap.mmap(-1, 8)
    child = os.fork()
    if not child:
        journal = Journal(path, staged=True)
        for number in itertools.count(1):
            journal.stage(operation(number) + b"\n")
            acknowledged[:] = number.to_bytes(8, "little")
            if number % 700 == 0:
                journal.append({"kind": "turn", "logged": number})
    while not int.from_bytes(acknowledged[:], "little"):
        time.sleep(0.001)
    time.sleep(after_seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told = int.from_bytes(acknowledged[:], "little")
    found = [record["logged"] for record in read(path) if record["kind"] == "operation"]
    assert found == list(range(1, len(found) + 1))
    assert told <= len(found) <= told + 1
