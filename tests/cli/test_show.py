"""`navigator-obs show`: a run as people and as programs see it."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

import navigator_obs as obs
from navigator_obs.cli.main import main
from navigator_obs.cli.pretty import print_summary
from navigator_obs.history.store import History
from navigator_obs.outputs.files import Places
from tests.history.summaries import write
from tests.history.test_trends import runs


@pytest.fixture
def show(recorder, monkeypatch, capsys):
    monkeypatch.chdir(recorder.root)

    def call(*arguments: str) -> str:
        assert main(["show", *arguments]) == 0
        return capsys.readouterr().out

    return call


def simulate(fail_in: int | None = None) -> str:
    run = obs.start_run("baseline", params={"seed": 42}, years=range(2025, 2028))
    try:
        with run:
            for year in range(2025, 2028):
                with obs.context(year=year), obs.operation("year_simulation") as op, obs.operation("hiring"):
                    op.add_rows(100)
                    obs.check("payroll", 5, max=10 if year == 2025 else 4)
                    if year == fail_in:
                        simulate_badly()
    except ValueError:
        pass
    return run.run_id


def simulate_badly() -> None:
    try:
        {}["employee 17"]
    except KeyError as error:
        raise ValueError("the workforce\x1b[2J lost an employee") from error


def test_json_is_the_summary(show, recorder):
    """`--json` prints the finished run's summary as it stands in its folder."""
    run_id = simulate()
    assert json.loads(show("--json")) == json.loads((recorder.runs_dir / run_id / "summary.json").read_bytes())


def test_a_failed_run_tells_its_cause_first(show):
    """Status, then the error with its place, year, code and cause; control characters are shown, not sent."""
    run_id = simulate(fail_in=2027)
    lines = show().splitlines()
    assert lines[0].startswith("✗ baseline  failed after")
    assert lines[0].endswith(run_id)
    assert lines[2] == "Errors"
    told = "\n".join(lines[3:8])
    assert r"ValueError: the workforce\x1b[2J lost an employee" in told
    assert "in year_simulation/hiring · year 2027" in told
    assert "test_show.py" in told
    assert "in simulate_badly" in told
    assert "caused by KeyError: 'employee 17'" in told
    assert "2 of 3 years completed" in show()


def test_a_run_is_found_by_name_prefix_and_last_words(show, recorder):
    """All ways to name a run lead to it."""
    good, bad = simulate(), simulate(fail_in=2026)
    for ref, run_id in {"last": bad, "last-success": good, "last-failed": bad, "baseline": bad, good: good}.items():
        assert run_id in show(ref).splitlines()[0]
    assert good in show(str(recorder.runs_dir / good)).splitlines()[0]


def test_a_killed_run_is_told_from_its_journal(recorder, show):
    """Of a run that was killed, what its journal holds is shown, with what was open and the reason that is known."""
    code = """
import os, navigator_obs as obs
obs.configure(console="off")
with obs.start_run("doomed", years=[2025, 2026]) as run:
    with obs.context(year=2025), obs.operation("year_simulation"):
        obs.get_logger("planwise").warning("attrition above plan")
    with obs.context(year=2026), obs.operation("year_simulation"):
        run.summary
        os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], cwd=recorder.root, check=False)
    summary = json.loads(show("--json"))
    assert summary["run_metadata"]["status"] == "crashed"
    assert summary["execution_summary"]["warnings"] == 1
    assert summary["execution_summary"]["years_completed"] == [2025]
    assert [found["path"] for found in summary["resources"]["open_operations"]] == ["year_simulation"]
    shown = show()
    assert "crashed after" in shown
    assert "vanished" in shown
    assert "Open when it was last seen" in shown


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_terminal_of_any_width_gets_what_fits(recorder, width: int):
    """No line is wider than the terminal, and nothing that matters is cut off."""
    simulate(fail_in=2027)
    entry = History(recorder.runs_dir).get("last")
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=True, color_system=None, legacy_windows=False)
    print_summary(entry.summary, places=Places(Path("artifacts/runs/x"), Path("logs/navigator.log")), console=console)
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= min(width, 120)
    shown = stream.getvalue()
    assert "\x1b[2J" not in shown
    for needed in ("failed", "year 2027", "caused by KeyError", "Years", "payroll", "hiring", "navigator-obs logs"):
        assert needed in shown


def test_what_is_copied_from_a_terminal_is_the_text_alone(recorder):
    """No frame stands beside an error, and a path in it is in one piece."""
    path = f"/srv/{'deep/' * 14}ledger.parquet"
    with contextlib.suppress(FileNotFoundError), obs.start_run("baseline"):
        raise FileNotFoundError(path)
    stream = io.StringIO()
    console = Console(file=stream, width=60, force_terminal=True, color_system=None, legacy_windows=False)
    print_summary(History(recorder.runs_dir).get("last").summary, places=Places(), console=console)
    lines = stream.getvalue().splitlines()
    assert next(line for line in lines if path in line).strip() == path
    assert not any(line.startswith(("│", "╭", "╰")) for line in lines)


def test_a_summary_of_a_later_version_is_shown_with_a_word_on_it(recorder, monkeypatch, capsys):
    """Whoever has an older toolkit sees what that knows, and learns that there is more."""
    monkeypatch.chdir(recorder.root)
    run_id = simulate()
    path = recorder.runs_dir / run_id / "summary.json"
    summary = json.loads(path.read_bytes())
    path.write_text(json.dumps({**summary, "schema_version": 99}))
    assert main(["show"]) == 0
    captured = capsys.readouterr()
    assert "schema version 99" in captured.err
    assert run_id in captured.out


def test_a_slow_run_is_told_beside_those_before_it(show, recorder):
    """As the run itself warned at its end; a run that was as fast as before is shown without."""
    history = runs(*[8.0] * 12, *[14.0] * 3)
    write(recorder.runs_dir, history)
    assert "Worse than in the runs before" in show()
    assert "▲  year: " in show()
    assert "Worse" not in show(history[11]["run_metadata"]["run_id"])


def test_digests_are_shown_below(show):
    """The seal's, the latest of each name of the data's, the artifacts'; cut to sixteen digits."""
    with obs.start_run("baseline") as run:
        for year in (2025, 2026):
            run.digest("workforce", [{"id": 1, "pay": year}], year=year)
        Path("census.csv").write_text("id")
        run.add_artifact("census.csv")
    lines = show().partition("Digests")[2].splitlines()
    last = run.summary["digests"][-1]["digest"][:16]
    assert f"workforce   {last}  year 2026 · 2 digests" in " ".join(lines)
    assert f"census.csv  {run.summary['artifacts'][0]['sha256'][:16]}" in " ".join(lines)
    assert any(line.split()[:2] == ["seal", "seal.jsonl"] for line in lines)


def test_the_runs_within_it_are_shown_below(show):
    """Those that did not end well first; the verdict of a batch does not say how its scenarios ended."""
    with obs.start_run("batch"):
        for name, fail in (("low", False), ("high", True)):
            with suppress(ValueError), obs.start_run(name):
                if fail:
                    raise ValueError("no hires")
    told = show("batch").partition("Runs within: 1 failed, 1 success")[2].splitlines()
    words = [line.split() for line in told if line.startswith("  ")]
    assert [line[:2] for line in words[1:3]] == [["✗", "high"], ["✓", "low"]]
    assert " ".join(words[1]).endswith("ValueError: no hires")
    assert "Runs within" not in show("low")
