"""`navigator-obs logs`: which events it shows, how, and for how long."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.clock import parse_timestamp
from navigator_obs.events.rotation import LogFile
from tests.terminal import on_a_terminal


@pytest.fixture
def logs(recorder, monkeypatch, capfdbinary):
    monkeypatch.chdir(recorder.root)

    def call(*arguments: str) -> tuple[list[str], str]:
        recorder.lines()
        assert main(["logs", *arguments]) == 0
        captured = capfdbinary.readouterr()
        return captured.out.decode().splitlines(), captured.err.decode()

    return call


def simulate(name: str = "baseline") -> str:
    log = obs.get_logger("planwise")
    with obs.start_run(name) as run:
        for year in (2025, 2026, 2027):
            with obs.context(year=year), obs.operation("year_simulation"):
                log.info("year simulated", event_id=f"e-{year}")
        log.warning("attrition above plan", rate=0.21)
    return run.run_id


def test_all_runs_without_a_run_and_one_with_it(logs):
    """Without RUN every event is shown; with one, its own."""
    first, second = simulate(), simulate()
    everything = [json.loads(line) for line in logs("--json")[0]]
    assert [event["run_id"] for event in everything] == [first] * 9 + [second] * 9
    assert {json.loads(line)["run_id"] for line in logs("last", "--json")[0]} == {second}
    assert {json.loads(line)["run_id"] for line in logs(first[:22], "--json")[0]} == {first}


def test_json_lines_are_those_of_the_file(logs, recorder):
    """`--json` passes the lines on byte for byte."""
    simulate()
    assert "\n".join(logs("--json")[0]).encode() == b"\n".join(recorder.lines())


def test_events_are_filtered_by_level_and_fields(logs):
    """Levels are a minimum, fields compare by type, and both together narrow further."""
    simulate()
    assert [json.loads(line)["message"] for line in logs("--level", "warning", "--json")[0]] == ["attrition above plan"]
    found = logs("--where", "operation=year_simulation", "--where", "year>=2026", "--json")[0]
    assert [json.loads(line)["year"] for line in found] == [2026, 2027]
    assert all(isinstance(json.loads(line)["duration_seconds"], float) for line in found)
    assert len(logs("--where", "event_id=e-2026", "--json")[0]) == 1


def test_the_newest_few(logs):
    """`--limit` keeps the newest ones, in the order of time."""
    simulate()
    assert [json.loads(line)["message"] for line in logs("-n", "2", "--json")[0]] == [
        "attrition above plan",
        "Run completed",
    ]


def test_people_get_readable_lines(logs):
    """Without `--json` each event is a line with time, level, message and fields."""
    simulate()
    (line,) = logs("--level", "WARNING")[0]
    assert "WARNING" in line
    assert line.endswith("attrition above plan rate=0.21")
    assert "\x1b" not in line


def test_no_event_is_no_mistake(logs):
    """Where nothing matches, stdout is empty and stderr says so."""
    simulate()
    out, err = logs("--level", "CRITICAL")
    assert out == []
    assert "no such events" in err


def test_torn_lines_are_counted(logs, recorder):
    """What is no event is left out, and said."""
    simulate()
    recorder.lines()
    with (recorder.log_dir / "navigator.log").open("ab") as file:
        file.write(b'{"level":"INFO","mess\n')
    assert "1 line left out" in logs()[1]


def test_what_a_killed_process_had_acknowledged_is_there(recorder):
    """Events that a dead process left staged are put into the log before it is shown."""
    code = """
import os, navigator_obs as obs
obs.configure(console="off")
log = obs.get_logger("doomed")
for number in range(50):
    log.info("acknowledged", number=number)
os.kill(os.getpid(), 9)
"""
    folder = recorder.root / "dead"
    folder.mkdir()
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=False)
    done = subprocess.run(
        [sys.executable, "-m", "navigator_obs", "logs", "--where", "message=acknowledged", "--json"],
        capture_output=True, text=True, cwd=folder, check=True,
    )  # fmt: skip
    assert [json.loads(line)["number"] for line in done.stdout.splitlines()] == list(range(50))


class Follower:
    """`logs --follow` in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, "-m", "navigator_obs", "logs", "--follow", "--json", *arguments]
        # Unbuffered: a line that was read along with another would not be seen by `select`.
        self.process = subprocess.Popen(command, cwd=folder, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def line(self, seconds: float = 300) -> dict:
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        assert ready, "nothing came"
        return json.loads(self.process.stdout.readline())

    def __enter__(self) -> Follower:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def line(number: int) -> bytes:
    return json.dumps({"level": "INFO", "message": "line", "n": number}).encode() + b"\n"


def test_following_shows_new_lines_through_rotation(tmp_path: Path):
    """Each line that a living program writes comes out once, in order, also when the file rotates meanwhile."""
    (tmp_path / "logs").mkdir()
    log = LogFile(tmp_path / "logs" / "navigator.log", max_bytes=1000, backups=40)
    log.append(line(0))
    with Follower(tmp_path) as follower:
        assert follower.line()["n"] == 0
        for number in range(1, 200):
            log.append(line(number))
        assert [follower.line()["n"] for _ in range(1, 200)] == list(range(1, 200))
    log.close()


def test_following_a_run_ends_with_it(recorder):
    """`logs RUN --follow` shows the run to its last event and ends."""
    with obs.start_run("baseline") as run:
        recorder.lines()
        with Follower(recorder.root, run.run_id) as follower:
            assert follower.line()["message"] == "Run started"
            obs.get_logger("planwise").warning("attrition above plan")
            assert follower.line()["message"] == "attrition above plan"
            run.finish()
            recorder.lines()
            assert follower.line()["message"] == "Run completed"
            assert follower.process.wait(300) == 0


def test_a_terminal_is_never_driven_by_content(recorder):
    """On a terminal, escapes and C1 controls inside events are shown, as text and as JSON; the JSON means the same."""
    evil = "clear\x1b[2J\x9b31m\u202e\x7f\rover"
    obs.get_logger("evil").warning(evil, field=evil)
    recorder.lines()
    for arguments in ([], ["--json"]):
        shown = sent(["logs", *arguments], recorder.root).replace("\r\n", "\n")
        for sequence in ("\x1b[2J", "\x9b", "\u202e", "\x7f", "\r"):
            assert sequence not in shown, arguments
        if arguments:
            assert json.loads(shown)["field"] == evil
        assert "clear" in shown


def sent(arguments: list[str], folder: Path, columns: int = 100) -> str:
    """What the command sends to a terminal."""
    return on_a_terminal([sys.executable, "-m", "navigator_obs", *arguments], folder, columns=columns)


def test_a_terminal_is_told_day_and_run(recorder):
    """Where each line has the time of day alone, a heading says which day and run it was."""
    run_id = simulate()
    recorder.lines()
    shown = sent(["logs"], recorder.root)
    (event, *_) = recorder.events()
    day = time.strftime("%a %Y-%m-%d", time.localtime(parse_timestamp(event["timestamp"]) / 1e9))
    assert shown.count(" ──") == 1
    assert f"── {day} · {run_id} ──" in shown
