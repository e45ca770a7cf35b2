"""How a dead run died is judged from what it laid down, and no further than that goes."""

from __future__ import annotations

import os
import signal

import pytest

from navigator_obs.clock import format_timestamp
from navigator_obs.encoding import to_json
from navigator_obs.events.boot import boot_id
from navigator_obs.events.places import is_foreign
from navigator_obs.runs import evidence
from navigator_obs.runs.clues import Clues, Exit, examine
from navigator_obs.runs.files import SIGNALS_NAME
from navigator_obs.runs.postmortem import judge

EARLIER, LATER = "2026-01-01T10:00:00.000000Z", "2026-01-01T10:00:09.000000Z"


def clues(*, group=(0, 0), system=(0, 0), boots=("a", "a"), inodes=(1, 1), free=5000.0, memory=100.0, **more):
    """A run of this boot that was last seen well; each argument makes one thing differ, as (then, now)."""
    then = {"system": system[0], "group": group[0], "inode": inodes[0]}
    now = {"system": system[1], "group": group[1], "inode": inodes[1]}
    start = {
        "evidence": {"boot_id": boots[0], "scheduler": more.pop("scheduler", {}), "oom_kills": then},
        "environment": {"memory_mb": 1000, "memory_limit_mb": None},
    }
    tick = {
        "evidence": {"oom_kills": then, "disk_free_mb": free},
        "resources": {"memory_mb": memory},
        "dropped": more.pop("dropped", {}),
    }
    host = {"boot_id": boots[1], "oom_kills": now, "disk_free_mb": more.pop("free_now", 5000.0)}
    return Clues(start=start, tick=tick, last_time=EARLIER, **{"host": host, **more})


CASES = [
    ({}, "crashed", "vanished", "certain"),
    ({"host": None}, "crashed", "vanished", "likely"),
    ({"fault": "Segmentation fault"}, "crashed", "segfault", "certain"),
    ({"fault": "Bus error"}, "crashed", "bus_error", "certain"),
    ({"group": (3, 4)}, "crashed", "oom", "likely"),
    ({"group": (3, 4), "inodes": (1, 2)}, "crashed", "vanished", "certain"),
    ({"system": (3, 4), "memory": 950.0}, "crashed", "oom", "likely"),
    ({"system": (3, 4), "memory": 100.0}, "crashed", "oom", "possible"),
    ({"system": (3, 4), "boots": ("a", "b")}, "crashed", "reboot", "likely"),
    ({"boots": (None, "b")}, "crashed", "vanished", "certain"),
    ({"dropped": {"disk_full": 3}}, "crashed", "disk_full", "possible"),
    ({"free": 0.0}, "crashed", "disk_full", "possible"),
    ({"free_now": 0.2}, "crashed", "disk_full", "possible"),
    ({"signal": ("SIGTERM", EARLIER)}, "terminated", "SIGTERM", "likely"),
    ({"signal": ("SIGINT", EARLIER)}, "interrupted", "SIGINT", "likely"),
    ({"signal": ("SIGTERM", EARLIER), "went_on": True}, "crashed", "vanished", "certain"),
    ({"scheduler": {"SLURM_JOB_END_TIME": "1767261630"}}, "terminated", "time_limit", "likely"),
    ({"scheduler": {"SLURM_JOB_END_TIME": "1767269999"}}, "crashed", "vanished", "certain"),
    ({"exit": Exit(signal="SIGKILL")}, "crashed", "killed", "certain"),
    ({"exit": Exit(signal="SIGKILL"), "group": (0, 1)}, "crashed", "oom", "certain"),
    ({"exit": Exit(signal="SIGKILL"), "signal": ("SIGTERM", EARLIER)}, "terminated", "SIGTERM", "likely"),
    ({"exit": Exit(signal="SIGSEGV")}, "crashed", "segfault", "certain"),
    ({"exit": Exit(signal="SIGTERM")}, "terminated", "SIGTERM", "certain"),
    ({"exit": Exit(exit_code=9)}, "crashed", "exit", "certain"),
]


@pytest.mark.parametrize(("differs", "status", "word", "confidence"), CASES)
def test_the_evidence_decides(differs, status, word, confidence):
    """Each piece of evidence leads to its status and reason, with the confidence that it deserves."""
    found = judge(clues(**differs))
    assert (found.status, found.reason.split(":")[0].split()[0], found.confidence) == (status, word, confidence)
    assert found.evidence


