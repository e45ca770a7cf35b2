"""`navigator-obs config`: what holds, and why."""

from __future__ import annotations

import json

import pytest

from navigator_obs.cli.main import main
from navigator_obs.config import SETTINGS


@pytest.fixture
def settings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(f"NAVIGATOR_OBS_{name.upper()}", raising=False)

    def call(*arguments: str) -> str:
        assert main(["config", *arguments]) == 0
        return capsys.readouterr().out

    return call


def test_each_setting_is_shown_with_its_source(settings, tmp_path, monkeypatch):
    """Argument, environment, file and default are told apart."""
    (tmp_path / "pyproject.toml").write_text('[tool.navigator_obs]\nlevel = "WARNING"\nlog_backups = 3\n')
    monkeypatch.setenv("NAVIGATOR_OBS_LEVEL", "debug")
    found = {line.split()[0]: line.split()[1:] for line in settings("--log-dir", "elsewhere").splitlines()}
    assert list(found) == list(SETTINGS)
    assert found["log_dir"] == ["elsewhere", "argument"]
    assert found["level"] == ["DEBUG", "environment"]
    assert found["log_backups"] == ["3", str(tmp_path / "pyproject.toml")]
    assert found["file_mode"] == ["0600", "default"]
    assert found["levels"] == ["none", "default"]


def test_programs_read_it_as_json(settings, monkeypatch):
    """With --json it is one object by name, values in JSON's types."""
    monkeypatch.setenv("NAVIGATOR_OBS_LEVELS", "mesa=WARNING,planwise=DEBUG")
    found = json.loads(settings("--json"))
    assert found["levels"] == {"value": {"mesa": "WARNING", "planwise": "DEBUG"}, "source": "environment"}
    assert found["log_max_bytes"] == {"value": 10_000_000, "source": "default"}
    assert found["breakdown"]["value"] == ["year"]


def test_a_wrong_setting_is_one_line(monkeypatch, capsys):
    """What is wrong is named with its value, its source and what would be valid."""
    monkeypatch.setenv("NAVIGATOR_OBS_DURABILITY", "proces")
    assert main(["config"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "durability='proces' (from environment)" in error
    assert "did you mean 'process'?" in error
