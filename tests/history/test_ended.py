"""A run that was ended, crashed or hangs says where it stood, and a hang is known as one."""

from __future__ import annotations

from navigator_obs.history.ended import cut_short, endings
from navigator_obs.runs.stalls import write_stacks
from tests.history.test_causes import summary

FRAMES = [{"file": "/srv/plan/rules.py", "line": 7, "function": "settle"}]
SINCE = "2025-01-01T00:00:00.000000Z"


def stacks(directory):
    main = {"thread": "MainThread", "frames": [{"file": "/srv/plan/run.py", "line": 1, "function": "<module>"}]}
    other = {"thread": "Thread-1 (pay)", "frames": FRAMES}
    write_stacks(directory, SINCE, [{**main, "frames": [*main["frames"], *FRAMES]}, other], 0o644)


def categories(*given, **fields):
    return [cause.category for cause in endings(summary(*given, **fields))]


def test_an_error_is_no_ending():
    """What failed by an error or ended well has no such end."""
    assert endings(summary(status="failed", reason="KeyError: 1")) == endings(summary(status="success")) == []


def test_the_signal_says_what_ended_it():
    """A limit on the processor's time is one on time, and an abort is a crash, whoever saw it."""
    for name, category in (
        ("SIGXCPU", "resource/time"),
        ("SIGABRT", "interrupted/crash"),
        ("SIGTERM", "interrupted/scheduler"),
        ("SIGKILL", "interrupted/killed"),
    ):
        assert categories(status="crashed", reason=f"killed: {name} ended the process") == [category]


def test_a_hang_says_where_it_stands(tmp_path):
    """The line of the main thread, and those of the others."""
    stacks(tmp_path)
    [cause] = endings(summary(status="stalled", reason="no progress since …"), tmp_path)
    assert cause.place == "/srv/plan/rules.py:7 in settle"
    assert cause.also == ("Thread-1 (pay) at /srv/plan/rules.py:7 in settle",)


def test_a_thread_without_a_name_is_told_as_another(tmp_path):
    """The interpreter's own timer, which writes the stacks where Python cannot, gives numbers for names."""
    told = ["Timeout (0:00:01)!", "Thread 0x00007f517297b6c0 (most recent call first):"]
    told += ['  File "/srv/plan/rules.py", line 7 in settle', "Thread 0x00007f5172000000 (most recent call first):"]
    told += ['  File "/srv/plan/run.py", line 9 in year', '  File "/srv/plan/run.py", line 1 in <module>']
    (tmp_path / "stacks.log").write_text("\n".join(told))
    [cause] = endings(summary(status="stalled", reason="no word for 9 s"), tmp_path)
    assert (cause.place, cause.also) == (
        "/srv/plan/run.py:9 in year",
        ("another thread at /srv/plan/rules.py:7 in settle",),
    )


def stalled(seconds):
    warning = {"last": {"message": "Run stalled", "since": SINCE}}
    ended = summary(status="terminated", reason="SIGTERM", end_time="2025-01-01T00:01:00.000000Z")
    ended["issues"]["warnings"] = [warning]
    ended["execution_summary"] = {"stalls": 1, "stalled_seconds": seconds}
    return ended


def test_a_signal_that_ended_a_hang_is_not_its_cause(tmp_path):
    """It had not moved since the last stall; where it had gone on, the signal came by itself."""
    stacks(tmp_path)
    hang, signal = endings(stalled(60.0), tmp_path)
    assert (hang.category, hang.place) == ("stalled", "/srv/plan/rules.py:7 in settle")
    assert (signal.category, signal.message) == ("interrupted/scheduler", "SIGTERM")
    assert [cause.category for cause in endings(stalled(5.0))] == ["interrupted/scheduler"]


def usual(seconds):
    return {"run_metadata": {"duration_seconds": 10.0}, "performance_metrics": {"hire": {"max_seconds": seconds}}}


def test_what_lasts_many_times_longer_than_ever_hangs():
    """The operation that was open when it was ended took longer than any whole run before."""
    ended = summary(status="terminated", reason="SIGTERM")
    ended["performance_metrics"] = {"hire": {"status": "cancelled", "duration": 60.0}}
    assert [cause.category for cause in endings(ended, past=[usual(2.0)] * 3)] == ["stalled", "interrupted/scheduler"]
    assert [cause.category for cause in endings(ended, past=[usual(20.0)] * 3)] == ["interrupted/scheduler"]
    assert [cause.category for cause in endings(ended)] == ["interrupted/scheduler"]


def test_what_left_the_same_traces_is_not_told_apart():
    """Of a process that is gone nobody knows whether it was killed; a parent that saw its exit code knows that it ended
    itself.
    """
    [gone] = endings(summary(status="crashed", reason="vanished: its process is gone", status_confidence="certain"))
    assert (gone.category, gone.confidence) == ("interrupted/killed", "possible")
    assert "os._exit leave the same traces" in gone.rule
    [left] = endings(summary(status="crashed", reason="exit: the process ended with exit code 3 and no word"))
    assert (left.category, left.fixed_by) == ("interrupted/exit", "developer")


def test_of_what_was_cut_short_the_innermost_tells_where_it_was():
    """Operations around it were cut short with it; one that only failed was not."""
    stats = {"plan": "cancelled", "plan/year/hiring": "cancelled", "plan/year": "cancelled", "a/b/c/d": "failed"}
    summary = {"performance_metrics": {path: {"status": status} for path, status in stats.items()} | {"odd/e/f/g/h": 7}}
    assert cut_short(summary) == "plan/year/hiring"
    assert cut_short({}) == ""