def test_an_exit_code_is_kept():
    """The parent saw it, and nobody else."""
    assert judge(clues(exit=Exit(exit_code=9))).exit_code == 9


def journal(folder, *records):
    (folder / "journal.jsonl").write_bytes(b"".join(to_json(record) + b"\n" for record in records))


START = {"kind": "start", "time": EARLIER}


def test_the_journal_s_last_tick_and_signal_are_found(tmp_path):
    """Of many ticks the last counts; a worker's says nothing of the run's own process; a torn end is passed over."""
    journal(
        tmp_path, START, {"kind": "tick", "time": EARLIER, "seconds": 1}, {"kind": "tick", "time": LATER, "seconds": 2},
        {"kind": "tick", "time": LATER, "worker": "w", "seconds": 3},
        {"kind": "signal", "time": LATER, "signal": "SIGHUP"},
    )  # fmt: skip
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"kind":"tick","seconds":')
    found = examine(tmp_path)
    assert (found.tick["seconds"], found.signal, found.last_time, found.went_on) == (2, ("SIGHUP", LATER), LATER, False)


@pytest.mark.parametrize(
    ("kind", "more", "went_on"),
    [
        ("checkpoint", {}, True),
        ("operation", {"record": {"status": "success"}}, True),
        ("operation", {"record": {"status": "failed"}}, False),
        ("tick", {}, False),
    ],
)
def test_work_after_a_signal_means_that_the_program_went_on(tmp_path, kind, more, went_on):
    """A tick is no work, nor is an operation that the signal itself has cut off."""
    journal(
        tmp_path, START, {"kind": "signal", "time": EARLIER, "signal": "SIGTERM"}, {"kind": kind, "time": LATER, **more}
    )
    assert examine(tmp_path).went_on is went_on


def test_a_signal_that_only_the_interpreter_heard_counts(tmp_path):
    """Its number stands in `.signals`; those that ask nobody to end are left out."""
    journal(tmp_path, START)
    (tmp_path / SIGNALS_NAME).write_bytes(bytes([signal.SIGCHLD, signal.SIGTERM, signal.SIGALRM]) + bytes(90))
    assert examine(tmp_path).signal[0] == "SIGTERM"


@pytest.mark.parametrize(("seconds", "went_on"), [(0.004, False), (0.5, True)])
def test_what_was_done_just_before_such_a_signal_is_no_going_on(tmp_path, seconds, went_on):
    """The time of a file is that of the kernel's last tick, up to 10 ms before the signal came."""
    path = tmp_path / SIGNALS_NAME
    path.write_bytes(bytes([signal.SIGTERM]))
    done = format_timestamp(path.stat().st_mtime_ns + int(seconds * 1e9))
    journal(tmp_path, START, {"kind": "checkpoint", "time": done})
    assert examine(tmp_path).went_on is went_on


def test_a_folder_without_anything_is_examined_all_the_same(tmp_path):
    """Nothing raises, and the verdict is that nothing is known."""
    assert judge(examine(tmp_path)).reason.startswith("vanished")


def test_the_scheduler_s_job_is_laid_down(tmp_path, monkeypatch):
    """With the boot, the counters of kills and where the log is."""
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    laid = evidence.at_start(tmp_path, tmp_path / "logs" / "navigator.log")
    assert laid["scheduler"]["SLURM_JOB_ID"] == "4711"
    assert laid["boot_id"] == boot_id()
    assert set(laid["oom_kills"]) == {"system", "group", "inode"}
    assert laid["lock_trusted"] is not is_foreign(laid["file_system"])


def test_a_burst_of_signals_stays_bounded(tmp_path):
    """The file begins again at its front where it is half full."""
    log = evidence.SignalLog(tmp_path)
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        for _ in range(5000):
            os.kill(os.getpid(), signal.SIGUSR1)
            log.trim()
        assert log.path.stat().st_size == 4096
    finally:
        signal.signal(signal.SIGUSR1, before)
        log.close()
    assert not log.path.exists()
    assert signal.set_wakeup_fd(-1) == -1
