"""How a run stands is a function of its folder and of its lock."""

from __future__ import annotations

import os
import socket
import subprocess
import time

import pytest

from navigator_obs.clock import format_timestamp
from navigator_obs.encoding import to_json
from navigator_obs.runs import folder
from navigator_obs.runs.liveness import SILENT_SECONDS, status_of


def summary(final=False, status="running", host=None, reason=None):
    host = socket.gethostname() if host is None else host
    return {"run_metadata": {"status": status, "status_reason": reason, "final": final, "host": host}}


def test_a_final_summary_says_it_even_if_the_lock_is_held(tmp_path):
    """A run that has ended has ended, also while its observers are still being told."""
    lock = folder.Lock(tmp_path)
    folder.write_summary(tmp_path, summary(final=True, status="failed", reason="ValueError: bad"))
    found = status_of(tmp_path)
    assert (found["status"], found["status_reason"], found["final"]) == ("failed", "ValueError: bad", True)
    assert found["confidence"] == "certain"
    lock.close()


def test_a_held_lock_means_running(tmp_path):
    """However old the summary is."""
    lock = folder.Lock(tmp_path)
    folder.write_summary(tmp_path, summary())
    assert status_of(tmp_path)["status"] == "running"
    lock.close()


@pytest.mark.parametrize("with_summary", [True, False])
def test_a_free_lock_means_crashed(tmp_path, with_summary):
    """A process that is gone without an end has crashed, also before its first summary."""
    folder.Lock(tmp_path).close()
    if with_summary:
        folder.write_summary(tmp_path, summary())
    found = status_of(tmp_path)
    assert (found["status"], found["final"]) == ("crashed", False)
    assert "vanished" in found["status_reason"]


def test_another_host_s_run_shows_its_last_known_state(tmp_path):
    """Its lock says nothing here, and the reason says so."""
    folder.Lock(tmp_path).close()
    folder.write_summary(tmp_path, summary(host="elsewhere"))
    found = status_of(tmp_path)
    assert found["status"] == "running"
    assert "elsewhere" in found["status_reason"]


def test_a_newborn_folder_is_starting(tmp_path):
    """Between the folder and its lock there are microseconds in which a reader may look."""
    found = status_of(tmp_path)
    assert (found["status"], found["status_reason"], found["final"]) == ("running", "starting", False)


def test_asking_writes_nothing(tmp_path):
    """A reader leaves the folder as it was."""
    folder.write_summary(tmp_path, summary())
    before = sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir())
    status_of(tmp_path)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in tmp_path.iterdir()) == before


def test_the_journal_s_end_is_a_verdict(tmp_path):
    """Where only the summary could not be written, the run has ended as its journal says, and has not crashed."""
    folder.Lock(tmp_path).close()
    folder.write_summary(tmp_path, summary())
    end = {"kind": "end", "time": "2025-08-18T14:30:22.000000Z", "status": "success", "status_reason": None}
    owed = {"kind": "fail", "reason": "end"}
    lines = [to_json({"kind": "start"}), to_json(end), to_json(owed), b'{"kind":"end","status":']
    (tmp_path / "journal.jsonl").write_bytes(b"\n".join(lines))
    found = status_of(tmp_path)
    assert (found["status"], found["status_reason"], found["final"]) == ("success", None, False)


def started(tmp_path, *records, **begun):
    """A journal that begins here and now."""
    now = format_timestamp(time.time_ns())
    begin = {"kind": "start", "time": now, "host": socket.gethostname(), "pid": os.getpid(), **begun}
    lines = [to_json(begin), *(to_json({"time": now, **record}) for record in records)]
    (tmp_path / "journal.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    folder.write_summary(tmp_path, summary())


def test_a_run_that_missed_its_promise_is_stalled(tmp_path):
    """Its last tick says so; the lock says that it lives."""
    stalled = {"since": "2025-08-18T14:30:22.000000Z", "promise_seconds": 60.0, "learnt": False}
    started(tmp_path, {"kind": "tick", "time": stalled["since"], "seconds": 100.0, "stalled": stalled})
    with_lock = folder.Lock(tmp_path)
    found = status_of(tmp_path)
    assert (found["status"], found["final"]) == ("stalled", False)
    assert "promised every 60 s" in found["status_reason"]
    with_lock.close()


def test_a_promise_that_not_even_a_tick_keeps_is_missed(tmp_path):
    """The process lives and is silent for longer than it promised."""
    early = format_timestamp(time.time_ns() - 100 * 10**9)
    started(tmp_path, time=early, promise_seconds=60.0)
    with_lock = folder.Lock(tmp_path)
    assert status_of(tmp_path)["status"] == "stalled"
    with_lock.close()


SHARED = {"lock_trusted": False, "lock_held": True}


@pytest.mark.parametrize(
    ("seconds", "host", "laid", "status"),
    [
        (5, "elsewhere", SHARED, "running"),
        (SILENT_SECONDS + 5, "elsewhere", SHARED, "lost_contact"),
        (SILENT_SECONDS + 5, "elsewhere", {"lock_trusted": True, "lock_held": True}, "running"),
        (SILENT_SECONDS + 5, None, SHARED, "crashed"),
        (5, None, {"lock_trusted": False, "lock_held": False}, "running"),
        (SILENT_SECONDS + 5, None, {"lock_trusted": False, "lock_held": False}, "lost_contact"),
    ],
)
def test_where_locks_say_nothing_ticks_are_the_heartbeat(tmp_path, seconds, host, laid, status):
    """On a shared file system, seen from another host, or where the run itself could not have its lock."""
    folder.Lock(tmp_path).close()
    early = format_timestamp(time.time_ns() - int(seconds) * 10**9)
    started(tmp_path, time=early, host=host or socket.gethostname(), evidence=laid)
    folder.write_summary(tmp_path, summary(host=host))
    found = status_of(tmp_path)
    assert found["status"] == status
    assert found["status_reason"]


def test_a_run_without_a_lock_whose_process_is_gone_has_crashed(tmp_path):
    """On its own host the process can be asked for."""
    child = subprocess.Popen(["true"])
    child.wait()
    folder.Lock(tmp_path).close()
    started(tmp_path, pid=child.pid, evidence={"lock_trusted": False, "lock_held": False})
    assert status_of(tmp_path)["status"] == "crashed"
