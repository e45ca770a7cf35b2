"""`navigator-obs diagnose`: why a run failed, in one screen."""

from __future__ import annotations

import json

import pytest

import navigator_obs as obs
from navigator_obs.cli.diagnose import lines_of
from navigator_obs.cli.main import main
from navigator_obs.history.diagnose import diagnose
from navigator_obs.history.store import History


@pytest.fixture
def failed(recorder):
    for growth in (0.03, 0.3):
        try:
            with (
                obs.start_run("baseline", params={"growth": growth}, years=[2026]),
                obs.context(year=2026),
                obs.operation("year"),
            ):
                if growth > 0.1:
                    for number in range(30):
                        obs.get_logger().error("odd", number=number)
                    raise ValueError("x" * 900)
        except ValueError:
            pass
    return ["--runs-dir", str(recorder.runs_dir), "--log-dir", str(recorder.log_dir)]


def test_it_fits_one_screen(failed, recorder):
    """At most 25 lines of at most 100 columns, whatever the messages are."""
    history = History(recorder.runs_dir)
    lines = lines_of(diagnose(history.get("last"), history))
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("✗ baseline  failed")


def test_a_failure_is_a_finding(failed, capsys):
    """The exit code is 1, and the cause and the change are told."""
    assert main(["diagnose", *failed]) == 1
    told = capsys.readouterr().out
    assert "ValueError: xxx" in told
    assert "config growth: 0.03 → 0.3 (1 of 1 runs with it failed, 0 of 1 without)" in told


def test_a_healthy_run_is_fine(failed, capsys):
    """The exit code is 0."""
    assert main(["diagnose", "last-success", *failed]) == 0
    assert "✓ baseline" in capsys.readouterr().out


def test_json(failed, capsys):
    """All of it as one document."""
    assert main(["diagnose", "--json", *failed]) == 1
    assert json.loads(capsys.readouterr().out)["causes"][0]["type"] == "ValueError"


def test_an_unknown_run_is_the_users_mistake(failed, capsys):
    """One line on stderr, exit code 2."""
    assert main(["diagnose", "nobody", *failed]) == 2
    assert "no run 'nobody'" in capsys.readouterr().err
